//! A program of the user's that is given secrets: this process becomes it, or runs it and passes on
//! what it writes.
//!
//! As in [`super::spawn`], none of our code runs between fork and exec: where the program is a process of
//! its own, this very program is started once more with [`FIRST_WORD`], sets itself up, and becomes the
//! other. Unlike there, the program stays in the group and the session of who started us.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal};

use super::confine::{self, Freedom};
use super::hush::Hushed;
pub(crate) use super::monitor::Ended;
use super::passage::{Passage, Passing, Way};
use super::{at_terminal, spawn};
use crate::sys::{detach, interrupts, process, session_key};

/// The first word of the command line by which this program starts another that has secrets.
pub(crate) const FIRST_WORD: &str = "run-program";

/// What is run.
pub(crate) struct Task {
    /// The program, found by `PATH` unless it is a path, and its arguments.
    pub(crate) argv: Vec<OsString>,
    /// Its whole environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// What it reads, if that is not what this process would.
    pub(crate) stdin: Option<File>,
    /// Files that it finds open.
    pub(crate) files: Vec<OwnedFd>,
    /// Whether it is in this session as to keys.
    pub(crate) keyring: Keyring,
    /// What it may do besides what every confined program may; `None` where it is not confined.
    pub(crate) freedoms: Option<Vec<Freedom>>,
}

/// Which keyring of the session a program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyring {
    /// That of this process, where the agent's token may be.
    Shared,
    /// An empty one.
    Own,
}

/// What became of a program.
pub(crate) struct Done {
    pub(crate) ended: Ended,
    /// Why something that it wrote is lost, if it is.
    pub(crate) lost: Option<io::Error>,
}

/// Why a program was not run, and what shells end with then.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotRun {
    pub(crate) code: u8,
    pub(crate) message: String,
}

impl Task {
    fn program(&self) -> &OsStr {
        self.argv.first().map_or(OsStr::new(""), OsString::as_os_str)
    }

    fn not_run(&self, error: &io::Error) -> NotRun {
        not_run(&self.program().to_string_lossy(), error)
    }

