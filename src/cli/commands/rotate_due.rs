//! `rotate-due`: what a timer calls to rotate whatever is due.

use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp as Instant;
use serde_json::Value as Json;

use super::super::agent::{self, Asked, Session};
use super::super::duration;
use super::super::failure::Failure;
use super::super::open_peer::Open;
use super::super::peers;
use super::super::request::error as request;
use super::super::rotate;
use super::super::rotate::own::Words;
use super::super::terminal;
use super::super::unlock::{self, CommandContext};
use super::options::{Number, options};
use super::own::{Invocation, OwnCommand, text};
use crate::agent::messages;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::rotation::due::{self, DueOutcome, DueRequest, Mode};
use crate::rotation::error::Error;
use crate::rotation::remote;
use crate::service::jobs::{CatchUp, DueFault, DueState};
use crate::sys::clock;
use crate::sys::entropy::{Entropy, SystemEntropy};
use crate::sys::{files, lock};
use crate::vault::Vault;

options! {
    /// The options of `rotate-due`.
    pub(super) struct RotateDue {
        /// Only this secret, by its name or ARN
        secret_id: Option<String> = "SECRET",
        /// Rotate at most so many
        max: Number<usize> = "N",
        /// Rotate nothing; show how each secret stands
        dry_run: bool,
        /// Make up for missed windows at once, even where their hours were set
        catch_up: bool,
        /// Wait a random time first, at most this: 10m
        jitter: Option<String> = "TIME",
        /// Show how each secret stands, and what programs write to stderr, even if all is well
        verbose: bool => .short('v'),
        /// Say nothing, and exit with 0, about what failed and waits to be tried again
        quiet: bool,
    }
}

impl OwnCommand for RotateDue {
    const NAME: &'static str = "rotate-due";
    const TITLE: &'static str = "RotateDue";
    const SUMMARY: &'static str = "Rotate every secret that is due; for a timer.";
    const EXAMPLE: &'static str = "strongroom rotate-due --keyfile ~/rotate.key";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let wanted = DueRequest {
            catch_up: if self.catch_up { CatchUp::Always } else { CatchUp::NextWindow },
            most: self.max.get()?,
            only: self.secret_id.as_deref(),
            mode: if self.dry_run { Mode::Say } else { Mode::Rotate },
        };
        self.jitter.as_deref().map_or(Ok(()), wait)?;
        let session = Session::find(context);
        let vault = match session {
            Some(_) => None,
            None => match context.unlock() {
                Err(failure @ Failure::Environment { name: "VaultLocked", .. }) => {
                    if let Some((_, message)) = failure.told() {
                        terminal::report(&message);
                    }
                    return Err(later(&self, context));
                }
                unlocked => Some(unlocked?),
            },
        };
        let machine = rotate::machine(context)?;
        let id = match &vault {
            Some(vault) => vault.vault_id().to_string(),
            None => context.open_locked()?.vault_id().to_string(),
        };
        let _turn = match (self.dry_run, lock::take(&machine.lock_of_due(&id))?) {
            (false, None) => {
                terminal::report("another rotate-due is at work on this vault");
                return Err(later(&self, context));
            }
            (_, turn) => turn,
        };
        let words = if self.verbose { Words::Always } else { Words::OfFailures };
        let (outcomes, vault) = run_due(&wanted, words, session.as_ref(), vault, context)?;
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(DueFault::Failure(failure)) => return Err(rotate::told(Error::Service(failure))),
            Err(DueFault::ClockWentBack { last }) => {
                if !self.dry_run {
                    leave_word(&machine.trouble_of(&id));
                }
                return Err(clock_went_back(last));
            }
        };
        if !self.dry_run {
            note_trouble(&machine.trouble_of(&id), &wanted, &outcomes);
        }
        vault.iter().for_each(unlock::warn);
        tell(&self, invocation, outcomes)
    }
}

/// What became of what was due, and the vault, if this process opened it.
type Rotated = (Result<Vec<DueOutcome>, DueFault>, Option<Vault>);

/// Rotates what is due: in the agent, or else here.
fn run_due(
    wanted: &DueRequest<'_>,
    words: Words,
    session: Option<&Session>,
    vault: Option<Vault>,
    context: &CommandContext<'_>,
) -> Result<Rotated, Failure> {
    if let Some(session) = session {
        let asked = remote::due_to_json(wanted);
        if let Asked::Answered(answer) =
            rotate::ask(session, asked, messages::Rotated::Due, words, context)?
        {
            return Ok((outcomes_of(&answer)?, None));
        }
    }
    let mut vault = match vault {
        Some(vault) => vault,
        None => context.unlock()?,
    };
    let outcomes =
        rotate::with_runner(&mut vault, context, words, |runner| due::rotate_due(runner, wanted))?;
    peers::tell_waiting(&mut Open::Here(&mut vault, context), context);
    Ok((outcomes, Some(vault)))
}

/// Reads what came of the agent's rotations.
fn outcomes_of(json: &Json) -> Result<Result<Vec<DueOutcome>, DueFault>, Failure> {
    if let Some(outcomes) = json.get("outcomes").and_then(remote::outcomes_from_json) {
        return Ok(Ok(outcomes));
    }
    match json.get("fault").and_then(remote::fault_of_due_from_json) {
        Some(Ok(last)) => Ok(Err(DueFault::ClockWentBack { last })),
        Some(Err(error)) => Err(rotate::told(error)),
        None => Err(agent::unintelligible()),
    }
}

