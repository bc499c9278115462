//! This machine and user, as far as a rotation is concerned: where approvals and locks are kept,
//! and what of the environment a program gets to see.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::approvals::Approvals;
use super::trust;
use crate::model::order;
use crate::vault::rotation::Command;

/// What is the same for all rotations here.
pub(crate) struct Machine {
    /// The environment of this process, as far as it is text.
    pub(crate) variables: BTreeMap<String, String>,
    /// Where approvals and locks are kept.
    pub(crate) state: PathBuf,
    /// This program's own file.
    pub(crate) program: Option<PathBuf>,
    /// What no program may be shown by the way: the home directory, the vault, its keys.
    pub(crate) private: Vec<PathBuf>,
}

impl Machine {
    /// Returns the approvals.
    pub(crate) fn approvals(&self) -> Approvals {
        Approvals::new(&self.state)
    }

    /// Returns the lock that is held while a secret is rotated.
    pub(crate) fn lock_of(&self, vault: &str, rid: u64) -> PathBuf {
        self.state.join("locks").join(format!("{vault}-{rid}.rotation"))
    }

    /// Returns the lock that is held while one looks for what is due.
    pub(crate) fn lock_of_due(&self, vault: &str) -> PathBuf {
        self.state.join("locks").join(format!("{vault}.rotate-due"))
    }

    /// Returns the file that is there while a rotation that failed is not mended, as far as the last
    /// `rotate-due` saw. It names nothing.
    pub(crate) fn trouble_of(&self, vault: &str) -> PathBuf {
        self.state.join("troubles").join(vault)
    }

    /// Returns where steps may have their directories, best first.
    pub(super) fn workplaces(&self) -> Vec<PathBuf> {
        let runtime = self.variables.get("XDG_RUNTIME_DIR").map(Path::new);
        let runtime = runtime.filter(|path| path.is_absolute()).map(Path::to_owned);
        runtime.into_iter().chain([PathBuf::from("/tmp")]).collect()
    }

    /// Returns the part of a program's environment that is the same in all steps: what is on the
    /// list, and what the command says.
    pub(super) fn environment(&self, command: &Command) -> Vec<(String, String)> {
        let is_kept = |name: &str| KEPT.contains(&name) || name.starts_with("LC_");
        let passed = |name: &String| command.pass_env.contains(name);
        let inherited = self.variables.iter().filter(|(name, _)| is_kept(name) || passed(name));
        let inherited = inherited.map(|(name, value)| (name.clone(), value.clone()));
        let mut environment = order::map_of([("PATH".to_owned(), self.path())]);
        environment.extend(inherited);
        environment.extend(command.env.iter().cloned());
        environment.retain(|name, _| !is_reserved(name));
        environment.into_iter().collect()
    }

    /// A fixed search path, and at its end the directory of this program: it must be found.
    fn path(&self) -> String {
        let own = self.program.as_ref().filter(|program| trust::check(program).is_ok());
        let own = own.and_then(|program| program.parent()?.to_str());
        let own = own.filter(|own| !PATH.split(':').any(|known| known == *own));
        own.map_or_else(|| PATH.to_owned(), |own| format!("{PATH}:{own}"))
    }
}

/// Whether only a running step may set a variable.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with("STRONGROOM_")
}

const KEPT: [&str; 5] = ["HOME", "LANG", "LOGNAME", "TZ", "USER"];
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
