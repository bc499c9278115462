//! Passwords that are made up, and how well they withstand guessing, in plain words.

use crate::cli::failure::Failure;
use crate::cli::request::error::Error;
use crate::crypto::passphrase;
use crate::service::failure;
use crate::service::rules::password::{self, Demands};
use crate::sys::entropy::SystemEntropy;
use crate::sys::secret::Secret;

/// What a password is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// So many words out of 7,776, with hyphens between them.
    Words(u32),
    /// So many characters; letters and digits, and punctuation unless it is left out.
    Characters { length: u16, has_symbols: bool },
}

impl Recipe {
    /// Reads what was asked for, where nothing is said 24 characters.
    pub(crate) fn new(
        words: Option<u32>,
        length: Option<u16>,
        no_symbols: bool,
    ) -> Result<Self, Error> {
        match (words, length) {
            (Some(_), Some(_)) => {
                Err(Error::argument("--words", "words and a length are two ways: say one"))
            }
            (Some(_), None) if no_symbols => {
                Err(Error::argument("--no-symbols", "words have none but hyphens"))
            }
            (Some(words), None) => Ok(Self::Words(words)),
            (None, length) => {
                Ok(Self::Characters { length: length.unwrap_or(24), has_symbols: !no_symbols })
            }
        }
    }

    /// Makes one up.
    pub(crate) fn make(self) -> Result<Secret<String>, Failure> {
        match self {
            Self::Words(words) => {
                let count = usize::try_from(words).unwrap_or(usize::MAX);
                Ok(passphrase::words(count, '-', &SystemEntropy)?)
            }
            Self::Characters { length, has_symbols } => {
                let demands =
                    Demands { length, exclude_punctuation: !has_symbols, ..Demands::default() };
                let failed =
                    |why: failure::Failure| Failure::of_operation("GetRandomPassword", why);
                let recipe =
                    password::Recipe::new(&demands).map_err(|fault| failed(fault.into()))?;
                recipe.draw(&SystemEntropy).map_err(|none| failed(none.into()))
            }
        }
    }

    /// Returns how many random bits are in it.
    pub(crate) fn bits(self) -> f64 {
        match self {
            Self::Words(words) => f64::from(words) * f64::from(passphrase::WORD_COUNT).log2(),
            Self::Characters { length, has_symbols } => {
                // Each kind is there at least once, so those without one of them do not count.
                let kinds: &[f64] =
                    if has_symbols { &[26.0, 26.0, 10.0, 32.0] } else { &[26.0, 26.0, 10.0] };
                let all: f64 = kinds.iter().sum();
                let length = f64::from(length);
                let mut share = 0.0;
                for left_out in 0_u32..(1 << kinds.len()) {
                    let is_out = |place: &usize| left_out >> place & 1 == 1;
                    let out = kinds.iter().enumerate().filter(|(place, _)| is_out(place));
                    let rest: f64 = 1.0 - out.map(|(_, kind)| kind).sum::<f64>() / all;
                    let sign = if left_out.count_ones() % 2 == 0 { 1.0 } else { -1.0 };
                    share += sign * rest.powf(length);
                }
                length * all.log2() + share.log2()
            }
        }
    }

    /// Says how strong it is, for somebody who does not think in bits.
    pub(crate) fn strength(self) -> String {
        let bits = self.bits();
        format!(
            "{bits:.0} bits: who makes a trillion guesses a second needs {}",
            time_of((bits - 1.0).exp2() / A_TRILLION)
        )
    }
}

/// Says how long so many seconds are.
fn time_of(seconds: f64) -> String {
    const UNITS: [(f64, &str); 7] = [
        (YEAR * 1e9, "billion years"),
        (YEAR * 1e6, "million years"),
        (YEAR * 1e3, "thousand years"),
        (YEAR, "years"),
        (86_400.0, "days"),
        (3_600.0, "hours"),
        (60.0, "minutes"),
    ];
    if seconds > YEAR * 13.8e9 {
        return "longer than there has been a universe".to_owned();
    }
    match UNITS.iter().find(|(unit, _)| seconds >= 2.0 * unit) {
        Some((unit, name)) => format!("some {:.0} {name}", seconds / unit),
        None if seconds >= 1.0 => format!("some {seconds:.0} seconds"),
        None => "less than a second".to_owned(),
    }
}

const A_TRILLION: f64 = 1e12;
const YEAR: f64 = 31_557_600.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn characters(length: u16, has_symbols: bool) -> Recipe {
        Recipe::Characters { length, has_symbols }
    }

    #[test]
    fn bits_are_those_of_what_can_be_made() {
        // 4! orders of one letter of each case, one digit and one mark.
        let four = (24.0_f64 * 26.0 * 26.0 * 10.0 * 32.0).log2();
        let three = (6.0_f64 * 26.0 * 26.0 * 10.0).log2();
        for (recipe, bits) in [
            (characters(4, true), four),
            (characters(3, false), three),
            (Recipe::Words(1), 12.925),
            (Recipe::Words(6), 77.549),
            // So long that the kinds make no difference that is seen.
            (characters(1000, true), 1000.0 * 94.0_f64.log2()),
        ] {
            assert!((recipe.bits() - bits).abs() < 0.01, "{recipe:?}: {} {bits}", recipe.bits());
        }
    }

    #[test]
    fn strength_is_said_in_plain_words() {
        for (recipe, said) in [
            (
                Recipe::Words(1),
                "13 bits: who makes a trillion guesses a second needs less than a second",
            ),
            (
                Recipe::Words(4),
                "52 bits: who makes a trillion guesses a second needs some 30 minutes",
            ),
            (
                Recipe::Words(6),
                "78 bits: who makes a trillion guesses a second needs some 4 thousand years",
            ),
            (
                characters(24, true),
                "157 bits: who makes a trillion guesses a second needs longer than there has been a \
                 universe",
            ),
        ] {
            assert_eq!(recipe.strength(), said);
        }
    }

    #[test]
    fn what_is_made_is_as_asked_for() {
        let words = Recipe::Words(5).make().unwrap();
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
        // Four words of the list have a hyphen.
        assert!(words.expose().split('-').count() >= 5);
        assert!(words.expose().split('-').all(is_plain));
        let made = characters(40, false).make().unwrap();
        assert_eq!(made.expose().len(), 40);
        assert!(made.expose().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(characters(2, true).make().is_err());
        assert!(Recipe::new(Some(6), Some(20), false).is_err());
        assert!(Recipe::new(Some(6), None, true).is_err());
        assert_eq!(Recipe::new(None, None, true).ok(), Some(characters(24, false)));
    }
}
