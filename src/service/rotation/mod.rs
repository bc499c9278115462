//! Rotation as the service sees it: what `rotate-secret` asks for becomes a [`Job`], and every step
//! of it begins and ends with one transaction here. Between them no vault is held.
//!
//! Does not know how a program is found, trusted, started or spoken to: whoever runs jobs does, and
//! tells by [`Functions`] what there is on this machine.

mod builtin;
mod due;
mod end;
#[cfg(test)]
pub(super) mod fixture;
mod lease;
pub(crate) mod refusals;
mod schedule;
pub(crate) mod settings;
mod start;
mod steps;

pub(crate) use builtin::{BUILTIN, builtin_step};
pub(crate) use due::{due, due_still, is_known, unfinished};
pub(super) use end::{abandon, cancel, track_current};
pub(crate) use end::{fail, finish, interrupt, release};
pub(crate) use lease::{MAX_TIMEOUT_S, longest_lease};
pub(super) use schedule::shown;
pub(super) use start::{Errand, begin};
pub(crate) use start::{probe, start};
pub(crate) use steps::{after_step, before_step, hand_over, known_values};

use super::caller::Step;
use super::context::Context;
use super::failure::Failure;
use super::fault::Fault;
use super::rules::stages;
use crate::model::secret_value::SecretValue;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::vault::Vault;
use crate::vault::audit::{Event, Subject};
use crate::vault::progress::{Holder, Kind, Lease, Outlook, Progress};
use crate::vault::record::Record;
use crate::vault::rotation::{Command, Rotation};
use crate::vault::transaction::{Access, RequestContext, Transaction};

/// What functions are on this machine.
pub(crate) trait Functions {
    /// Finds and trusts a function that is to rotate a secret, whose record is as it is stored now.
    fn register(&self, wanted: FunctionSpec<'_>, record: &Record) -> Result<Registered, Fault>;
}

/// How a request names its function.
pub(crate) enum FunctionSpec<'a> {
    /// By `RotationLambdaARN`; the words of `options` are none, the rest of it counts.
    Arn {
        /// As it was given. Never what is built in.
        arn: &'a str,
        /// What else was said about the command.
        options: Option<&'a Command>,
    },
    /// By a command, whose files are not pinned yet. Without words it is the one stored, with other
    /// options.
    Command(&'a Command),
}

/// A function that was found and is trusted.
pub(crate) struct Registered {
    /// `RotationLambdaARN`, as it is shown from now on.
    pub(crate) arn: String,
    /// The command, its files pinned.
    pub(crate) command: Command,
}

/// What `rotate-secret` was asked for.
pub(crate) struct StartRotation<'a> {
    /// The request, which client validation has let through.
    pub(crate) request: Value,
    /// The region asked for.
    pub(crate) region: Option<&'a str>,
    /// The command given with options of our own.
    pub(crate) own: Option<Command>,
    /// What to do with a rotation that is not finished.
    pub(crate) resume: Resume,
    /// Who is going to be at work on it.
    pub(crate) holder: Holder,
    /// Who was found to be at work on it, and need not be minded.
    pub(crate) seen: Option<Lease>,
}

/// What to do with a rotation that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Go on with it under its own token, unless it was cancelled. The request's token was made up.
    IfPossible,
    /// The same, if its token is the request's, which somebody chose.
    IfSame,
    /// Refuse, as AWS does.
    No,
    /// Go on with it even though it was cancelled.
    Yes,
}

/// How a request was taken.
pub(crate) enum Started {
    /// There is something to run.
    Run(Box<Job>),
    /// The rotation that its token names is done: this is the answer once more.
    Done(Value),
}

/// A rotation, or the test of one, that is to be run.
pub(crate) struct Job {
    /// The secret's row.
    pub(crate) rid: u64,
    /// Its ARN.
    pub(crate) arn: String,
    /// Its name.
    pub(crate) name: String,
    /// The region it is in.
    pub(crate) region: String,
    /// The version that is made: `ClientRequestToken`.
    pub(crate) token: String,
    /// Whether it rotates or only tests.
    pub(crate) kind: Kind,
    /// Whether it was begun before.
    pub(crate) resumed: bool,
    /// The function, as it is shown.
    pub(crate) function: String,
    /// What to run.
    pub(crate) command: Command,
    /// What is stored when it has succeeded; `None` where it is stored already.
    pub(crate) pending_config: Option<Rotation>,
}

/// How soon to try again what failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Soon: the program says that it will pass (exit status 75).
    Temporary,
    /// Not before somebody did something: its settings are wrong (exit status 78).
    Configuration,
    /// Later each time.
    BackOff,
}

/// What a failure left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The version with `AWSPENDING`; running it again resumes.
    Pending,
    /// The new value is current: the rotation is complete.
    Complete,
    /// Nothing of it: a test, or a rotation that was abandoned meanwhile.
    Nothing,
}

