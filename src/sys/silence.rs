//! A terminal that shows nothing of what is typed, and is as it was before when that is over,
//! however it ends.
//!
//! One silence lasts from the first secret that is asked for to the last: what is typed ahead while
//! a key is derived is not shown either. One function restores the terminal, on every way out.
//!
//! A silence may have the whole screen, for a picture that is drawn there. It is the terminal's other
//! screen: nothing of it is left when it ends, nor can be scrolled back to.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::getpgrp;
use rustix::io::Errno;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios,
};
use rustix::termios::{tcdrain, tcflush, tcgetattr, tcgetpgrp, tcsetattr};

use super::interrupts::{self, Terminal};
use super::turn::Turn;

/// Whether the terminal is asked to mark what is pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pastes {
    /// It puts `ESC [ 200 ~` before and `ESC [ 201 ~` after.
    Marked,
    /// It is not asked: it may not know the question.
    Unmarked,
}

/// The keys that this terminal has for these; 0 for none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Keys {
    /// Ends the input.
    pub(crate) end: u8,
    /// Takes a character back.
    pub(crate) erase: u8,
    /// Takes all back.
    pub(crate) erase_all: u8,
    /// Takes a word back.
    pub(crate) erase_word: u8,
}

/// The terminal is as it was when this is dropped, also by a panic.
pub(crate) struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        end();
    }
}

const TERMINAL: Terminal = Terminal { give_way, renew, resized };

static CURRENT: Mutex<Option<Silence>> = Mutex::new(None);

/// Has the terminal show nothing from now on, and hand over each key, unless it does so already.
/// Waits until this process may ask there: in the background the system stops it meanwhile, and
/// another one of the same job may be asking.
///
/// # Errors
/// What the system says, or nobody can answer; the terminal is then as it was.
pub(crate) fn begin(terminal: &File, pastes: Pastes) -> io::Result<Keys> {
    end_screen();
    let found = lock().as_ref().map(|silence| (silence.keys(), is_in_front(&silence.terminal)));
    if let Some((keys, is_in_front)) = found {
        if !is_in_front {
            wait_for_front(terminal)?;
            lock().as_ref().map_or(Ok(()), Silence::apply)?;
        }
        return Ok(keys);
    }
    begin_as(terminal, pastes, None)
}

/// Has this process draw all of the terminal's screen from now on, and get each key; `^C`, `^Z` and
/// `^\` stay the system's. Returns what a byte comes from whenever the picture is to be drawn again:
/// another size, or somebody else had the terminal meanwhile.
///
/// # Errors
/// What the system says; the terminal is then as it was.
pub(crate) fn begin_screen(terminal: &File, pastes: Pastes) -> io::Result<(Keys, PipeReader)> {
    end();
    let (woken, wake) = io::pipe()?;
    begin_as(terminal, pastes, Some(wake)).map(|keys| (keys, woken))
}

/// Draws a picture where this process has the screen, and returns whether it has. It is drawn again
/// after an interruption.
pub(crate) fn draw(picture: &str) -> bool {
    let mut current = lock();
    let Some(silence) = current.as_mut().filter(|silence| silence.wake.is_some()) else {
        return false;
    };
    picture.clone_into(&mut silence.question);
    silence.was_asked_again = false;
    // In the background it is drawn when this process comes to the front.
    if is_in_front(&silence.terminal) {
        silence.write(picture.as_bytes());
    }
    true
}

/// Gives the screen back, if this process has it: for what is not to be drawn into the picture.
pub(crate) fn end_screen() {
    if lock().as_ref().is_some_and(|silence| silence.wake.is_some()) {
        end();
    }
}

fn begin_as(terminal: &File, pastes: Pastes, wake: Option<PipeWriter>) -> io::Result<Keys> {
    // Signals do what they always do meanwhile: there is nothing to restore yet.
    let turn = Turn::wait();
    wait_for_front(terminal)?;
    let mut current = lock();
    // Where no thread can be started, nothing can be derived either; a recovery code can still be
    // typed, and only a signal would leave the terminal silent.
    let held_back = interrupts::hold_back(TERMINAL);
    let begun = Silence::begin(terminal, pastes, (turn, wake));
    let keys = begun.as_ref().map(Silence::keys).map_err(|error| error.kind().into());
    *current = begun.ok();
    if current.is_none() && held_back.is_ok() {
        interrupts::let_go();
    }
    keys
}

/// Says which question is unanswered, to be asked again after an interruption; empty for none.
pub(crate) fn asks(question: &str) {
    if let Some(silence) = &mut *lock() {
        question.clone_into(&mut silence.question);
        silence.was_asked_again = false;
    }
}

/// Ends the silence, if there is one. Nothing that was typed or pasted is left for the next program
/// that reads from the terminal next: it was meant for a prompt.
pub(crate) fn end() {
    let mut current = lock();
    if let Some(silence) = current.take() {
        silence.restore();
        interrupts::let_go();
    }
}

