//! `unlock` and `lock`: have the agent hold the vault open, and have it forget.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::agent::{self, other_version};
use super::super::duration;
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::options::{Choice, options};
use super::own::{Invocation, OwnCommand, count, text};
use crate::agent::client::{Line, Silence};
use crate::agent::limits::Limits;
use crate::agent::messages::{Ask, Reads, Refused, Reply, Unlock as Unlocking};
use crate::agent::place::Place;
use crate::agent::process::{self, First, NotStarted};
use crate::model::value::Value;
use crate::sys::files::FileFault;
use crate::sys::lock;
use crate::sys::secret::Secret;

options! {
    /// The options of `unlock`.
    pub(super) struct Unlock {
        /// Lock the vault when it was not used for so long: 90s, 15m, 8h, 1d. The default is 15m
        timeout: Option<String> = "TIME",
        /// Lock the vault after so long, used or not. The default is 8h
        max_age: Option<String> = "TIME",
        /// When reads are written to the audit log: before they are answered, or several at a time
        /// within two seconds, which is the default
        audit_reads: Option<ReadsWritten>,
        /// Do not go into the background: hold the vault open in this process
        foreground: bool,
    }
}

options! {
    /// The options of `lock`.
    pub(super) struct Lock {
        /// Lock all vaults, and end the agent
        all: bool,
    }
}

/// When reads are written to the audit log.
#[derive(Clone, Copy)]
pub(super) struct ReadsWritten(Reads);

impl Choice for ReadsWritten {
    const ALL: &'static [(&'static str, Self)] =
        &[("batched", Self(Reads::Batched)), ("at-once", Self(Reads::AtOnce))];
}

impl OwnCommand for Unlock {
    const NAME: &'static str = "unlock";
    const TITLE: &'static str = "Unlock";
    const SUMMARY: &'static str =
        "Hold the vault open, so that no command asks for the passphrase.";
    const EXAMPLE: &'static str = "strongroom unlock --timeout 1h";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let limits = Limits {
            idle_ms: time("--timeout", self.timeout.as_deref(), IDLE)?,
            age_ms: time("--max-age", self.max_age.as_deref(), AGE)?,
        };
        let locked = context.open_locked()?;
        let opened = context.offer().open(&locked)?;
        let key = opened.master.vault_key(locked.vault_id());
        // Whatever is wrong with the vault is said here, and nothing is started.
        drop(context.unlock_with(locked, &opened, &context.unlock_policy())?);
        drop(opened);
        let path = resolved(context)?;
        let anchors = context.environment.anchors();
        let reads = self.audit_reads.map_or(Reads::Batched, |ReadsWritten(reads)| reads);
        let unlocking = Unlocking { path: path.clone(), key, limits, anchors, reads };
        let place = agent::make_place(context.environment)?;
        if self.foreground {
            return hold_open(invocation, &place, unlocking);
        }
        let answer = hand_over(&place, &Ask::Unlock(unlocking))?;
        invocation.print(unlocked(&answer, &place, &path, limits)?)
    }
}

impl OwnCommand for Lock {
    const NAME: &'static str = "lock";
    const TITLE: &'static str = "Lock";
    const SUMMARY: &'static str = "Forget the key of the vault at once.";
    const EXAMPLE: &'static str = "strongroom lock --all";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let vault = if self.all { None } else { Some(resolved(context)?) };
        let mut locked = 0;
        if let Some(place) = agent::place(context.environment) {
            if let Some(line) = connect(&place)? {
                let ask = Ask::Lock { vault: vault.clone() };
                let answer = answered(line.ask(&ask).map_err(silent)?)?;
                locked = answer.get("locked").and_then(Json::as_u64).unwrap_or(0);
            }
            if let Some(vault) = &vault {
                place.forget_token(vault);
            }
        }
        invocation.print(vec![count("Locked", locked)])
    }
}

/// Holds a vault open in this process, after saying so.
fn hold_open(
    invocation: &Invocation<'_>,
    place: &Place,
    unlocking: Unlocking,
) -> Result<(), Failure> {
    terminal::end_silence();
    let (path, limits) = (unlocking.path.clone(), unlocking.limits);
    let held = process::hold(place).map_err(|why| not_started(&why))?;
    let mut told = Ok(());
    let mut tell = |answer: Result<Json, Refused>| {
        let answer = answered(Reply { outcome: answer, notices: Vec::new() });
        let members = answer.and_then(|answer| unlocked(&answer, place, &path, limits));
        told = members.and_then(|members| invocation.print_now(members));
    };
    let served = process::serve(place, held, agent::explain, First::Vault(unlocking, &mut tell));
    told?;
    served.map_err(|error| not_started(&NotStarted::System(error)))
}

