//! The beginning: what `rotate-secret` checks before anything is stored, in the order in which AWS
//! is taken to check it (docs/behaviour.md, "Rotation"), and what it stores then.

use std::cell::Cell;

use super::{
    BUILTIN, FunctionSpec, Functions, Job, Registered, Resume, StartRotation, Started, builtin,
    end, is_complete, lease, log, refusals, transact,
};
use crate::model::rotation::RotationRules;
use crate::model::time::Timestamp;
use crate::model::types::SecretId;
use crate::service::caller::Caller;
use crate::service::context::Context;
use crate::service::dispatch::{self, Call};
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::Operation;
use crate::service::operations::rotate_secret::{Request, Response, RotateSecret};
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::service::rules::{schedule, stages};
use crate::service::versions;
use crate::vault::Vault;
use crate::vault::progress::{Holder, Kind, Lease, Outlook, Progress};
use crate::vault::record::{Record, Version};
use crate::vault::rotation::{Command, Rotation, Rules};
use crate::vault::transaction::{Access, RequestContext};

/// What `rotate-secret` needs from outside the vault, and what comes of it.
pub(crate) struct Errand<'a> {
    functions: &'a dyn Functions,
    own: Option<Command>,
    resume: Resume,
    /// Who is going to be at work on it.
    pub(super) holder: Holder,
    seen: Option<Lease>,
    job: Cell<Option<Job>>,
}

/// Finds the row of a secret, which names its lock.
pub(crate) fn probe(
    vault: &mut Vault,
    id: &SecretId,
    region: Option<&str>,
    context: RequestContext<'_>,
) -> Result<u64, Failure> {
    transact(vault, (region, Access::Read), context, |cx| Ok(cx.find(id)?.rid))
}

/// Carries out `rotate-secret` up to where its program is to run.
///
/// # Errors
/// As AWS; then nothing is stored.
pub(crate) fn start(
    vault: &mut Vault,
    order: StartRotation<'_>,
    functions: &dyn Functions,
    context: RequestContext<'_>,
) -> Result<Started, Failure> {
    let StartRotation { request, region, own, resume, holder, seen } = order;
    let entry = RotateSecret::ENTRY;
    dispatch::admit(entry, &request)?;
    let errand = Errand { functions, own, resume, holder, seen, job: Cell::new(None) };
    let call = Call { entry, request, region, caller: &Caller::Owner, boundaries: None };
    let answer = dispatch::carry_out(vault, call, Some(&errand), context)?;
    Ok(errand.job.take().map_or(Started::Done(answer), |job| Started::Run(Box::new(job))))
}

/// Checks a request to rotate, stores what it says, and leaves the job to whoever runs it.
pub(crate) fn begin(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
    if let Some(token) = &request.client_request_token {
        cx.about_token(&token.0);
    }
    cx.about_name(&request.secret_id.0);
    let token = request.client_request_token.as_ref().ok_or_else(refusals::no_token)?.0.clone();
    if request.external_secret_rotation_role_arn.is_some() {
        return Err(refusals::no_roles().into());
    }
    let rules = checked_rules(request.rotation_rules.as_ref())?;
    let mut record = repository::find_writable(cx, &request.secret_id)?;
    let function = function(cx, &request, &record)?;
    let is_immediate = request.rotate_immediately.unwrap_or(true);
    let now = cx.date()?;
    let external =
        request.external_secret_rotation_metadata.map(super::schedule::told).transpose()?;
    let config = configured(&record, (function, rules, external), now);
    if config.function == BUILTIN {
        let current = match record.staged(stages::CURRENT) {
            Some(version) => cx.vault()?.value(&record, version)?,
            None => None,
        };
        builtin::check(&config.external, current.as_ref())?;
    }

    let before = record.clone();
    let lease = before.progress.as_ref().and_then(|progress| progress.lease.as_ref());
    if lease.is_some() && cx.errand().is_some_and(|errand| errand.seen.as_ref() != lease) {
        // Somebody came first.
        return Err(refusals::not_complete().into());
    }
    end::settle(cx, &mut record)?;
    if let Some(pending) = unfinished(&record) {
        let resume = cx.errand().map_or(Resume::No, |errand| errand.resume);
        let is_resumed = is_immediate && may_resume(&record, &pending, (resume, &token));
        if !is_resumed {
            return Err(refusals::not_complete().into());
        }
        return resume_rotation(cx, record, config);
    }
    if let Some(version) = record.version(&token) {
        let is_current = version.stages.iter().any(|stage| stage == stages::CURRENT);
        return if is_current && is_immediate {
            if record != before {
                repository::store(cx, &mut record)?;
            }
            Ok(Response { arn: arn_of(&record), name: record.name, version_id: Some(token) })
        } else {
            Err(refusals::token_in_use(&token, &record).into())
        };
    }
    if is_immediate {
        begin_rotation(cx, record, config, token)
    } else {
        begin_test(cx, record, config, token)
    }
}

