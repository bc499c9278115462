//! A command is killed, or its disk fails or is full, at each of the calls by which it writes.
//!
//! strace counts the calls and makes them fail. It begins with the process, so it need not attach
//! to one, which the program forbids.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{done, is_long};
use crate::harness::Sandbox;
use crate::harness::files::{TempDir, copy_tree, write};
use crate::harness::process::{Outcome, tool};

/// How many of a change's calls are tried, unless there is time for all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Each,
    Some,
}

/// The calls by which a file is changed. Where the system has no such call strace is not asked.
pub(super) const WRITES: &str = "?creat,?fallocate,?fdatasync,?fsync,?ftruncate,?link,?linkat,?mkdir,?mkdirat,\
    ?open,openat,?openat2,pwrite64,?pwritev,?pwritev2,?rename,?renameat,?renameat2,?rmdir,\
    ?sendfile,?truncate,?unlink,?unlinkat,write,writev,?copy_file_range,?io_uring_enter";

/// What happens at the call.
const KILL: &str = "signal=KILL";
pub(super) const EIO: &str = "error=EIO";
const ENOSPC: &str = "error=ENOSPC";

/// How many of a change's calls are tried, evenly spread.
const KILLS: usize = 16;
const FAILURES: usize = 5;

/// A call that changes something: the `ordinal`th of its name.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    name: String,
    ordinal: usize,
}

/// A vault as it is before a change, to be put back as often as needed.
pub(super) struct ChangeFixture {
    pub(super) sandbox: Sandbox,
    strace: PathBuf,
    saved: TempDir,
}

impl ChangeFixture {
    /// Runs what comes before a change; `None` where strace is missing or may not trace.
    pub(super) fn set(setup: &[&str]) -> Option<Self> {
        let sandbox = Sandbox::with_vault();
        write(&sandbox.work().join("large"), "large ".repeat(9000).as_bytes());
        write(&sandbox.work().join("phrase"), b"seven unlikely words for nobody else");
        write(&sandbox.work().join("passwords.csv"), super::export().as_bytes());
        for line in setup {
            done(&sandbox, line);
        }
        Self::of(sandbox)
    }

    /// Keeps what there is before a change.
    pub(super) fn of(sandbox: Sandbox) -> Option<Self> {
        let strace = tool("strace")?;
        let saved = TempDir::below(Path::new(env!("CARGO_TARGET_TMPDIR")));
        copy_tree(&sandbox.home(), saved.path());
        let fixture = Self { sandbox, strace, saved };
        let traced = fixture.trace(&["-e", "trace=write"], "--version");
        if traced.code != 0 {
            println!("skipped: strace may not trace here: {}", traced.stderr_text());
            return None;
        }
        Some(fixture)
    }

    /// Lets the command be killed, its disk fail and be full, each at its calls in turn, and looks
    /// at what is left.
    pub(super) fn strike(&self, command: &str, at: At, mut look: impl FnMut(&Outcome, &str)) {
        self.reset();
        let calls = self.calls(command);
        let kills = if at == At::Each { calls.len() } else { KILLS };
        for (blow, most) in [(KILL, kills), (EIO, FAILURES), (ENOSPC, FAILURES)] {
            let stride = if is_long() { 1 } else { calls.len().div_ceil(most) };
            for Call { name, ordinal } in calls.iter().step_by(stride) {
                self.reset();
                let when = format!("{command} with {blow} at {name} {ordinal} of {}", calls.len());
                let trace = format!("trace={name}");
                let inject = format!("inject={name}:{blow}:when={ordinal}");
                // The quicker way of tracing, from which strace does not send signals.
                let way: &[&str] = if blow == KILL { &[] } else { &["--seccomp-bpf", "-f"] };
                let outcome = self.trace(&[way, &["-e", &trace, "-e", &inject]].concat(), command);
                let said = outcome.stderr_text();
                assert_eq!(outcome.crash(), None, "{when}: {said}");
                let is_told = said.matches("An error occurred (").count() == 1;
                assert!(blow == KILL || outcome.code == 0 || is_told, "{when} is told as: {said}");
                look(&outcome, &when);
            }
        }
    }

    /// Puts everything back as it was before the change.
    pub(super) fn reset(&self) {
        let home = self.sandbox.home();
        fs::remove_dir_all(&home).unwrap();
        copy_tree(self.saved.path(), &home);
    }

    /// Runs the change unharmed and returns the calls by which it writes.
    fn calls(&self, command: &str) -> Vec<Call> {
        let outcome = self.trace(&["-e", &format!("trace={WRITES}")], command);
        assert_eq!(outcome.code, 0, "{command}: {}", outcome.stderr_text());
        let trace = fs::read_to_string(self.sandbox.work().join("trace")).unwrap();
        let root = self.sandbox.home();
        let calls = writes(&trace, root.parent().unwrap().to_str().unwrap());
        assert!(calls.iter().any(|call| call.name.ends_with("sync")), "{trace}");
        calls
    }

    pub(super) fn trace(&self, options: &[&str], command: &str) -> Outcome {
        let fixed = ["-qq", "-o", "trace"];
        let words = fixed.iter().chain(options).copied();
        let words = words.chain(["strongroom"]).chain(command.split(' ')).map(str::to_owned);
        let words: Vec<String> = words.collect();
        self.sandbox.invocation(self.strace.to_str().unwrap(), &words).run()
    }
}

/// Finds the calls that change something below `root`, or a stream. A file that is opened to be
/// read changes nothing, but a vault that cannot be read is a failure too.
fn writes(trace: &str, root: &str) -> Vec<Call> {
    let mut ordinals: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out = Vec::new();
    for line in trace.lines() {
        let Some((name, arguments)) = line.split_once('(') else { continue };
        let ordinal = ordinals.entry(name).or_default();
        *ordinal += 1;
        let is_elsewhere = arguments.contains("\"/") && !arguments.contains(root);
        if !is_elsewhere {
            out.push(Call { name: name.to_owned(), ordinal: *ordinal });
        }
    }
    out
}

#[test]
fn calls_are_counted_by_name() {
    let trace = "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY) = 3\n\
                 openat(AT_FDCWD, \"/r/vault\", O_RDWR) = 3\npwrite64(3, \"x\"..., 1, 0) = 1\n\
                 fsync(3) = 0\npwrite64(3, \"y\"..., 1, 0) = 1\n+++ exited with 0 +++";
    let calls = writes(trace, "/r/");
    let calls: Vec<(&str, usize)> = calls.iter().map(|c| (c.name.as_str(), c.ordinal)).collect();
    assert_eq!(calls, [("openat", 2), ("pwrite64", 1), ("fsync", 1), ("pwrite64", 2)]);
}
