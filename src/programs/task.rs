//! A program of the user's that is given secrets: this process becomes it, or runs it and passes on
//! what it writes.
//!
//! As in [`super::spawn`], none of our code runs between fork and exec: where the program is a process of
//! its own, this very program is started once more with [`FIRST_WORD`], sets itself up, and becomes the
//! other. Unlike there, the program stays in the group and the session of who started us.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal};

use super::hush::Hushed;
use super::passage::Passage;
use super::spawn;
use crate::sys::{detach, interrupts, process, session_key};

/// The first word of the command line by which this program starts another that has secrets.
pub(crate) const FIRST_WORD: &str = "run-program";

/// What is run.
pub(crate) struct Task {
    /// The program, found by `PATH` unless it is a path, and its arguments.
    pub(crate) argv: Vec<String>,
    /// Its whole environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// What it reads, if that is not what this process would.
    pub(crate) stdin: Option<File>,
    /// Files that it finds open.
    pub(crate) files: Vec<OwnedFd>,
    /// Whether it is in this session as to keys.
    pub(crate) keyring: Keyring,
}

/// Which keyring of the session a program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyring {
    /// That of this process, where the agent's token may be.
    Shared,
    /// An empty one.
    Own,
}

/// Why a program was not run, and what shells end with then.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotRun {
    pub(crate) code: u8,
    pub(crate) message: String,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with an exit code.
    Exited(u8),
    /// By a signal.
    Signalled(i32),
}

impl Task {
    fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    fn not_run(&self, error: &io::Error) -> NotRun {
        not_run(self.program(), error)
    }

    /// Becomes the program: nothing of this process is left. Comes back only if that fails.
    pub(crate) fn become_it(self) -> NotRun {
        let set_up = || {
            self.files.iter().try_for_each(inherit)?;
            process::mask_files(process::given_mask());
            interrupts::unblock()?;
            self.keyring.enter()
        };
        if let Err(error) = set_up() {
            return self.not_run(&error);
        }
        let mut command = Command::new(self.program());
        command.args(self.argv.iter().skip(1)).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(Ok(stdin)) = self.stdin.as_ref().map(File::try_clone) {
            command.stdin(stdin);
        }
        let error = command.exec();
        self.not_run(&error)
    }

    /// Runs the program to its end. What it writes is passed on, without what is to be left out.
    pub(crate) fn run(self, hushed: Option<Arc<Hushed>>) -> Result<Ended, NotRun> {
        self.check()?;
        let failed = |error: io::Error| not_run(self.program(), &error);
        let mut command = self.command().map_err(failed)?;
        let passage = hushed.map(|hushed| Passage::open(&hushed, &mut command));
        let passage = passage.transpose().map_err(failed)?;
        if let Some(Ok(stdin)) = self.stdin.as_ref().map(File::try_clone) {
            command.stdin(stdin);
        }
        self.files.iter().try_for_each(inherit).map_err(failed)?;
        let running = Arc::new(Mutex::new(None));
        let target = Arc::clone(&running);
        interrupts::pass_on(move |signal| pass_on(signal, &target)).map_err(failed)?;
        let mut child = command.spawn().map_err(failed)?;
        // The program alone writes to what it writes to.
        drop(command);
        let pid = Pid::from_child(&child);
        *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(pid);
        let passing = passage.map(Passage::begin).transpose().map_err(failed)?;
        spawn::wait_for_end(spawn::Number::of(pid));
        // From now on its number may be another's.
        *running.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let status = child.wait().map_err(failed)?;
        if let Some(passing) = passing {
            passing.finish();
        }
        Ok(ended_by(status))
    }

    /// Returns the command that becomes the program.
    fn command(&self) -> io::Result<Command> {
        let mut command = Command::new(detach::own_program()?);
        let mask = process::given_mask().to_string();
        command.args([FIRST_WORD, &std::process::id().to_string(), &mask, self.keyring.word()]);
        command.args(&self.argv).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        Ok(command)
    }

