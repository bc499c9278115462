//! `backup` and `restore-backup`: whole copies, verified.

use std::path::Path;

use super::super::agent::{self, Asked, Session};
use super::super::chore;
use super::super::failure::Failure;
use super::super::progress::progress;
use super::super::terminal;
use super::super::unlock::{self, CommandContext};
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, text};
use crate::agent::chores::Chore;
use crate::model::value::Value;
use crate::store;
use crate::sys::files::{self, FileFault};
use crate::upkeep::copy::{self, Older};
use crate::upkeep::{Source, backups, check};
use crate::vault::check::Finding;
use crate::vault::{self, LockedVault, OnDamagedSlot, UnlockPolicy};

options! {
    /// The options of `backup`.
    pub(super) struct Backup {
        /// The copy; it must not exist
        destination: Word = "DEST",
    }
}

options! {
    /// The options of `restore-backup`.
    pub(super) struct RestoreBackup {
        /// The copy to put back
        source: Word = "SRC",
        /// Put it back although the vault is newer, or was changed apart
        accept_rollback: bool,
    }
}

impl OwnCommand for Backup {
    const NAME: &'static str = "backup";
    const TITLE: &'static str = "Backup";
    const SUMMARY: &'static str = "Write a consistent copy of the vault, and verify it.";
    const EXAMPLE: &'static str = "strongroom backup /media/stick/strongroom.vault";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let destination = Path::new(&self.destination.0);
        unlock::check_destination(destination)?;
        let verified = match through_agent(destination, context)? {
            Some(findings) => Verified::Whole(findings),
            None => with_credential(destination, context)?,
        };
        let verified = match verified {
            Verified::Pages => "pages",
            Verified::Whole(findings) => {
                if let Some(Finding { place, problem }) = findings.first() {
                    let copy = destination.display();
                    let message = format!(
                        "the copy at {copy} is as damaged as the vault: {place}: {problem}"
                    );
                    return Err(vault::Error::Tampered(message).into());
                }
                "everything"
            }
        };
        remember(context);
        invocation.print(vec![
            text("BackupPath", destination.display().to_string()),
            text("Verified", verified),
        ])
    }
}

/// Notes on this machine that a backup was made, for `doctor`. The backup is there either way.
fn remember(context: &CommandContext<'_>) {
    let Some(state) = context.environment.state() else { return };
    let now = context.request_context().now;
    let noted =
        context.open_locked().and_then(|vault| Ok(backups::note(&state, vault.vault_id(), now)?));
    if let Err(failure) = noted
        && let Some((_, why)) = failure.told()
    {
        terminal::note(&format!("note: doctor will not know of this backup: {why}"));
    }
}

/// How much of a copy was verified.
enum Verified {
    /// That it is a vault that can be read.
    Pages,
    /// All of it; what was found.
    Whole(Vec<Finding>),
}

/// Copies a vault that the agent holds open, and has it verify the copy; `None` if it does not hold it
/// open, or no longer.
fn through_agent(
    destination: &Path,
    context: &CommandContext<'_>,
) -> Result<Option<Vec<Finding>>, Failure> {
    let Some(session) = Session::find(context) else { return Ok(None) };
    // Refused like any other command where the vault is older than it was.
    if let Asked::Gone = session.chore(Chore::Checkpoint, Backup::TITLE)? {
        return Ok(None);
    }
    // Made here, as whoever asks for it, and not by a process that was started somewhere else.
    let mut locked = context.open_locked()?;
    copy::backup(&mut locked, destination)?;
    let found = destination.canonicalize().map_err(|error| FileFault::from_io(destination, error));
    let verified = found.map_err(Failure::from).and_then(|path| match Session::find(context) {
        Some(session) => session.check(Some(&path)),
        None => Ok(Asked::Gone),
    });
    match verified {
        Ok(Asked::Answered(found)) => {
            check::findings_of(&found).ok_or_else(agent::unintelligible).map(Some)
        }
        // It was locked meanwhile: what is there is made anew, so that all is told as without it.
        Ok(Asked::Gone) => {
            drop(std::fs::remove_file(destination));
            Ok(None)
        }
        Err(failure) => {
            if is_of_another_state(&failure) {
                drop(std::fs::remove_file(destination));
            }
            Err(failure)
        }
    }
}

