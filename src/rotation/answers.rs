//! What a rotation's program asks for becomes an ordinary call, by the one way in, under the scope
//! of its step.

use std::sync::{Mutex, PoisonError};

use super::server::refuse;
use super::wire::{self, Refusal, Request};
use crate::model::secret_value::SecretValue;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::context::Failure;
use crate::service::dispatch::{self, Call};
use crate::service::fault::{Code, Fault};
use crate::service::operation::{self, Effect, Entry};
use crate::service::operations;
use crate::service::rotation::Job;
use crate::service::rules::arn;
use crate::service::rules::stages::PENDING;
use crate::service::scope::Caller;
use crate::sys::clock::Clock;
use crate::sys::entropy::Entropy;
use crate::vault::transaction::RequestContext;
use crate::vault::{Origin, Vault};

/// Where the time and randomness come from, and who asks.
#[derive(Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    /// The time.
    pub(crate) clock: &'a (dyn Clock + Sync),
    /// Randomness.
    pub(crate) entropy: &'a (dyn Entropy + Sync),
    /// Who asks.
    pub(crate) origin: &'a Origin,
}

impl<'a> Circumstances<'a> {
    /// Returns the moment a transaction happens at.
    pub(crate) fn context(&self) -> RequestContext<'a> {
        let now = Timestamp(self.clock.now_ms());
        RequestContext { now, entropy: self.entropy, origin: self.origin }
    }
}

/// Answers the program of one step.
pub(super) struct Answers<'a, 'v> {
    /// The vault, for one short transaction at a time.
    pub(super) vault: &'a Mutex<&'v mut Vault>,
    /// What the program may ask for.
    pub(super) caller: &'a Caller,
    /// The region of the secret.
    pub(super) region: &'a str,
    /// When and who.
    pub(super) circumstances: Circumstances<'a>,
}

impl Answers<'_, '_> {
    /// Answers a request whose token is right.
    pub(super) fn answer(&self, request: &Request) -> Result<Value, Refusal> {
        let entry = operations::ALL.iter().find(|entry| entry.name == request.operation);
        let entry = entry.ok_or_else(|| refuse(NOT_AVAILABLE))?;
        let parameters = wire::from_json(entry.input, &request.parameters)
            .map_err(|what| Refusal { code: "ValidationException".to_owned(), message: what })?;
        self.call(entry, parameters).map_err(refusal)
    }

    /// Stores the value of the version that a job makes.
    pub(super) fn put(&self, job: &Job, value: SecretValue) -> Result<(), Failure> {
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
        let entry = operation::find("put-secret-value").ok_or_else(|| {
            Fault::new(Code::InternalService, "there is no operation put-secret-value")
        })?;
        self.call(entry, request).map(drop)
    }

    fn call(&self, entry: &'static Entry, request: Value) -> Result<Value, Failure> {
        dispatch::admit(entry, &request)?;
        // What is refused goes the long way, into the log.
        if entry.effect == Effect::Nothing && self.caller.allows_without_vault(entry.name) {
            return dispatch::answer(entry, request, self.circumstances.entropy);
        }
        let region = region_of(&request).unwrap_or(self.region).to_owned();
        let call =
            Call { entry, request, region: Some(&region), caller: self.caller, boundaries: None };
        let mut vault = self.vault.lock().unwrap_or_else(PoisonError::into_inner);
        dispatch::dispatch(&mut vault, call, self.circumstances.context())
    }
}

/// Returns the region in a request's ARN: a secret that may be read may be in any.
fn region_of(request: &Value) -> Option<&str> {
    let Some(Value::Text(id)) = request.get("SecretId") else { return None };
    arn::region_of(id)
}

fn refusal(failure: Failure) -> Refusal {
    match failure {
        Failure::Fault(fault) => {
            Refusal { code: fault.code.as_str().to_owned(), message: fault.message }
        }
        Failure::Vault(error) => {
            Refusal { code: "InternalServiceError".to_owned(), message: error.to_string() }
        }
    }
}

/// What everything else is.
pub(crate) const NOT_AVAILABLE: &str = "not available inside a rotation";
