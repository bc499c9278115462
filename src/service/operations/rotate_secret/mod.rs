//! `rotate-secret`: gives a secret a new value by a program that also gives it to what checks it.

use crate::model::rotation::{MetadataItem, RotationLambdaArn, RotationRoleArn, RotationRules};
use crate::model::shape::Shaped;
use crate::model::time::Timestamp;
use crate::model::types::{ClientRequestToken, SecretId};
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::{Effect, Group, Operation};
use crate::service::repository;
use crate::service::rotation::builtin::{self, BUILTIN};
use crate::service::rotation::events::{RotationEvent, log};
use crate::service::rotation::function::{self, Registered};
use crate::service::rotation::job::{Job, Resume, StartRotation, Started};
use crate::service::rotation::{dates, lease, progress, refusals};
use crate::service::rules::arn::arn_of;
use crate::service::rules::{schedule, stages};
use crate::service::versions;
use crate::vault::progress::{Holder, Outlook, Progress, Purpose};
use crate::vault::record::{Record, Version};
use crate::vault::rotation::{Rotation, Rules};

/// Rotates a secret, or says how it is to be rotated.
pub(crate) struct RotateSecret;

structure! {
    /// What to rotate, when and by what. What is left out stays as it was.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// A unique value that becomes the id of the new version. The command makes one up if you
        /// give none.
        client_request_token: Option<ClientRequestToken> => "ClientRequestToken",
        /// The rotation function: `arn:local:exec:/absolute/path`, that path alone, or
        /// `arn:local:builtin:random-password`.
        rotation_lambda_arn: Option<RotationLambdaArn> => "RotationLambdaARN",
        /// When to rotate.
        rotation_rules: Option<RotationRules> => "RotationRules",
        /// What the function is told beside the secret.
        external_secret_rotation_metadata: Option<Vec<MetadataItem>>
            => "ExternalSecretRotationMetadata",
        /// The role with which AWS rotates a managed external secret. There is none here.
        external_secret_rotation_role_arn: Option<RotationRoleArn>
            => "ExternalSecretRotationRoleArn",
        /// Whether to rotate now. The default is to; otherwise the function is only tested, and the
        /// secret is rotated in the next window.
        rotate_immediately: Option<bool> => "RotateImmediately",
    }
}

structure! {
    /// The secret that is rotated.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The id of the new version; absent where the function was only tested.
        version_id: Option<String> => "VersionId",
    }
}

impl Operation for RotateSecret {
    const ACTION: Action = Action::RotateSecret;
    const GROUP: Group = Group::Rotation;
    const SUMMARY: &'static str = "Rotate a secret, and say how and when to do it again.";
    const EXAMPLE: &'static str = "strongroom rotate-secret --secret-id app/db \
                                   --rotation-lambda-arn arn:local:builtin:random-password \
                                   --rotation-rules AutomaticallyAfterDays=30";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InternalService,
        Code::InvalidRequest,
    ];
    type Request = Request;
    type Response = Response;

    /// Refuses, as AWS does when it cannot call a function: only [`begin`] is told of a runner.
    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let record = check(cx, &request)?.record;
        let is_known = given(&request).is_some() || record.rotation.is_some();
        let refused = if is_known { refusals::cannot_invoke() } else { refusals::no_function() };
        Err(refused.into())
    }
}

