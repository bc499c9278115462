//! Rotation's door to the gateway: whom it lets in, in which words it refuses, and what it stores for
//! a program that asks for nothing itself.

use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::time::Duration;

use crate::crypto::fingerprint;
use crate::gateway::answers::{Answers, Circumstances, Region};
use crate::gateway::frames::Framing;
use crate::gateway::refusal::Refusal;
use crate::gateway::server::{Door, Rules};
use crate::gateway::wire;
use crate::model::secret_value::SecretValue;
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::failure::Failure;
use crate::service::operation::Operation;
use crate::service::operations::put_secret_value::PutSecretValue;
use crate::service::rotation::Job;
use crate::service::rules::stages::PENDING;
use crate::sys::process::Actor;
use crate::sys::secret::Secret;
use crate::vault::Vault;

/// Returns what answers the program of one step.
pub(super) fn answers<'a, 'v>(
    vault: &'a Mutex<&'v mut Vault>,
    job: &'a Job,
    circumstances: Circumstances<'a>,
) -> Answers<'a, 'v> {
    let region = Region::OfArnOr(&job.region);
    Answers { vault, region, circumstances, unknown: NOT_AVAILABLE }
}

/// The door to the socket of one step: whoever has its token calls under its rights.
pub(super) struct StepDoor<'a, 'v> {
    pub(super) token: &'a str,
    pub(super) caller: &'a Caller,
    pub(super) answers: Answers<'a, 'v>,
}

impl StepDoor<'_, '_> {
    fn response(&self, message: &[u8]) -> Result<Value, Refusal> {
        let request = wire::request(message).map_err(|what| Refusal::denied(&what))?;
        if !fingerprint::is_same(&request.token, self.token) {
            return Err(Refusal::denied(OVER));
        }
        self.answers.answer(self.caller, &request)
    }
}

impl Door for StepDoor<'_, '_> {
    fn answer(
        &self,
        _: &Actor,
        _: &UnixStream,
        message: Secret<Vec<u8>>,
    ) -> Option<Secret<Vec<u8>>> {
        Some(Secret::new(wire::answer(&self.response(message.expose()))))
    }

    /// The program gets no answer, and its step fails.
    fn panicked(&self) {}
}

/// What is heard of the program of a step.
pub(super) const RULES: Rules = Rules {
    framing: Framing::Line,
    at_once: 8,
    longest: 1 << 20,
    patience: Duration::from_secs(10),
    grace: Duration::from_secs(1),
    is_for_one: true,
};

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
