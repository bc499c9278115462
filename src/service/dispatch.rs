//! The one way in: a request for an operation becomes a transaction, an audit entry and a response.

use super::constraints;
use super::context::{Context, Failure};
use super::operation::{Entry, Touch};
use super::rules::name;
use crate::model::value::Value;
use crate::sys::entropy::Entropy;
use crate::vault::Vault;
use crate::vault::audit::{Event, Subject};
use crate::vault::transaction::{Access, Occasion};

/// The most secrets past their recovery window that one write erases on the way.
const MOST_ERASED: usize = 16;

/// A request for an operation, and the region it is about; `None` is the vault's home.
pub(crate) struct Call<'a> {
    /// The operation.
    pub(crate) entry: &'static Entry,
    /// The request, which client validation has let through.
    pub(crate) request: Value,
    /// The region asked for.
    pub(crate) region: Option<&'a str>,
}

/// Checks a request against the service's constraints, then the characters of its names, before any
/// vault is opened, or made.
pub(crate) fn admit(entry: &Entry, request: &Value) -> Result<(), Failure> {
    constraints::check(entry.input.members(), request)?;
    if let Some(Value::Text(id)) = request.get("SecretId") {
        name::check_secret_id(id)?;
    }
    if let Some(Value::Text(new)) = request.get("Name") {
        name::check(new)?;
    }
    Ok(())
}

/// Answers a request that needs no vault.
pub(crate) fn answer(
    entry: &Entry,
    request: Value,
    entropy: &dyn Entropy,
) -> Result<Value, Failure> {
    (entry.run)(&mut Context::without_vault(entropy), request)
}

/// Answers a request in one transaction, and writes it and its outcome to the audit log.
///
/// What the operation changed, its audit entry and the new state become durable together, before
/// the response is seen. A refused request changes nothing and is logged on its own.
pub(crate) fn dispatch(
    vault: &mut Vault,
    call: Call<'_>,
    occasion: Occasion<'_>,
) -> Result<Value, Failure> {
    let Call { entry, request, region } = call;
    let access = access(vault, entry);
    let mut transaction = vault.begin(access, occasion)?;
    if access == Access::Write {
        for name in transaction.erase_gone(MOST_ERASED)? {
            let subject = Subject { name, ..Subject::default() };
            transaction.record("Purge", Event::SUCCESS, subject)?;
        }
    }
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home);
    let outcome = (entry.run)(&mut cx, request);
    let subject = cx.into_subject();
    match outcome {
        Ok(response) => {
            if access == Access::Write {
                transaction.record(entry.name, Event::SUCCESS, subject)?;
            }
            transaction.commit()?;
            Ok(response)
        }
        Err(Failure::Fault(fault)) => {
            debug_assert!(entry.may_answer(fault.code), "{} is not declared", fault.code);
            drop(transaction);
            if access == Access::Write {
                let mut transaction = vault.begin(access, occasion)?;
                transaction.record(entry.name, fault.code.as_str(), subject)?;
                transaction.commit()?;
            }
            Err(Failure::Fault(fault))
        }
        Err(failure) => Err(failure),
    }
}

/// Reads write too, for the log and the day of last access, where the vault lets them.
fn access(vault: &Vault, entry: &Entry) -> Access {
    let is_silent = vault.is_read_only() || !vault.audits_reads();
    if entry.touch != Touch::Writes && is_silent { Access::Read } else { Access::Write }
}