/// Checks a request to rotate, in the order in which AWS is taken to check it (docs/behaviour.md,
/// "Rotation"), stores its settings, and hands out the job.
pub(crate) fn begin(
    cx: &mut Context<'_, '_>,
    request: Request,
    start: &StartRotation<'_>,
) -> Result<Started, Failure> {
    let Checked { token, rules, mut record } = check(cx, &request)?;
    let function = function::find(start.functions, given(&request), start.own.as_ref(), &record)?;
    let is_immediate = request.rotate_immediately.unwrap_or(true);
    let now = cx.date()?;
    let external =
        request.external_secret_rotation_metadata.map(dates::checked_metadata).transpose()?;
    let config = configured(&record, RequestedRotation { function, rules, external }, now);
    if config.function == BUILTIN {
        let current = match record.staged(stages::CURRENT) {
            Some(version) => cx.vault()?.value(&record, version)?,
            None => None,
        };
        builtin::check(&config.external, current.as_ref())?;
    }

    let before = record.clone();
    let lease = before.progress.as_ref().and_then(|progress| progress.lease.as_ref());
    if lease.is_some() && start.seen.as_ref() != lease {
        // Another process has begun it meanwhile.
        return Err(refusals::not_complete().into());
    }
    progress::settle(cx, &mut record)?;
    if let Some(pending) = unfinished(&record) {
        let is_resumed = is_immediate && may_resume(&record, &pending, start.resume, &token);
        if !is_resumed {
            return Err(refusals::not_complete().into());
        }
        return resume_rotation(cx, record, config, &start.holder);
    }
    if let Some(version) = record.version(&token) {
        let is_current = version.stages.iter().any(|stage| stage == stages::CURRENT);
        return if is_current && is_immediate {
            if record != before {
                repository::store(cx, &mut record)?;
            }
            Ok(Started::Done(answer(record, Some(token))))
        } else {
            Err(refusals::token_in_use(&token, &record).into())
        };
    }
    if is_immediate {
        begin_rotation(cx, record, config, token, &start.holder)
    } else {
        begin_test(cx, record, config, token, &start.holder)
    }
}

/// A request that was checked up to its function.
struct Checked {
    token: String,
    rules: Option<Rules>,
    record: Record,
}

fn check(cx: &mut Context<'_, '_>, request: &Request) -> Result<Checked, Failure> {
    if let Some(token) = &request.client_request_token {
        cx.about_token(&token.0);
    }
    cx.about_name(&request.secret_id.0);
    let token = request.client_request_token.as_ref().ok_or_else(refusals::no_token)?.0.clone();
    if request.external_secret_rotation_role_arn.is_some() {
        return Err(refusals::no_roles().into());
    }
    let rules = checked_rules(request.rotation_rules.as_ref())?;
    let record = repository::find_writable(cx, &request.secret_id)?;
    Ok(Checked { token, rules, record })
}

/// Returns the function that a request names. AWS takes an empty name for none.
fn given(request: &Request) -> Option<&str> {
    let arn = request.rotation_lambda_arn.as_ref()?.0.as_str();
    Some(arn).filter(|arn| !arn.is_empty())
}

/// Returns the answer for a rotation that is done, or for a test, which leaves no version.
pub(crate) fn answer(record: Record, version_id: Option<String>) -> Value {
    let response = Response { arn: arn_of(&record), name: record.name, version_id };
    response.into_value().unwrap_or(Value::Null)
}

/// Stores the settings, and the empty version that the rotation is to fill.
fn begin_rotation(
    cx: &mut Context<'_, '_>,
    mut record: Record,
    config: Rotation,
    token: String,
    holder: &Holder,
) -> Result<Started, Failure> {
    let now = cx.now()?;
    let empty = Version::new(token.clone(), None, cx.date()?);
    add_version(cx, &mut record, empty)?;
    let lease = Some(lease::taken(holder, &config.command, now));
    record.progress =
        Some(Progress { lease, ..Progress::new(token.clone(), Purpose::Rotate, now) });
    let job = job(&record, token, Purpose::Rotate, &config);
    record.rotation = Some(config);
    repository::store(cx, &mut record)?;
    log(cx, RotationEvent::Started, &record, &job.token, &format!("by {}", job.function))?;
    Ok(Started::Run(Box::new(job)))
}