/// Stores what was said, and the empty version that the rotation is to fill.
fn begin_rotation(
    cx: &mut Context<'_, '_>,
    mut record: Record,
    config: Rotation,
    token: String,
) -> Result<Response, Failure> {
    let now = cx.now()?;
    let empty = Version::new(token.clone(), None, cx.date()?);
    add_version(cx, &mut record, empty)?;
    let lease = lease::taken(cx, &config.command, now);
    record.progress = Some(Progress { lease, ..Progress::new(token.clone(), Kind::Rotate, now) });
    let (function, command) = (config.function.clone(), config.command.clone());
    record.rotation = Some(config);
    repository::store(cx, &mut record)?;
    let detail = format!("by {function}");
    log(cx, ("RotationStarted", super::SUCCESS), (&record, &token), &detail)?;
    let job = Job { function, command, pending_config: None, ..job(&record, token, Kind::Rotate) };
    Ok(hand_out(cx, &record, job))
}

/// Stores a copy of the current value to test with. What was said is stored once the test succeeds.
fn begin_test(
    cx: &mut Context<'_, '_>,
    mut record: Record,
    config: Rotation,
    token: String,
) -> Result<Response, Failure> {
    let now = cx.now()?;
    let mut version = Version::new(token.clone(), None, cx.date()?);
    if let Some(current) = record.staged(stages::CURRENT)
        && let Some(value) = cx.vault()?.value(&record, current)?
    {
        version.value = Some(cx.vault()?.insert_value(record.rid, &token, &value)?);
    }
    add_version(cx, &mut record, version)?;
    let lease = lease::taken(cx, &config.command, now);
    record.progress = Some(Progress { lease, ..Progress::new(token.clone(), Kind::TestOnly, now) });
    repository::store(cx, &mut record)?;
    let detail = format!("by {}", config.function);
    log(cx, ("TestRotationStarted", super::SUCCESS), (&record, &token), &detail)?;
    let job = Job {
        function: config.function.clone(),
        command: config.command.clone(),
        pending_config: Some(config),
        ..job(&record, token, Kind::TestOnly)
    };
    Ok(hand_out(cx, &record, job))
}

/// Takes up a rotation that is not finished, under its own token. What was said beside is stored
/// once it has succeeded.
fn resume_rotation(
    cx: &mut Context<'_, '_>,
    mut record: Record,
    config: Rotation,
) -> Result<Response, Failure> {
    let now = cx.now()?;
    let before = record.clone();
    let is_new = record.rotation.as_ref().is_none_or(|stored| !is_same(stored, &config));
    let Some(progress) = &mut record.progress else { return Err(refusals::not_complete().into()) };
    progress.outlook = Outlook::Open;
    progress.lease = lease::taken(cx, &config.command, now);
    progress.next_attempt = progress.next_attempt.min(now);
    // Where it is new, what failed so often was something else.
    progress.failures = if is_new { 0 } else { progress.failures };
    let token = progress.token.clone();
    if let Some(rotation) = &mut record.rotation {
        rotation.enabled = true;
    }
    if record != before {
        repository::store(cx, &mut record)?;
    }
    cx.about_token(&token);
    let detail = format!("by {}, once more", config.function);
    log(cx, ("RotationStarted", super::SUCCESS), (&record, &token), &detail)?;
    let job = Job {
        resumed: true,
        function: config.function.clone(),
        command: config.command.clone(),
        pending_config: is_new.then_some(config),
        ..job(&record, token, Kind::Rotate)
    };
    Ok(hand_out(cx, &record, job))
}

fn job(record: &Record, token: String, kind: Kind) -> Job {
    Job {
        rid: record.rid,
        arn: arn_of(record),
        name: record.name.clone(),
        region: record.namespace.region.clone(),
        token,
        kind,
        resumed: false,
        function: String::new(),
        command: builtin::command(),
        pending_config: None,
    }
}

fn hand_out(cx: &Context<'_, '_>, record: &Record, job: Job) -> Response {
    let version_id = (job.kind == Kind::Rotate).then(|| job.token.clone());
    if let Some(errand) = cx.errand() {
        errand.job.set(Some(job));
    }
    Response { arn: arn_of(record), name: record.name.clone(), version_id }
}

fn add_version(
    cx: &mut Context<'_, '_>,
    record: &mut Record,
    version: Version,
) -> Result<(), Failure> {
    let id = version.id.clone();
    record.versions.push(Version { kms_key_id: record.kms_key_id.clone(), ..version });
    // RotateSecret declares no LimitExceededException.
    stages::pend(&mut record.versions, &id)
        .map_err(|fault| Fault::invalid_request(fault.message))?;
    versions::drop_oldest(cx, record).map_err(|failure| match failure {
        Failure::Fault(Fault { code: Code::LimitExceeded, message, .. }) => {
            Fault::invalid_request(message).into()
        }
        failure @ (Failure::Fault(_) | Failure::Vault(_)) => failure,
    })
}

