//! When this machine last made a backup of a vault: a file for each vault, beside the anchors.
//!
//! The vault does not say it: a backup leaves it as it is, and may be made without its key.

use std::path::{Path, PathBuf};

use crate::crypto::header::VaultId;
use crate::model::time::Timestamp;
use crate::sys::files::{self, FileFault};

/// Notes that a backup was made.
pub(crate) fn note(state: &Path, vault: &VaultId, now: Timestamp) -> Result<(), FileFault> {
    let path = place(state, vault);
    files::create_private_dir(files::parent_of(&path))?;
    files::write_replacing(&path, format!("{}\n", now.0).as_bytes())
}

/// Returns when the last backup was made. What is garbled is as good as nothing.
pub(crate) fn last(state: &Path, vault: &VaultId) -> Option<Timestamp> {
    let bytes = files::read_bounded(&place(state, vault), LONGEST).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    text.strip_suffix('\n')?.parse().ok().map(Timestamp)
}

fn place(state: &Path, vault: &VaultId) -> PathBuf {
    state.join("backups").join(vault.to_string())
}

/// The digits of a time in milliseconds, and the end of the line.
const LONGEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn the_last_backup_of_each_vault_is_remembered() {
        let scratch = Scratch::new();
        let (one, other) = (VaultId([1; 16]), VaultId([2; 16]));
        let state = scratch.join("state");
        assert_eq!(last(&state, &one), None);
        note(&state, &one, Timestamp(5)).unwrap();
        note(&state, &one, Timestamp(1_764_584_123_456)).unwrap();
        assert_eq!(last(&state, &one), Some(Timestamp(1_764_584_123_456)));
        assert_eq!(last(&state, &other), None);
        for garbled in ["", "5", "x\n", "5\n6\n"] {
            files::write_replacing(&place(&state, &one), garbled.as_bytes()).unwrap();
            assert_eq!(last(&state, &one), None, "{garbled:?}");
        }
    }
}
