//! A terminal for a child process: a pair of pseudo-terminals, and somebody who types.
//!
//! The typist waits until the child asks, as a person would, so that what is typed at a prompt
//! without echo is never echoed. Nothing here knows what the prompts say.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, ioctl_tiocsctty, kill_process_group, setsid};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcgetpgrp, tcsetwinsize};

/// What is typed, and which of the child's streams are the terminal too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Typing {
    /// One answer for each prompt; after the last, every prompt gets `^D`. `^C`, `^D`, `^Z` and
    /// `^\\` are the keys; `^HUP`, `^INT`, `^QUIT` and `^TERM` are signals to the process that has
    /// the terminal; `^SIZE 40x10` gives it 40 columns and 10 rows. After `raw:` comes what is typed or pasted at once, with the escapes that
    /// [`raw`] knows; after `ahead:` the same, without waiting for the next question.
    pub(crate) lines: Vec<String>,
    /// The streams, out of `stdin`, `stdout` and `stderr`, that are the terminal.
    pub(crate) streams: Vec<String>,
}

/// What a terminal session was.
pub(crate) struct Session {
    /// What was on the screen, with plain newlines.
    pub(crate) screen: String,
    /// The lines that were typed while the child had the echo off.
    pub(crate) hidden: Vec<String>,
}

/// A terminal nobody has opened yet.
pub(crate) struct Terminal {
    ours: OwnedFd,
    theirs: OwnedFd,
}

impl Terminal {
    /// Opens a terminal of 24 lines of 80 columns.
    pub(crate) fn open() -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let theirs = ioctl_tiocgptpeer(&ours, flags)?;
        tcsetwinsize(&theirs, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 })?;
        Ok(Self { ours, theirs })
    }

    /// Returns the child's end.
    pub(crate) fn end(&self) -> io::Result<OwnedFd> {
        self.theirs.try_clone()
    }

    /// Types at the child until `ended`.
    pub(crate) fn attend(
        self,
        typing: Typing,
        child: u32,
        ended: Arc<AtomicBool>,
    ) -> JoinHandle<Session> {
        thread::spawn(move || Typist::new(self, typing, child).sit(&ended))
    }
}

/// Gives the command its own session, with the terminal or with none at all: a prompt in a test must
/// never reach the terminal that the tests are run from.
pub(crate) fn own_session(command: &mut Command, terminal: Option<OwnedFd>) {
    let prepare = move || {
        setsid()?;
        match &terminal {
            Some(terminal) => Ok(ioctl_tiocsctty(terminal)?),
            None => Ok(()),
        }
    };
    #[expect(unsafe_code, reason = "std has no other way to call setsid between fork and exec")]
    // SAFETY: both calls are single system calls; nothing allocates or takes a lock.
    unsafe {
        command.pre_exec(prepare);
    }
}

struct Typist {
    terminal: Terminal,
    answers: std::vec::IntoIter<String>,
    child: u32,
    screen: Vec<u8>,
    /// How much of the screen had been seen when the last answer was typed.
    answered: usize,
    hidden: Vec<String>,
}

impl Typist {
    fn new(terminal: Terminal, typing: Typing, child: u32) -> Self {
        let answers = typing.lines.into_iter();
        Self { terminal, answers, child, screen: Vec::new(), answered: 0, hidden: Vec::new() }
    }

    fn sit(mut self, ended: &AtomicBool) -> Session {
        let mut calm = 0;
        loop {
            // Read before looking at the screen: what was written before the end is still there.
            let over = ended.load(Ordering::Acquire);
            if self.read() {
                calm = 0;
            } else if over {
                break;
            } else if self.is_ahead() {
                self.answer();
            } else if self.is_asked() {
                calm += 1;
            }
            if calm == 2 {
                calm = 0;
                self.answer();
            }
        }
        let screen = String::from_utf8_lossy(&self.screen).replace("\r\n", "\n");
        Session { screen, hidden: self.hidden }
    }

