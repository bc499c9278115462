//! Each step of a job: what its program may do, whether it did it, and which values it may know.

use super::transact::{abandoned, at_work, find, transact};
use crate::model::secret_value::SecretValue;
use crate::service::caller::{Caller, Capability, Step};
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::rotation::events::{RotationEvent, log};
use crate::service::rotation::job::Job;
use crate::service::rules::arn::arn_of;
use crate::service::rules::{arn, stages};
use crate::vault::Vault;
use crate::vault::progress::Purpose;
use crate::vault::record::{Record, Version};
use crate::vault::rotation::Command;
use crate::vault::transaction::{Access, RequestContext};

/// Why a step is not done although its program succeeded.
pub(crate) enum StepFault {
    /// `createSecret` stored no value.
    NoValue,
    /// The service refused, or the vault failed.
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for StepFault {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

/// Every value that a rotation's program can learn.
pub(crate) struct KnownValues {
    pub(crate) current: Option<SecretValue>,
    /// Of the new version.
    pub(crate) pending: Option<SecretValue>,
    pub(crate) previous: Option<SecretValue>,
    /// Current values of other secrets that it may read, by ARN.
    pub(crate) linked: Vec<(String, SecretValue)>,
    /// `ExternalSecretRotationMetadata`.
    pub(crate) metadata: Vec<(String, String)>,
}

/// Returns what a step may do and what to run for it, at this moment.
///
/// # Errors
/// `InvalidRequestException` if the rotation was cancelled or abandoned, or the secret is scheduled
/// for deletion; `ResourceNotFoundException` if it is gone.
pub(crate) fn before_step(
    vault: &mut Vault,
    job: &Job,
    step: Step,
    context: RequestContext<'_>,
) -> Result<(Capability, Command), Failure> {
    transact(vault, Some(&job.region), Access::Read, context, |cx| {
        let (record, _) = at_work(cx, job)?;
        let command = command(&record, job)?;
        let capability = Capability {
            rid: job.rid,
            token: job.token.clone(),
            step,
            reads: command.reads.clone(),
            read_only: job.purpose == Purpose::TestOnly,
        };
        Ok((capability, command))
    })
}

/// Checks that a step whose program succeeded has done its work.
pub(crate) fn after_step(
    vault: &mut Vault,
    job: &Job,
    step: Step,
    context: RequestContext<'_>,
) -> Result<(), StepFault> {
    let has_value = transact(vault, Some(&job.region), Access::Read, context, |cx| {
        let (record, _) = at_work(cx, job)?;
        Ok(record.version(&job.token).is_some_and(|version| version.value.is_some()))
    })?;
    if step == Step::Create && !has_value { Err(StepFault::NoValue) } else { Ok(()) }
}

/// Reads every value that a job's program can learn, so that none is shown, even if the rotation was
/// ended meanwhile. Nothing is logged.
pub(crate) fn known_values(
    vault: &mut Vault,
    job: &Job,
    context: RequestContext<'_>,
) -> Result<KnownValues, Failure> {
    transact(vault, Some(&job.region), Access::Read, context, |cx| {
        let record = find(cx, job)?;
        let reads = command(&record, job).map(|command| command.reads).unwrap_or_default();
        known(cx, &record, job, &reads)
    })
}

/// Reads the values for a program that cannot ask: those that it could ask for in this step. Each is
/// logged.
pub(crate) fn hand_over(
    vault: &mut Vault,
    job: &Job,
    step: Step,
    context: RequestContext<'_>,
) -> Result<KnownValues, Failure> {
    let (capability, _) = before_step(vault, job, step, context)?;
    let mut origin = context.origin.clone();
    let reads = if step == Step::Finish { Vec::new() } else { capability.reads.clone() };
    origin.via = Caller::Step(capability).via().unwrap_or(origin.via);
    let context = RequestContext { origin: &origin, ..context };
    let access =
        if vault.is_read_only() || !vault.audits_reads() { Access::Read } else { Access::Write };
    transact(vault, Some(&job.region), access, context, |cx| {
        let (record, _) = at_work(cx, job)?;
        let mut known = known(cx, &record, job, &reads)?;
        if !matches!(step, Step::Set | Step::Test) {
            known.previous = None;
        }
        if access == Access::Write {
            note_all(cx, &record, job, &known)?;
        }
        Ok(known)
    })
}

/// Returns the command as it is now, for which approval and pins are checked.
fn command(record: &Record, job: &Job) -> Result<Command, Failure> {
    if let Some(config) = &job.pending_config {
        return Ok(config.command.clone());
    }
    let stored = record.rotation.as_ref().ok_or_else(abandoned)?;
    Ok(stored.command.clone())
}

fn known(
    cx: &mut Context<'_, '_>,
    record: &Record,
    job: &Job,
    reads: &[String],
) -> Result<KnownValues, Failure> {
    let config = job.pending_config.as_ref().or(record.rotation.as_ref());
    let mut linked = Vec::new();
    for arn in reads {
        let other = linked_secret(cx, arn)?.filter(|other| other.deletion.is_none());
        let Some(other) = other else { continue };
        if let Some(value) = value(cx, &other, other.staged(stages::CURRENT))? {
            linked.push((arn_of(&other), value));
        }
    }
    Ok(KnownValues {
        current: value(cx, record, record.staged(stages::CURRENT))?,
        pending: value(cx, record, record.version(&job.token))?,
        previous: value(cx, record, record.staged(stages::PREVIOUS))?,
        linked,
        metadata: config.map(|config| config.external.clone()).unwrap_or_default(),
    })
}

/// Finds another secret that may be read, in the region that its ARN names.
fn linked_secret(cx: &mut Context<'_, '_>, arn: &str) -> Result<Option<Record>, Failure> {
    cx.look_up(arn::region_of(arn).unwrap_or(cx.region()), arn)
}

fn value(
    cx: &mut Context<'_, '_>,
    record: &Record,
    version: Option<&Version>,
) -> Result<Option<SecretValue>, Failure> {
    version.map_or(Ok(None), |version| Ok(cx.vault()?.value(record, version)?))
}

/// Logs that these values were read.
fn note_all(
    cx: &mut Context<'_, '_>,
    record: &Record,
    job: &Job,
    known: &KnownValues,
) -> Result<(), Failure> {
    let id = |label: &str| record.staged(label).map_or(String::new(), |version| version.id.clone());
    for (is_read, version) in [
        (known.current.is_some(), id(stages::CURRENT)),
        (known.previous.is_some(), id(stages::PREVIOUS)),
        (known.pending.is_some(), job.token.clone()),
    ] {
        if is_read {
            log(cx, RotationEvent::ValueRead, record, &version, "")?;
        }
    }
    for (arn, _) in &known.linked {
        let other = linked_secret(cx, arn)?.ok_or_else(Fault::secret_not_found)?;
        let version = other.staged(stages::CURRENT).map_or("", |version| version.id.as_str());
        log(cx, RotationEvent::ValueRead, &other, version, "")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::fixture::{Break, FUNCTION, How, RotationFixture, token};
    use super::*;
    use crate::vault::rotation::Protocol;

    /// A rotation from 2 to 3 that may read `admin`, and has its value.
    fn scene() -> (RotationFixture, Job) {
        let mut fixture = RotationFixture::new();
        let create =
            json!({"Name": "admin", "ClientRequestToken": token(1), "SecretString": "root"});
        let admin = fixture.call("CreateSecret", &create).unwrap();
        let rotate = |number: u32, own: bool| -> Json {
            let mut request = json!({"SecretId": "db", "ClientRequestToken": token(number)});
            if !own {
                request["RotationLambdaARN"] = FUNCTION.into();
            }
            request
        };
        fixture.rotate(&rotate(2, false)).unwrap();
        let mut own = Command::new(vec!["/opt/own".to_owned()], Protocol::Stdio);
        own.reads = vec![admin["ARN"].as_str().unwrap().to_owned(), "arn:gone".to_owned()];
        fixture.own = Some(own);
        let job = fixture.job(&rotate(3, true));
        fixture.run(&job, Break::After(Step::Create), How::Killed).unwrap_err();
        (fixture, job)
    }

    fn texts(known: &KnownValues) -> [Option<String>; 4] {
        let text = |value: &SecretValue| String::from_utf8(value.expose_bytes().to_vec()).unwrap();
        let linked = known.linked.first().map(|(_, value)| value);
        [known.current.as_ref(), known.pending.as_ref(), known.previous.as_ref(), linked]
            .map(|value| value.map(text))
    }

    #[test]
    fn all_that_may_be_known_is_known() {
        let (mut fixture, job) = scene();
        let before = fixture.service.events().len();
        let known = fixture.service.with(|vault, context| known_values(vault, &job, context));
        let [current, pending, previous, linked] = texts(&known.ok().unwrap());
        assert_eq!(current.as_ref(), Some(&fixture.password));
        assert!(pending.is_some() && pending != current);
        assert_eq!(previous.as_deref(), Some("first"));
        assert_eq!(linked.as_deref(), Some("root"));
        assert_eq!(fixture.service.events().len(), before);
    }

    #[test]
    fn what_is_handed_over_is_what_may_be_asked_for_and_is_logged() {
        for (step, has) in [
            (Step::Create, [true, true, false, true]),
            (Step::Set, [true, true, true, true]),
            (Step::Test, [true, true, true, true]),
            (Step::Finish, [true, true, false, false]),
        ] {
            let (mut fixture, job) = scene();
            let before = fixture.service.events().len();
            let known =
                fixture.service.with(|vault, context| hand_over(vault, &job, step, context));
            let shown = texts(&known.ok().unwrap());
            assert_eq!(shown.map(|value| value.is_some()), has, "{step:?}");
            let events = fixture.service.events().split_off(before);
            assert_eq!(events.len(), has.iter().filter(|has| **has).count());
            for event in events {
                assert_eq!(event.operation, "GetSecretValue");
                assert_eq!(event.via, format!("rotation:{}", step.name()));
            }
        }
    }

    /// A secret of another region that a rotation may read was found to be read, but not to be
    /// logged: every step that is handed its values failed.
    #[test]
    fn a_secret_of_another_region_is_handed_over_and_logged() {
        let mut fixture = RotationFixture::new();
        let create = json!({
            "Name": "away", "ClientRequestToken": token(1), "SecretString": "far",
        });
        let region = Some("local-2");
        let away = fixture.service.call_in(region, "CreateSecret", &create.to_string()).unwrap();
        let away: Json = serde_json::from_str(&away).unwrap();
        let mut own = Command::new(vec!["/opt/own".to_owned()], Protocol::Stdio);
        own.reads = vec![away["ARN"].as_str().unwrap().to_owned()];
        fixture.own = Some(own);
        let job = fixture.job(&json!({"SecretId": "db", "ClientRequestToken": token(2)}));
        let before = fixture.service.events().len();
        let known =
            fixture.service.with(|vault, context| hand_over(vault, &job, Step::Set, context));
        let [.., linked] = texts(&known.ok().unwrap());
        assert_eq!(linked.as_deref(), Some("far"));
        let event = fixture.service.events().split_off(before).pop().unwrap();
        assert_eq!(
            (event.subject.name.as_str(), event.subject.region.as_str()),
            ("away", "local-2")
        );
    }

    #[test]
    fn a_step_gets_the_command_as_it_is_now() {
        let (mut fixture, job) = scene();
        let other = json!({
            "SecretId": "db", "ClientRequestToken": token(4), "RotationLambdaARN": FUNCTION,
        });
        fixture.own = None;
        let resumed = fixture.job(&other);
        let allowed =
            fixture.service.with(|vault, context| before_step(vault, &resumed, Step::Set, context));
        let (capability, command) = allowed.ok().unwrap();
        assert_eq!(command.argv, ["/opt/rotate"]);
        assert_eq!((capability.reads.len(), capability.read_only), (0, false));
        let allowed =
            fixture.service.with(|vault, context| before_step(vault, &job, Step::Set, context));
        let (capability, command) = allowed.ok().unwrap();
        assert_eq!(command.argv, ["/opt/own"]);
        assert_eq!((capability.rid, capability.reads.len()), (job.rid, 2));
    }
}
