//! The one way in: a request for an operation becomes a transaction, an audit entry and a response.

use super::access;
use super::action::Action;
use super::caller::Caller;
use super::constraints;
use super::context::Context;
use super::failure::Failure;
use super::operation::{Effect, Entry};
use super::rules::name;
use super::rules::paging::PageBoundaries;
use crate::model::value::Value;
use crate::store;
use crate::sys::entropy::Entropy;
use crate::vault::audit::{Event, Origin, Subject};
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, Unlogged, Vault};

/// A request for an operation, and the region it is about; `None` is the vault's home.
pub(crate) struct Call<'a> {
    pub(crate) entry: &'static Entry,
    /// The request, which client validation has let through.
    pub(crate) request: Value,
    /// The region asked for.
    pub(crate) region: Option<&'a str>,
    pub(crate) caller: &'a Caller,
    /// The pages that a long answer would have had, where the caller shows them.
    pub(crate) boundaries: Option<&'a PageBoundaries>,
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
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let Call { entry, region, caller, boundaries, .. } = call;
    let origin = origin_of(caller, context);
    let context = RequestContext { origin: &origin, ..context };
    let reads_values = matches!(entry.action, Action::GetSecretValue | Action::BatchGetSecretValue);
    if entry.effect != Effect::Writes && !reads_values {
        // It may show what was read when. If that cannot be written now, it waits on.
        drop(vault.write_waiting_days(context));
    }
    let is_read = entry.effect != Effect::Writes && access(vault, entry) == Access::Write;
    let again = is_read.then(|| call.request.clone());
    let answer = match survey(vault, &call, context)? {
        // Where reads wait, this one does already.
        Some(answer) if !is_logged(vault, entry) || vault.lets_reads_wait() => answer,
        Some(answer) => log(vault, entry, region, answer, context),
        None => attempt(vault, call, context, None, entry.run),
    };
    match (answer, again) {
        (Err(Failure::Vault(vault::Error::Store(error))), Some(request)) => {
            // What is in a vault must not be out of reach because nothing more goes into its log, or
            // because a rekey takes long.
            let why = if matches!(error, store::Error::NoSpace) {
                Unlogged::Full
            } else if matches!(error, store::Error::Busy) {
                Unlogged::Busy
            } else {
                // Nothing was asked for that could have been done.
                return Err(vault::Error::Store(error.of_read()).into());
            };
            vault.leave_reads_unlogged(why);
            let call = Call { entry, request, region, caller, boundaries };
            attempt(vault, call, context, Some(Access::Read), entry.run)
        }
        (answer, _) => answer,
    }
}

/// Returns who is asking, and in which way: the caller's, if it has one of its own.
fn origin_of(caller: &Caller, context: RequestContext<'_>) -> Origin {
    let Origin { actor, via } = context.origin.clone();
    Origin { actor, via: caller.via().unwrap_or(via) }
}

/// Answers a request to write as [`dispatch`] does, but by `run` in the place of the operation's own
/// rule: for what needs more than the vault, or says more than the response.
pub(super) fn dispatch_by<T>(
    vault: &mut Vault,
    call: Call<'_>,
    context: RequestContext<'_>,
    run: impl FnOnce(&mut Context<'_, '_>, Value) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let origin = origin_of(call.caller, context);
    let context = RequestContext { origin: &origin, ..context };
    attempt(vault, call, context, Some(Access::Write), run)
}

/// Answers what reads a whole vault on a copy, where the vault is so large that others would wait.
fn survey(
    vault: &mut Vault,
    call: &Call<'_>,
    context: RequestContext<'_>,
) -> Result<Option<Result<Value, Failure>>, Failure> {
    if call.entry.effect != Effect::Surveys {
        return Ok(None);
    }
    let call = Call { request: call.request.clone(), ..*call };
    let run = call.entry.run;
    let access = Some(Access::Read);
    let answer = vault.read_beside_writers(|copy| attempt(copy, call, context, access, run));
    Ok(answer?)
}

