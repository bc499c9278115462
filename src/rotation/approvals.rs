//! Which rotation commands may run on this machine. Kept beside no vault: a vault that comes from
//! elsewhere brings commands along, but not the permission to run them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use crate::crypto::fingerprint;
use crate::sys::credential;
use crate::sys::files::{self, FileFault};
use crate::sys::lock;

/// The approvals of this machine and user.
pub(crate) struct Approvals {
    path: PathBuf,
}

/// One secret of one vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretOfVault {
    /// The vault's id.
    pub(crate) vault: String,
    /// The secret's number in it.
    pub(crate) rid: u64,
}

impl Approvals {
    /// The approvals that are kept in a directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { path: directory.join("rotators.json") }
    }

    /// Whether exactly this command was approved for this secret.
    pub(crate) fn has(&self, place: &SecretOfVault, digest: &[u8; 32]) -> Result<bool, FileFault> {
        let entries = self.read()?;
        let digest = fingerprint::hex(digest);
        let wanted = entry(place, &digest);
        Ok(entries.contains(&wanted))
    }

    /// Requires that approvals can be read, or else that [approving](Self::approve) mends them.
    pub(crate) fn check(&self) -> Result<(), FileFault> {
        match self.read() {
            Ok(_) | Err(FileFault::Damaged { .. }) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Approves a command for a secret. What was approved before stays so: while a rotation with
    /// new settings is tried, the old ones must still run.
    ///
    /// A file that is damaged approves nothing and would stop every rotation. It is kept beside a new
    /// one, and its path returned.
    pub(crate) fn approve(
        &self,
        place: &SecretOfVault,
        digest: &[u8; 32],
    ) -> Result<Option<PathBuf>, FileFault> {
        let _turn = self.turn()?;
        let (mut entries, kept) = match self.read() {
            Err(FileFault::Damaged { .. }) => (Vec::new(), Some(self.keep()?)),
            entries => (entries?, None),
        };
        let new = entry(place, &fingerprint::hex(digest));
        entries.retain(|known| *known != new);
        entries.push(new);
        self.write(&entries)?;
        Ok(kept)
    }

    /// Returns the numbers of the secrets of this vault for which something was approved.
    pub(crate) fn secrets_of(&self, vault: &str) -> Result<Vec<u64>, FileFault> {
        let entries = self.read()?;
        let of_vault = entries.iter().filter(|entry| entry.get("vault") == Some(&json!(vault)));
        Ok(of_vault.filter_map(|entry| entry.get("secret")?.as_u64()).collect())
    }

    /// Takes back what was approved for secrets of this vault that are gone.
    pub(crate) fn forget(&self, vault: &str, gone: &[u64]) -> Result<(), FileFault> {
        let is_over = |entry: &Json| {
            let secret = entry.get("secret").and_then(Json::as_u64);
            entry.get("vault") == Some(&json!(vault))
                && secret.is_some_and(|secret| gone.contains(&secret))
        };
        self.change(|entries| entries.retain(|entry| !is_over(entry)))
    }

    /// Takes back what was approved for a secret. Returns whether anything was.
    pub(crate) fn revoke(&self, place: &SecretOfVault) -> Result<bool, FileFault> {
        let mut was = false;
        self.change(|entries| {
            let before = entries.len();
            entries.retain(|known| !is_about(known, place));
            was = entries.len() < before;
        })?;
        Ok(was)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Json>)) -> Result<(), FileFault> {
        let _turn = self.turn()?;
        let mut entries = self.read()?;
        change(&mut entries);
        self.write(&entries)
    }

    fn turn(&self) -> Result<lock::Held, FileFault> {
        lock::wait(&self.path.with_extension("lock"))
    }

    fn write(&self, entries: &[Json]) -> Result<(), FileFault> {
        let text = json!({ "version": 1, "approved": entries });
        files::write_replacing(&self.path, format!("{text:#}\n").as_bytes())?;
        files::sync_directory(files::parent_of(&self.path))
    }

    /// Moves the file to where nothing is yet.
    fn keep(&self) -> Result<PathBuf, FileFault> {
        let name = |number: u32| self.path.with_extension(format!("json.damaged-{number}"));
        let kept =
            (1..MAX_KEPT).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(MAX_KEPT));
        let moved = std::fs::rename(&self.path, &kept);
        moved.map(|()| kept).map_err(|error| FileFault::from_io(&self.path, error))
    }

    /// Reads what is approved. A file that others may write, or that nobody can read, approves
    /// nothing by its text: it is an error.
    fn read(&self) -> Result<Vec<Json>, FileFault> {
        let bytes = match credential::read_file(&self.path, MOST) {
            Ok(bytes) => bytes,
            Err(FileFault::Missing(_)) => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        let bad = || FileFault::Damaged {
            path: self.path.clone(),
            what: "it is no list of approved commands, so that nothing is approved",
            remedy: "`strongroom rotation approve` begins a new list and keeps this file beside it",
        };
        let json: Json = serde_json::from_slice(&bytes).map_err(|_not_json| bad())?;
        if json.get("version") != Some(&json!(1)) {
            return Err(bad());
        }
        json.get("approved").and_then(Json::as_array).cloned().ok_or_else(bad)
    }
}

