//! Random passwords (docs/behaviour.md, "Passwords").

use super::dice::Dice;
use crate::service::fault::Fault;
use crate::sys::entropy::{Entropy, NoEntropy};
use crate::sys::secret::Secret;

/// What `get-random-password` was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Demands<'a> {
    /// `PasswordLength`.
    pub(crate) length: u16,
    pub(crate) exclude_characters: &'a str,
    pub(crate) exclude_numbers: bool,
    pub(crate) exclude_punctuation: bool,
    pub(crate) exclude_uppercase: bool,
    pub(crate) exclude_lowercase: bool,
    pub(crate) include_space: bool,
    pub(crate) require_each_included_type: bool,
}

impl Default for Demands<'_> {
    fn default() -> Self {
        Self {
            length: 32,
            exclude_characters: "",
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            include_space: false,
            require_each_included_type: true,
        }
    }
}

/// Demands that a password can meet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Recipe {
    length: usize,
    /// Every character that the password may have.
    alphabet: Vec<u8>,
    /// The kinds of which the password must have at least one character each.
    required: Vec<&'static [u8]>,
}

impl Recipe {
    /// Refuses demands that no password meets. A space may be had, but is never required.
    pub(crate) fn new(demands: &Demands<'_>) -> Result<Self, Fault> {
        let allowed = |byte: &u8| !demands.exclude_characters.contains(char::from(*byte));
        let kinds: Vec<&'static [u8]> = [
            (demands.exclude_lowercase, LOWERCASE),
            (demands.exclude_uppercase, UPPERCASE),
            (demands.exclude_numbers, NUMBERS),
            (demands.exclude_punctuation, PUNCTUATION),
        ]
        .into_iter()
        .filter_map(|(excluded, kind)| (!excluded).then_some(kind))
        .collect();
        let space = if demands.include_space { SPACE } else { &[] };
        let characters = kinds.iter().copied().flatten().chain(space);
        let alphabet: Vec<u8> = characters.copied().filter(allowed).collect();

        let length = usize::from(demands.length);
        let required = if demands.require_each_included_type { kinds } else { Vec::new() };
        if length < required.len() {
            return Err(too_short());
        }
        if required.iter().any(|kind| !kind.iter().any(allowed)) {
            return Err(kind_excluded());
        }
        if alphabet.is_empty() {
            return Err(all_excluded());
        }
        Ok(Self { length, alphabet, required })
    }

    /// Draws a password. Each one that meets the demands is as likely as any other.
    ///
    /// That is why a draw that lacks a required kind is thrown away as a whole. Putting in what is
    /// missing would be quicker, but would make some passwords likelier. At worst, with four
    /// characters of which three are given, a password takes some two thousand draws.
    pub(crate) fn draw(&self, entropy: &dyn Entropy) -> Result<Secret<String>, NoEntropy> {
        let mut dice = Dice::new(entropy);
        // Never grows, so that no outgrown copy is left in memory.
        let mut password = Secret::new(String::with_capacity(self.length));
        loop {
            let drawn = password.expose_mut();
            drawn.clear();
            while drawn.len() < self.length {
                drawn.extend(dice.pick(&self.alphabet)?.copied().map(char::from));
            }
            let has = |kind: &&[u8]| drawn.bytes().any(|byte| kind.contains(&byte));
            if self.required.iter().all(has) {
                return Ok(password);
            }
        }
    }
}

fn too_short() -> Fault {
    Fault::invalid_parameter("Password length is too short based on the required types.")
}

fn kind_excluded() -> Fault {
    Fault::invalid_parameter("All characters of the desired type have been excluded")
}

fn all_excluded() -> Fault {
    Fault::invalid_parameter("All characters have been excluded from selection")
}

const LOWERCASE: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &[u8] = b"0123456789";
const PUNCTUATION: &[u8] = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
const SPACE: &[u8] = b" ";

#[cfg(test)]
mod tests;
