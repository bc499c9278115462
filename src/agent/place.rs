//! Where the agent of this user is found: its directory, its socket, and the tokens that let a session
//! in.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::crypto::fingerprint;
use crate::sys::entropy::{Entropy, NoEntropy};
use crate::sys::files::{self, FileFault};
use crate::sys::secret::Secret;
use crate::sys::{lock, process, runtime, session_key};

/// The directory of the agent.
#[derive(Clone, Debug)]
pub(crate) struct Place(PathBuf);

/// Where the token of a vault is kept for those who may use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In the kernel's keyring of this login session (session-keyring(7)).
    Session,
    /// In a file that only this user may read.
    User,
}

impl Scope {
    /// Returns what `status` calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Session => "session keyring",
            Self::User => "file",
        }
    }
}

impl Place {
    /// The directory below the user's runtime directory, which is made if it is not there.
    pub(crate) fn make(runtime: Option<&Path>) -> Result<Self, FileFault> {
        runtime::directory(runtime).map(Self)
    }

    /// The same, if it is there.
    pub(crate) fn find(runtime: Option<&Path>) -> Option<Self> {
        runtime::existing(runtime).map(Self)
    }

    /// The directory that another process of this program has found.
    pub(super) fn at(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// Returns the directory.
    pub(super) fn directory(&self) -> &Path {
        &self.0
    }

    /// Returns where the agent is heard.
    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("agent.sock")
    }

    /// Returns where it is heard, too, about what must not wait until others had their turn.
    pub(crate) fn control(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// Returns the lock that the agent holds as long as it runs.
    pub(super) fn lock(&self) -> PathBuf {
        self.0.join("agent.lock")
    }

    /// Whether the agent was stopped, by `SIGSTOP` or its terminal; no, where nobody can tell.
    pub(super) fn is_agent_stopped(&self) -> bool {
        lock::signer(&self.lock()).is_some_and(process::is_stopped)
    }

    /// Returns the lock that whoever starts an agent holds until it answers.
    pub(crate) fn start(&self) -> PathBuf {
        self.0.join("start.lock")
    }

    /// Keeps a vault's token for this login session, or else for this user, for `seconds`.
    pub(crate) fn keep_token(
        &self,
        vault: &Path,
        token: &Secret<String>,
        seconds: u32,
    ) -> Result<Scope, FileFault> {
        let name = described(&name_of(vault));
        let bytes = token.expose().as_bytes();
        if session_key::has_own() && session_key::keep(&name, bytes, seconds).is_ok() {
            return Ok(Scope::Session);
        }
        self.keep_token_for_user(vault, token)
    }

    /// Keeps a vault's token for all sessions of this user.
    pub(crate) fn keep_token_for_user(
        &self,
        vault: &Path,
        token: &Secret<String>,
    ) -> Result<Scope, FileFault> {
        let file = self.token_file(&name_of(vault));
        files::write_replacing(&file, token.expose().as_bytes())?;
        Ok(Scope::User)
    }

    /// Returns a vault's tokens that there are for this process: that of its session before that of its
    /// user. Either may be of an earlier agent, or of an earlier unlocking.
    pub(crate) fn tokens(&self, vault: &Path) -> Vec<(Secret<String>, Scope)> {
        let name = name_of(vault);
        let of_session = session_key::find(&described(&name)).map(|bytes| (bytes, Scope::Session));
        let file = files::read_bounded(&self.token_file(&name), MAX_TOKEN).ok();
        let of_user = file.map(|bytes| (Secret::new(bytes), Scope::User));
        let found = [of_session, of_user].into_iter().flatten();
        let text = |(bytes, scope): (Secret<Vec<u8>>, Scope)| {
            let text = std::str::from_utf8(bytes.expose()).ok()?.to_owned();
            Some((Secret::new(text), scope))
        };
        found.filter_map(text).collect()
    }

    /// Forgets a vault's tokens, where this process finds them.
    pub(crate) fn forget_token(&self, vault: &Path) {
        let name = name_of(vault);
        // What is not there need not be forgotten.
        session_key::forget(&described(&name));
        drop(std::fs::remove_file(self.token_file(&name)));
    }

    /// Forgets the tokens in files: whoever holds the agent's lock and has no vault yet knows that all
    /// are of agents that have ended.
    pub(crate) fn forget_files(&self) {
        let entries = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        for path in paths.filter(|path| path.extension().is_some_and(|end| end == TOKEN)) {
            drop(std::fs::remove_file(path));
        }
    }

    fn token_file(&self, name: &str) -> PathBuf {
        self.0.join(name).with_extension(TOKEN)
    }
}

/// Draws a token. Nobody guesses one.
pub(super) fn new_token(entropy: &dyn Entropy) -> Result<Secret<String>, NoEntropy> {
    let mut bytes = Secret::new([0; 32]);
    entropy.fill(bytes.expose_mut())?;
    Ok(Secret::new(fingerprint::hex(bytes.expose())))
}

/// Names a vault by its path, which need not fit into a file's name.
fn name_of(vault: &Path) -> String {
    let bytes = vault.as_os_str().as_bytes();
    let hash = fingerprint::of(bytes).map(|(hash, _)| hash).unwrap_or_default();
    fingerprint::hex(hash.first_chunk::<16>().unwrap_or(&[0; 16]))
}

fn described(name: &str) -> String {
    format!("strongroom:{name}")
}

/// How the names of files end that hold a token.
const TOKEN: &str = "token";
/// The length of a token in characters, and more.
const MAX_TOKEN: usize = 128;
