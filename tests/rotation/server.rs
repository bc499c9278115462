//! Servers that run beside a test, as a user without rights.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::files::make_dirs;
use crate::harness::process::{Invocation, Running, tool};

/// A user who owns nothing: `nobody`, on every system.
const NOBODY: u32 = 65534;
/// How long a server may take to answer; only one that does not start comes near it.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server that was started. Killed when dropped.
pub(crate) struct Server {
    program: PathBuf,
    arguments: Vec<String>,
    place: PathBuf,
    running: Option<Running>,
}

impl Server {
    /// A server that is not running yet; `place` is its own directory.
    pub(crate) fn new(program: &Path, arguments: &[&str], place: &Path) -> Self {
        let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        Self { program: program.to_owned(), arguments, place: place.to_owned(), running: None }
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(&mut self, answers: impl Fn() -> bool) {
        let (program, arguments) = as_nobody(&self.program, &self.arguments);
        let invocation = Invocation {
            program,
            arguments,
            environment: environment(&self.place).into_iter().collect(),
            directory: self.place.clone(),
            stdin: Vec::new(),
            terminal: None,
        };
        self.running = Some(invocation.start());
        let begun = Instant::now();
        while !answers() {
            assert!(begun.elapsed() < PATIENCE, "{} does not answer", self.program.display());
        }
    }

    /// Ends it, and waits until it is gone.
    pub(crate) fn stop(&mut self, signal: Signal) {
        if let Some(running) = self.running.take() {
            running.signal(signal);
            running.finish();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            // PostgreSQL takes this as "at once", and so does whatever does not know it.
            running.signal(Signal::QUIT);
            drop(running.finish_within(Duration::from_secs(10)));
        }
    }
}

/// Makes a directory for a server, which only its user may look into.
pub(crate) fn directory(path: &Path) {
    make_dirs(path);
    hand_over(path);
}

/// Gives a file to the servers' user.
pub(crate) fn hand_over(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Runs a program of a server to its end, as the servers' user.
pub(crate) fn run(program: &Path, arguments: &[&str], place: &Path) -> Output {
    let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    let (program, arguments) = as_nobody(program, &arguments);
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment(place)).current_dir(place);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Finds all of some programs, or says which is missing.
pub(crate) fn tools<const N: usize>(names: [&str; N]) -> Option<[PathBuf; N]> {
    let found: Vec<PathBuf> = names.into_iter().map_while(tool).collect();
    found.try_into().ok()
}

/// Whether this is root, whom servers refuse to run as.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn as_nobody(program: &Path, arguments: &[String]) -> (PathBuf, Vec<String>) {
    if !is_root() {
        return (program.to_owned(), arguments.to_vec());
    }
    let user = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".into()];
    let program = program.to_str().unwrap().to_owned();
    let words = user.into_iter().chain([program]).chain(arguments.iter().cloned());
    (PathBuf::from("/usr/bin/setpriv"), words.collect())
}

fn environment(place: &Path) -> [(String, String); 3] {
    let place = place.to_str().unwrap().to_owned();
    [
        ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".to_owned()),
        ("HOME".to_owned(), place.clone()),
        ("TMPDIR".to_owned(), place),
    ]
}
