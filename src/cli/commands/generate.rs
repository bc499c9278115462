//! `generate`: a password that is made up, and how strong it is.

use std::io::{self, IsTerminal};

use super::super::everyday::clipboard;
use super::super::everyday::making::Recipe;
use super::super::failure::Failure;
use super::super::stdout::print;
use super::super::terminal;
use super::options::{Number, options};
use super::own::{Invocation, OwnCommand};
use crate::sys::secret::Secret;

options! {
    /// The options of `generate`.
    pub(super) struct Generate {
        /// Make it of so many words out of 7,776; 6 are a good number
        words: Number<u32> = "N" => .conflicts_with_all(["length", "no-symbols"]),
        /// How many characters it has; 24 if you say nothing
        length: Number<u16> = "N",
        /// Leave out punctuation
        no_symbols: bool,
        /// Put it into the clipboard instead of printing it
        copy: bool,
        /// How long it stays there: 1s to 1h, 45s if you say nothing
        r#for: Option<String> = "TIME" => .requires("copy")
    }
}

impl OwnCommand for Generate {
    const NAME: &'static str = "generate";
    const TITLE: &'static str = "Generate";
    const SUMMARY: &'static str = "Make up a password, and say how strong it is.";
    const EXAMPLE: &'static str = "strongroom generate --words 6";
    const LOOKS_AT_STATE: bool = false;
    const IS_OF_OPERATIONS: bool = true;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let ms = clipboard::time(self.r#for.as_deref())?;
        let recipe = recipe(&self.words, &self.length, self.no_symbols)?;
        let mut made = recipe.make()?;
        terminal::note(&recipe.strength());
        if self.copy {
            let value = Secret::new(made.expose().as_bytes().to_vec());
            return clipboard::copy(invocation.context.environment, value, ms, "the password");
        }
        if io::stdout().is_terminal() {
            made.expose_mut().push('\n');
        }
        print(made.expose().as_bytes())
    }
}

/// Reads the options by which `set` and `generate` say what a password is made of.
pub(super) fn recipe(
    words: &Number<u32>,
    length: &Number<u16>,
    no_symbols: bool,
) -> Result<Recipe, Failure> {
    let words = words.within(&(1..=64))?;
    Ok(Recipe::new(words, length.within(&(4..=4096))?, no_symbols)?)
}