/// Stores a copy of the current value to test with. The settings are stored once the test succeeds.
fn begin_test(
    cx: &mut Context<'_, '_>,
    mut record: Record,
    config: Rotation,
    token: String,
    holder: &Holder,
) -> Result<Started, Failure> {
    let now = cx.now()?;
    let mut version = Version::new(token.clone(), None, cx.date()?);
    if let Some(current) = record.staged(stages::CURRENT)
        && let Some(value) = cx.vault()?.value(&record, current)?
    {
        version.value = Some(cx.vault()?.insert_value(record.rid, &token, &value)?);
    }
    add_version(cx, &mut record, version)?;
    let lease = Some(lease::taken(holder, &config.command, now));
    record.progress =
        Some(Progress { lease, ..Progress::new(token.clone(), Purpose::TestOnly, now) });
    repository::store(cx, &mut record)?;
    let job = job(&record, token, Purpose::TestOnly, &config);
    log(cx, RotationEvent::TestStarted, &record, &job.token, &format!("by {}", job.function))?;
    Ok(Started::Run(Box::new(Job { pending_config: Some(config), ..job })))
}

/// Resumes a rotation that is not finished, under its own token. New settings are stored once it
/// succeeds.
fn resume_rotation(
    cx: &mut Context<'_, '_>,
    mut record: Record,
    config: Rotation,
    holder: &Holder,
) -> Result<Started, Failure> {
    let now = cx.now()?;
    let before = record.clone();
    let is_new = record.rotation.as_ref().is_none_or(|stored| !is_same(stored, &config));
    let Some(progress) = &mut record.progress else { return Err(refusals::not_complete().into()) };
    progress.outlook = Outlook::Open;
    progress.lease = Some(lease::taken(holder, &config.command, now));
    progress.next_attempt = progress.next_attempt.min(now);
    // New settings have not failed yet.
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
    log(cx, RotationEvent::Started, &record, &token, &detail)?;
    let job = job(&record, token, Purpose::Rotate, &config);
    let pending_config = is_new.then_some(config);
    Ok(Started::Run(Box::new(Job { resumed: true, pending_config, ..job })))
}

fn job(record: &Record, token: String, purpose: Purpose, config: &Rotation) -> Job {
    Job {
        rid: record.rid,
        arn: arn_of(record),
        name: record.name.clone(),
        region: record.namespace.region.clone(),
        token,
        purpose,
        resumed: false,
        function: config.function.clone(),
        command: config.command.clone(),
        pending_config: None,
    }
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

/// Returns the version with `AWSPENDING`, unless it is also the current one.
fn unfinished(record: &Record) -> Option<String> {
    let current = record.staged(stages::CURRENT).map(|version| version.id.as_str());
    let pending = record.staged(stages::PENDING).map(|version| version.id.as_str());
    pending.filter(|_| pending != current).map(str::to_owned)
}

/// Whether the rotation that left `AWSPENDING` behind may be resumed. A label attached by hand is not
/// a rotation.
fn may_resume(record: &Record, pending: &str, resume: Resume, asked: &str) -> bool {
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
        && progress.purpose == Purpose::Rotate
        && progress.token == pending
        && !progress::is_complete(record, progress)
}

/// The settings that a request contains.
struct RequestedRotation {
    function: Registered,
    rules: Option<Rules>,
    external: Option<Vec<(String, String)>>,
}

/// Returns the stored settings with those of the request in their place.
fn configured(record: &Record, requested: RequestedRotation, now: Timestamp) -> Rotation {
    let RequestedRotation { function, rules, external } = requested;
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

/// Whether two settings are the same, apart from their dates.
fn is_same(stored: &Rotation, config: &Rotation) -> bool {
    stored.function == config.function
        && stored.command == config.command
        && stored.rules == config.rules
        && stored.external == config.external
}

/// Reads `RotationRules`; `None` when they are empty.
fn checked_rules(given: Option<&RotationRules>) -> Result<Option<Rules>, Fault> {
    let Some(given) = given else { return Ok(None) };
    let rules = Rules {
        automatically_after_days: given.automatically_after_days.map(|days| days.0),
        duration: given.duration.as_ref().map(|text| text.0.clone()),
        schedule_expression: given.schedule_expression.as_ref().map(|text| text.0.clone()),
        ..Rules::default()
    };
    let read = schedule::Rules::new(&dates::asked(&rules))?;
    Ok(read.map(|_| rules))
}

#[cfg(test)]
mod tests;
