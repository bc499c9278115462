//! A service to put operations on: a vault in memory, a stopped clock, and requests and
//! responses as JSON in AWS's member names.
//!
//! A call goes the way of every call: constraints, then dispatch. What the command line does before
//! that (its own checks, made-up tokens) is not done here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::caller::Caller;
use super::context::Context;
use super::dispatch::{self, Call};
use super::failure::Failure;
use super::operation::{Effect, Entry};
use super::operations;
use super::rules::stages::PENDING;
use crate::model::shape::Shape;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::store::Store;
use crate::sys::clock::{Clock, FixedClock};
use crate::sys::entropy::CountingEntropy;
use crate::vault::audit::Event;
use crate::vault::record::{Record, Version};
use crate::vault::state::Settings;
use crate::vault::transaction::{Access, RequestContext, Transaction};
use crate::vault::{Origin, Vault};

/// When a service's clock starts: 2023-11-14T22:13:20.123Z.
pub(super) const START: Timestamp = Timestamp(1_700_000_000_123);

/// What ARNs on a service begin with; the name and the suffix follow.
pub(super) const ARN: &str = "arn:aws:secretsmanager:local-1:000000000000:secret:";

/// A vault in memory with its own time and randomness. Its account is `000000000000`, its home
/// region `local-1`.
pub(crate) struct ServiceFixture {
    vault: Vault,
    clock: FixedClock,
    entropy: CountingEntropy,
    origin: Origin,
}

/// What there is besides the audit log: every record as it is stored, and the counts of values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    records: Vec<Vec<u8>>,
    secrets: u64,
    values: u64,
    value_bytes: u64,
}

impl ServiceFixture {
    pub(crate) fn new() -> Self {
        Self::in_store(Store::in_memory())
    }

    /// An empty vault in a container of the caller's.
    pub(crate) fn in_store(store: Store) -> Self {
        let clock = FixedClock::at(START.0);
        let entropy = CountingEntropy::default();
        let origin = Origin { via: "direct".to_owned(), ..Origin::default() };
        let now = Timestamp(clock.now_ms());
        let context = RequestContext { now, entropy: &entropy, origin: &origin };
        let vault = Vault::testing_in(store, context);
        Self { vault, clock, entropy, origin }
    }

    /// Calls an operation by AWS's name in the vault's home region. Answers with the response as
    /// compact JSON, times in milliseconds since 1970; or with the error's code and message.
    pub(crate) fn call(
        &mut self,
        operation: &str,
        request: &str,
    ) -> Result<String, (String, String)> {
        self.call_in(None, operation, request)
    }

    pub(crate) fn call_in(
        &mut self,
        region: Option<&str>,
        operation: &str,
        request: &str,
    ) -> Result<String, (String, String)> {
        let entry = entry(operation);
        let request = from_json(entry.input, &parsed(request));
        let response = self.respond(entry, region, request);
        response.map(|value| to_json(&value).to_string()).map_err(told)
    }

    /// Calls an operation that reads as in a vault that logs no reads, or that cannot be written.
    pub(crate) fn call_silently(&mut self, operation: &str, request: &str) -> Json {
        let entry = entry(operation);
        let request = from_json(entry.input, &serde_json::from_str(request).unwrap());
        let context =
            RequestContext { now: self.now(), entropy: &self.entropy, origin: &self.origin };
        let mut transaction = self.vault.begin(Access::Read, context).unwrap();
        let response = (entry.run)(&mut Context::new(&mut transaction, None, "local-1"), request);
        to_json(&response.unwrap_or_else(|failure| panic!("{failure:?}")))
    }