/// Why a step is not done although its program ended well.
pub(crate) enum StepFault {
    /// `createSecret` stored no value.
    NoValue,
    /// Something else.
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for StepFault {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

/// Every value that a rotation's program may come to know.
pub(crate) struct Known {
    /// Of `AWSCURRENT`.
    pub(crate) current: Option<SecretValue>,
    /// Of the version that is made.
    pub(crate) pending: Option<SecretValue>,
    /// Of `AWSPREVIOUS`.
    pub(crate) previous: Option<SecretValue>,
    /// Current values of other secrets that it may read, by ARN.
    pub(crate) linked: Vec<(String, SecretValue)>,
    /// `ExternalSecretRotationMetadata`.
    pub(crate) metadata: Vec<(String, String)>,
}

/// A secret whose rotation is enabled, and how it stands.
pub(crate) struct Due {
    /// The secret's row.
    pub(crate) rid: u64,
    /// Its ARN.
    pub(crate) arn: String,
    /// Its name.
    pub(crate) name: String,
    /// The region it is in.
    pub(crate) region: String,
    /// `NextRotationDate`.
    pub(crate) next_rotation: Option<Timestamp>,
    /// When the window opens in which it is rotated, and when that closes.
    pub(crate) window: Option<(Timestamp, Timestamp)>,
    /// Whether it is due, and why not.
    pub(crate) state: State,
    /// When to try again, where an attempt failed.
    pub(crate) next_attempt: Option<Timestamp>,
    /// Whether the last attempt failed, and nobody has looked after it since.
    pub(crate) has_failed: bool,
}

impl Due {
    /// Whether it is to be rotated now.
    pub(crate) fn is_due(&self) -> bool {
        matches!(self.state, State::Unfinished | State::Open)
    }
}

/// Whether a secret is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// It is: a rotation is not finished, and whoever uses the secret may be locked out.
    Unfinished,
    /// It is: its window is open, or was missed and may be made up for.
    Open,
    /// It will be when an attempt that failed may be made again.
    Waiting,
    /// Not yet.
    NotYet,
    /// A person has to run it: its settings are wrong.
    Misconfigured,
    /// A person has to run it: it failed too often.
    Orphaned,
}

/// Whether to make up for windows that were missed although somebody chose their hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CatchUp {
    /// Wait for the next.
    NextWindow,
    /// Rotate at once.
    Always,
}

/// Why nothing can be said about what is due.
pub(crate) enum DueFault {
    /// The clock is more than a day behind the vault's last change.
    ClockWentBack {
        /// When that was.
        last: Timestamp,
    },
    /// Something else.
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for DueFault {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

/// How a step failed.
pub(crate) struct Failed<'a> {
    /// The step.
    pub(crate) step: Step,
    /// How its program ended, such as `exit status 1`; nothing that it wrote.
    pub(crate) status: &'a str,
    /// How soon to try again.
    pub(crate) retry: Retry,
}

/// Finds a job's secret and makes sure that the job still has its version to make.
///
/// # Errors
/// As [`before_step`].
fn at_work(cx: &mut Context<'_, '_>, job: &Job) -> Result<(Record, Progress), Failure> {
    let record = find(cx, job)?;
    if record.deletion.is_some() {
        return Err(Fault::marked_for_deletion().into());
    }
    let progress = progress_of(&record, job).cloned().ok_or_else(abandoned)?;
    if progress.outlook == Outlook::Cancelled && !is_complete(&record, &progress) {
        return Err(Fault::invalid_request("The rotation was cancelled.").into());
    }
    Ok((record, progress))
}

/// Finds a job's secret, whatever became of the job.
fn find(cx: &mut Context<'_, '_>, job: &Job) -> Result<Record, Failure> {
    let namespace = cx.namespace()?;
    let found = cx.vault()?.find(&namespace, &job.name)?;
    let record = found.filter(|record| record.rid == job.rid);
    Ok(record.ok_or_else(Fault::secret_not_found)?)
}

fn progress_of<'r>(record: &'r Record, job: &Job) -> Option<&'r Progress> {
    record.progress.as_ref().filter(|progress| progress.token == job.token)
}

/// Whether a rotation's version is the current one: then it has only to be tidied up after.
fn is_complete(record: &Record, progress: &Progress) -> bool {
    let current = record.staged(stages::CURRENT);
    progress.kind == Kind::Rotate && current.is_some_and(|version| version.id == progress.token)
}

fn abandoned() -> Fault {
    Fault::invalid_request(
        "The rotation was abandoned, because the secret got a new version or the staging label \
         AWSPENDING was moved.",
    )
}

/// Reads or writes the vault in the region of a job.
fn transact<T>(
    vault: &mut Vault,
    (region, access): (Option<&str>, Access),
    context: RequestContext<'_>,
    act: impl FnOnce(&mut Context<'_, '_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut transaction = vault.begin(access, context)?;
    let home = transaction.state().settings.region().to_owned();
    let done = act(&mut Context::new(&mut transaction, region, &home))?;
    transaction.commit()?;
    Ok(done)
}

/// Writes to the audit log what happened to a rotation, as AWS names it.
fn log(
    cx: &mut Context<'_, '_>,
    (event, outcome): (&str, &str),
    (record, token): (&Record, &str),
    detail: &str,
) -> Result<(), Failure> {
    let home = cx.vault()?.state().settings.region();
    let region = Some(&record.namespace.region).filter(|region| *region != home).cloned();
    let region = region.unwrap_or_default();
    let subject = Subject { version: token.to_owned(), region, ..Transaction::subject(record) };
    Ok(cx.vault()?.record_event(event, outcome, subject, detail)?)
}

/// The outcome of an event that is itself a failure.
const FAILED: &str = "Failed";
const SUCCESS: &str = Event::SUCCESS;
