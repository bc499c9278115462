//! The process between this one and a program that has a pseudo-terminal: the leader of that terminal's
//! session, so that the program is a job there that can be stopped and go on. It tells this process when
//! that happens, and does nothing else.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, WaitOptions};

use super::spawn;
use crate::sys::secret::Secret;
use crate::sys::{detach, files, streams};

/// The first word of the command line by which this program starts the process.
pub(crate) const FIRST_WORD: &str = "run-monitor";

/// What the process tells, and is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The program runs, under this number.
    Started(i32),
    /// It was stopped by this signal.
    Stopped(i32),
    /// It is to go on.
    GoOn,
    /// It has ended, with this code.
    Exited(i32),
    /// A signal has ended it.
    Signalled(i32),
}

impl Word {
    pub(super) fn write(self, to: &mut impl Write) -> io::Result<()> {
        let (kind, number) = match self {
            Self::Started(number) => (0, number),
            Self::Stopped(number) => (1, number),
            Self::GoOn => (2, 0),
            Self::Exited(number) => (3, number),
            Self::Signalled(number) => (4, number),
        };
        let [a, b, c, d] = number.to_le_bytes();
        to.write_all(&[kind, a, b, c, d])
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut bytes = [0; 5];
        from.read_exact(&mut bytes)?;
        let [kind, number @ ..] = bytes;
        let number = i32::from_le_bytes(number);
        Ok(match kind {
            0 => Self::Started(number),
            1 => Self::Stopped(number),
            2 => Self::GoOn,
            3 => Self::Exited(number),
            4 => Self::Signalled(number),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        })
    }
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By itself, with an exit code.
    Exited(u8),
    /// By a signal.
    Signalled(i32),
}

impl Ended {
    pub(super) fn by(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (_, Some(signal)) => Self::Signalled(signal),
            (code, None) => Self::exited(code),
        }
    }

    pub(super) fn exited(code: Option<i32>) -> Self {
        let code = code.and_then(|code| u8::try_from(code).ok());
        Self::Exited(code.unwrap_or(FAILED))
    }
}

/// What the process is started with, and what has to be open until it is.
pub(super) struct Beginning {
    pub(super) command: Command,
    /// Where it tells what happens.
    pub(super) told: UnixStream,
    pub(super) open: [OwnedFd; 3],
}

/// Returns the command that starts it. It starts, by these words, what becomes the program, in this
/// environment, which is in memory until then: no other process has it.
pub(super) fn command(
    terminal: &OwnedFd,
    environment: &[(OsString, OsString)],
    words: &[OsString],
) -> io::Result<Beginning> {
    let (ours, theirs) = UnixStream::pair()?;
    let environment = OwnedFd::from(files::in_memory(packed(environment).expose())?);
    let open = [OwnedFd::from(theirs), terminal.try_clone()?, environment];
    let mut command = Command::new(detach::own_program()?);
    command.args([FIRST_WORD, &std::process::id().to_string()]);
    for file in &open {
        rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty())?;
        command.arg(file.as_raw_fd().to_string());
    }
    command.args(words).env_clear();
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    Ok(Beginning { command, told: ours, open })
}

/// Is the process, by the words after [`FIRST_WORD`]. Returns the exit code.
pub(crate) fn be(words: &[OsString]) -> u8 {
    let [parent, told, terminal, environment, words @ ..] = words else { return FAILED };
    let Ok(told) = taken(told) else { return FAILED };
    let (terminal, environment) = (taken(terminal), taken(environment));
    let mut told = UnixStream::from(told);
    let ended = terminal.and_then(|terminal| {
        rustix::process::setsid()?;
        spawn::die_with(parent, Signal::KILL)?;
        rustix::process::ioctl_tiocsctty(&terminal)?;
        let mut bytes = Secret::new(Vec::new());
        std::fs::File::from(environment?).read_to_end(bytes.expose_mut())?;
        attend(words, &bytes, &mut told)
    });
    match ended.and_then(|ended| ended.write(&mut told)) {
        Ok(()) => 0,
        Err(error) => {
            drop(writeln!(io::stderr(), "strongroom: the program cannot be run: {error}"));
            FAILED
        }
    }
}

fn attend(
    words: &[OsString],
    environment: &Secret<Vec<u8>>,
    told: &mut UnixStream,
) -> io::Result<Word> {
    let [first, rest @ ..] = words else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut command = Command::new(detach::own_program()?);
    command.arg(first).arg(std::process::id().to_string()).args(rest);
    let child = command.env_clear().envs(unpacked(environment)).spawn()?;
    let pid = Pid::from_child(&child);
    Word::Started(pid.as_raw_nonzero().get()).write(told)?;
    loop {
        let waited = rustix::process::waitpid(Some(pid), WaitOptions::UNTRACED);
        let status = match waited {
            Ok(Some((_, status))) => status,
            Ok(None) | Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        if let Some(signal) = status.stopping_signal() {
            Word::Stopped(signal).write(told)?;
            Word::read(told)?;
            // It may have ended meanwhile.
            let _ended = rustix::process::kill_process_group(pid, Signal::CONT);
        } else if let Some(signal) = status.terminating_signal() {
            return Ok(Word::Signalled(signal));
        } else if let Some(code) = status.exit_status() {
            return Ok(Word::Exited(code));
        }
    }
}

/// Takes a file by its number; what is started does not find it open.
fn taken(number: &OsString) -> io::Result<OwnedFd> {
    let number = number.to_str().and_then(|word| word.parse().ok());
    let number = number.ok_or(io::ErrorKind::InvalidInput)?;
    let file = streams::inherited(number)?;
    streams::close(number)?;
    Ok(file)
}

fn packed(environment: &[(OsString, OsString)]) -> Secret<Vec<u8>> {
    let mut bytes = Secret::new(Vec::new());
    for (name, value) in environment {
        for part in [name.as_bytes(), b"=", value.as_bytes(), b"\0"] {
            bytes.expose_mut().extend_from_slice(part);
        }
    }
    bytes
}

fn unpacked(bytes: &Secret<Vec<u8>>) -> impl Iterator<Item = (&OsStr, &OsStr)> {
    let pairs = bytes.expose().split(|byte| *byte == 0).filter(|pair| !pair.is_empty());
    pairs.filter_map(|pair| {
        // The first letter may be a `=`, in what other systems leave.
        let place = pair.iter().skip(1).position(|byte| *byte == b'=')?.checked_add(1)?;
        let (name, value) = pair.split_at_checked(place)?;
        Some((OsStr::from_bytes(name), OsStr::from_bytes(value.get(1..)?)))
    })
}

/// The process could not do what it is for.
const FAILED: u8 = 126;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_were_written() {
        for word in
            [Word::Started(7), Word::Stopped(20), Word::GoOn, Word::Exited(255), Word::Signalled(9)]
        {
            let mut bytes = Vec::new();
            word.write(&mut bytes).unwrap();
            assert_eq!(Word::read(&mut bytes.as_slice()).unwrap(), word);
        }
        assert!(Word::read(&mut &b"\x09abcd"[..]).is_err());
    }

    #[test]
    fn an_environment_is_unpacked_as_it_was() {
        let pairs: Vec<(OsString, OsString)> =
            [("A", "b=c"), ("B", ""), ("=C", "x\n")].map(|(n, v)| (n.into(), v.into())).to_vec();
        let packed = packed(&pairs);
        let unpacked: Vec<(OsString, OsString)> =
            unpacked(&packed).map(|(name, value)| (name.into(), value.into())).collect();
        assert_eq!(unpacked, pairs);
    }
}
