//! `checkpoint`, `accept-state` and `list-events`: what the vault has been through.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use clap::Command;
use jiff::Timestamp as Instant;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::unlock;
use super::{Asked, Own, option, text};
use crate::model::time::Timestamp;
use crate::service::rules::arn;
use crate::sys::files::{self, FileFault};
use crate::upkeep::events::{self, EventFilter};
use crate::vault::archive::Junction;
use crate::vault::transaction::Access;
use crate::vault::{OnRollback, UnlockPolicy};

/// The first command.
pub(super) const CHECKPOINT: Own = Own {
    name: "checkpoint",
    title: "Checkpoint",
    summary: "Print a code of the vault's state to write down and compare.",
    example: "strongroom checkpoint --query Checkpoint --output text",
    options: none,
    run: run_checkpoint,
};

/// The second command.
pub(super) const ACCEPT_STATE: Own = Own {
    name: "accept-state",
    title: "AcceptState",
    summary: "Take the vault as it is for the newest, after a rollback or fork.",
    example: "strongroom accept-state",
    options: none,
    run: run_accept_state,
};

/// The third command.
pub(super) const LIST_EVENTS: Own = Own {
    name: "list-events",
    title: "ListEvents",
    summary: "Show the audit log, newest first, verified as a whole.",
    example: "strongroom list-events --secret-id app/db --operation GetSecretValue",
    options: event_options,
    run: run_list_events,
};

fn none(command: Command) -> Command {
    command
}

fn event_options(command: Command) -> Command {
    command
        .arg(option("secret-id", "SECRET", "Only events about this secret, by its name or ARN"))
        .arg(option("operation", "NAME", "Only events of this operation, such as GetSecretValue"))
        .arg(option("outcome", "CODE", "Only events that ended so: Success or an error code"))
        .arg(option("since", "TIME", "Only events since then: 2026-01-31T12:00:00Z, or a day"))
        .arg(option("until", "TIME", "Only events until then; a day is its first moment"))
        .arg(option("max-items", "N", "At most so many, the newest"))
        .arg(
            option("archive", "FILE", "Write the whole log, sealed, into a new file instead")
                .conflicts_with_all(FILTERS)
                .conflicts_with("from-archive"),
        )
        .arg(option("from-archive", "FILE", "Show and verify what --archive wrote"))
}

fn run_checkpoint(asked: &Asked<'_>) -> Result<(), Failure> {
    let mut vault = asked.context.unlock()?;
    let transaction = vault.begin(Access::Read, asked.context.request_context())?;
    asked.print(vec![text("Checkpoint", transaction.checkpoint().to_string())])
}

fn run_accept_state(asked: &Asked<'_>) -> Result<(), Failure> {
    let context = asked.context;
    let unlock_policy =
        UnlockPolicy { on_rollback: OnRollback::AcceptOnCommit, ..context.unlock_policy() };
    let mut vault = context.unlock_under(&unlock_policy)?;
    let seen = vault.accepted().map(|seen| format!(", seen {}", seen.generation));
    let mut transaction = vault.begin(Access::Write, context.request_context())?;
    let generation = transaction.state().generation;
    transaction.accept_clock();
    transaction.record_own(
        "AcceptState",
        &format!("generation {generation}{}", seen.unwrap_or_default()),
    )?;
    transaction.commit()?;
    let transaction = vault.begin(Access::Read, context.request_context())?;
    asked.print(vec![text("Checkpoint", transaction.checkpoint().to_string())])
}

/// The options that say which events are wanted.
const FILTERS: &[&str] = &["secret-id", "operation", "outcome", "since", "until", "max-items"];

fn run_list_events(asked: &Asked<'_>) -> Result<(), Failure> {
    let context = asked.context;
    if let Some(path) = asked.text("archive").map(Path::new) {
        unlock::check_destination(path)?;
        let mut vault = context.unlock()?;
        let (archive, range) = events::archive(&mut vault, context.request_context())?;
        files::write_private(path, &archive)?;
        let mut members = vec![text("ArchivePath", path.display().to_string())];
        members.extend(range);
        return asked.print(members);
    }
    let wanted = wanted(asked)?;
    let Some(path) = asked.text("from-archive").map(Path::new) else {
        let mut vault = context.unlock()?;
        return asked.answer_with(events::list(&mut vault, &wanted, context.request_context())?);
    };
    let file = File::open(path).map_err(|error| FileFault::from_io(path, error))?;
    // Only the vault's keys are asked for: an archive from before a rekey needs a copy from then.
    let unlock_policy = UnlockPolicy { anchors: None, ..context.unlock_policy() };
    let mut vault = context.unlock_under(&unlock_policy)?;
    let (members, junction) = events::list_archive(
        &mut vault,
        &mut BufReader::new(file),
        &wanted,
        context.request_context(),
    )?;
    asked.print(members)?;
    if junction == Junction::Contradicted { Err(Failure::Found) } else { Ok(()) }
}

fn wanted(asked: &Asked<'_>) -> Result<EventFilter, Failure> {
    let owned = |name: &str| asked.text(name).map(str::to_owned);
    let (since, until) = (time(asked, "since")?, time(asked, "until")?);
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        return Err(request::Error::argument("--until", "it must not be before --since").into());
    }
    let asked_for = asked.text("secret-id").unwrap_or_default();
    // An ARN says which region it means.
    let region = arn::region_of(asked_for).or(asked.context.globals.region.as_deref());
    Ok(EventFilter {
        secret: asked.text("secret-id").map(|id| arn::name_in(id).to_owned()),
        region: region.map(str::to_owned),
        operation: owned("operation"),
        outcome: owned("outcome"),
        since,
        until,
        most: asked.number("max-items")?,
    })
}

fn time(asked: &Asked<'_>, name: &str) -> Result<Option<Timestamp>, Failure> {
    let Some(given) = asked.text(name) else { return Ok(None) };
    let instant = given.parse::<Instant>().or_else(|_without_zone| {
        let local: DateTime = given.parse()?;
        TimeZone::system().to_timestamp(local)
    });
    let instant = instant.map_err(|_not_a_time| {
        let what = format!("{given} is no time such as 2026-01-31T12:00:00Z or 2026-01-31");
        request::Error::argument(&format!("--{name}"), what)
    })?;
    Ok(Some(Timestamp(instant.as_millisecond())))
}
