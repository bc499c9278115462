//! The terminal of the picker: pictures out, keys in.

use std::fs::File;
use std::io::{self, PipeReader, Read};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::tcgetwinsize;

use super::keys::{Decoder, Key};
use super::picture::Size;
use crate::cli::terminal;
use crate::sys::silence;

/// The screen while it is drawn on.
pub(super) struct Screen {
    terminal: File,
    woken: PipeReader,
    decoder: Decoder,
}

/// What came from the terminal.
pub(super) enum Heard {
    Keys(Vec<Key>),
    /// The picture has to be drawn again.
    Again,
    /// Nobody pressed a key for a long time.
    Nothing,
    /// The terminal is gone.
    Gone,
}

impl Screen {
    /// Takes the terminal's screen.
    pub(super) fn begin() -> io::Result<Self> {
        let (terminal, keys, woken) = terminal::begin_picture()?;
        Ok(Self { terminal, woken, decoder: Decoder::new(keys) })
    }

    /// Shows a picture; takes the screen again first if it was given back meanwhile.
    pub(super) fn show(&mut self, picture: &str) -> io::Result<()> {
        if !silence::draw(picture) {
            *self = Self::begin()?;
            silence::draw(picture);
        }
        Ok(())
    }

    /// Returns how large the screen is; one that does not tell is taken for an ordinary one.
    pub(super) fn size(&self) -> Size {
        let told = tcgetwinsize(&self.terminal).ok();
        let told = told.filter(|size| size.ws_row > 0 && size.ws_col > 0);
        let (rows, columns) = told.map_or((24, 80), |size| (size.ws_row, size.ws_col));
        Size { rows: rows.into(), columns: columns.into() }
    }

    /// Waits for keys, and for whatever else there is.
    pub(super) fn wait(&mut self) -> Heard {
        loop {
            let heard = self.next();
            // Of some keys only the first bytes have come.
            let is_begun = matches!(&heard, Heard::Keys(keys) if keys.is_empty());
            if !is_begun {
                return heard;
            }
        }
    }

    fn next(&mut self) -> Heard {
        let is_amid = self.decoder.is_amid();
        let time = if is_amid { MOMENT } else { LONG };
        let mut ready =
            [PollFd::new(&self.terminal, PollFlags::IN), PollFd::new(&self.woken, PollFlags::IN)];
        let polled = poll(&mut ready, Some(&time));
        let [of_terminal, of_wake] = ready.map(|one| one.revents());
        match polled {
            Err(Errno::INTR) => return Heard::Again,
            Err(_) => return Heard::Gone,
            Ok(0) if is_amid => return Heard::Keys(self.decoder.end().into_iter().collect()),
            Ok(0) => return Heard::Nothing,
            Ok(_) => {}
        }
        if !of_wake.is_empty() {
            // It is not read again before there is something.
            return self.woken.read(&mut [0; 64]).map_or(Heard::Gone, |_bytes| Heard::Again);
        }
        if of_terminal.is_empty() {
            return Heard::Again;
        }
        let mut bytes = [0; AT_ONCE];
        match self.terminal.read(&mut bytes) {
            Ok(0) => Heard::Gone,
            Ok(length) => Heard::Keys(self.decoder.feed(bytes.get(..length).unwrap_or_default())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Heard::Again,
            Err(_) => Heard::Gone,
        }
    }
}

/// How long the rest of a key takes at most.
const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// How long the picker stays without a key, as a vault stays unlocked unless it is told otherwise: it may
/// hold one open.
const LONG: Timespec = Timespec { tv_sec: 15 * 60, tv_nsec: 0 };
/// How many bytes of keys are taken at once: a paste.
const AT_ONCE: usize = 4096;