/// Lets something happen that may end or stop this process, with the terminal as it was. If this
/// process goes on, so does the silence.
fn give_way(act: &mut dyn FnMut()) {
    let mut current = lock();
    if let Some(silence) = &*current {
        let is_asking = !silence.question.is_empty() && silence.wake.is_none();
        if is_asking && is_in_front(&silence.terminal) {
            silence.write(b"\n");
        }
        silence.restore();
    }
    act();
    if let Some(silence) = &mut *current {
        silence.was_asked_again = is_in_front(&silence.terminal);
        if silence.was_asked_again {
            silence.ask_again();
        }
    }
}

/// This process goes on after it was stopped: whatever had the terminal meanwhile may have set
/// it to show what is typed. Returns whether it waits for an answer that nobody can give it, as it
/// is in the background.
fn renew() -> bool {
    let mut current = lock();
    let Some(silence) = &mut *current else { return false };
    // A person who stopped it with the key was asked again when that was over.
    let was_asked_again = std::mem::take(&mut silence.was_asked_again);
    if !is_in_front(&silence.terminal) {
        return !silence.question.is_empty();
    }
    if was_asked_again && silence.wake.is_none() {
        let _gone = silence.apply();
    } else {
        silence.ask_again();
    }
    false
}

/// The terminal has another size.
fn resized() {
    if let Some(silence) = &*lock() {
        silence.wake();
    }
}

/// Waits until this process's job is the one that has the terminal.
fn wait_for_front(terminal: &File) -> io::Result<()> {
    // Changes nothing; but a process that may not change anything is stopped here until it may.
    let waited = tcdrain(terminal);
    if waited == Err(Errno::IO) || !is_in_front(terminal) {
        return Err(io::Error::other("nobody can answer a process in the background"));
    }
    Ok(())
}

/// Whether this process's job has the terminal. In the background, somebody else has set the
/// terminal and is typed at; a process that changes it all the same is stopped, even if it was about
/// to end.
fn is_in_front(terminal: &File) -> bool {
    // Where the system does not tell, nobody else can have it.
    tcgetpgrp(terminal).map_or(true, |group| group.as_raw_pid() == getpgrp().as_raw())
}

struct Silence {
    terminal: File,
    before: Termios,
    pastes: Pastes,
    /// What is on the screen where it has the whole of it.
    question: String,
    was_asked_again: bool,
    /// Where it has the whole screen: says that it has to be drawn again.
    wake: Option<PipeWriter>,
    /// Ends with the silence.
    _turn: Option<Turn>,
}

impl Silence {
    fn begin(
        terminal: &File,
        pastes: Pastes,
        (turn, wake): (Option<Turn>, Option<PipeWriter>),
    ) -> io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let question = String::new();
        let was_asked_again = false;
        let silence =
            Self { terminal, before, pastes, question, was_asked_again, wake, _turn: turn };
        silence.apply()?;
        Ok(silence)
    }

    /// Keys are handed over one by one, so that a line may be longer than the 4,095 bytes that the
    /// system takes. `^C`, `^Z` and `^\` stay the system's: it knows whom they are for.
    fn apply(&self) -> io::Result<()> {
        let mut silent = self.before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
        if self.wake.is_some() {
            // Keys that the line would take for itself, or that would stop the picture.
            silent.local_modes.remove(LocalModes::IEXTEN);
            silent.input_modes.remove(InputModes::IXON);
        }
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&self.terminal, OptionalActions::Now, &silent)?;
        if self.pastes == Pastes::Marked {
            self.write(b"\x1b[?2004h");
        }
        if self.wake.is_some() {
            self.write(SCREEN_BEGINS);
        }
        Ok(())
    }

    /// A terminal that is gone is not silenced, and nobody is there to be asked.
    fn ask_again(&self) {
        let _gone = self.apply();
        self.write(self.question.as_bytes());
        self.wake();
    }

    /// Has whoever draws the screen draw it for the size that it has now.
    fn wake(&self) {
        if let Some(wake) = &self.wake {
            // One that is gone waits for nothing.
            drop((&*wake).write_all(b"."));
        }
    }

    /// The one place where a terminal becomes what it was.
    fn restore(&self) {
        if !is_in_front(&self.terminal) {
            return;
        }
        if self.wake.is_some() {
            self.write(SCREEN_ENDS);
        }
        if self.pastes == Pastes::Marked {
            self.write(b"\x1b[?2004l");
        }
        // Before, so that nothing of it is shown; after, for what came in between.
        let _gone = tcflush(&self.terminal, QueueSelector::IFlush);
        let _gone = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        let _gone = tcflush(&self.terminal, QueueSelector::IFlush);
    }

    fn write(&self, bytes: &[u8]) {
        // Nobody is there any more to see it.
        drop((&self.terminal).write_all(bytes));
    }

    fn keys(&self) -> Keys {
        let key = |index| self.before.special_codes[index];
        Keys {
            end: key(SpecialCodeIndex::VEOF),
            erase: key(SpecialCodeIndex::VERASE),
            erase_all: key(SpecialCodeIndex::VKILL),
            erase_word: key(SpecialCodeIndex::VWERASE),
        }
    }
}

