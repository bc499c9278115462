//! The whole memory of a running command, read as root would dump it, when its work is done and its
//! answer is about to be read: what the answer does not hold is nowhere.
//!
//! The command is held at a write to a full pipe, or at the lock of a vault that somebody else
//! writes to; the kernel says when it is there. Only root may read the memory of a process that
//! closed itself, so that nobody else can run this.

use std::fs::{self, File};
use std::io::{self, PipeReader, Read, Write, pipe};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::event::{Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::getuid;

use super::{LeakFixture, Needle, found, keys, long, random};
use crate::harness::binary;
use crate::harness::pty::{Terminal, Typing, own_session};

/// A command that waits for a reader of its answer.
struct Held {
    child: Child,
    title: String,
    _answer: PipeReader,
    /// Set when the command has ended, so that the typist at its terminal stops.
    ended: Arc<AtomicBool>,
}

/// What the kernel says of a thread that waits in a system call: its number and arguments.
type Waits = fn(&[&str]) -> bool;

#[cfg(target_arch = "x86_64")]
const CALLS: (&str, &[&str]) = ("1", &["7", "271"]);
#[cfg(not(target_arch = "x86_64"))]
const CALLS: (&str, &[&str]) = ("64", &["73"]);

/// It writes to its standard output.
const ANSWERS: Waits = |call| call.starts_with(&[CALLS.0, "0x1"]);
/// It lets a moment pass, waiting for no file.
const PAUSES: Waits = |call| call.len() > 2 && CALLS.1.contains(&call[0]) && call[2] == "0x0";

#[test]
fn an_answer_leaves_nothing_else_in_memory() {
    let Some(fixture) = fixture() else { return };
    let own = Needle::of("its own value", fixture.current.as_bytes());
    for unlock in [
        "--keyfile key",
        "--passphrase-file phrase",
        "--passphrase-command 'cat phrase'",
        "--passphrase-fd 0",
    ] {
        let held = hold(&fixture, &format!("get-secret-value --secret-id own {unlock}"), ANSWERS);
        let memory = held.memory();
        // The control: what is there is found. Once, in the bytes that are being written.
        let whole = found(&own[..1], &memory).len();
        assert_eq!(whole, 1, "{}: copies of the value that is answered", held.title);
        let kept = fixture.secrets().into_iter().filter(|needle| needle.what != "a value");
        require_nothing(&held, &kept.collect::<Vec<_>>(), &fixture);
    }
}

#[test]
fn a_command_that_shows_no_value_keeps_none() {
    let Some(fixture) = fixture() else { return };
    let new = long();
    fixture.give("new", &new);
    fixture.give("phrase2", &random());
    for command in [
        "list-secrets",
        "describe-secret --secret-id own",
        "list-secret-version-ids --secret-id own",
        "put-secret-value --secret-id own --secret-string file://new",
        "create-secret --name third --secret-string file://new",
        "update-secret --secret-id other --secret-string file://new",
        "list-events",
        "check",
        "backup copy",
        "key-slot add --kind passphrase --new-passphrase-file phrase2 --kdf-memory 64",
        "rekey --drop-other-slots",
        "status",
    ] {
        let held = hold(&fixture, &format!("{command} --keyfile key"), ANSWERS);
        let mut secrets = fixture.secrets();
        secrets.extend(Needle::of("the new value", new.as_bytes()));
        require_nothing(&held, &secrets, &fixture);
    }
}

#[test]
fn a_changed_passphrase_is_kept_no_more_than_the_old_one() {
    let Some(fixture) = fixture() else { return };
    let new = random();
    fixture.give("new", &new);
    let change = "change-passphrase --passphrase-file phrase --new-passphrase-file new \
                  --kdf-memory 64";
    let held = hold(&fixture, change, ANSWERS);
    let mut secrets = fixture.secrets();
    secrets.extend(Needle::of("the new passphrase", new.as_bytes()));
    require_nothing(&held, &secrets, &fixture);
}

/// While it waits for its turn to write, the vault is open, and holds no more than its subkeys.
#[test]
fn an_open_vault_holds_nothing_that_opens_it() {
    let Some(fixture) = fixture() else { return };
    let writer = Connection::open(fixture.vault()).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    fixture.give("new", &random());
    for unlock in ["--keyfile key", "--passphrase-file phrase"] {
        let put = "put-secret-value --secret-id own --secret-string file://new";
        let held = hold(&fixture, &format!("{put} {unlock}"), PAUSES);
        let memory = held.memory();
        let mut secrets = fixture.secrets();
        secrets.extend(keys::of(&fixture.vault(), &fixture.keyfile()));
        let shown = found(&secrets, &memory);
        assert!(shown.contains(&keys::SUBKEY), "{}: it is not open", held.title);
        let strays: Vec<_> = shown.into_iter().filter(|what| *what != keys::SUBKEY).collect();
        assert!(strays.is_empty(), "{} holds {strays:?}", held.title);
    }
}

/// rpassword reads these, and the keys pass through more hands than bytes of a file do.
#[test]
fn what_was_typed_is_kept_no_more_than_what_was_read() {
    let Some(fixture) = fixture() else { return };
    let new = long();
    for (command, typed) in [
        ("list-secrets", &fixture.passphrase),
        ("put-secret-value --secret-id own --ask --keyfile key", &new),
    ] {
        let terminal = Terminal::open().unwrap();
        let mut program = Command::new(binary());
        program.args(command.split_whitespace()).stdin(Stdio::null());
        own_session(&mut program, Some(terminal.end().unwrap()));
        let (child, answer) = spawn(&fixture, program);
        let typing = Typing { lines: vec![typed.clone()], ..Typing::default() };
        let ended = Arc::new(AtomicBool::new(false));
        drop(terminal.attend(typing, child.id(), Arc::clone(&ended)));
        let mut held = Held { child, title: command.to_owned(), _answer: answer, ended };
        held.wait_until(ANSWERS);
        let mut secrets = fixture.secrets();
        secrets.extend(Needle::of("the new value", new.as_bytes()));
        require_nothing(&held, &secrets, &fixture);
    }
}

/// A program that is not ours keeps what it read, which shows that the search would find it.
#[test]
fn the_search_finds_what_another_program_keeps() {
    let Some(fixture) = fixture() else { return };
    let script = r#"read -r line < phrase; printf %s "$line" | cat >&2; echo done"#;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stderr(Stdio::null());
    let held = start(&fixture, command, "sh", ANSWERS);
    let shown = found(&fixture.secrets(), &held.memory());
    assert!(shown.contains(&"the passphrase"));
}

fn require_nothing(held: &Held, secrets: &[Needle], fixture: &LeakFixture) {
    let memory = held.memory();
    let mut shown = found(secrets, &memory);
    shown.extend(found(&keys::of(&fixture.vault(), &fixture.keyfile()), &memory));
    assert!(shown.is_empty(), "{} holds {shown:?}", held.title);
}

pub(super) fn fixture() -> Option<LeakFixture> {
    if getuid().is_root() {
        return Some(LeakFixture::new());
    }
    println!("skipped: only root can read the memory of a process that closed itself");
    None
}

/// Runs one of our commands until it waits in the system call that is named.
fn hold(fixture: &LeakFixture, command: &str, until: Waits) -> Held {
    let mut words: Vec<&str> = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 1 { words.push(part) } else { words.extend(part.split_whitespace()) }
    }
    let mut program = Command::new(binary());
    program.args(words);
    if command.contains("passphrase-fd 0") {
        program.stdin(File::open(fixture.sandbox.work().join("phrase")).unwrap());
    } else {
        program.stdin(Stdio::null());
    }
    start(fixture, program, command, until)
}

