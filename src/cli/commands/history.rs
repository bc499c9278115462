//! `checkpoint`, `accept-state` and `list-events`: what the vault has been through.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::super::chore;
use super::super::everyday::times;
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::unlock::{self, CommandContext};
use super::options::{Number, options};
use super::own::{Invocation, OwnCommand, text};
use crate::agent::chores::Chore;
use crate::service::rules::arn;
use crate::sys::files::{self, FileFault};
use crate::upkeep::events::{self, EventFilter};
use crate::vault::archive::Junction;
use crate::vault::transaction::Access;
use crate::vault::{OnRollback, UnlockPolicy};

options! {
    /// The options of `checkpoint`.
    pub(super) struct Checkpoint;
}

options! {
    /// The options of `accept-state`.
    pub(super) struct AcceptState;
}

options! {
    /// The options of `list-events`.
    pub(super) struct ListEvents {
        ..filters: Filters,
        ..archives: Archives,
    }
}

options! {
    /// The options that say which events are shown.
    pub(super) struct Filters {
        /// Only events about this secret, by its name or ARN
        secret_id: Option<String> = "SECRET",
        /// Only events of this operation, such as GetSecretValue
        operation: Option<String> = "NAME",
        /// Only events that ended so: Success or an error code
        outcome: Option<String> = "CODE",
        /// Only events since then: 2026-01-31T12:00:00Z, or a day
        since: Option<String> = "TIME",
        /// Only events until then; a day is its first moment
        until: Option<String> = "TIME",
        /// At most so many, the newest
        max_items: Number<usize> = "N",
    }
}

options! {
    /// The options about a file that has the whole log.
    pub(super) struct Archives {
        /// Write the whole log, sealed, into a new file instead
        archive: Option<String> = "FILE" =>
            .conflicts_with_all(Filters::names()).conflicts_with("from-archive"),
        /// Show and verify what --archive wrote
        from_archive: Option<String> = "FILE",
    }
}

impl OwnCommand for Checkpoint {
    const NAME: &'static str = "checkpoint";
    const TITLE: &'static str = "Checkpoint";
    const SUMMARY: &'static str = "Print a code of the vault's state to write down and compare.";
    const EXAMPLE: &'static str = "strongroom checkpoint --query Checkpoint --output text";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        invocation.answer_with(chore::have_done(
            || Chore::Checkpoint,
            Self::TITLE,
            invocation.context,
        )?)
    }
}

impl OwnCommand for AcceptState {
    const NAME: &'static str = "accept-state";
    const TITLE: &'static str = "AcceptState";
    const SUMMARY: &'static str =
        "Take the vault as it is for the newest, after a rollback or fork.";
    const EXAMPLE: &'static str = "strongroom accept-state";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
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
        invocation.print(vec![text("Checkpoint", transaction.checkpoint().to_string())])
    }
}

impl OwnCommand for ListEvents {
    const NAME: &'static str = "list-events";
    const TITLE: &'static str = "ListEvents";
    const SUMMARY: &'static str = "Show the audit log, newest first, verified as a whole.";
    const EXAMPLE: &'static str =
        "strongroom list-events --secret-id app/db --operation GetSecretValue";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        if let Some(path) = self.archives.archive.as_deref().map(Path::new) {
            unlock::check_destination(path)?;
            let mut vault = context.unlock()?;
            let (archive, range) = events::archive(&mut vault, context.request_context())?;
            files::write_private(path, &archive)?;
            let mut members = vec![text("ArchivePath", path.display().to_string())];
            members.extend(range);
            return invocation.print(members);
        }
        let filter = filter(self.filters, context)?;
        let Some(path) = self.archives.from_archive.as_deref().map(Path::new) else {
            let chore = || Chore::Events(filter.clone());
            return invocation.answer_with(chore::have_done(chore, Self::TITLE, context)?);
        };
        let file = File::open(path).map_err(|error| FileFault::from_io(path, error))?;
        // Only the vault's keys are asked for: an archive from before a rekey needs a copy from then.
        let unlock_policy = UnlockPolicy { anchors: None, ..context.unlock_policy() };
        let mut vault = context.unlock_under(&unlock_policy)?;
        let (members, junction) = events::list_archive(
            &mut vault,
            &mut BufReader::new(file),
            &filter,
            context.request_context(),
        )?;
        invocation.print(members)?;
        if junction == Junction::Contradicted { Err(Failure::Found) } else { Ok(()) }
    }
}

fn filter(filters: Filters, context: &CommandContext<'_>) -> Result<EventFilter, Failure> {
    let since = filters.since.map(|given| times::read("--since", &given)).transpose()?;
    let until = filters.until.map(|given| times::read("--until", &given)).transpose()?;
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        return Err(request::Error::argument("--until", "it must not be before --since").into());
    }
    let asked_for = filters.secret_id.as_deref();
    // An ARN says which region it means.
    let region = asked_for.and_then(arn::region_of).or(context.globals.region.as_deref());
    Ok(EventFilter {
        secret: asked_for.map(|id| arn::name_in(id).to_owned()),
        region: region.map(str::to_owned),
        operation: filters.operation,
        outcome: filters.outcome,
        since,
        until,
        most: filters.max_items.get()?,
    })
}
