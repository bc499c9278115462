//! A terminal for a program whose output goes through this process: a pseudo-terminal in the place of
//! the real one, which is as large, and as raw as the program wants it.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Termios};

use crate::sys::secret::Secret;
use crate::sys::streams;

/// A pseudo-terminal.
pub(super) struct Pair {
    /// Our end, which shows what the program writes and types what the program reads.
    pub(super) ours: OwnedFd,
    /// The program's.
    pub(super) theirs: OwnedFd,
}

/// The terminal at which a person sits.
pub(super) struct Real {
    terminal: File,
    /// How it was.
    modes: Termios,
    is_raw: AtomicBool,
    /// Whether it is to be raw as soon as it can be.
    is_wanted: AtomicBool,
    changing: Mutex<()>,
}

impl Pair {
    /// Opens one that is as the real one is.
    pub(super) fn open(real: &Real) -> io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::CLOEXEC)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let name = ptsname(&ours, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let theirs = rustix::fs::open(name.as_c_str(), flags, Mode::empty())?;
        rustix::termios::tcsetattr(&theirs, OptionalActions::Now, &real.modes)?;
        let pair = Self { ours, theirs };
        real.resize(&pair.ours)?;
        Ok(pair)
    }
}

impl Real {
    /// Opens the terminal of this process.
    pub(super) fn open() -> io::Result<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let modes = rustix::termios::tcgetattr(&terminal)?;
        let (is_raw, is_wanted) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self { terminal, modes, is_raw, is_wanted, changing: Mutex::new(()) })
    }

    /// Gives the pseudo-terminal the size of the real one.
    pub(super) fn resize(&self, ours: &OwnedFd) -> io::Result<()> {
        let size = rustix::termios::tcgetwinsize(&self.terminal)?;
        Ok(rustix::termios::tcsetwinsize(ours, size)?)
    }

    /// Whether this process's job has the terminal.
    fn is_ours(&self) -> bool {
        let group = rustix::termios::tcgetpgrp(&self.terminal);
        group.is_ok_and(|group| group == rustix::process::getpgrp())
    }

    /// From now on what is typed is for the pseudo-terminal to make something of: no key does anything
    /// here. Not while another job has the terminal.
    pub(super) fn make_raw(&self) {
        self.is_wanted.store(true, Ordering::SeqCst);
        self.make_raw_if_wanted();
    }

    fn make_raw_if_wanted(&self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = self.is_wanted.load(Ordering::SeqCst);
        if is_wanted && !self.is_raw.load(Ordering::SeqCst) && self.is_ours() {
            let mut raw = self.modes.clone();
            raw.make_raw();
            let made = rustix::termios::tcsetattr(&self.terminal, OptionalActions::Drain, &raw);
            self.is_raw.store(made.is_ok(), Ordering::SeqCst);
        }
    }

    /// Leaves it as it was.
    pub(super) fn restore(&self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_wanted.store(false, Ordering::SeqCst);
        if self.is_raw.swap(false, Ordering::SeqCst) {
            // One that is gone needs nothing.
            let _gone =
                rustix::termios::tcsetattr(&self.terminal, OptionalActions::Drain, &self.modes);
        }
    }

    /// Types at the pseudo-terminal what is typed here, until the bell rings.
    pub(super) fn type_at(&self, ours: &OwnedFd, bell: &PipeReader) {
        let mut typed = Secret::new(vec![0; 4 << 10]);
        loop {
            self.make_raw_if_wanted();
            let is_raw = self.is_raw.load(Ordering::SeqCst);
            let mut both =
                [PollFd::new(bell, PollFlags::IN), PollFd::new(&self.terminal, PollFlags::IN)];
            // What is typed while another job has the terminal is not for this one.
            let heard = if is_raw { 2 } else { 1 };
            let ready = poll(both.get_mut(..heard).unwrap_or_default(), Some(&LOOK));
            let [rung, ready_to_read] = both.map(|one| !one.revents().is_empty());
            if rung {
                return;
            }
            if ready.is_err() || !is_raw || !ready_to_read {
                continue;
            }
            match (&self.terminal).read(typed.expose_mut()) {
                Ok(0) => return,
                Ok(length) => {
                    let keys = typed.expose().get(..length).unwrap_or_default();
                    if streams::write_all(ours, keys).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.restore();
    }
}

/// How often to look whether the terminal is this job's.
const LOOK: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