/// Whether somebody put another state of the vault there while it was copied: nobody asked for that copy.
fn is_of_another_state(failure: &Failure) -> bool {
    let rolled_back = vault::Error::RolledBack { found: 0, seen: 0 };
    let forked = vault::Error::Forked { generation: 0 };
    let names = [rolled_back.name(), forked.name()];
    matches!(failure, Failure::Explained(told) if names.contains(&told.name.as_str()))
}

/// Copies a vault, and verifies the copy with a credential, if there is one.
fn with_credential(destination: &Path, context: &CommandContext<'_>) -> Result<Verified, Failure> {
    let mut locked = context.open_locked()?;
    let offer = context.offer();
    if !offer.has_passphrase() && offer.keyfile_path().is_none() && !terminal::is_there() {
        copy::backup(&mut locked, destination)?;
        LockedVault::open_copy(destination)?;
        return Ok(Verified::Pages);
    }
    let opened = offer.open(&locked).map_err(|failure| chore::unlock_first(failure, context))?;
    // Refused like any other command where the vault is older than it was. A damaged slot is found in
    // the copy, and told then.
    let unlock_policy =
        UnlockPolicy { on_damaged_slot: OnDamagedSlot::Tolerate, ..context.unlock_policy() };
    let mut vault = context.unlock_with(locked, &opened, &unlock_policy)?;
    let source = Source { vault: &mut vault, master: &opened.master };
    let request_context = context.request_context();
    let findings = copy::backup_verified(
        source,
        destination,
        &unlock_policy,
        request_context,
        &mut progress(),
    );
    terminal::finish();
    Ok(Verified::Whole(findings?))
}

impl OwnCommand for RestoreBackup {
    const NAME: &'static str = "restore-backup";
    const TITLE: &'static str = "RestoreBackup";
    const SUMMARY: &'static str = "Verify a copy and put it in the place of the vault.";
    const EXAMPLE: &'static str = "strongroom restore-backup /media/stick/strongroom.vault";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let path = Path::new(&self.source.0);
        if !path.exists() {
            return Err(FileFault::Missing(path.to_owned()).into());
        }
        let source = LockedVault::open_copy(path)?;
        let opened = context.offer().open(&source)?;
        drop(source);
        let request_context = context.request_context();
        let (mut source, findings) =
            copy::verify(path, &opened.master, request_context, &mut progress())?;
        terminal::finish();
        if let Some(finding) = findings.first() {
            let message = format!("{}: {}: {}", path.display(), finding.place, finding.problem);
            return Err(vault::Error::Tampered(message).into());
        }
        let older = if self.accept_rollback { Older::Accept } else { Older::Refuse };
        let target = &context.location()?.path;
        if let Some(directory) = target.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            files::create_private_dir(directory)?;
        }
        let unlock_policy = context.unlock_policy();
        let restored = copy::restore(
            target,
            Source { vault: &mut source, master: &opened.master },
            &unlock_policy,
            older,
            request_context,
        );
        let kept = restored.map_err(|error| {
            if let vault::Error::Store(store::Error::NotAVault { .. }) = &error {
                return Failure::environment(error.name(), error.to_string())
                    .hinted("move it away first");
            }
            error.into()
        })?;
        let mut members = vec![
            text("VaultPath", target.display().to_string()),
            ("Restored".to_owned(), Value::Boolean(true)),
        ];
        members.extend(kept.map(|kept| text("ReplacedPath", kept.display().to_string())));
        invocation.print(members)
    }
}
