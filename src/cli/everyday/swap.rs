//! A new value for a secret that nobody else has changed meanwhile, by AWS's own operations: of two who
//! change one version, one is told.

use super::client::{Client, text};
use crate::cli::failure::Failure;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::fault::Code;
use crate::service::rules::stages::{CURRENT, NEXT};
use crate::sys::secret::Secret;

/// How often others may be quicker.
pub(crate) const ATTEMPTS: u32 = 20;

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
    let new = stored_as(client, secret, value, NEXT)?;
    let moved = client.call(
        Action::UpdateSecretVersionStage,
        vec![
            text("SecretId", secret),
            text("VersionStage", CURRENT),
            text("RemoveFromVersionId", version),
            text("MoveToVersionId", &new),
        ],
    );
    let is_current = match moved {
        Ok(_) => true,
        Err(Failure::Service { fault, .. }) if fault.code == Code::InvalidParameter => false,
        // What was stored keeps its label: it is found by that.
        Err(failure) => return Err(failure),
    };
    if let (false, Loser::Kept(label)) = (is_current, loser) {
        stored_as(client, secret, value, label)?;
    }
    // Another's may have it by now. A label that is left does no harm, and goes to the next one.
    let _left = client.call(
        Action::UpdateSecretVersionStage,
        vec![
            text("SecretId", secret),
            text("VersionStage", NEXT),
            text("RemoveFromVersionId", &new),
        ],
    );
    Ok(is_current)
}

/// Stores a value under a label. Returns the id of its version.
fn stored_as(
    client: &mut Client<'_>,
    secret: &str,
    value: &Secret<String>,
    label: &str,
) -> Result<String, Failure> {
    let stages = Value::List(vec![Value::Text(label.to_owned())]);
    let value = Value::Text(value.expose().clone());
    let members =
        vec![text("SecretId", secret), ("SecretString", value), ("VersionStages", stages)];
    match client.call(Action::PutSecretValue, members)?.get("VersionId") {
        Some(Value::Text(new)) => Ok(new.clone()),
        Some(_) | None => Err(Failure::environment("InternalError", "the new version has no id")),
    }
}

/// Says that others were quicker each time.
pub(crate) fn always_changed(secret: &str) -> Failure {
    let message = format!("{secret} is changed by others all the time");
    Failure::environment("AlwaysChanged", message).hinted("try again")
}
