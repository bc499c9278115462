//! Runs the built program as a user would: in its own directory, with nothing inherited.
//!
//! `Sandbox` is where a test's commands run; `script` runs a user's session from a file. Does not
//! know what any command means.

pub(crate) mod canary;
pub(crate) mod files;
pub(crate) mod pattern;
pub(crate) mod process;
pub(crate) mod pty;
pub(crate) mod script;
mod steps;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_peercred;
use rustix::process::{PidfdFlags, Signal, getpid, kill_process, pidfd_open};

use files::{TempDir, copy_tree, files_below, make_dirs};
use process::{Invocation, Outcome};

/// The vault of a sandbox, below its home.
const VAULT: &str = ".local/share/strongroom/default.vault";
/// The keyfile that unlocks it, below its home.
const KEYFILE: &str = "keyfile";

/// A home, an environment and a directory to work in, all removed in the end.
pub(crate) struct Sandbox {
    /// The whole environment of what runs here.
    pub(crate) environment: BTreeMap<String, String>,
    root: TempDir,
    /// Apart and short: a socket's path has 107 bytes.
    runtime: TempDir,
}

impl Sandbox {
    /// A sandbox with nothing in it.
    pub(crate) fn empty() -> Self {
        let root = TempDir::below(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let runtime = TempDir::below(&std::env::temp_dir());
        let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
        let environment = [
            ("PATH", format!("{}:/usr/bin:/bin", at("bin"))),
            ("HOME", at("home")),
            ("TMPDIR", at("tmp")),
            ("XDG_CONFIG_HOME", at("home/.config")),
            ("XDG_DATA_HOME", at("home/.local/share")),
            ("XDG_STATE_HOME", at("home/.local/state")),
            ("XDG_CACHE_HOME", at("home/.cache")),
            ("XDG_RUNTIME_DIR", runtime.path().to_str().unwrap().to_owned()),
            ("TZ", "UTC".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("COLUMNS", "80".to_owned()),
        ];
        for directory in ["bin", "home", "tmp", "work"] {
            make_dirs(&root.path().join(directory));
        }
        for name in ["strongroom", "aws"] {
            symlink(binary(), root.path().join("bin").join(name)).unwrap();
        }
        let environment =
            environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { environment, root, runtime }
    }

    /// A sandbox with a vault in it, which `STRONGROOM_KEYFILE` unlocks.
    pub(crate) fn with_vault() -> Self {
        let mut sandbox = Self::empty();
        copy_tree(&template(), &sandbox.home());
        for (name, path) in [("STRONGROOM_VAULT", VAULT), ("STRONGROOM_KEYFILE", KEYFILE)] {
            let path = sandbox.home().join(path);
            sandbox.environment.insert(name.to_owned(), path.to_str().unwrap().to_owned());
        }
        if setting("SUITE_AGENT").is_some() {
            sandbox.unlock();
        }
        sandbox
    }

    /// Has the agent hold the vault open.
    pub(crate) fn unlock(&self) {
        let unlocked = self.strongroom(&["unlock", "--audit-reads", "at-once"]);
        assert_eq!(unlocked.code, 0, "{}", unlocked.stderr_text());
    }

    /// Returns the directory in which commands run.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Returns the directory that all of them are in.
    pub(crate) fn root(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap()
    }

    /// Returns the home directory.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// Prepares a program; one that is named without a path is looked up in the sandbox first.
    pub(crate) fn invocation(&self, program: &str, arguments: &[String]) -> Invocation {
        let path = self.environment.get("PATH").map_or("", String::as_str);
        let found =
            path.split(':').map(|place| Path::new(place).join(program)).find(|p| p.exists());
        Invocation {
            program: found.unwrap_or_else(|| self.work().join(program)),
            arguments: arguments.to_vec(),
            environment: self.environment.clone(),
            directory: self.work(),
            stdin: Vec::new(),
            terminal: None,
        }
    }

    /// Runs `strongroom` to its end.
    pub(crate) fn strongroom(&self, arguments: &[&str]) -> Outcome {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        self.invocation("strongroom", &arguments).run()
    }
}

impl Drop for Sandbox {
    /// Stops the agents that were started here: they outlive the command that started them.
    fn drop(&mut self) {
        let sockets = files_below(self.runtime.path());
        for agent in sockets.iter().filter_map(|socket| UnixStream::connect(socket).ok()) {
            let Ok(peer) = socket_peercred(&agent) else { continue };
            // A test that listens itself is no agent.
            if peer.pid == getpid() {
                continue;
            }
            let Ok(handle) = pidfd_open(peer.pid, PidfdFlags::empty()) else { continue };
            // It may have ended by itself.
            let _ended = kill_process(peer.pid, Signal::TERM);
            let bound = Timespec { tv_sec: 10, tv_nsec: 0 };
            let _late = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&bound));
        }
    }
}

/// Runs a command line without quotes.
pub(crate) fn run(sandbox: &Sandbox, line: &str) -> Outcome {
    let outcome = sandbox.strongroom(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(outcome.crash(), None, "{line}: {}", outcome.stderr_text());
    outcome
}

/// Runs a command line that must succeed, and returns what it printed.
pub(crate) fn done(sandbox: &Sandbox, line: &str) -> String {
    let outcome = run(sandbox, line);
    assert_eq!(outcome.code, 0, "{line}: {}", outcome.stderr_text());
    outcome.stdout_text()
}

/// The program under test; `SUITE_BINARY` names another build of it.
pub(crate) fn binary() -> PathBuf {
    let built = PathBuf::from(env!("CARGO_BIN_EXE_strongroom"));
    let given = setting("SUITE_BINARY").map(|path| repository().join(path));
    given.unwrap_or(built).canonicalize().unwrap()
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
}

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a variable by which a person steers the tests; no program under test sees it.
#[expect(clippy::disallowed_methods, reason = "the tests are steered by the environment")]
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where what belongs to this build of the program is kept between tests: logs and a vault.
pub(crate) fn state_directory() -> PathBuf {
    let metadata = binary().metadata().unwrap();
    let built = metadata.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
    let name = format!("build-{}-{}", built.as_nanos(), metadata.len());
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The home of a new vault, made once for each build of the program.
fn template() -> PathBuf {
    let template = state_directory().join("home");
    if template.exists() {
        return template;
    }
    let mut sandbox = Sandbox::empty();
    let vault = sandbox.home().join(VAULT);
    let keyfile = sandbox.home().join(KEYFILE);
    let variable = ("STRONGROOM_VAULT".to_owned(), vault.to_str().unwrap().to_owned());
    sandbox.environment.extend([variable]);
    let made =
        sandbox.strongroom(&["init", "--keyfile-only", "--keyfile", keyfile.to_str().unwrap()]);
    assert_eq!(made.code, 0, "init failed: {}", made.stderr_text());
    assert!(vault.exists(), "init made no vault at {}", vault.display());
    make_dirs(&state_directory());
    forget_other_builds();
    // Another test may have been quicker; its vault is as good.
    let _there_already = fs::rename(sandbox.home(), &template);
    assert!(template.exists());
    template
}

/// Removes what was kept for builds that are no more.
fn forget_other_builds() {
    let current = state_directory();
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let kept = files::names_in(parent).into_iter().filter(|name| name.starts_with("build-"));
    for old in kept.map(|name| parent.join(name)).filter(|path| *path != current) {
        // Another test may be removing it too.
        let _gone = fs::remove_dir_all(old);
    }
}
