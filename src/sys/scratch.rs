//! Directories for tests, and tests that must run in a process of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use crate::sys::files;

/// A directory of the test's own, gone when it ends.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes the directory, private.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("strongroom-{}-{number}", process::id());
        let path = env::temp_dir().canonicalize().unwrap().join(name);
        files::create_private_dir(&path).unwrap();
        Self(path)
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the path of a file in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Returns the names of what is in it, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Runs another test of this binary in a process of its own and hands it `argument`.
///
/// That test returns at once when [`argument`] gives it none.
pub(crate) fn run_apart(test: &str, argument: &str) -> Output {
    Command::new(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ARGUMENT, argument)
        .output()
        .unwrap()
}

/// Returns what [`run_apart`] handed to this process.
pub(crate) fn argument() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the only way past the test harness")]
    env::var(ARGUMENT).ok()
}

const ARGUMENT: &str = "STRONGROOM_TEST_ARGUMENT";