fn entry(place: &SecretOfVault, digest: &str) -> Json {
    json!({ "vault": place.vault, "secret": place.rid, "command": digest })
}

fn is_about(entry: &Json, place: &SecretOfVault) -> bool {
    let none = Map::new();
    let entry = entry.as_object().unwrap_or(&none);
    entry.get("vault") == Some(&json!(place.vault))
        && entry.get("secret") == Some(&json!(place.rid))
}

const MOST: usize = 4 << 20;

/// Damaged lists that are kept; the last is replaced.
const MAX_KEPT: u32 = 1000;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn what_is_approved_is_one_command_for_one_secret() {
        let scratch = Scratch::new();
        let approvals = Approvals::new(&scratch.join("state"));
        let place = |vault: &str, rid| SecretOfVault { vault: vault.to_owned(), rid };
        let one = place("a", 1);
        assert!(!approvals.has(&one, &[1; 32]).unwrap());
        assert!(!approvals.revoke(&one).unwrap());
        approvals.approve(&one, &[1; 32]).unwrap();
        assert!(approvals.has(&one, &[1; 32]).unwrap());
        assert!(!approvals.has(&one, &[2; 32]).unwrap());
        assert!(!approvals.has(&place("a", 2), &[1; 32]).unwrap());
        assert!(!approvals.has(&place("b", 1), &[1; 32]).unwrap());
        approvals.approve(&place("b", 1), &[1; 32]).unwrap();
        approvals.approve(&one, &[2; 32]).unwrap();
        assert!(approvals.has(&one, &[1; 32]).unwrap());
        assert!(approvals.revoke(&one).unwrap());
        assert!(!approvals.has(&one, &[1; 32]).unwrap() && !approvals.has(&one, &[2; 32]).unwrap());
        assert!(approvals.has(&place("b", 1), &[1; 32]).unwrap());
    }

    #[test]
    fn a_file_that_others_may_read_or_write_is_refused() {
        let scratch = Scratch::new();
        let approvals = Approvals::new(scratch.path());
        let place = SecretOfVault { vault: "a".to_owned(), rid: 1 };
        approvals.approve(&place, &[1; 32]).unwrap();
        let open = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(&approvals.path, open).unwrap();
        assert!(matches!(approvals.has(&place, &[1; 32]), Err(FileFault::TooOpen { .. })));
        std::fs::remove_file(&approvals.path).unwrap();
        files::write_private(&approvals.path, b"{\"version\":2}").unwrap();
        assert!(matches!(approvals.has(&place, &[1; 32]), Err(FileFault::Damaged { .. })));
    }

    /// A power cut left the file empty; every rotation ended with an error that approving again met
    /// as well.
    #[test]
    fn a_damaged_file_is_mended_by_approving() {
        let scratch = Scratch::new();
        let approvals = Approvals::new(scratch.path());
        let place = SecretOfVault { vault: "a".to_owned(), rid: 1 };
        for (round, damage) in ["", "{\"version\":1,\"appr"].into_iter().enumerate() {
            drop(std::fs::remove_file(&approvals.path));
            files::write_private(&approvals.path, damage.as_bytes()).unwrap();
            assert!(matches!(approvals.has(&place, &[1; 32]), Err(FileFault::Damaged { .. })));
            assert!(approvals.revoke(&place).is_err());
            approvals.check().unwrap();
            let kept = approvals.approve(&place, &[1; 32]).unwrap().unwrap();
            assert_eq!(kept, scratch.join(&format!("rotators.json.damaged-{}", round + 1)));
            assert_eq!(std::fs::read(kept).unwrap(), damage.as_bytes());
            assert!(approvals.has(&place, &[1; 32]).unwrap());
        }
        assert_eq!(approvals.approve(&place, &[2; 32]).unwrap(), None);
    }

    #[test]
    fn what_is_approved_for_a_secret_goes_with_it() {
        let scratch = Scratch::new();
        let approvals = Approvals::new(scratch.path());
        let place = |vault: &str, rid| SecretOfVault { vault: vault.to_owned(), rid };
        for place in [place("a", 1), place("a", 2), place("b", 2)] {
            approvals.approve(&place, &[1; 32]).unwrap();
        }
        assert_eq!(approvals.secrets_of("a").unwrap(), [1, 2]);
        approvals.forget("a", &[2, 3]).unwrap();
        assert!(approvals.has(&place("a", 1), &[1; 32]).unwrap());
        assert!(!approvals.has(&place("a", 2), &[1; 32]).unwrap());
        assert!(approvals.has(&place("b", 2), &[1; 32]).unwrap());
    }
}
