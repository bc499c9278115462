//! The person at the terminal: prompts without echo, questions, and what only they may see.
//!
//! Uses the controlling terminal, not stdin and stdout, which belong to the data.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, IsTerminal, PipeReader, Write};
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use super::keyboard::Lines;
use super::output::visible::for_terminal;
use super::password_prompt;
use crate::sys::secret::Secret;
use crate::sys::silence::{self, Keys, Pastes};

/// Where the controlling terminal is.
const TERMINAL: &str = "/dev/tty";

static IS_LEFT_ALONE: AtomicBool = AtomicBool::new(false);
static OBEYS: AtomicBool = AtomicBool::new(false);
static HAS_LINE: AtomicBool = AtomicBool::new(false);

/// Takes `$TERM` for what the terminal is: most mark what is pasted when they are asked to, and
/// the others pass over the question. What calls itself nothing, or `dumb`, would show it.
pub(crate) fn is_called(term: Option<&str>) {
    let obeys = term.is_some_and(|term| term != "dumb");
    OBEYS.store(obeys, Ordering::Relaxed);
}

/// Nothing is asked for a while: the terminal shows what is typed again. Comes before anything that
/// uses the terminal otherwise, and before the answer.
pub(crate) fn end_silence() {
    silence::end();
}

/// From now on nobody is asked or shown anything, as if there were no terminal (`--no-input`).
pub(crate) fn leave_alone() {
    IS_LEFT_ALONE.store(true, Ordering::Relaxed);
}

/// Says why nobody can be asked, if [`is_there`] says so.
pub(crate) fn why_not() -> &'static str {
    if IS_LEFT_ALONE.load(Ordering::Relaxed) {
        "--no-input says not to ask: give --passphrase-file, --passphrase-fd, --passphrase-command \
         or --keyfile"
    } else {
        "there is no terminal to ask at"
    }
}

/// Says why nobody can be shown something, if [`is_there`] says so.
pub(crate) fn nobody_sees(what: &str) -> String {
    if IS_LEFT_ALONE.load(Ordering::Relaxed) {
        format!("--no-input leaves nobody to show {what} to: --no-recovery goes without one")
    } else {
        format!("there is no terminal to show {what} at")
    }
}

/// Whether there is a terminal to ask at.
pub(crate) fn is_there() -> bool {
    !IS_LEFT_ALONE.load(Ordering::Relaxed) && open().is_ok()
}

/// Opens the terminal, unless it is to be left alone.
fn open() -> io::Result<File> {
    if IS_LEFT_ALONE.load(Ordering::Relaxed) {
        return Err(io::Error::other("--no-input was given"));
    }
    OpenOptions::new().read(true).write(true).open(TERMINAL)
}

/// Whether stderr is a terminal: hints and progress are for people.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Asks for a secret without showing it. From then on nothing that is typed is shown, up to
/// [`end_silence`].
pub(crate) fn ask_secret(question: &str, lines: Lines) -> io::Result<Secret<String>> {
    let question = for_terminal(question.as_bytes());
    password_prompt::ask(&open()?, &String::from_utf8_lossy(&question), lines, pastes())
}

fn pastes() -> Pastes {
    if OBEYS.load(Ordering::Relaxed) { Pastes::Marked } else { Pastes::Unmarked }
}

/// Why no picture can be drawn here, for a person who sees it and presses keys; `None` if one can be.
pub(crate) fn why_no_picture() -> Option<&'static str> {
    if IS_LEFT_ALONE.load(Ordering::Relaxed) {
        return Some("--no-input says to ask nobody");
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() || open().is_err() {
        return Some("stdin or stdout is no terminal");
    }
    // What marks pastes obeys what is written, too.
    let obeys = OBEYS.load(Ordering::Relaxed);
    (!obeys).then_some("TERM says that the terminal obeys nothing (dumb), or is not set")
}

/// Begins to draw on all of the terminal's screen. Returns the terminal, its keys, and what has a byte
/// whenever the picture is to be drawn again. [`end_silence`] ends it, and so does whatever is told or
/// asked meanwhile.
pub(crate) fn begin_picture() -> io::Result<(File, Keys, PipeReader)> {
    let terminal = open()?;
    let (keys, woken) = silence::begin_screen(&terminal, pastes())?;
    Ok((terminal, keys, woken))
}

/// Asks a question to be answered with `yes`.
pub(crate) fn confirm(question: &str) -> io::Result<bool> {
    end_silence();
    let mut terminal = open()?;
    let question = format!("{question} Type yes to go on: ");
    terminal.write_all(&for_terminal(question.as_bytes()))?;
    let mut answer = String::new();
    BufReader::new(terminal).read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

/// Shows text at the terminal and nowhere else.
pub(crate) fn show(text: &str) -> io::Result<()> {
    open()?.write_all(&for_terminal(text.as_bytes()))
}

/// Returns how many columns there are for a line that is drawn over and over; `None` where nobody sees
/// it, or the terminal would show how that is done.
pub(crate) fn drawable_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok()?;
    let columns = Some(usize::from(size.ws_col)).filter(|columns| *columns > 0);
    if OBEYS.load(Ordering::Relaxed) { columns } else { None }
}

/// Writes over the line that tells how far long work is.
pub(crate) fn update(text: &str) {
    HAS_LINE.store(true, Ordering::Relaxed);
    let line = format!("\r\x1b[K{text}");
    drop(io::stderr().write_all(line.as_bytes()));
}

/// Ends that line, if there is one.
pub(crate) fn finish() {
    if HAS_LINE.swap(false, Ordering::Relaxed) {
        drop(io::stderr().write_all(b"\r\x1b[K"));
    }
}

/// Tells a person something on stderr, and nobody else: scripts take stderr for the answer's too.
/// What they must know is in the exit code, in `status` and in the log.
pub(crate) fn note(text: &str) {
    if is_watched() {
        report(text);
    }
}

/// Tells on stderr what the user asked to see there, or why the command will fail, to a person or a
/// script. It is not a failure if nobody listens.
pub(crate) fn report(text: &str) {
    tell(format!("{text}\n").as_bytes());
}

/// Writes to stderr, without what a terminal would obey.
pub(crate) fn tell(text: &[u8]) {
    finish();
    silence::end_screen();
    let shown = if is_watched() { for_terminal(text) } else { text.into() };
    drop(io::stderr().write_all(&shown));
}

/// Tells the person who is being asked at the terminal what was wrong with the answer.
pub(crate) fn object(text: &str) {
    drop(show(&format!("{text}\n")));
}
