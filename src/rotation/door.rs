//! Rotation's door to the gateway: whom it lets in, in which words it refuses, and what it stores for
//! a program that asks for nothing itself.

use std::sync::Mutex;

use crate::gateway::answers::{Answers, Circumstances};
use crate::model::secret_value::SecretValue;
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::failure::Failure;
use crate::service::operation::Operation;
use crate::service::operations::put_secret_value::PutSecretValue;
use crate::service::rotation::Job;
use crate::service::rules::stages::PENDING;
use crate::vault::Vault;

/// Returns what answers the program of one step.
pub(super) fn answers<'a, 'v>(
    vault: &'a Mutex<&'v mut Vault>,
    job: &'a Job,
    circumstances: Circumstances<'a>,
) -> Answers<'a, 'v> {
    Answers { vault, region: &job.region, circumstances, unknown: NOT_AVAILABLE }
}

/// Stores the value of the version that a job makes, as if the caller had asked for that.
pub(super) fn put(
    answers: &Answers<'_, '_>,
    caller: &Caller,
    job: &Job,
    value: SecretValue,
) -> Result<(), Failure> {
    let text = |text: &str| Value::Text(text.to_owned());
    let value = match value {
        SecretValue::Text(text) => ("SecretString", Value::Text(text.expose().clone())),
        SecretValue::Binary(bytes) => ("SecretBinary", Value::Bytes(bytes.expose().clone())),
    };
    let members = [
        ("SecretId", text(&job.arn)),
        ("ClientRequestToken", text(&job.token)),
        value,
        ("VersionStages", Value::List(vec![text(PENDING)])),
    ];
    let request = Value::Map(members.map(|(name, value)| (name.to_owned(), value)).into());
    answers.call(caller, PutSecretValue::ENTRY, request).map(drop)
}

/// What is said of everything that a step may not do at all.
pub(crate) const NOT_AVAILABLE: &str = "not available inside a rotation";
/// What is said to a process that does not belong to the step.
pub(super) const OVER: &str = "this rotation step is over, or the token is not its own";
