//! What another process asks for becomes an ordinary call, by the one way in, under the rights of
//! the caller that it is.

use std::sync::{Mutex, PoisonError};

use super::server::refuse;
use super::wire::{self, Refusal, Request};
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::access;
use crate::service::caller::Caller;
use crate::service::dispatch::{self, Call};
use crate::service::failure::Failure;
use crate::service::operation::{Effect, Entry};
use crate::service::operations;
use crate::service::rules::arn;
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

/// Answers callers out of a vault.
pub(super) struct Answers<'a, 'v> {
    /// The vault, for one short transaction at a time.
    pub(super) vault: &'a Mutex<&'v mut Vault>,
    /// The region of what is named without one.
    pub(super) region: &'a str,
    /// When and who.
    pub(super) circumstances: Circumstances<'a>,
    /// What is said of an operation that there is not.
    pub(super) unknown: &'static str,
}

impl Answers<'_, '_> {
    /// Answers a caller's request.
    pub(super) fn answer(&self, caller: &Caller, request: &Request) -> Result<Value, Refusal> {
        let entry = operations::ALL.iter().find(|entry| entry.name == request.operation);
        let entry = entry.ok_or_else(|| refuse(self.unknown))?;
        let parameters = wire::from_json(entry.input, &request.parameters)
            .map_err(|what| Refusal { code: "ValidationException".to_owned(), message: what })?;
        self.call(caller, entry, parameters).map_err(refusal)
    }

    /// Makes a call under the caller's rights.
    pub(super) fn call(
        &self,
        caller: &Caller,
        entry: &'static Entry,
        request: Value,
    ) -> Result<Value, Failure> {
        dispatch::admit(entry, &request)?;
        // What is refused goes the long way, into the log.
        if entry.effect == Effect::Nothing && access::allows_without_vault(caller, entry.action) {
            return dispatch::answer(entry, request, self.circumstances.entropy);
        }
        let region = region_of(&request).unwrap_or(self.region).to_owned();
        let call = Call { entry, request, region: Some(&region), caller, boundaries: None };
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
