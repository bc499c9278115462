//! `rotate-due`: what a timer calls to rotate whatever is due.

use std::fs;
use std::path::Path;
use std::time::Duration;

use clap::Command;
use jiff::Timestamp as Instant;

use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::rotate::own::Words;
use super::super::rotate::{self, own};
use super::super::terminal;
use super::super::unlock;
use super::{Asked, Own, flag, option, text};
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::rotation::due::{self, DueOutcome, Mode, Wanted};
use crate::rotation::error::Error;
use crate::service::jobs::{CatchUp, DueFault, DueState};
use crate::sys::clock;
use crate::sys::entropy::{Entropy, SystemEntropy};
use crate::sys::{files, lock};
use crate::vault::Vault;

/// The command.
pub(super) const ROTATE_DUE: Own = Own {
    name: "rotate-due",
    title: "RotateDue",
    summary: "Rotate every secret that is due; for a timer.",
    example: "strongroom rotate-due --keyfile ~/rotate.key",
    options,
    run,
};

fn options(command: Command) -> Command {
    command
        .arg(option("secret-id", "SECRET", "Only this secret, by its name or ARN"))
        .arg(option("max", "N", "Rotate at most so many"))
        .arg(flag("dry-run", "Rotate nothing; show how each secret stands"))
        .arg(flag(
            "catch-up",
            "Make up for missed windows at once, even where their hours were set",
        ))
        .arg(option("jitter", "TIME", "Wait a random time first, at most this: 10m"))
        .arg(
            flag(
                "verbose",
                "Show how each secret stands, and what programs write to stderr, even if all is \
                 well",
            )
            .short('v'),
        )
        .arg(flag(
            "quiet",
            "Say nothing, and exit with 0, about what failed and waits to be tried again",
        ))
}

fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    let is_dry = asked.flag("dry-run");
    let wanted = Wanted {
        catch_up: if asked.flag("catch-up") { CatchUp::Always } else { CatchUp::NextWindow },
        most: asked.number("max")?,
        only: asked.text("secret-id"),
        deed: if is_dry { Mode::Say } else { Mode::Rotate },
    };
    wait(asked)?;
    let mut vault = match asked.context.unlock() {
        Err(failure @ Failure::Environment { name: "VaultLocked", .. }) => {
            if let Some((_, message)) = failure.told() {
                terminal::report(&message);
            }
            return Err(later(asked));
        }
        unlocked => unlocked?,
    };
    let machine = rotate::machine(asked.context)?;
    let _turn = match (is_dry, lock::take(&machine.lock_of_due(&vault.vault_id().to_string()))?) {
        (false, None) => {
            terminal::report("another rotate-due is at work on this vault");
            return Err(later(asked));
        }
        (_, turn) => turn,
    };
    let words = if asked.flag("verbose") { Words::Always } else { Words::OfFailures };
    let fates = rotate::with_runner(&mut vault, asked.context, words, |runner| {
        due::rotate_due(runner, &wanted)
    })?;
    let fates = match fates {
        Ok(fates) => fates,
        Err(DueFault::Failure(failure)) => return Err(rotate::told(Error::Service(failure))),
        Err(DueFault::ClockWentBack { last }) => {
            if !is_dry {
                leave_word(&machine.trouble_of(&vault.vault_id().to_string()));
            }
            return Err(clock_went_back(last));
        }
    };
    if !is_dry {
        note_trouble(&machine.trouble_of(&vault.vault_id().to_string()), &wanted, &fates);
    }
    tell(asked, fates, &vault)
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

/// Keeps in mind, for when nobody can look, whether a rotation needs somebody.
fn note_trouble(path: &Path, wanted: &Wanted<'_>, fates: &[DueOutcome]) {
    if fates.iter().any(DueOutcome::is_trouble) {
        leave_word(path);
    } else if wanted.only.is_none() {
        drop(fs::remove_file(path));
    }
}

fn leave_word(path: &Path) {
    let made = files::create_private_dir(files::parent_of(path));
    drop(made.and_then(|()| files::write_replacing(path, b"")));
}

/// Ends where nothing could be looked at. What had failed is not well again because of that.
fn later(asked: &Asked<'_>) -> Failure {
    let path = asked.context.open_locked().and_then(|vault| {
        let machine = rotate::machine(asked.context)?;
        Ok(machine.trouble_of(&vault.vault_id().to_string()))
    });
    if asked.flag("quiet") || !path.is_ok_and(|path| path.exists()) {
        return Failure::Ended(LATER);
    }
    terminal::report("a rotation had failed when rotate-due last looked");
    Failure::Ended(TROUBLE)
}

/// Waits, so that not all machines begin at the same moment.
fn wait(asked: &Asked<'_>) -> Result<(), Failure> {
    let Some(given) = asked.text("jitter") else { return Ok(()) };
    let most = own::seconds(given).ok_or_else(|| {
        request::Error::argument("--jitter", "it must be a time such as 90s or 10m")
    })?;
    let mut random = [0; 8];
    if SystemEntropy.fill(&mut random).is_ok() {
        let seconds = u64::from_be_bytes(random) % most.saturating_add(1);
        clock::pause(Duration::from_secs(seconds));
    }
    Ok(())
}

/// Prints how all stand, tells of trouble, and ends with the code that says whether there is any.
fn tell(asked: &Asked<'_>, fates: Vec<DueOutcome>, vault: &Vault) -> Result<(), Failure> {
    unlock::warn(vault);
    let is_shown =
        asked.flag("dry-run") || asked.flag("verbose") || asked.context.globals.output.is_some();
    let is_quiet = asked.flag("quiet");
    let is_told = |fate: &DueOutcome| fate.is_trouble() && !(is_quiet && fate.is_waiting());
    let is_trouble = fates.iter().any(is_told);
    let mut rows = Vec::new();
    let mut interrupted = None;
    for fate in fates {
        if is_told(&fate) && !is_shown && !matches!(fate.outcome, Some(Err(_))) {
            let state = state_of(&fate);
            terminal::report(&format!(
                "{}: {state}; see `strongroom rotation show`",
                fate.due.name
            ));
        }
        rows.push(row(&fate));
        let name = fate.due.name;
        match fate.outcome {
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
        asked.print(vec![("Rotations".to_owned(), Value::List(rows))])?;
    }
    match (interrupted, is_trouble && !asked.flag("dry-run")) {
        (Some(failure), _) => Err(failure),
        (None, true) => Err(Failure::Ended(TROUBLE)),
        (None, false) => Ok(()),
    }
}

fn row(fate: &DueOutcome) -> Value {
    let due = &fate.due;
    let mut row =
        vec![text("Name", &due.name), text("ARN", &due.arn), text("State", state_of(fate))];
    let times = [
        ("NextRotationDate", due.next_rotation),
        ("WindowStart", due.window.map(|(start, _)| start)),
        ("WindowEnd", due.window.map(|(_, end)| end)),
        ("NextAttempt", due.next_attempt),
    ];
    for (name, time) in times {
        row.extend(time.map(|time| (name.to_owned(), Value::Timestamp(time))));
    }
    match &fate.outcome {
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
        Some(Err(Error::Service(_) | Error::AtWork(_) | Error::File(_) | Error::Passed)) => {
            row.push(text("Outcome", "Refused"));
        }
        None => {}
    }
    Value::Map(row)
}

fn state_of(fate: &DueOutcome) -> &'static str {
    match fate.due.state {
        DueState::Unfinished | DueState::Open if !fate.is_approved => "NotApproved",
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