/// Returns the version with `AWSPENDING`, unless it is the current one too.
fn unfinished(record: &Record) -> Option<String> {
    let current = record.staged(stages::CURRENT).map(|version| version.id.as_str());
    let pending = record.staged(stages::PENDING).map(|version| version.id.as_str());
    pending.filter(|_| pending != current).map(str::to_owned)
}

/// Whether the rotation that left `AWSPENDING` behind may be taken up again. A label that somebody
/// attached by hand is no rotation.
fn may_resume(record: &Record, pending: &str, (resume, asked): (Resume, &str)) -> bool {
    let (Some(progress), Some(rotation)) = (&record.progress, &record.rotation) else {
        return false;
    };
    let is_on = rotation.enabled && progress.outlook != Outlook::Cancelled;
    let is_wanted = match resume {
        Resume::No => false,
        Resume::Yes => true,
        Resume::IfPossible => is_on,
        Resume::IfSame => is_on && progress.token == asked,
    };
    is_wanted
        && progress.kind == Kind::Rotate
        && progress.token == pending
        && !is_complete(record, progress)
}

/// Finds the function that the request names, or that is stored.
fn function(
    cx: &Context<'_, '_>,
    request: &Request,
    record: &Record,
) -> Result<Registered, Failure> {
    let given = request.rotation_lambda_arn.as_ref().map(|arn| arn.0.as_str());
    let given = given.filter(|arn| !arn.is_empty());
    let stored = record.rotation.as_ref();
    let errand = cx.errand();
    let own = errand.and_then(|errand| errand.own.as_ref());
    let has_words = own.is_some_and(|own| !own.argv.is_empty());
    if given.is_none() && !has_words && stored.is_none() {
        return Err(refusals::no_function().into());
    }
    let errand = errand.ok_or_else(refusals::cannot_invoke)?;
    if given.is_some() && has_words {
        return Err(refusals::two_functions().into());
    }
    if let (Some(BUILTIN), None) = (given, own) {
        return Ok(Registered { arn: BUILTIN.to_owned(), command: builtin::command() });
    }
    let is_builtin = given.map_or_else(
        || !has_words && stored.is_some_and(|stored| stored.function == BUILTIN),
        |given| given == BUILTIN,
    );
    if is_builtin && own.is_some() {
        return Err(refusals::no_options().into());
    }
    match (given, own, stored) {
        (Some(arn), options, _) => {
            Ok(errand.functions.register(FunctionSpec::Arn { arn, options }, record)?)
        }
        (None, Some(own), _) => {
            Ok(errand.functions.register(FunctionSpec::Command(own), record)?)
        }
        (None, None, Some(stored)) => {
            let (arn, command) = (stored.function.clone(), stored.command.clone());
            Ok(Registered { arn, command })
        }
        (None, None, None) => Err(refusals::no_function().into()),
    }
}

/// What a request says about a rotation: the function, the rules and the metadata.
type Said = (Registered, Option<Rules>, Option<Vec<(String, String)>>);

/// Puts what was said in the place of what is stored.
fn configured(record: &Record, (function, rules, external): Said, now: Timestamp) -> Rotation {
    let stored = record.rotation.as_ref();
    let current = record.staged(stages::CURRENT);
    let since = stored.filter(|_| rules.is_none()).map(|stored| stored.configured);
    Rotation {
        enabled: true,
        function: function.arn,
        command: function.command,
        rules: rules.or_else(|| stored?.rules.clone()),
        external: external
            .or_else(|| stored.map(|stored| stored.external.clone()))
            .unwrap_or_default(),
        configured: since.unwrap_or(now),
        current: stored.map_or_else(
            || current.map(|version| (version.id.clone(), version.created)),
            |stored| stored.current.clone(),
        ),
        unknown: stored.map(|stored| stored.unknown.clone()).unwrap_or_default(),
    }
}

/// Whether two say the same, apart from when they were said.
fn is_same(stored: &Rotation, config: &Rotation) -> bool {
    stored.function == config.function
        && stored.command == config.command
        && stored.rules == config.rules
        && stored.external == config.external
}

/// Reads `RotationRules`; `None` when they say nothing.
fn checked_rules(given: Option<&RotationRules>) -> Result<Option<Rules>, Fault> {
    let Some(given) = given else { return Ok(None) };
    let rules = Rules {
        automatically_after_days: given.automatically_after_days.map(|days| days.0),
        duration: given.duration.as_ref().map(|text| text.0.clone()),
        schedule_expression: given.schedule_expression.as_ref().map(|text| text.0.clone()),
        ..Rules::default()
    };
    let read = schedule::Rules::new(&super::schedule::asked(&rules))?;
    Ok(read.map(|_| rules))
}

#[cfg(test)]
mod tests;