    /// Becomes the program: nothing of this process is left. Comes back only if that fails.
    pub(crate) fn become_it(self) -> NotRun {
        if self.program().is_empty() {
            return self.not_run(&io::ErrorKind::NotFound.into());
        }
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

    /// Runs the program to its end. What it writes is passed on, without what is to be left out; where
    /// that is a terminal, the program has one of its own.
    pub(crate) fn run(self, hushed: Option<&Arc<Hushed>>) -> Result<Done, NotRun> {
        self.find()?;
        let is_shown = [Way::Stdout, Way::Stderr].into_iter().any(Way::is_terminal);
        let done = match hushed.filter(|_| is_shown) {
            Some(hushed) => self.run_at_terminal(hushed),
            None => self.run_here(hushed),
        };
        done.map_err(|error| self.not_run(&error))
    }

    fn run_at_terminal(&self, hushed: &Arc<Hushed>) -> io::Result<Done> {
        let (words, channel) = self.words(TERMINAL)?;
        self.files.iter().try_for_each(inherit)?;
        let stdin = self.stdin.as_ref().map(File::try_clone).transpose()?;
        let begun = || self.attend(channel);
        let (ended, lost) = at_terminal::run(hushed, (&self.environment, &words), stdin, begun)?;
        Ok(Done { ended, lost })
    }

    /// Runs it in this process's group, at this process's terminal if it uses one.
    fn run_here(&self, hushed: Option<&Arc<Hushed>>) -> io::Result<Done> {
        let (mut words, channel) = self.words(HERE)?;
        words.insert(1, std::process::id().to_string().into());
        let mut command = Command::new(detach::own_program()?);
        command.args(words).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        let passage = hushed.map(|hushed| Passage::open(hushed, &mut command, None)).transpose()?;
        if let Some(stdin) = &self.stdin {
            command.stdin(stdin.try_clone()?);
        }
        self.files.iter().try_for_each(inherit)?;
        let running = Arc::new(Mutex::new(None));
        let target = Arc::clone(&running);
        interrupts::pass_on(move |signal| pass_on(signal, &target))?;
        let mut child = command.spawn()?;
        self.attend(channel);
        // The program alone writes to what it writes to.
        drop(command);
        let pid = Pid::from_child(&child);
        *running.lock().unwrap_or_else(PoisonError::into_inner) = Some(pid);
        let passing = passage.map(Passage::begin).transpose()?;
        spawn::wait_for_end(spawn::Number::of(pid));
        // From now on its number may be another's.
        *running.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let status = child.wait()?;
        Ok(Done { ended: Ended::by(status), lost: passing.and_then(Passing::finish) })
    }

    /// Returns the words by which this program becomes the other, without the parent's number, which
    /// comes after the first; and the channel over which it is asked what a confined program may.
    fn words(&self, place: &str) -> io::Result<(Vec<OsString>, Option<Channel>)> {
        let mask = process::given_mask().to_string();
        let channel = self.freedoms.is_some().then(Channel::open).transpose()?;
        let number = channel.as_ref().map(|channel| channel.theirs.as_raw_fd().to_string());
        let number = number.unwrap_or_else(|| OPEN.to_owned());
        let freedoms = self.freedoms.iter().flatten().map(Freedom::to_string);
        let words = [FIRST_WORD, &mask, self.keyring.word(), place, &number];
        let words = words.map(str::to_owned).into_iter().chain(freedoms).chain([END.to_owned()]);
        let words = words.map(OsString::from).chain(self.argv.iter().cloned());
        Ok((words.collect(), channel))
    }

    /// Answers what a confined program is asked about, now that it was started.
    fn attend(&self, channel: Option<Channel>) {
        if let (Some(freedoms), Some(channel)) = (&self.freedoms, channel) {
            confine::attend(channel.ours, freedoms);
        }
    }

    /// Finds the program, before anything is begun.
    pub(crate) fn find(&self) -> Result<PathBuf, NotRun> {
        let program = Path::new(self.program());
        let variable = |wanted: &str| {
            self.environment
                .iter()
                .rfind(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_os_str())
        };
        let paths: Vec<PathBuf> = if self.program().as_encoded_bytes().contains(&b'/') {
            vec![program.to_owned()]
        } else {
            let path = variable("PATH").unwrap_or(OsStr::new(USUAL_PATH));
            std::env::split_paths(path).map(|directory| directory.join(program)).collect()
        };
        if self.program().is_empty() {
            return Err(self.not_run(&io::ErrorKind::NotFound.into()));
        }
        let is_there: Vec<&PathBuf> = paths.iter().filter(|path| path.exists()).collect();
        let may_run = |path: &&PathBuf| {
            use rustix::fs::{Access, AtFlags, CWD, accessat};
            let is_allowed = accessat(CWD, path.as_path(), Access::EXEC_OK, AtFlags::EACCESS);
            is_allowed.is_ok() && path.is_file()
        };
        let found = is_there.iter().copied().find(may_run);
        let error = match (found, is_there.first()) {
            (Some(found), _) => return Ok(found.clone()),
            (None, Some(_)) => io::ErrorKind::PermissionDenied,
            (None, None) => io::ErrorKind::NotFound,
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
    let [parent, mask, keyring, place, channel, words @ ..] = words else { return NOT_FOUND };
    let mut parts = words.splitn(2, |word| word == END);
    let (freedoms, argv) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let [program, arguments @ ..] = argv else { return NOT_FOUND };
    let set_up = || {
        spawn::die_with(parent, Signal::KILL)?;
        if place == TERMINAL {
            take_terminal()?;
        }
        let mask = mask.to_str().and_then(|mask| mask.parse().ok());
        process::mask_files(mask.ok_or(io::ErrorKind::InvalidInput)?);
        interrupts::unblock()?;
        if keyring == Keyring::Own.word() {
            Keyring::Own.enter()?;
        }
        if channel == OPEN { Ok(()) } else { enter(channel, freedoms) }
    };
    let failure = match set_up() {
        Ok(()) => Command::new(program).args(arguments).exec(),
        Err(failure) => failure,
    };
    let NotRun { code, message } = not_run(&program.to_string_lossy(), &failure);
    drop(writeln!(io::stderr(), "strongroom: {message}"));
    code
}

/// Confines this process to what it is granted by these words.
fn enter(channel: &OsString, freedoms: &[OsString]) -> io::Result<()> {
    let freedoms = freedoms.iter().map(|word| word.to_str().and_then(Freedom::parse));
    let freedoms: Option<Vec<Freedom>> = freedoms.collect();
    let channel = channel.to_str().and_then(|word| word.parse().ok());
    let (freedoms, channel) = freedoms.zip(channel).ok_or(io::ErrorKind::InvalidInput)?;
    confine::enter(&freedoms, channel)
}

/// Over which a confined program's calls are asked about.
struct Channel {
    ours: UnixStream,
    theirs: UnixStream,
}

impl Channel {
    fn open() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        rustix::io::fcntl_setfd(&theirs, rustix::io::FdFlags::empty())?;
        Ok(Self { ours, theirs })
    }
}

fn not_run(program: &str, error: &io::Error) -> NotRun {
    let is_nowhere =
        [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind());
    let (code, why) = if is_nowhere {
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
    at_terminal::send(signal, running);
}

/// Becomes a job of the terminal's, and the one that has it.
fn take_terminal() -> io::Result<()> {
    let itself = rustix::process::getpid();
    rustix::process::setpgid(None, None)?;
    // Whoever has it not is stopped for taking it.
    interrupts::block_for_terminal()?;
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    Ok(rustix::termios::tcsetpgrp(&terminal, itself)?)
}

/// Whether this process's group has the terminal.
fn is_in_foreground() -> bool {
    let Ok(terminal) = File::open("/dev/tty") else { return false };
    rustix::termios::tcgetpgrp(&terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// In the place of the channel's number: the program is not confined.
const OPEN: &str = "open";
/// Separates what a program may do from the program.
const END: &str = "--";
/// Where a program runs: in the group of who started it, or as a job of its own at its own terminal.
const HERE: &str = "here";
const TERMINAL: &str = "terminal";
/// What shells say of a program that is not there, and of one that is no program.
const NOT_FOUND: u8 = 127;
const NOT_RUN: u8 = 126;
/// Where programs are looked for if nothing says where.
const USUAL_PATH: &str = "/bin:/usr/bin";
