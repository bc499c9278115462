//! A program of the user's, started apart from this process: in a session of its own, without a
//! terminal, without descriptors but three, confined to what it was granted.
//!
//! None of our code runs between fork and exec, as that would need `unsafe`.
//! Instead this very program is started once more with [`FIRST_WORD`] before all others; it sets
//! itself up and then becomes the program. Does not know what the program is for.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::{Errno, FdFlags};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};

use super::confine::{self, Freedom};
use crate::sys::{clock, detach, interrupts};

/// The first word of the command line by which this program starts another apart.
pub(crate) const FIRST_WORD: &str = "rotation-child";

/// What is started.
pub(crate) struct Program<'a> {
    /// The path and the arguments.
    pub(crate) argv: &'a [String],
    /// Its whole environment.
    pub(crate) environment: &'a [(String, String)],
    /// What it may do that others may not.
    pub(crate) freedoms: &'a [Freedom],
}

/// A program that was started apart.
pub(crate) struct Spawned {
    child: Child,
    mark: String,
}

/// The number of a process, which is that of its session and group too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(Pid);

impl Number {
    pub(super) const fn of(pid: Pid) -> Self {
        Self(pid)
    }
}

pub(crate) fn start(program: &Program<'_>, mark: String) -> io::Result<Spawned> {
    let (ours, theirs) = UnixStream::pair()?;
    rustix::io::fcntl_setfd(&theirs, FdFlags::empty())?;
    let child = Command::new(detach::own_program()?)
        .args([FIRST_WORD, &mark, &std::process::id().to_string(), &theirs.as_raw_fd().to_string()])
        .args(program.freedoms.iter().map(Freedom::to_string))
        .arg(END)
        .args(program.argv)
        .env_clear()
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    confine::attend(ours, program.freedoms);
    Ok(Spawned { child, mark })
}

impl Spawned {
    /// Returns the process, whose streams can be taken.
    pub(crate) fn child_mut(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(crate) fn number(&self) -> Number {
        Number(Pid::from_child(&self.child))
    }

    /// Returns why the program could not be started, if that is what was written to stderr.
    pub(crate) fn start_failure<'e>(&self, stderr: &'e [u8]) -> Option<&'e [u8]> {
        stderr.strip_prefix(self.mark.as_bytes())
    }
}

/// Waits until a process has ended, and leaves it to be waited for.
pub(crate) fn wait_for_end(process: Number) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(rustix::process::waitid(WaitId::Pid(process.0), options), Err(Errno::INTR)) {}
}

/// Asks a process and its group to end.
pub(crate) fn ask_to_end(process: Number) {
    signal(process.0, Signal::TERM);
}

/// Kills a process and its group, even those that are stopped.
pub(crate) fn kill(process: Number) {
    signal(process.0, Signal::KILL);
}

fn signal(pid: Pid, signal: Signal) {
    // An error means that the group is gone, as intended.
    let _nobody = rustix::process::kill_process_group(pid, signal);
    // Before it has its own group, only its number reaches it.
    let _nobody = rustix::process::kill_process(pid, signal);
}

/// From now on, what a started program leaves behind becomes this process's to [`sweep`]; but not
/// what this process started before its exec.
#[cfg(target_os = "linux")]
pub(crate) fn adopt() -> io::Result<()> {
    crate::sys::kernel::heed_children()?;
    *inherited() = children();
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Impossible elsewhere: what left its group lives on.
#[cfg(not(target_os = "linux"))]
pub(crate) fn adopt() -> io::Result<()> {
    Ok(())
}

/// Kills and buries all children that this process has got since [`adopt`], until there are none.
/// Returns whether that succeeded within some seconds.
pub(crate) fn sweep() -> bool {
    let mut inherited = inherited();
    for _ in 0..ROUNDS {
        let left: Vec<Pid> =
            children().into_iter().filter(|pid| !inherited.contains(pid)).collect();
        if left.is_empty() && !inherited.is_empty() {
            return true;
        }
        left.into_iter().map(Number).for_each(kill);
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, _))) => inherited.retain(|known| *known != pid),
                Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(_none_left) => return true,
            }
        }
        clock::pause(ROUND);
    }
    false
}

/// The children that this process had before it started any.
fn inherited() -> MutexGuard<'static, Vec<Pid>> {
    static INHERITED: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
    INHERITED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The processes whose parent this one is.
fn children() -> Vec<Pid> {
    let own = std::process::id();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_own = |number: &i32| {
        let stat = fs::read(format!("/proc/{number}/stat")).unwrap_or_default();
        let stat = String::from_utf8_lossy(&stat);
        // The program's name may hold anything, but the last parenthesis ends it.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields);
        let parent = fields.and_then(|fields| fields.split_ascii_whitespace().nth(1));
        parent.and_then(|parent| parent.parse().ok()) == Some(own)
    };
    numbers.filter(is_own).filter_map(Pid::from_raw).collect()
}

/// Becomes the program that the words after [`FIRST_WORD`] say. Returns only if that fails, with
/// the exit code.
pub(crate) fn become_program(words: &[OsString]) -> u8 {
    let [mark, parent, channel, words @ ..] = words else { return NOT_STARTED };
    let mut parts = words.splitn(2, |word| word == END);
    let (freedoms, argv) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let failure = match set_up(parent, channel, freedoms) {
        Ok(()) => match argv {
            [program, arguments @ ..] => Command::new(program).args(arguments).exec(),
            [] => io::ErrorKind::InvalidInput.into(),
        },
        Err(failure) => failure,
    };
    let told = format!("{}{failure}", mark.to_string_lossy());
    drop(io::stderr().write_all(told.as_bytes()));
    NOT_STARTED
}

fn set_up(parent: &OsString, channel: &OsString, freedoms: &[OsString]) -> io::Result<()> {
    let freedoms = freedoms.iter().map(|word| word.to_str().and_then(Freedom::parse));
    let freedoms: Option<Vec<Freedom>> = freedoms.collect();
    let freedoms = freedoms.ok_or(io::ErrorKind::InvalidInput)?;
    let channel = channel.to_str().and_then(|word| word.parse().ok());
    let channel = channel.ok_or(io::ErrorKind::InvalidInput)?;
    rustix::process::setsid()?;
    die_with(parent, Signal::KILL)?;
    detach::close_inherited(channel);
    interrupts::unblock()?;
    confine::enter(&freedoms, channel)
}

/// Has this process get a signal when its parent, which has this number, ends.
#[cfg(target_os = "linux")]
pub(super) fn die_with(parent: &OsString, signal: Signal) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(signal))?;
    // It may have died before.
    let is_there = parent.to_str() == Some(&std::os::unix::process::parent_id().to_string());
    if is_there { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn die_with(_parent: &OsString, _signal: Signal) -> io::Result<()> {
    Ok(())
}

/// Separates the freedoms from the program.
const END: &str = "--";
/// What shells say of a program that could not be started.
const NOT_STARTED: u8 = 127;
/// How often children are looked for, and how long in between.
const ROUNDS: u32 = 2_000;
const ROUND: Duration = Duration::from_millis(5);
