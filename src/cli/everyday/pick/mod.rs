//! `pick`: a picture of all secrets that a person narrows by typing, to do something with one of them.
//!
//! [`picker`] is what it is between two keys, [`picture`] what that looks like, and [`screen`] the
//! terminal. What is done with a secret is the command's.

mod columns;
mod keys;
mod line;
mod narrowing;
mod picker;
mod picture;
mod screen;

use super::candidates::Candidate;
use crate::cli::failure::Failure;
pub(crate) use picker::{Deed, Done, Whose};
use picker::{Picker, Wish};
pub(crate) use picture::Looks;
use screen::{Heard, Screen};

/// What there is to pick from, and how.
pub(crate) struct Choices<'a> {
    pub(crate) candidates: Vec<Candidate>,
    /// What is typed already.
    pub(crate) query: &'a str,
    pub(crate) whose: Whose,
    pub(crate) looks: Looks,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The person was done.
    Wanted,
    /// Nobody was there any more.
    Alone,
}

/// Shows the picker until the person leaves it, and has `act` do what they want done with a secret. What
/// fails is told on the screen.
///
/// # Errors
/// The terminal's own.
pub(crate) fn pick(
    choices: Choices<'_>,
    act: &mut dyn FnMut(&Deed, &str) -> Result<Done, Failure>,
) -> Result<Left, Failure> {
    let lost = |error| Failure::environment("NoTerminal", format!("nothing can be drawn: {error}"));
    let Choices { candidates, query, whose, looks } = choices;
    let mut picker = Picker::new(candidates, query, whose);
    let mut screen = Screen::begin().map_err(lost)?;
    loop {
        let picture = picture::of(&mut picker, screen.size());
        screen.show(&picture.drawn(looks)).map_err(lost)?;
        let keys = match screen.wait() {
            Heard::Keys(keys) => keys,
            Heard::Again => continue,
            Heard::Nothing => return Ok(Left::Alone),
            Heard::Gone => return Ok(Left::Wanted),
        };
        for key in keys {
            match picker.press(key) {
                None => {}
                Some(Wish::Leave) => return Ok(Left::Wanted),
                Some(Wish::Do(deed, name)) => {
                    let done = act(&deed, &name);
                    let done = done.unwrap_or_else(|failure| Done::Told(said(&failure)));
                    if picker.take(done) {
                        return Ok(Left::Wanted);
                    }
                }
            }
        }
    }
}

/// Says what failed, and what to do next.
fn said(failure: &Failure) -> String {
    let message = if let Failure::Request(error) = failure {
        error.message().to_owned()
    } else {
        failure.told().map(|(_, message)| message).unwrap_or_default()
    };
    match failure.hint() {
        Some(hint) => format!("{message}; {hint}"),
        None => message,
    }
}

#[cfg(test)]
mod tests;