    pub(crate) fn advance(&mut self, ms: i64) {
        self.clock.advance(ms);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.clock.now_ms())
    }

    /// Looks at the vault directly.
    pub(crate) fn look<T>(&mut self, look: impl FnOnce(&Transaction<'_>) -> T) -> T {
        let context =
            RequestContext { now: self.now(), entropy: &self.entropy, origin: &self.origin };
        look(&self.vault.begin(Access::Read, context).unwrap())
    }

    /// Changes the vault directly, as no operation would.
    pub(crate) fn meddle(&mut self, change: impl FnOnce(&mut Transaction<'_>)) {
        let context =
            RequestContext { now: self.now(), entropy: &self.entropy, origin: &self.origin };
        let mut transaction = self.vault.begin(Access::Write, context).unwrap();
        change(&mut transaction);
        transaction.commit().unwrap();
    }

    /// Hands out the vault and the time, outside of a call.
    pub(crate) fn with<T>(&mut self, act: impl FnOnce(&mut Vault, RequestContext<'_>) -> T) -> T {
        let context =
            RequestContext { now: self.now(), entropy: &self.entropy, origin: &self.origin };
        act(&mut self.vault, context)
    }

    /// Calls an operation as the program of a rotation does.
    pub(crate) fn call_as(
        &mut self,
        caller: &Caller,
        operation: &str,
        request: &str,
    ) -> Result<Json, (String, String)> {
        let entry = entry(operation);
        let request = from_json(entry.input, &parsed(request));
        let response = self.with(|vault, context| {
            dispatch::admit(entry, &request)?;
            dispatch::dispatch(
                vault,
                Call { entry, request, region: None, caller, boundaries: None },
                context,
            )
        });
        response.map(|value| to_json(&value)).map_err(told)
    }

    /// Gives a secret of the home region the empty version that a rotation begins with.
    pub(crate) fn begin_rotation(&mut self, name: &str, version: &str) {
        let now = self.now();
        self.meddle(|transaction| {
            let namespace = transaction.namespace("local-1");
            let mut record = transaction.find(&namespace, name).unwrap().unwrap();
            let mut version = Version::new(version.to_owned(), None, now);
            version.stages.push(PENDING.to_owned());
            record.versions.push(version);
            transaction.update(&mut record).unwrap();
        });
    }

    /// Leaves no space for anything more.
    pub(crate) fn fill_up(&mut self) {
        self.vault.store_mut().tamper("PRAGMA max_page_count = 1");
    }

    /// Whether a read went unlogged for lack of space.
    pub(crate) fn is_full(&self) -> bool {
        self.vault.unlogged() == Some(crate::vault::Unlogged::Full)
    }

    /// Leaves reads out of the audit log from now on.
    pub(crate) fn silence_reads(&mut self) {
        self.meddle(|transaction| transaction.set(Settings::AUDIT_READS, "off"));
        // As if it were unlocked after that.
        self.look(|_| ());
    }

    /// Returns the audit log, oldest entry first.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        self.look(|transaction| {
            let visited = transaction.events(|_seq, event| {
                events.push(event);
                Ok(())
            });
            visited.unwrap();
        });
        events
    }

    /// Returns a secret of the home region that is not gone.
    pub(crate) fn record(&mut self, name: &str) -> Option<Record> {
        self.look(|transaction| transaction.find(&transaction.namespace("local-1"), name).unwrap())
    }

    /// Returns what there is, to see whether a call changed anything.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        self.look(|transaction| {
            let mut records = Vec::new();
            let visited = transaction.each(|record| {
                records.push(record.encode());
                Ok(())
            });
            visited.unwrap();
            let state = transaction.state();
            let (secrets, values, value_bytes) = (state.secrets, state.values, state.value_bytes);
            Snapshot { records, secrets, values, value_bytes }
        })
    }

    /// Verifies everything: slots, tree, records, values, audit log and counts.
    pub(crate) fn require_sound(&mut self) {
        let findings = self.look(|transaction| transaction.check(&mut |_progress| {}).unwrap());
        assert_eq!(findings, []);
    }

    fn respond(
        &mut self,
        entry: &'static Entry,
        region: Option<&str>,
        request: Value,
    ) -> Result<Value, Failure> {
        dispatch::admit(entry, &request)?;
        if entry.effect == Effect::Nothing {
            return dispatch::answer(entry, request, &self.entropy);
        }
        let context =
            RequestContext { now: self.now(), entropy: &self.entropy, origin: &self.origin };
        dispatch::dispatch(
            &mut self.vault,
            Call { entry, request, region, caller: &Caller::Owner, boundaries: None },
            context,
        )
    }
}

/// Finds an operation by AWS's name.
pub(super) fn entry(operation: &str) -> &'static Entry {
    let found = operations::ALL.iter().find(|entry| entry.name == operation);
    found.unwrap_or_else(|| panic!("no operation {operation}"))
}

/// Returns the code and message of a failure.
pub(super) fn told(failure: Failure) -> (String, String) {
    match failure {
        Failure::Fault(fault) => (fault.code.as_str().to_owned(), fault.message),
        Failure::Vault(error) => ("Vault".to_owned(), error.to_string()),
    }
}

fn parsed(json: &str) -> Json {
    serde_json::from_str(json).unwrap()
}

/// Reads JSON as a value of a shape: what the shape has for bytes is base64.
pub(super) fn from_json(shape: &Shape, json: &Json) -> Value {
    let nothing = &Shape::Boolean;
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Boolean(*flag),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap()), Value::Integer)
        }
        Json::String(text) => match shape {
            Shape::Blob(_) => Value::Bytes(STANDARD.decode(text).unwrap()),
            Shape::Structure(_)
            | Shape::List(_)
            | Shape::Map(_)
            | Shape::Text(_)
            | Shape::Integer(_)
            | Shape::Boolean
            | Shape::Timestamp => Value::Text(text.clone()),
        },
        Json::Array(elements) => {
            let element = if let Shape::List(list) = shape { list.element } else { nothing };
            Value::List(elements.iter().map(|json| from_json(element, json)).collect())
        }
        Json::Object(members) => {
            let declared = shape.members();
            let member = |(name, json): (&String, &Json)| {
                let found = declared.iter().find(|member| member.name == name);
                let shape = found.map_or(nothing, |member| member.shape);
                (name.clone(), from_json(shape, json))
            };
            Value::Map(members.iter().map(member).collect())
        }
    }
}

pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(flag) => (*flag).into(),
        Value::Integer(number) | Value::Timestamp(Timestamp(number)) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::List(elements) => elements.iter().map(to_json).collect(),
        Value::Map(members) => {
            members.iter().map(|(name, value)| (name.clone(), to_json(value))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_responses_are_json() {
        let mut service = ServiceFixture::new();
        let token = "v".repeat(32);
        let request =
            format!(r#"{{"Name":"db","ClientRequestToken":"{token}","SecretBinary":"AP8="}}"#);
        service.call("CreateSecret", &request).unwrap();
        service.advance(1_000);
        let response = service.call("GetSecretValue", r#"{"SecretId":"db"}"#).unwrap();
        let suffix = service.record("db").unwrap().arn_suffix;
        assert_eq!(
            response,
            format!(
                r#"{{"ARN":"{ARN}db-{suffix}","Name":"db","VersionId":"{token}","SecretBinary":"AP8=","VersionStages":["AWSCURRENT"],"CreatedDate":1700000000123}}"#
            )
        );
        let refusal = service.call("GetSecretValue", r#"{"SecretId":"x"}"#).unwrap_err();
        let message = "Secrets Manager can't find the specified secret.";
        assert_eq!(refusal, ("ResourceNotFoundException".to_owned(), message.to_owned()));
    }
}