/// Logs how a survey ended, before its answer is seen.
fn log(
    vault: &mut Vault,
    entry: &Entry,
    region: Option<&str>,
    answer: Result<Value, Failure>,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let outcome = match &answer {
        Ok(_) => Event::SUCCESS,
        Err(Failure::Fault(fault)) => fault.code.as_str(),
        Err(Failure::Vault(_)) => return answer,
    };
    let mut transaction = vault.begin(Access::Write, context)?;
    let home = transaction.state().settings.region();
    let region = region.filter(|region| *region != home).unwrap_or_default().to_owned();
    transaction.record(entry.name, outcome, Subject { region, ..Subject::default() })?;
    transaction.commit()?;
    answer
}

/// Answers a request in a transaction with this access; `None` is what the log of reads asks for.
fn attempt<T>(
    vault: &mut Vault,
    call: Call<'_>,
    context: RequestContext<'_>,
    given: Option<Access>,
    run: impl FnOnce(&mut Context<'_, '_>, Value) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let Call { entry, request, region, caller, boundaries } = call;
    let (mut access, is_audited) =
        (given.unwrap_or_else(|| access(vault, entry)), vault.audits_reads());
    let mut transaction = vault.begin(access, context)?;
    if given.is_none() && transaction.state().settings.audits_reads() != is_audited {
        // Another process has chosen anew what is logged.
        drop(transaction);
        access = self::access(vault, entry);
        transaction = vault.begin(access, context)?;
    }
    match transaction.erase_on_the_way() {
        // Erasing reads all records; what is wrong with one must not keep the others locked up.
        Err(vault::Error::Tampered(_)) => {
            drop(transaction);
            transaction = vault.begin(access, context)?;
        }
        purged => purged?,
    }
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home).called_by(caller).cut_at(boundaries);
    let outcome = match access::check(&mut cx, entry, &request) {
        Ok(()) => run(&mut cx, request),
        Err(refusal) => {
            if let Some(Value::Text(id)) = request.get("SecretId") {
                cx.about_name(id);
            }
            Err(refusal)
        }
    };
    let (mut subject, trace) = cx.into_noted();
    region.filter(|region| *region != home).unwrap_or_default().clone_into(&mut subject.region);
    match outcome {
        Ok(response) => {
            if transaction.logs() {
                if entry.effect == Effect::Writes && subject.rid != 0 {
                    transaction.record_change(entry.name, subject, trace)?;
                } else {
                    transaction.record(entry.name, Event::SUCCESS, subject)?;
                }
            }
            transaction.commit()?;
            Ok(response)
        }
        Err(Failure::Fault(fault)) => {
            debug_assert!(entry.may_answer(fault.code), "{} is not declared", fault.code);
            let is_logged = transaction.logs();
            drop(transaction);
            if is_logged {
                let mut transaction = vault.begin(access, context)?;
                transaction.record(entry.name, fault.code.as_str(), subject)?;
                match transaction.commit() {
                    // That the refusal was logged is not what was asked for.
                    Err(error) if error.may_be_done() => {}
                    logged => logged?,
                }
            }
            Err(Failure::Fault(fault))
        }
        Err(failure) => Err(failure),
    }
}

/// Reads write too, for the log and the day of last access, where the vault lets them and they do not
/// wait.
fn access(vault: &Vault, entry: &Entry) -> Access {
    let writes = entry.effect == Effect::Writes;
    let is_logged_now = is_logged(vault, entry) && !vault.lets_reads_wait();
    if writes || is_logged_now { Access::Write } else { Access::Read }
}

fn is_logged(vault: &Vault, entry: &Entry) -> bool {
    let is_silent = vault.is_read_only() || !vault.audits_reads();
    entry.effect == Effect::Writes || !is_silent
}

#[cfg(test)]
mod tests;
