//! A terminal for a program whose output goes through this process: a pseudo-terminal in the place of
//! the real one, which is as large, and as raw as the program wants it.

use std::fs::File;
use std::io::{self, PipeReader, Read};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};

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
    /// How many bytes were typed before it was raw, and wait to be read.
    early: AtomicUsize,
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
        let early = AtomicUsize::new(0);
        Ok(Self { terminal, modes, is_raw, is_wanted, early, changing: Mutex::new(()) })
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
            let early = rustix::io::ioctl_fionread(&self.terminal).unwrap_or(0);
            self.early.store(usize::try_from(early).unwrap_or(0), Ordering::SeqCst);
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

    /// What was typed before the terminal was raw is read as it was kept: the key that makes an end, as a
    /// NUL. Makes the key of it again.
    fn make_ends(&self, keys: &mut [u8]) {
        let early = self.early.load(Ordering::SeqCst);
        self.early.store(early.saturating_sub(keys.len()), Ordering::SeqCst);
        if self.modes.local_modes.contains(LocalModes::ICANON) {
            for key in keys.iter_mut().take(early).filter(|key| **key == 0) {
                *key = self.end();
            }
        }
    }

    /// The key that makes an end, as a rule `^D`.
    fn end(&self) -> u8 {
        self.modes.special_codes[SpecialCodeIndex::VEOF]
    }

    /// Types at the pseudo-terminal what is typed here, until the bell rings.
    pub(super) fn type_at(&self, ours: &OwnedFd, bell: &PipeReader) {
        let mut typed = Secret::new(vec![0; 4 << 10]);
        let mut was_raw = self.is_raw.load(Ordering::SeqCst);
        loop {
            self.make_raw_if_wanted();
            let is_raw = self.is_raw.load(Ordering::SeqCst);
            if is_raw && !was_raw {
                // Who is in the background is not told that the terminal is resized.
                drop(self.resize(ours));
            }
            was_raw = is_raw;
            let mut both =
                [PollFd::new(bell, PollFlags::IN), PollFd::new(&self.terminal, PollFlags::IN)];
            // What is typed while another job has the terminal is not for this one.
            let heard = if is_raw { 2 } else { 1 };
            let ready = poll(both.get_mut(..heard).unwrap_or_default(), Some(&LOOK));
            let is_gone = both.get(1).is_some_and(|one| one.revents().intersects(GONE));
            let [rung, ready_to_read] = both.map(|one| !one.revents().is_empty());
            if rung {
                return;
            }
            if ready.is_err() || !is_raw || !ready_to_read {
                continue;
            }
            match (&self.terminal).read(typed.expose_mut()) {
                // It was typed while the terminal was not raw, which made an end of it.
                Ok(0) if !is_gone => {
                    if streams::write_all(ours, &[self.end()]).is_err() {
                        return;
                    }
                }
                Ok(0) => return,
                Ok(length) => {
                    let keys = typed.expose_mut().get_mut(..length).unwrap_or_default();
                    self.make_ends(keys);
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
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// What says that nobody types any more.
const GONE: PollFlags = PollFlags::HUP.union(PollFlags::ERR);