/// Hands a vault to the agent, which is started if none runs. Two who do so at once end with one agent:
/// each waits for the other's to answer.
fn hand_over(place: &Place, ask: &Ask) -> Result<Json, Failure> {
    let starting = lock::wait(&place.start())?;
    if let Some(line) = Line::connect(place) {
        match line.ask(ask) {
            Ok(reply) => return answered(reply),
            // It was just ending.
            Err(Silence::Unsent(_) | Silence::Unanswered(_)) => {}
        }
    }
    let started =
        process::start(place).map_err(NotStarted::System).map_err(|why| not_started(&why))?;
    let answer = Line::of(started).ask(ask).map_err(silent)?;
    drop(starting);
    answered(answer)
}

/// Connects to the agent, if one runs. One that lost its socket still holds vaults, and nobody is told
/// that all is locked.
fn connect(place: &Place) -> Result<Option<Line>, Failure> {
    if let Some(line) = Line::connect(place) {
        return Ok(Some(line));
    }
    // One that is being started is heard by then.
    let starting = lock::wait(&place.start())?;
    let line = Line::connect(place);
    if line.is_none() {
        drop(process::hold(place).map_err(|why| not_started(&why))?);
    }
    drop(starting);
    Ok(line)
}

/// Keeps the token for this session, and says what is unlocked until when.
fn unlocked(
    answer: &Json,
    place: &Place,
    path: &Path,
    limits: Limits,
) -> Result<Vec<(String, Value)>, Failure> {
    let token = answer.get("token").and_then(Json::as_str).unwrap_or_default();
    let seconds = u32::try_from(limits.age_ms / 1000).unwrap_or(u32::MAX);
    let scope = place.keep_token(path, &Secret::new(token.to_owned()), seconds)?;
    let session = answer.get("session").cloned().unwrap_or_default();
    let mut members = vec![text("VaultPath", path.display().to_string())];
    members.extend(agent::times(&session));
    members.push(text("Token", scope.name()));
    Ok(members)
}

/// Takes what the agent answers to a request about itself.
fn answered(reply: Reply) -> Result<Json, Failure> {
    match reply.outcome {
        Ok(answer) => Ok(answer),
        Err(Refused::Vault(explained)) => Err(Failure::Explained(explained)),
        Err(Refused::Version(version)) => {
            Err(Failure::environment("AgentError", other_version(&version)))
        }
        Err(Refused::Fault(fault)) => Err(Failure::environment("AgentError", fault.message)),
        Err(Refused::Locked(what) | Refused::Malformed(what)) => {
            Err(Failure::environment("AgentError", what))
        }
    }
}

/// Returns where the vault is, as the agent calls it.
fn resolved(context: &CommandContext<'_>) -> Result<PathBuf, Failure> {
    let path = &context.location.path;
    let resolved = path.canonicalize();
    resolved.map_err(|error| FileFault::from_io(path, error).into())
}

fn silent(silence: Silence) -> Failure {
    let (Silence::Unsent(error) | Silence::Unanswered(error)) = silence;
    Failure::environment("AgentError", format!("the agent does not answer: {error}"))
}

fn not_started(why: &NotStarted) -> Failure {
    let failure = Failure::environment("AgentError", why.to_string());
    match why {
        NotStarted::Taken(Some(process)) => failure.hinted(format!("`kill {process}` ends it")),
        NotStarted::Taken(None) | NotStarted::System(_) => failure,
    }
}

fn time(option: &str, given: Option<&str>, default: i64) -> Result<i64, request::Error> {
    let Some(given) = given else { return Ok(default) };
    let wrong = || request::Error::argument(option, "it must be a time such as 90s, 15m, 8h or 1d");
    duration::milliseconds(given).filter(|ms| *ms > 0).ok_or_else(wrong)
}

/// 15 minutes.
const IDLE: i64 = 15 * 60 * 1000;
/// 8 hours.
const AGE: i64 = 8 * 60 * 60 * 1000;
