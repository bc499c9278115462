//! Whole copies of a vault: made, verified, and put back.

use std::path::{Path, PathBuf};

use super::{Source, check};
use crate::crypto::keys::MasterKey;
use crate::store::Mode;
use crate::vault::check::{Finding, OnProgress};
use crate::vault::loss::Loss;
use crate::vault::replace::{ReplacedVault, UNGUARDED};
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, LockedVault, OnRollback, UnlockPolicy, Vault};

/// Copies a vault that may be in use, without a key. The copy is durable when this returns.
pub(crate) fn backup(vault: &mut LockedVault, destination: &Path) -> Result<(), vault::Error> {
    Ok(vault.store_mut().backup_to(destination)?)
}

/// Copies an unlocked vault, and verifies all of the copy under the same guard.
pub(crate) fn backup_verified(
    source: Source<'_, Vault>,
    destination: &Path,
    policy: &UnlockPolicy,
    context: RequestContext<'_>,
    tell: OnProgress<'_>,
) -> Result<Vec<Finding>, vault::Error> {
    let Source { vault, master } = source;
    vault.store_mut().backup_to(destination)?;
    let policy = UnlockPolicy { on_damaged_slot: vault::OnDamagedSlot::Tolerate, ..policy.clone() };
    let mut copy = match LockedVault::open_copy(destination)?.unlock(master, &policy) {
        Err(error @ (vault::Error::RolledBack { .. } | vault::Error::Forked { .. })) => {
            // Somebody put another state there since it was unlocked. Nobody asked for this copy.
            drop(std::fs::remove_file(destination));
            return Err(error);
        }
        copy => copy?,
    };
    check::check(&mut copy, context, tell)
}

/// Opens a copy read-only, and verifies all of it.
pub(crate) fn verify(
    path: &Path,
    master: &MasterKey,
    context: RequestContext<'_>,
    tell: OnProgress<'_>,
) -> Result<(Vault, Vec<Finding>), vault::Error> {
    let mut copy = LockedVault::open_copy(path)?.unlock(master, &UNGUARDED)?;
    let findings = check::check(&mut copy, context, tell)?;
    Ok((copy, findings))
}

/// Whether a copy may be put in the place of something newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Older {
    /// Not if it is older.
    Refuse,
    /// Even if it is older.
    Accept,
}

/// Puts a verified copy in the place of the vault at `path`, which must be the same vault or not be
/// there, with that fact committed on top of it. When interrupted, one of the two is there, whole.
///
/// Returns where the vault that was there is kept, if it may hold something that the copy does not.
pub(crate) fn restore(
    path: &Path,
    source: Source<'_, Vault>,
    policy: &UnlockPolicy,
    older: Older,
    context: RequestContext<'_>,
) -> Result<Option<PathBuf>, vault::Error> {
    // A link stays one, and the file that it leads to may be on another disk.
    let path = &path.canonicalize().unwrap_or_else(|_nothing_there| path.to_owned());
    let Source { vault: source, master } = source;
    let found = source.begin(Access::Read, context)?.state().generation;
    let replaced = ReplacedVault::look(path, source, master)?;
    let seen = policy.anchors.as_deref().and_then(|anchors| source.remembered_in(anchors));
    let of_machine = seen.map(|seen| source.loss_of(seen)).transpose()?.unwrap_or(Loss::Nothing);
    let is_spared = matches!(replaced.loss, Loss::Nothing);
    if older == Older::Refuse {
        replaced.loss.require_none_known()?;
        of_machine.require_none_known()?;
    }
    let mut copy = source.copy_to_be_at(path, master)?;
    let newest = found.max(replaced.generation).max(seen.map_or(0, |seen| seen.generation));
    copy.raise_floor(newest.saturating_add(1));
    let mut transaction = copy.begin(Access::Write, context)?;
    transaction.record_own("RestoreBackup", &format!("from generation {found}"))?;
    transaction.commit().map_err(vault::Error::of_draft)?;
    let kept = check::beside(path, "before-restore");
    replaced.give_way(&mut copy, &kept)?;
    drop(copy);
    let trusting = UnlockPolicy { on_rollback: OnRollback::Accept, ..policy.clone() };
    let opened = LockedVault::open(path, Mode::ReadWrite)
        .and_then(|restored| restored.unlock(master, &trusting).map(drop));
    match opened {
        Ok(()) if is_spared => {
            // All of it is in the vault, which was opened just now.
            drop(std::fs::remove_file(&kept));
        }
        Ok(()) => {}
        // What cannot be opened is worth less than what was there.
        Err(error) if kept.exists() && std::fs::rename(&kept, path).is_ok() => return Err(error),
        Err(error) => return Err(error.after("the restore was done")),
    }
    Ok(kept.exists().then_some(kept))
}

#[cfg(test)]
mod tests;
