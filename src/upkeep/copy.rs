//! Whole copies of a vault: made, verified, and put back.

use std::path::{Path, PathBuf};

use super::check;
use crate::crypto::keys::MasterKey;
use crate::store::Mode;
use crate::vault::check::{Finding, OnProgress};
use crate::vault::transaction::{Access, Occasion};
use crate::vault::{self, Custody, LockedVault, OnDamagedSlot, OnRollback, Vault};

/// Copies a vault that may be in use, without a key. The copy is durable when this returns.
pub(crate) fn backup(vault: &mut LockedVault, destination: &Path) -> Result<(), vault::Error> {
    Ok(vault.store_mut().backup_to(destination)?)
}

/// Opens a copy read-only, and verifies all of it.
pub(crate) fn verify(
    path: &Path,
    master: &MasterKey,
    occasion: Occasion<'_>,
    tell: OnProgress<'_>,
) -> Result<(Vault, Vec<Finding>), vault::Error> {
    let mut copy = LockedVault::open_copy(path)?.unlock(master, &UNGUARDED)?;
    let findings = check::check(&mut copy, occasion, tell)?;
    Ok((copy, findings))
}

/// Whether a copy may be put in the place of what this machine has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Older {
    /// Not if it is older.
    Refuse,
    /// Even if it is older.
    Accept,
}

/// Puts a verified copy in the place of the vault at `path`, which must be the same vault or not be
/// there, with that fact committed on top of it. When interrupted, the vault is as it was.
pub(crate) fn restore(
    path: &Path,
    (source, master): (&mut Vault, &MasterKey),
    custody: &Custody,
    older: Older,
    occasion: Occasion<'_>,
) -> Result<(), vault::Error> {
    let state = source.begin(Access::Read, occasion)?;
    let found = state.state().generation;
    drop(state);
    let seen = custody.anchors.as_deref().and_then(|anchors| source.remembered_in(anchors));
    let seen = seen.map_or(0, |remembered| remembered.generation);
    if found < seen && older == Older::Refuse {
        return Err(vault::Error::RolledBack { found, seen });
    }
    // Committed on a second copy, which then takes the vault's place in one transaction: committed
    // on the vault itself, a kill between the two would leave an older state there, which this
    // machine refuses.
    let staged = staged_beside(path);
    remove(&staged);
    source.store_mut().backup_to(&staged)?;
    let replaced = (|| {
        let mut copy = LockedVault::open(&staged, Mode::ReadWrite)?.unlock(master, &UNGUARDED)?;
        copy.raise_floor(found.max(seen).saturating_add(1));
        let mut transaction = copy.begin(Access::Write, occasion)?;
        transaction.record_own("RestoreBackup", &format!("from generation {found}"))?;
        transaction.commit()?;
        LockedVault::replace(path, &mut copy)
    })();
    remove(&staged);
    replaced?;
    let trusting = Custody { on_rollback: OnRollback::Accept, ..custody.clone() };
    let opened = LockedVault::open(path, Mode::ReadWrite)
        .and_then(|restored| restored.unlock(master, &trusting));
    opened.map(drop).map_err(|error| error.after("the restore was done"))
}

/// Where the copy is prepared that takes the place of the vault at `path`.
fn staged_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".restoring");
    path.with_file_name(name)
}

/// Removes a copy of ours, if it is there: this command's, or what a killed one left.
fn remove(staged: &Path) {
    drop(std::fs::remove_file(staged));
}

/// A copy is older than what this machine has seen, and nobody's vault.
const UNGUARDED: Custody = Custody {
    anchors: None,
    on_rollback: OnRollback::Refuse,
    on_damaged_slot: OnDamagedSlot::Tolerate,
};