fn clock_went_back(last: Timestamp) -> Failure {
    let last = Instant::from_millisecond(last.0).unwrap_or(Instant::MAX);
    terminal::report(&format!(
        "the clock is more than a day behind the vault's last change, {last}; nothing was rotated. \
         If it is right now and was ahead then, `strongroom accept-state` heals this; otherwise set \
         the clock"
    ));
    Failure::Ended(TROUBLE)
}

/// Remembers whether a rotation needs a person, for runs that cannot look.
fn note_trouble(path: &Path, wanted: &DueRequest<'_>, outcomes: &[DueOutcome]) {
    if outcomes.iter().any(DueOutcome::is_trouble) {
        leave_word(path);
    } else if wanted.only.is_none() {
        drop(fs::remove_file(path));
    }
}

fn leave_word(path: &Path) {
    let made = files::create_private_dir(files::parent_of(path));
    drop(made.and_then(|()| files::write_replacing(path, b"")));
}

/// Ends a run that could look at nothing: what had failed before is still in trouble.
fn later(options: &RotateDue, context: &CommandContext<'_>) -> Failure {
    let path = context.open_locked().and_then(|vault| {
        let machine = rotate::machine(context)?;
        Ok(machine.trouble_of(&vault.vault_id().to_string()))
    });
    if options.quiet || !path.is_ok_and(|path| path.exists()) {
        return Failure::Ended(LATER);
    }
    terminal::report("a rotation had failed when rotate-due last looked");
    Failure::Ended(TROUBLE)
}

/// Waits for a random time, so that not all machines begin at once.
fn wait(jitter: &str) -> Result<(), Failure> {
    let most = duration::seconds(jitter).ok_or_else(|| {
        request::Error::argument("--jitter", "it must be a time such as 90s or 10m")
    })?;
    let mut random = [0; 8];
    if SystemEntropy.fill(&mut random).is_ok() {
        let seconds = u64::from_be_bytes(random) % most.saturating_add(1);
        clock::pause(Duration::from_secs(seconds));
    }
    Ok(())
}

/// Prints the state of all, reports trouble, and ends with the exit code for it.
fn tell(
    options: &RotateDue,
    invocation: &Invocation<'_>,
    outcomes: Vec<DueOutcome>,
) -> Result<(), Failure> {
    let is_shown =
        options.dry_run || options.verbose || invocation.context.globals.output.is_some();
    let is_quiet = options.quiet;
    let is_told =
        |outcome: &DueOutcome| outcome.is_trouble() && !(is_quiet && outcome.is_waiting());
    let is_trouble = outcomes.iter().any(is_told);
    let mut rows = Vec::new();
    let mut interrupted = None;
    for outcome in outcomes {
        if is_told(&outcome) && !is_shown && !matches!(outcome.outcome, Some(Err(_))) {
            let state = state_of(&outcome);
            terminal::report(&format!(
                "{}: {state}; see `strongroom rotation show`",
                outcome.due.name
            ));
        }
        rows.push(row(&outcome));
        let name = outcome.due.name;
        match outcome.outcome {
            Some(Err(error @ (Error::Interrupted { .. } | Error::Stopped))) => {
                interrupted = Some(Failure::of_rotation(error));
            }
            Some(Err(error)) => {
                if let Some((_, message)) = rotate::told(error).told() {
                    terminal::report(&format!("{name}: {message}"));
                }
            }
            Some(Ok(_)) | None => {}
        }
    }
    if is_shown {
        invocation.print(vec![("Rotations".to_owned(), Value::List(rows))])?;
    }
    match (interrupted, is_trouble && !options.dry_run) {
        (Some(failure), _) => Err(failure),
        (None, true) => Err(Failure::Ended(TROUBLE)),
        (None, false) => Ok(()),
    }
}

fn row(outcome: &DueOutcome) -> Value {
    let due = &outcome.due;
    let mut row =
        vec![text("Name", &due.name), text("ARN", &due.arn), text("State", state_of(outcome))];
    let times = [
        ("NextRotationDate", due.next_rotation),
        ("WindowStart", due.window.map(|(start, _)| start)),
        ("WindowEnd", due.window.map(|(_, end)| end)),
        ("NextAttempt", due.next_attempt),
    ];
    for (name, time) in times {
        row.extend(time.map(|time| (name.to_owned(), Value::Timestamp(time))));
    }
    match &outcome.outcome {
        Some(Ok(answer)) => {
            row.push(text("Outcome", "Rotated"));
            row.extend(answer.get("VersionId").map(|id| ("VersionId".to_owned(), id.clone())));
        }
        Some(Err(Error::Failed(failed))) => {
            row.push(text("Outcome", "Failed"));
            row.push(text("Error", failed.to_string()));
        }
        Some(Err(Error::Interrupted { .. } | Error::Stopped)) => {
            row.push(text("Outcome", "Interrupted"));
        }
        Some(Err(
            Error::Service(_) | Error::AtWork(_) | Error::File(_) | Error::Told(_) | Error::Passed,
        )) => {
            row.push(text("Outcome", "Refused"));
        }
        None => {}
    }
    Value::Map(row)
}

fn state_of(outcome: &DueOutcome) -> &'static str {
    match outcome.due.state {
        DueState::Unfinished | DueState::Open if !outcome.is_approved => "NotApproved",
        DueState::Unfinished => "Unfinished",
        DueState::Open => "Due",
        DueState::Waiting => "Waiting",
        DueState::NotYet => "NotYet",
        DueState::Misconfigured => "Misconfigured",
        DueState::Orphaned => "Orphaned",
    }
}

/// At least one rotation failed and is not mended, or needs a person.
const TROUBLE: u8 = 1;
/// sysexits.h: try again later.
const LATER: u8 = 75;
