//! `backup` and `restore-backup`: whole copies, verified.

use std::path::Path;

use super::super::failure::Failure;
use super::super::{terminal, unlock};
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, text};
use super::progress::progress;
use crate::model::value::Value;
use crate::store;
use crate::sys::files::{self, FileFault};
use crate::upkeep::Source;
use crate::upkeep::copy::{self, Older};
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
        let mut locked = context.open_locked()?;
        let offer = context.offer();
        let can_unlock =
            offer.has_passphrase() || offer.keyfile_path().is_some() || terminal::is_there();
        let verified = if can_unlock {
            let opened = offer.open(&locked)?;
            // Refused like any other command where the vault is older than it was. A damaged slot is
            // found in the copy, and told then.
            let unlock_policy = UnlockPolicy {
                on_damaged_slot: OnDamagedSlot::Tolerate,
                ..context.unlock_policy()
            };
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
            if let Some(finding) = findings?.first() {
                let message = format!(
                    "the copy at {} is as damaged as the vault: {}: {}",
                    destination.display(),
                    finding.place,
                    finding.problem
                );
                return Err(vault::Error::Tampered(message).into());
            }
            "everything"
        } else {
            copy::backup(&mut locked, destination)?;
            LockedVault::open_copy(destination)?;
            "pages"
        };
        invocation.print(vec![
            text("BackupPath", destination.display().to_string()),
            text("Verified", verified),
        ])
    }
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