    /// Requires that there is such a program, before anything is begun.
    fn check(&self) -> Result<(), NotRun> {
        let program = Path::new(self.program());
        let variable = |wanted: &str| {
            self.environment
                .iter()
                .rfind(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_os_str())
        };
        let paths: Vec<PathBuf> = if self.program().contains('/') {
            vec![program.to_owned()]
        } else {
            let path = variable("PATH").unwrap_or(OsStr::new(USUAL_PATH));
            std::env::split_paths(path).map(|directory| directory.join(program)).collect()
        };
        let is_there: Vec<&PathBuf> = paths.iter().filter(|path| path.exists()).collect();
        let may_run = |path: &&PathBuf| {
            use rustix::fs::{Access, AtFlags, CWD, accessat};
            let is_allowed = accessat(CWD, path.as_path(), Access::EXEC_OK, AtFlags::EACCESS);
            is_allowed.is_ok() && path.is_file()
        };
        let error = match is_there.first() {
            _ if is_there.iter().any(may_run) => return Ok(()),
            Some(_) => io::ErrorKind::PermissionDenied,
            None => io::ErrorKind::NotFound,
        };
        Err(self.not_run(&error.into()))
    }
}

impl Keyring {
    const fn word(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Own => "own",
        }
    }

    fn enter(self) -> io::Result<()> {
        match self {
            Self::Shared => Ok(()),
            Self::Own => session_key::leave(),
        }
    }
}

/// Becomes the program that the words after [`FIRST_WORD`] say. Returns only if that fails, with the
/// exit code.
pub(crate) fn become_program(words: &[OsString]) -> u8 {
    let [parent, mask, keyring, program, arguments @ ..] = words else { return NOT_FOUND };
    let set_up = || {
        spawn::die_with(parent, Signal::KILL)?;
        let mask = mask.to_str().and_then(|mask| mask.parse().ok());
        process::mask_files(mask.ok_or(io::ErrorKind::InvalidInput)?);
        interrupts::unblock()?;
        let is_own = keyring == Keyring::Own.word();
        if is_own { Keyring::Own.enter() } else { Keyring::Shared.enter() }
    };
    let failure = match set_up() {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(failure) => failure,
    };
    let NotRun { code, message } = not_run(&program.to_string_lossy(), &failure);
    drop(writeln!(io::stderr(), "strongroom: {message}"));
    code
}

fn not_run(program: &str, error: &io::Error) -> NotRun {
    let (code, why) = if error.kind() == io::ErrorKind::NotFound {
        (NOT_FOUND, "not found".to_owned())
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        (NOT_RUN, "permission denied".to_owned())
    } else {
        (NOT_RUN, error.to_string())
    };
    NotRun { code, message: format!("{program} cannot be run: {why}") }
}

/// Has what this process becomes or starts find a file open.
fn inherit(file: &OwnedFd) -> io::Result<()> {
    Ok(rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty())?)
}

/// Passes a signal on to the program, unless it has it already: what is typed at a terminal goes to all
/// that is in its foreground.
fn pass_on(signal: i32, running: &Mutex<Option<Pid>>) {
    let is_typed = [Signal::INT, Signal::QUIT, Signal::WINCH].map(Signal::as_raw).contains(&signal);
    if is_typed && is_in_foreground() {
        return;
    }
    let running = running.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(pid), Some(signal)) = (*running, Signal::from_named_raw(signal)) {
        // It may have just ended.
        let _ended = rustix::process::kill_process(pid, signal);
    }
}

/// Whether this process's group has the terminal.
fn is_in_foreground() -> bool {
    let Ok(terminal) = File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

fn ended_by(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (_, Some(signal)) => Ended::Signalled(signal),
        (code, None) => {
            let code = code.and_then(|code| u8::try_from(code).ok());
            Ended::Exited(code.unwrap_or(NOT_RUN))
        }
    }
}

/// What shells say of a program that is not there, and of one that is no program.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;
/// Where programs are looked for if nothing says where.
const USUAL_PATH: &str = "/bin:/usr/bin";
