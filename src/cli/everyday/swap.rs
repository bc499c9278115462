//! A new value for a secret that nobody else has changed meanwhile, by AWS's own operations: of two who
//! change one version, one is told.

use super::client::{Client, text};
use crate::cli::failure::Failure;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::fault::Code;
use crate::sys::secret::Secret;

/// The label of a version that is about to become the current one.
const NEXT: &str = "STRONGROOM-NEXT";

/// What becomes of a value where somebody else was faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loser {
    /// Whoever made it makes it anew.
    Dropped,
    /// It stays under this label: a person wrote it.
    Kept(&'static str),
}

/// Gives a secret a new value, if its current version is still `version`. Returns whether it was: if
/// not, the current version is not changed.
///
/// The new version is stored under a label of its own, and becomes the current one by a move of
/// `AWSCURRENT` that says from which version; the service refuses it where that no longer has the label.
pub(crate) fn replace(
    client: &mut Client<'_>,
    secret: &str,
    version: &str,
    value: &Secret<String>,
    loser: Loser,
) -> Result<bool, Failure> {
    let label = match loser {
        Loser::Dropped => NEXT,
        Loser::Kept(label) => label,
    };
    let stages = Value::List(vec![Value::Text(label.to_owned())]);
    let value = Value::Text(value.expose().clone());
    let members =
        vec![text("SecretId", secret), ("SecretString", value), ("VersionStages", stages)];
    let stored = client.call(Action::PutSecretValue, members)?;
    let Some(Value::Text(new)) = stored.get("VersionId") else {
        return Err(Failure::environment("InternalError", "the new version has no id"));
    };
    let moved = client.call(
        Action::UpdateSecretVersionStage,
        vec![
            text("SecretId", secret),
            text("VersionStage", "AWSCURRENT"),
            text("RemoveFromVersionId", version),
            text("MoveToVersionId", new),
        ],
    );
    if moved.is_ok() || loser == Loser::Dropped {
        // Another's may have it by now. A label that is left does no harm, and goes to the next one.
        let _left = client.call(
            Action::UpdateSecretVersionStage,
            vec![
                text("SecretId", secret),
                text("VersionStage", label),
                text("RemoveFromVersionId", new),
            ],
        );
    }
    match moved {
        Ok(_) => Ok(true),
        Err(Failure::Service { fault, .. }) if fault.code == Code::InvalidParameter => Ok(false),
        Err(failure) => Err(failure),
    }
}
