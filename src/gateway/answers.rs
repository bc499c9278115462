//! What another process asks for becomes an ordinary call, by the one way in, under the rights of
//! the caller that it is.

use std::sync::{Mutex, PoisonError};

use super::json;
use super::refusal::Refusal;
use super::wire::Request;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::access;
use crate::service::caller::Caller;
use crate::service::dispatch::{self, Call};
use crate::service::failure::Failure;
use crate::service::operation::{Effect, Entry};
use crate::service::operations;
use crate::service::rules::arn;
use crate::service::rules::paging::PageBoundaries;
use crate::sys::clock::Clock;
use crate::sys::entropy::Entropy;
use crate::vault::transaction::RequestContext;
use crate::vault::{Origin, Vault};

/// Where the time and randomness come from, and who asks.
#[derive(Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    pub(crate) clock: &'a (dyn Clock + Sync),
    pub(crate) entropy: &'a (dyn Entropy + Sync),
    pub(crate) origin: &'a Origin,
}

impl<'a> Circumstances<'a> {
    pub(crate) fn context(&self) -> RequestContext<'a> {
        let now = Timestamp(self.clock.now_ms());
        RequestContext { now, entropy: self.entropy, origin: self.origin }
    }
}

/// Which region a request is about.
#[derive(Clone, Copy)]
pub(crate) enum Region<'a> {
    /// That of its ARN, or else this one: a secret that a step may read can be in any.
    OfArnOr(&'a str),
    /// The one that was asked for; `None` is the vault's home.
    Asked(Option<&'a str>),
}

pub(crate) struct Answers<'a, 'v> {
    /// The vault, for one short transaction at a time.
    pub(crate) vault: &'a Mutex<&'v mut Vault>,
    pub(crate) region: Region<'a>,
    /// When and who.
    pub(crate) circumstances: Circumstances<'a>,
    /// The message for an unknown operation.
    pub(crate) unknown: &'static str,
}

impl Answers<'_, '_> {
    pub(crate) fn answer(&self, caller: &Caller, request: &Request) -> Result<Value, Refusal> {
        let entry = operations::ALL.iter().find(|entry| entry.name == request.operation);
        let entry = entry.ok_or_else(|| Refusal::denied(self.unknown))?;
        let parameters =
            json::from_json(entry.input, &request.parameters).map_err(Refusal::invalid)?;
        self.call(caller, entry, parameters).map_err(Refusal::from)
    }

    /// Makes a call under the caller's rights.
    pub(crate) fn call(
        &self,
        caller: &Caller,
        entry: &'static Entry,
        request: Value,
    ) -> Result<Value, Failure> {
        dispatch::admit(entry, &request)?;
        self.run(caller, entry, request, None)
    }

    /// Makes a call that was admitted.
    pub(crate) fn run(
        &self,
        caller: &Caller,
        entry: &'static Entry,
        request: Value,
        boundaries: Option<&PageBoundaries>,
    ) -> Result<Value, Failure> {
        // What is refused goes the long way, into the log.
        if entry.effect == Effect::Nothing && access::allows_without_vault(caller, entry.action) {
            return dispatch::answer(entry, request, self.circumstances.entropy);
        }
        let region = match self.region {
            Region::OfArnOr(home) => Some(region_of(&request).unwrap_or(home).to_owned()),
            Region::Asked(asked) => asked.map(str::to_owned),
        };
        let call = Call { entry, request, region: region.as_deref(), caller, boundaries };
        let mut vault = self.vault.lock().unwrap_or_else(PoisonError::into_inner);
        dispatch::dispatch(&mut vault, call, self.circumstances.context())
    }
}

/// Returns the region in a request's ARN.
fn region_of(request: &Value) -> Option<&str> {
    let Some(Value::Text(id)) = request.get("SecretId") else { return None };
    arn::region_of(id)
}
