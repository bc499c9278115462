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
pub(crate) struct Place {
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
    pub(crate) fn has(&self, place: &Place, digest: &[u8; 32]) -> Result<bool, FileFault> {
        let entries = self.read()?;
        let digest = fingerprint::hex(digest);
        let wanted = entry(place, &digest);
        Ok(entries.contains(&wanted))
    }

    /// Requires that approvals can be read.
    pub(crate) fn check(&self) -> Result<(), FileFault> {
        self.read().map(drop)
    }

    /// Approves a command for a secret. What was approved before stays so: while a rotation with
    /// new settings is tried, the old ones must still run.
    pub(crate) fn approve(&self, place: &Place, digest: &[u8; 32]) -> Result<(), FileFault> {
        let digest = fingerprint::hex(digest);
        self.change(|entries| {
            let new = entry(place, &digest);
            entries.retain(|known| *known != new);
            entries.push(new);
        })
    }

    /// Takes back what was approved for a secret. Returns whether anything was.
    pub(crate) fn revoke(&self, place: &Place) -> Result<bool, FileFault> {
        let mut was = false;
        self.change(|entries| {
            let before = entries.len();
            entries.retain(|known| !is_about(known, place));
            was = entries.len() < before;
        })?;
        Ok(was)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Json>)) -> Result<(), FileFault> {
        let _turn = lock::wait(&self.path.with_extension("lock"))?;
        let mut entries = self.read()?;
        change(&mut entries);
        let text = json!({ "version": 1, "approved": entries });
        files::write_replacing(&self.path, format!("{text:#}\n").as_bytes())
    }

    /// Reads what is approved. A file that others may write, or that nobody can read, approves
    /// nothing by its text: it is an error.
    fn read(&self) -> Result<Vec<Json>, FileFault> {
        let bytes = match credential::read_file(&self.path, MOST) {
            Ok(bytes) => bytes,
            Err(FileFault::Missing(_)) => return Ok(Vec::new()),
            Err(fault) => return Err(fault),
        };
        let bad = || {
            let error = std::io::Error::other("this is no list of approved commands");
            FileFault::Io { path: self.path.clone(), error }
        };
        let json: Json = serde_json::from_slice(&bytes).map_err(|_not_json| bad())?;
        if json.get("version") != Some(&json!(1)) {
            return Err(bad());
        }
        json.get("approved").and_then(Json::as_array).cloned().ok_or_else(bad)
    }
}

fn entry(place: &Place, digest: &str) -> Json {
    json!({ "vault": place.vault, "secret": place.rid, "command": digest })
}

fn is_about(entry: &Json, place: &Place) -> bool {
    let none = Map::new();
    let entry = entry.as_object().unwrap_or(&none);
    entry.get("vault") == Some(&json!(place.vault))
        && entry.get("secret") == Some(&json!(place.rid))
}

const MOST: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn what_is_approved_is_one_command_for_one_secret() {
        let scratch = Scratch::new();
        let approvals = Approvals::new(&scratch.join("state"));
        let place = |vault: &str, rid| Place { vault: vault.to_owned(), rid };
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
        let place = Place { vault: "a".to_owned(), rid: 1 };
        approvals.approve(&place, &[1; 32]).unwrap();
        let open = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(&approvals.path, open).unwrap();
        assert!(matches!(approvals.has(&place, &[1; 32]), Err(FileFault::TooOpen { .. })));
        std::fs::remove_file(&approvals.path).unwrap();
        files::write_private(&approvals.path, b"{\"version\":2}").unwrap();
        assert!(matches!(approvals.has(&place, &[1; 32]), Err(FileFault::Io { .. })));
    }
}
