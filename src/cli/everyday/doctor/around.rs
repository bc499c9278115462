//! What surrounds a vault: its files, what opens it, its backups.

use std::io;
use std::path::{Path, PathBuf};

use super::super::times;
use super::finding::{About, Finding, for_shell};
use super::kind::Kind;
use crate::model::time::{DAY_MS, Timestamp};
use crate::sys::exposure::{self, Exposure, Eyes};

/// A file or directory that somebody relies on.
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// What it is, in words.
    pub(crate) what: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) eyes: Eyes,
}

/// Looks what others may do there.
pub(crate) fn exposed(place: &Place) -> Option<Finding> {
    let Place { kind, what, path, eyes } = place;
    let finding = |path: &Path, problem| {
        Finding::new(*kind, About::Path(path.display().to_string()), problem)
    };
    let exposure = match exposure::look(path, *eyes) {
        Ok(exposure) => exposure?,
        // What is not there yet is made so that nobody else may use it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            let remedy = format!("ls -ld {}", for_shell(&path.display().to_string()));
            let problem = format!("nobody can say who may use {what}: {error}");
            return Some(finding(path, problem).mended_by(remedy));
        }
    };
    let is_itself = |found: &Path| path.canonicalize().is_ok_and(|path| path == found);
    let (found, problem) = match &exposure {
        Exposure::Foreign { path, uid } if is_itself(path) => {
            (path, format!("{what} is another user's (uid {uid})"))
        }
        Exposure::Foreign { path, uid } => {
            (path, format!("{what} is in another user's directory (uid {uid})"))
        }
        Exposure::Writable { path, mode } if is_itself(path) => {
            (path, format!("others may change {what} (mode {mode:04o})"))
        }
        Exposure::Writable { path, mode } => {
            (path, format!("others may replace {what} in this directory (mode {mode:04o})"))
        }
        Exposure::Readable { path, mode, .. } => {
            (path, format!("others may read {what} (mode {mode:04o})"))
        }
    };
    Some(finding(found, problem).mended_by(exposure.remedy().unwrap_or_default()))
}

/// Judges how many credentials open the vault.
pub(crate) fn slots(count: usize) -> Option<Finding> {
    let problem = "one credential alone opens it; whoever loses that loses all";
    let remedy = "strongroom key-slot add --kind recovery-code";
    (count < 2).then(|| Finding::new(Kind::SingleSlot, About::Vault, problem).mended_by(remedy))
}

/// Judges when the last backup was made.
pub(crate) fn backup(last: Option<Timestamp>, now: Timestamp) -> Option<Finding> {
    let problem = match last {
        Some(last) if now.0.saturating_sub(last.0) <= BACKUP_MS => return None,
        Some(last) => format!("the last backup from this machine is of {}", times::day(last)),
        None => "no backup from this machine is known".to_owned(),
    };
    let finding = Finding::new(Kind::Backup, About::Vault, problem);
    Some(Finding { date: last, ..finding.mended_by("strongroom backup FILE") })
}

/// A backup is old after so long.
const BACKUP_MS: i64 = 30 * DAY_MS;

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::sys::files;
    use crate::sys::scratch::Scratch;

    #[test]
    fn who_may_do_what_is_said_of_the_place_where_it_is_ended() {
        let scratch = Scratch::new();
        let path = scratch.join("vault");
        files::create_private(&path).unwrap();
        let found = |eyes| {
            let (kind, what) = (Kind::Permissions, "the vault");
            exposed(&Place { kind, what, path: path.clone(), eyes })
                .map(|finding| (finding.problem, finding.remedy))
        };
        assert_eq!(found(Eyes::Ours), None);
        let file = path.display();
        let set = |path: &Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
        set(&path, 0o640);
        let readable = "others may read the vault (mode 0640)".to_owned();
        assert_eq!(found(Eyes::Ours), Some((readable, format!("chmod 600 {file}"))));
        assert_eq!(found(Eyes::All), None);
        set(&path, 0o660);
        let writable = "others may change the vault (mode 0660)".to_owned();
        assert_eq!(found(Eyes::All), Some((writable, format!("chmod go-w {file}"))));
        set(&path, 0o600);
        set(scratch.path(), 0o770);
        let replaceable = "others may replace the vault in this directory (mode 0770)".to_owned();
        let remedy = format!("chmod go-w {}", scratch.path().display());
        assert_eq!(found(Eyes::Ours), Some((replaceable, remedy)));
        set(scratch.path(), 0o700);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(found(Eyes::Ours), None, "there is nothing");
    }

    #[test]
    fn a_second_slot_and_a_young_backup_are_enough() {
        assert!(slots(1).is_some() && slots(0).is_some());
        assert_eq!(slots(2), None);
        let now = Timestamp(100 * DAY_MS);
        assert!(backup(None, now).is_some());
        assert!(backup(Some(Timestamp(70 * DAY_MS - 1)), now).is_some());
        assert_eq!(backup(Some(Timestamp(70 * DAY_MS)), now), None);
        assert_eq!(backup(Some(Timestamp(101 * DAY_MS)), now), None, "the clock was set back");
    }
}
