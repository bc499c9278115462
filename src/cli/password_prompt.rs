//! Secrets that are typed at the terminal and not shown. rpassword reads them; this file decides
//! what it is handed: keys that are text or that it knows, and nothing that it would drop without
//! a word.
//!
//! Does not know what is asked, nor how the terminal is silenced (`sys::silence`).

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::rc::Rc;

use rpassword::{Config, ConfigBuilder};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::keyboard::{Keyboard, Lines, Source, written};
use crate::sys::memory::scrub_stack;
use crate::sys::secret::Secret;
use crate::sys::silence::{self, Pastes};

/// Asks at a terminal, and returns what was typed, without the end of a single line. The terminal
/// stays silent: [`silence::end`] is the caller's.
///
/// # Errors
/// The person gave up, or typed what cannot be taken as it is; or the system's own.
pub(super) fn ask(
    terminal: &File,
    question: &str,
    lines: Lines,
    pastes: Pastes,
) -> io::Result<Secret<String>> {
    let keys = silence::begin(terminal, pastes)?;
    silence::asks(question);
    let keyboard = Keyboard::new(terminal.try_clone()?, keys, lines);
    let shared = Shared(Rc::new(RefCell::new(keyboard)));
    let read = read(terminal, question, &shared);
    silence::asks("");
    scrub_stack();
    (&*terminal).write_all(b"\n")?;
    let keyboard = shared.0.borrow();
    match keyboard.fault() {
        Some(fault) => Err(io::Error::other(fault.told(lines))),
        None => read.map(written).map_err(|error| {
            let gave_up = error.kind() == io::ErrorKind::UnexpectedEof;
            if gave_up { io::Error::new(error.kind(), NOBODY) } else { error }
        }),
    }
}

/// Has rpassword read a line, or line after line up to the key that ends the input.
fn read(terminal: &File, question: &str, shared: &Shared) -> io::Result<Secret<String>> {
    let config = shared.config(terminal)?;
    let first = rpassword::prompt_password_with_config(question, config).map(Secret::new)?;
    let mut typed = Secret::new(String::with_capacity(ORDINARY));
    typed.expose_mut().push_str(first.expose());
    while shared.0.borrow().expects_more() {
        typed.expose_mut().push('\n');
        let config = shared.config(terminal)?;
        let next = rpassword::read_password_with_config(config).map(Secret::new)?;
        typed.expose_mut().push_str(next.expose());
    }
    Ok(typed)
}

/// A keyboard that each of rpassword's readers takes up where the one before left off.
struct Shared(Rc<RefCell<Keyboard<File>>>);

impl Shared {
    fn config(&self, terminal: &File) -> io::Result<Config> {
        let reader = Self(Rc::clone(&self.0));
        let screen = terminal.try_clone()?;
        Ok(ConfigBuilder::new().input_reader(reader).output_writer(screen).build())
    }
}

impl Read for Shared {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(to)
    }
}

impl Source for File {
    fn next(&mut self) -> io::Result<Option<u8>> {
        let mut key = Secret::new([0]);
        loop {
            // A process that reads in the background is stopped, and would not hear of the signal
            // that is to end it.
            if poll(&mut [PollFd::new(self, PollFlags::IN)], None) == Err(Errno::INTR) {
                continue;
            }
            match self.read(key.expose_mut()) {
                Ok(0) => return Ok(None),
                Ok(_) => return Ok(Some(key.expose()[0])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn is_more(&mut self) -> bool {
        let moment = Timespec { tv_sec: 0, tv_nsec: MOMENT_NS };
        poll(&mut [PollFd::new(self, PollFlags::IN)], Some(&moment)) == Ok(1)
    }

    fn ring(&mut self) {
        drop(self.write_all(b"\x07"));
    }
}

const NOBODY: &str = "nobody answered at the terminal";

/// How long the next byte of a key or of a paste takes at most. Nobody types that fast.
const MOMENT_NS: i64 = 50_000_000;

/// Room for a passphrase; longer ones move, and the allocator wipes what they leave.
const ORDINARY: usize = 1024;
