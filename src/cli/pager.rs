//! Answers at a terminal through the user's pager, where a variable names one.
//!
//! Nothing is paged unless told: what was asked for is mostly a secret, and belongs in no history.
//! The answer reaches the pager in memory, never in a file or a pipe that somebody must keep full:
//! the pager takes this process's place, so that `^C` and what it leaves are between it and the
//! person.

use std::io::{self, IsTerminal};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::failure::Failure;
use super::output::visible::for_terminal;
use super::request::error::Form;
use super::unlock::CommandContext;
use super::{stdout, tell, terminal};
use crate::sys::files;
use crate::sys::secret::Secret;

/// Prints an answer; with a pager, it does not come back. Nothing may be left to do after it.
pub(crate) fn print(answer: &Secret<Vec<u8>>, context: &CommandContext<'_>) -> Result<(), Failure> {
    terminal::end_silence();
    let is_paged = !answer.expose().is_empty() && io::stdout().is_terminal();
    if let (true, Some(pager)) = (is_paged, pager(context)) {
        let shown = Secret::new(for_terminal(answer.expose()).into_owned());
        // A system that cannot do it, or has no shell, prints.
        drop(page(&shown, pager, context));
    }
    stdout::print(answer.expose())
}

/// Returns the command that pages; a variable that is set to nothing says that none does.
fn pager<'a>(context: &'a CommandContext<'_>) -> Option<&'a str> {
    if context.globals.no_pager {
        return None;
    }
    let variables: &[&str] = match context.form {
        Form::Aws => &["STRONGROOM_PAGER", "AWS_PAGER"],
        Form::Plain => &["STRONGROOM_PAGER"],
    };
    let set = variables.iter().find(|name| context.environment.is_set(name));
    set.and_then(|name| context.environment.text(name))
}

/// Becomes the pager; comes back only with an error.
fn page(answer: &Secret<Vec<u8>>, pager: &str, context: &CommandContext<'_>) -> io::Result<()> {
    let failed = format!("Unable to redirect output to pager: {pager}");
    let failed = tell::sentence(&failed, context.form);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", SCRIPT, "pager", pager, &failed]);
    // The first is AWS's; the second keeps what was looked for out of less's own history.
    for (variable, value) in [("LESS", "FRX"), ("LESSHISTFILE", "-")] {
        if !context.environment.is_set(variable) {
            shell.env(variable, value);
        }
    }
    Err(shell.stdin(files::in_memory(answer.expose())?).exec())
}

/// Waits for the pager through any `^C`. As in AWS, however the pager ends is fine, unless there
/// is no such program.
const SCRIPT: &str = r#"trap : INT QUIT
eval "$1"
case $? in 126 | 127) printf %s "$2" >&2; exit 255 ;; esac
exit 0"#;