fn start(fixture: &LeakFixture, program: Command, title: &str, until: Waits) -> Held {
    let (child, answer) = spawn(fixture, program);
    let ended = Arc::default();
    let mut held = Held { child, title: title.to_owned(), _answer: answer, ended };
    held.wait_until(until);
    held
}

fn spawn(fixture: &LeakFixture, mut program: Command) -> (Child, PipeReader) {
    let (answer, stdout) = full_pipe().unwrap();
    let sandbox = &fixture.sandbox;
    program.env_clear().envs(&sandbox.environment).current_dir(sandbox.work());
    (program.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap(), answer)
}

impl Held {
    fn wait_until(&mut self, until: Waits) {
        let deadline = Instant::now() + Duration::from_mins(2);
        let path = format!("/proc/{}/syscall", self.child.id());
        while !until(&fs::read_to_string(&path).unwrap_or_default().split(' ').collect::<Vec<_>>())
        {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || Instant::now() > deadline {
                let (title, mut stderr) = (&self.title, String::new());
                self.child.kill().unwrap();
                self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
                panic!(
                    "{title} ended without an answer, or did not come to it: {ended:?} {stderr}"
                );
            }
            let moment = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            poll(&mut [], Some(&moment)).unwrap();
        }
    }

    /// Returns all that the process could write to or has written to.
    fn memory(&self) -> Vec<u8> {
        memory_of(self.child.id())
    }
}

/// Returns all that a process could write to or has written to.
pub(super) fn memory_of(process: u32) -> Vec<u8> {
    // Where it gives memory back between the look at the list and the read, once more.
    let looks = (0..100).find_map(|_| look(process).ok());
    looks.unwrap_or_else(|| panic!("the memory of process {process} cannot be read"))
}

fn look(process: u32) -> io::Result<Vec<u8>> {
    let process = format!("/proc/{process}");
    let memory = File::open(format!("{process}/mem"))?;
    let mut out = Vec::new();
    for line in fs::read_to_string(format!("{process}/maps"))?.lines() {
        let mut fields = line.split_whitespace();
        let (range, mode) = (fields.next(), fields.next());
        if !mode.is_some_and(|mode| mode.starts_with("rw")) {
            continue;
        }
        let (start, end) = bounds(range.unwrap_or_default());
        let mut bytes = vec![0; end - start];
        memory.read_exact_at(&mut bytes, u64::try_from(start).map_err(io::Error::other)?)?;
        // Between two mappings nothing joins.
        out.extend_from_slice(&bytes);
        out.extend([0; 64]);
    }
    assert!(out.len() > 100_000);
    Ok(out)
}

/// Reads `7f00-7fff`.
fn bounds(range: &str) -> (usize, usize) {
    let (start, end) = range.split_once('-').unwrap();
    let number = |digits| usize::from_str_radix(digits, 16).unwrap();
    (number(start), number(end))
}

impl Drop for Held {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A pipe with no room for a byte.
fn full_pipe() -> io::Result<(PipeReader, Stdio)> {
    let (reader, mut writer) = pipe()?;
    let flags = fcntl_getfl(&writer)?;
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK)?;
    while writer.write(&[b'\n'; 4096]).is_ok() {}
    fcntl_setfl(&writer, flags)?;
    Ok((reader, writer.into()))
}
