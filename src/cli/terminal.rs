//! The person at the terminal: prompts without echo, questions, and what only they may see.
//!
//! Uses the controlling terminal, not stdin and stdout, which belong to the data.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};

use super::hidden;
use crate::sys::secret::Secret;

/// Where the controlling terminal is.
const TERMINAL: &str = "/dev/tty";

/// Whether there is a terminal to ask at.
pub(crate) fn is_there() -> bool {
    OpenOptions::new().read(true).write(true).open(TERMINAL).is_ok()
}

/// Whether stderr is a terminal: hints and progress are for people.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Asks for a secret without showing it.
pub(crate) fn ask_secret(prompt: &str) -> io::Result<Secret<String>> {
    let terminal = OpenOptions::new().read(true).write(true).open(TERMINAL)?;
    hidden::ask(&terminal, prompt)
}

/// Asks a question to be answered with `yes`.
pub(crate) fn confirm(question: &str) -> io::Result<bool> {
    let mut terminal = OpenOptions::new().read(true).write(true).open(TERMINAL)?;
    write!(terminal, "{question} Type yes to go on: ")?;
    let mut answer = String::new();
    BufReader::new(terminal).read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

/// Shows text at the terminal and nowhere else.
pub(crate) fn show(text: &str) -> io::Result<()> {
    let mut terminal = OpenOptions::new().write(true).open(TERMINAL)?;
    terminal.write_all(text.as_bytes())
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

/// Tells something on stderr. That nobody listens is no failure of the command.
pub(crate) fn note(text: &str) {
    let line = format!("{text}\n");
    drop(io::stderr().write_all(line.as_bytes()));
}