fn lock() -> MutexGuard<'static, Option<Silence>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The terminal's other screen, where a line that is too long does not go on in the next.
const SCREEN_BEGINS: &[u8] = b"\x1b[?1049h\x1b[?7l";
/// Plain letters, lines that go on, a cursor, and the screen that was there before.
const SCREEN_ENDS: &[u8] = b"\x1b[m\x1b[?7h\x1b[?25h\x1b[?1049l";

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};

    use super::*;

    fn terminal() -> (OwnedFd, File) {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let theirs = ioctl_tiocgptpeer(&ours, flags).unwrap();
        (ours, theirs.into())
    }

    fn shows(terminal: &File) -> bool {
        let modes = tcgetattr(terminal).unwrap().local_modes;
        let both = LocalModes::ECHO | LocalModes::ICANON;
        assert!(modes.contains(both) || !modes.intersects(both));
        modes.contains(both)
    }

    /// Between two questions the terminal showed what was typed ahead: a new passphrase stood there
    /// in clear while the key was derived from the old one. And a panic left it silent.
    #[test]
    fn one_silence_lasts_until_it_is_ended() {
        let (_ours, terminal) = terminal();
        let keys = begin(&terminal, Pastes::Unmarked).unwrap();
        assert_eq!((keys.end, keys.erase_word), (4, 23));
        asks("Passphrase: ");
        asks("");
        assert!(!shows(&terminal));
        begin(&terminal, Pastes::Unmarked).unwrap();
        assert!(!shows(&terminal));
        // Somebody else has the terminal for a while.
        give_way(&mut || assert!(shows(&terminal)));
        assert!(!shows(&terminal));
        Silence::begin(&terminal, Pastes::Unmarked, (None, None)).unwrap().restore();
        renew();
        assert!(!shows(&terminal));
        end();
        assert!(shows(&terminal));
        give_way(&mut || ());
        renew();
        assert!(shows(&terminal));
        begin(&terminal, Pastes::Unmarked).unwrap();
        let panicking = std::thread::spawn(|| {
            let _restored = Restored;
            std::panic::resume_unwind(Box::new("quietly"))
        });
        assert!(panicking.join().is_err() && shows(&terminal));
    }

    #[test]
    fn nothing_that_was_typed_is_left() {
        let (ours, terminal) = terminal();
        let silence = Silence::begin(&terminal, Pastes::Marked, (None, None)).unwrap();
        rustix::io::write(&ours, b"line 2\rline 3\r").unwrap();
        silence.restore();
        rustix::io::write(&ours, b"next\r").unwrap();
        let mut bytes = [0; 32];
        let length = rustix::io::read(&terminal, &mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"next\n");
        let length = rustix::io::read(&ours, &mut bytes).unwrap();
        assert!(bytes[..length].starts_with(b"\x1b[?2004h\x1b[?2004l"));
    }

    /// A picture is on the terminal's other screen, of which nothing is left; whoever draws it hears when it
    /// has to be drawn again, and gets the keys that a line would take for itself.
    #[test]
    fn a_screen_is_given_back() {
        let (ours, terminal) = terminal();
        // What is written comes in pieces.
        let seen = |end: &str| {
            let mut text = String::new();
            while !text.ends_with(end) {
                let mut bytes = [0; 128];
                let length = rustix::io::read(&ours, &mut bytes).unwrap();
                text.push_str(str::from_utf8(&bytes[..length]).unwrap());
            }
            text
        };
        let before = tcgetattr(&terminal).unwrap();
        let (mut woken, wake) = io::pipe().unwrap();
        let mut screen = Silence::begin(&terminal, Pastes::Marked, (None, Some(wake))).unwrap();
        assert_eq!(seen("\x1b[?7l"), "\x1b[?2004h\x1b[?1049h\x1b[?7l");
        let during = tcgetattr(&terminal).unwrap();
        assert!(!during.local_modes.intersects(LocalModes::ECHO | LocalModes::IEXTEN));
        assert!(during.local_modes.contains(LocalModes::ISIG));
        assert!(!during.input_modes.contains(InputModes::IXON));
        "picture".clone_into(&mut screen.question);
        screen.ask_again();
        assert!(seen("picture").ends_with("\x1b[?1049h\x1b[?7lpicture"));
        assert_eq!(io::Read::read(&mut woken, &mut [0; 8]).unwrap(), 1);
        screen.restore();
        assert_eq!(seen("\x1b[?2004l"), "\x1b[m\x1b[?7h\x1b[?25h\x1b[?1049l\x1b[?2004l");
        let after = tcgetattr(&terminal).unwrap();
        assert_eq!(after.local_modes, before.local_modes);
        assert_eq!(after.input_modes, before.input_modes);
    }

    #[test]
    fn what_is_no_terminal_cannot_be_silenced() {
        let file = File::open("/dev/null").unwrap();
        assert!(Silence::begin(&file, Pastes::Unmarked, (None, None)).is_err());
    }
}
