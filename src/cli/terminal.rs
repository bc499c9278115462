//! The person at the terminal: prompts without echo, questions, and what only they may see.
//!
//! Uses the controlling terminal, not stdin and stdout, which belong to the data.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::hidden;
use crate::sys::secret::Secret;

/// Where the controlling terminal is.
const TERMINAL: &str = "/dev/tty";

static IS_LEFT_ALONE: AtomicBool = AtomicBool::new(false);

/// From now on nobody is asked or shown anything, as if there were no terminal (`--no-input`).
pub(crate) fn leave_alone() {
    IS_LEFT_ALONE.store(true, Ordering::Relaxed);
}

/// Says why nobody can be asked, where [`is_there`] says so.
pub(crate) fn why_not() -> &'static str {
    if IS_LEFT_ALONE.load(Ordering::Relaxed) {
        "--no-input says not to ask: give --passphrase-file, --passphrase-fd, --passphrase-command \
         or --keyfile"
    } else {
        "there is no terminal to ask at"
    }
}

/// Says why something can be shown to nobody, where [`is_there`] says so.
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

/// Asks for a secret without showing it.
pub(crate) fn ask_secret(prompt: &str) -> io::Result<Secret<String>> {
    let terminal = open()?;
    hidden::ask(&terminal, prompt)
}

/// Asks a question to be answered with `yes`.
pub(crate) fn confirm(question: &str) -> io::Result<bool> {
    let mut terminal = open()?;
    write!(terminal, "{question} Type yes to go on: ")?;
    let mut answer = String::new();
    BufReader::new(terminal).read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

/// Shows text at the terminal and nowhere else.
pub(crate) fn show(text: &str) -> io::Result<()> {
    open()?.write_all(text.as_bytes())
}

/// Writes over the line that tells how far long work is.
pub(crate) fn update(text: &str) {
    let line = format!("\r\x1b[K{text}");
    drop(io::stderr().write_all(line.as_bytes()));
}

/// Ends that line.
pub(crate) fn finish() {
    if is_watched() {
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
/// script. That nobody listens is no failure.
pub(crate) fn report(text: &str) {
    let line = format!("{text}\n");
    drop(io::stderr().write_all(line.as_bytes()));
}

/// Tells whoever is being asked something at the terminal what was wrong with the answer.
pub(crate) fn object(text: &str) {
    drop(show(&format!("{text}\n")));
}