    /// Waits a moment for output; returns whether there was some.
    fn read(&mut self) -> bool {
        let moment = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };
        let mut ready = [PollFd::new(&self.terminal.ours, PollFlags::IN)];
        if poll(&mut ready, Some(&moment)) != Ok(1) {
            return false;
        }
        let mut buffer = [0; 4096];
        let length = rustix::io::read(&self.terminal.ours, &mut buffer).unwrap_or(0);
        self.screen.extend(&buffer[..length]);
        length > 0
    }

    /// Whether the next answer is not to wait for its question, and the last question was answered.
    fn is_ahead(&self) -> bool {
        let next = self.answers.as_slice().first();
        next.is_some_and(|next| next.starts_with("ahead:")) && self.new_on_screen().ends_with('\n')
    }

    /// Whether an unfinished line is on the screen and the child waits.
    fn is_asked(&self) -> bool {
        let new = self.new_on_screen();
        !new.is_empty() && !new.ends_with('\n') && is_waiting(self.child)
    }

    /// What is new since the last answer. That pastes are to be marked, or no longer, is not shown; a
    /// picture that was given up is not there any more.
    fn new_on_screen(&self) -> String {
        let new = String::from_utf8_lossy(&self.screen[self.answered..]);
        let new = new.replace("\u{1b}[?2004h", "").replace("\u{1b}[?2004l", "");
        new.rsplit("\u{1b}[?1049l").next().unwrap_or_default().to_owned()
    }

    /// Whether the child draws all of the screen, and so what is typed, too.
    fn is_drawn_on(&self) -> bool {
        let screen = String::from_utf8_lossy(&self.screen);
        screen.rfind("\u{1b}[?1049h") > screen.rfind("\u{1b}[?1049l")
    }

    fn answer(&mut self) {
        let line = self.answers.next().unwrap_or_else(|| "^D".to_owned());
        self.answered = self.screen.len();
        if let Some(size) = line.strip_prefix("^SIZE ") {
            let (columns, rows) = size.split_once('x').expect("columns and rows");
            let (ws_col, ws_row) = (columns.parse().unwrap(), rows.parse().unwrap());
            let size = Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
            return tcsetwinsize(&self.terminal.theirs, size).unwrap();
        }
        let signal = match line.as_str() {
            "^HUP" => Some(Signal::HUP),
            "^INT" => Some(Signal::INT),
            "^QUIT" => Some(Signal::QUIT),
            "^TERM" => Some(Signal::TERM),
            _ => None,
        };
        if let Some(signal) = signal {
            let group = tcgetpgrp(&self.terminal.ours).unwrap();
            return kill_process_group(group, signal).unwrap();
        }
        let text = line.strip_prefix("raw:").or(line.strip_prefix("ahead:"));
        let keys = match (line.as_str(), text) {
            ("^C", _) => "\u{3}".to_owned(),
            ("^D", _) => "\u{4}".to_owned(),
            ("^Z", _) => "\u{1a}".to_owned(),
            ("^\\", _) => "\u{1c}".to_owned(),
            (_, Some(text)) => raw(text),
            (_, None) => format!("{line}\n"),
        };
        let modes = tcgetattr(&self.terminal.theirs).unwrap().local_modes;
        if !modes.contains(LocalModes::ECHO) && keys.len() > 1 && !self.is_drawn_on() {
            let is_key = |c: char| c.is_control() && c != '\t';
            self.hidden.extend(keys.split(is_key).map(str::to_owned));
        }
        rustix::io::write(&self.terminal.ours, keys.as_bytes()).unwrap();
    }
}

/// What a text with escapes stands for: `\e`, `\r`, `\t`, `\d`, `\u` and `\w` are the keys Escape,
/// Enter, Tab, `^D`, `^U` and `^W`; `\^S` is `^S`, and so for each letter.
fn raw(text: &str) -> String {
    let mut letters = text.chars();
    let mut out = String::new();
    while let Some(letter) = letters.next() {
        out.push(match letter {
            '\\' => match letters.next() {
                Some('e') => '\u{1b}',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('d') => '\u{4}',
                Some('u') => '\u{15}',
                Some('w') => '\u{17}',
                Some('^') => {
                    let key = u8::try_from(letters.next().unwrap()).unwrap();
                    char::from(key & 0x1f)
                }
                other => panic!("no such key: {other:?}"),
            },
            _ => letter,
        });
    }
    out
}

/// Whether a process waits for something, as far as the system tells.
fn is_waiting(process: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else {
        return !fs::exists("/proc/self/stat").unwrap_or(false);
    };
    status.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('S'))
}
