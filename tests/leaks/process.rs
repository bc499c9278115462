//! A running command, seen by another process of the same user: no core, no environment, no memory.
//!
//! The command is held where it opens the file of a new passphrase, which is a FIFO nobody has
//! written to. Root sees everything, so as root both are run as another user.

use std::fs::{self, File};
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::getuid;
use rustix::thread::sched_yield;

use crate::harness::binary;
use crate::harness::files::TempDir;
use crate::harness::process::{Invocation, Outcome, tool};

/// A program that waits for somebody to write to a FIFO, and that somebody.
struct Waiting {
    child: Child,
    _writer: File,
    directory: TempDir,
}

/// The user that is not root.
const NOBODY: u32 = 65_534;

#[test]
fn another_process_of_the_user_cannot_look_in() {
    let Some(ours) = Waiting::start(&["init", "--no-recovery", "--new-passphrase-file", "fifo"])
    else {
        return;
    };
    for file in ["environ", "maps", "auxv", "stack"] {
        let seen = ours.look(Path::new("/bin/cat"), &[&ours.proc(file)]);
        assert!(seen.code != 0 && seen.stdout.is_empty(), "{file} can be read");
    }
    let listed = ours.look(Path::new("/bin/ls"), &[&ours.proc("fd")]);
    assert_ne!(listed.code, 0, "its open files are listed");
    if let Some(strace) = tool("strace") {
        let pid = ours.child.id().to_string();
        let traced = ours.look(&strace, &["-o", "/dev/null", "-p", &pid]);
        let refused = traced.stderr_text().contains("Operation not permitted");
        assert!(refused, "it can be traced: {}", traced.stderr_text());
    }
    let limits = fs::read_to_string(ours.proc("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");

    // A program that does not close itself is open to the same looks.
    let cat = Waiting::of(Path::new("/bin/cat"), &["fifo"]).unwrap();
    assert_eq!(cat.look(Path::new("/bin/cat"), &[&cat.proc("environ")]).code, 0);
    assert_eq!(cat.look(Path::new("/bin/ls"), &[&cat.proc("fd")]).code, 0);
}

/// Nobody else may read what it makes, whatever the shell's umask is.
#[test]
fn a_new_file_is_nobody_elses() {
    use std::os::unix::fs::PermissionsExt;

    let sandbox = crate::harness::Sandbox::with_vault();
    let script = "umask 000; strongroom backup copy; strongroom key-slot add --kind keyfile \
                  --new-keyfile key; strongroom create-secret --name a --secret-string b";
    let outcome = sandbox.invocation("sh", &["-c".to_owned(), script.to_owned()]).run();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    let mut seen = 0;
    for place in [sandbox.work(), sandbox.home().join(".local/state")] {
        for file in super::all_files(&place) {
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", file.display());
            seen += 1;
        }
    }
    assert!(seen >= 3);
}

impl Waiting {
    /// Starts one of our commands in a directory with a `fifo`; `None` where it cannot be tested.
    fn start(arguments: &[&str]) -> Option<Self> {
        if getuid().is_root() {
            tool("setpriv")?;
        }
        Self::of(&binary(), arguments)
    }

    fn of(program: &Path, arguments: &[&str]) -> Option<Self> {
        let directory = TempDir::below(&std::env::temp_dir());
        let own = directory.path().join("program");
        // By another process: a file that this one has written is held open by whatever another test
        // starts at that moment, and cannot be run meanwhile.
        let copied = Command::new("cp").args([program, &own]).status().unwrap();
        assert!(copied.success());
        let fifo = directory.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        if getuid().is_root() {
            for path in [directory.path(), &own, &fifo] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let (program, before) = as_user(&own);
        let mut command = Command::new(program);
        command.args(before).args(arguments).env_clear().current_dir(directory.path());
        command.env("HOME", directory.path()).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_mins(2);
        loop {
            // Without a reader this fails; as soon as it does not, the program is there.
            let flags = OFlags::NONBLOCK.bits().cast_signed();
            let opened = File::options().write(true).custom_flags(flags).open(&fifo);
            if let Ok(writer) = opened {
                return Some(Self { child, _writer: writer, directory });
            }
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "it did not wait: {ended:?}");
            sched_yield();
        }
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }

    /// Runs a program of the same user.
    fn look(&self, program: &Path, arguments: &[&str]) -> Outcome {
        let (program, before) = as_user(program);
        let arguments = before.into_iter().chain(arguments.iter().map(|&word| word.to_owned()));
        let invocation = Invocation {
            program,
            arguments: arguments.collect(),
            environment: [("LC_ALL".to_owned(), "C".to_owned())].into(),
            directory: self.directory.path().to_owned(),
            stdin: Vec::new(),
            terminal: None,
        };
        invocation.start().finish_within(Duration::from_secs(20))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// How a program is run by a user who is not root.
fn as_user(program: &Path) -> (PathBuf, Vec<String>) {
    match tool("setpriv").filter(|_| getuid().is_root()) {
        None => (program.to_owned(), Vec::new()),
        Some(setpriv) => {
            let number = NOBODY.to_string();
            let words = ["--reuid", &number, "--regid", &number, "--clear-groups", "--"];
            let path = program.to_str().unwrap();
            (setpriv, words.iter().chain([&path]).map(|&word| word.to_owned()).collect())
        }
    }
}
