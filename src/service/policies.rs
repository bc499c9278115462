//! A secret's resource policies, by their names (docs/behaviour.md, "Policies").
//!
//! `default` is the one that users attach and take off. Others are the service's own: they can be
//! read, and nothing else.

use serde_json::json;

use super::action::Action;
use super::fault::Fault;
use crate::model::types::PolicyName;
use crate::vault::across::CrossPrimary;
use crate::vault::record::Record;

/// The policy that users attach, and what a request without a name is about.
const DEFAULT: &str = "default";

/// The policy that the service attaches to the replica of a primary in another account.
const REPLICATION: &str = "cross-account-replication";

/// Returns the policies of a secret, each its name and text, in the order in which they are listed:
/// `default` first, then the others by name.
pub(super) fn named(record: &Record) -> Vec<(String, String)> {
    let own = record.policy.iter().map(|text| (DEFAULT.to_owned(), text.clone()));
    let replication = record.cross_primary.as_ref().filter(|primary| !primary.is_detached);
    let replication = replication.map(|primary| (REPLICATION.to_owned(), of_replica(primary)));
    own.chain(replication).collect()
}

/// What lets the primary in another account write its replica. AWS's text is not known.
fn of_replica(primary: &CrossPrimary) -> String {
    let actions = [
        Action::DescribeSecret,
        Action::PutSecretValue,
        Action::TagResource,
        Action::UntagResource,
        Action::UpdateSecret,
        Action::UpdateSecretVersionStage,
    ];
    let actions = actions.map(|action| format!("secretsmanager:{}", action.name()));
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "CrossAccountReplication",
            "Effect": "Allow",
            "Principal": { "Service": "secretsmanager.amazonaws.com" },
            "Action": actions,
            "Resource": "*",
            "Condition": { "ArnEquals": { "aws:SourceArn": primary.arn } },
        }],
    })
    .to_string()
}

/// Compares by this to have names in that order.
pub(super) fn place(name: &str) -> (bool, &str) {
    (name != DEFAULT, name)
}

/// Returns the name that a request is about.
pub(super) fn asked(name: Option<PolicyName>) -> String {
    name.map_or_else(|| DEFAULT.to_owned(), |name| name.0)
}

/// Returns the text of the policy of this name; `None` where `default` is not attached.
///
/// # Errors
/// `ResourceNotFoundException` for any other name that the secret has no policy of.
pub(super) fn find(record: &Record, name: &str) -> Result<Option<String>, Fault> {
    let found = named(record).into_iter().find(|(known, _)| known == name);
    match found {
        Some((_, text)) => Ok(Some(text)),
        None if name == DEFAULT => Ok(None),
        None => Err(Fault::not_found(format!("The secret has no resource policy named {name}."))),
    }
}

/// Returns the name of the policy that a request would change.
///
/// # Errors
/// `InvalidParameterException` for another than `default`.
pub(super) fn require_default(name: Option<PolicyName>) -> Result<String, Fault> {
    let name = asked(name);
    if name == DEFAULT {
        return Ok(name);
    }
    Err(Fault::invalid_parameter(format!(
        "You can't change the resource policy {name}. Only the policy named {DEFAULT} can be \
         attached or deleted."
    )))
}
