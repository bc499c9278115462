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
    run_under(&["env"], test, argument)
}

/// Does the same by way of another program, which gets the command line at the end of its own.
pub(crate) fn run_under(program: &[&str], test: &str, argument: &str) -> Output {
    Command::new(program[0])
        .args(&program[1..])
        .arg(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ARGUMENT, argument)
        .output()
        .unwrap()
}

/// Asserts that a test ran apart, and passed. A name that no test has would pass too.
pub(crate) fn assert_passed(output: &Output) {
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains(" 1 passed"), "{told}");
}

/// Runs a test apart where a file system of `size` is mounted at `path` for it alone. Returns
/// nothing where the system does not let its users do that.
pub(crate) fn run_mounted(path: &Path, size: &str, test: &str, argument: &str) -> Option<Output> {
    let mount = format!("mount -t tmpfs -o size={size},mode=700 none {}", path.display());
    let able = Command::new("unshare").args(["-r", "-m", "sh", "-c", &mount]).output();
    if !able.is_ok_and(|output| output.status.success()) {
        println!("skipped: {test} may not mount a file system here");
        return None;
    }
    let script = format!("{mount} && exec \"$0\" \"$@\"");
    Some(run_under(&["unshare", "-r", "-m", "sh", "-c", &script], test, argument))
}

/// Returns what [`run_apart`] handed to this process.
pub(crate) fn argument() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the only way past the test harness")]
    env::var(ARGUMENT).ok()
}

const ARGUMENT: &str = "STRONGROOM_TEST_ARGUMENT";
