use std::collections::BTreeMap;

use super::*;
use crate::service::fault::Code;
use crate::sys::entropy::CountingEntropy;

const SHORT: &str = "Password length is too short based on the required types.";
const KIND: &str = "All characters of the desired type have been excluded";
const ALL: &str = "All characters have been excluded from selection";

/// No kind, no space, none required; a test adds what it needs.
fn nothing(length: u16) -> Demands<'static> {
    Demands {
        length,
        exclude_numbers: true,
        exclude_punctuation: true,
        exclude_uppercase: true,
        exclude_lowercase: true,
        require_each_included_type: false,
        ..Demands::default()
    }
}

fn drawn(demands: &Demands<'_>, entropy: &CountingEntropy) -> String {
    Recipe::new(demands).unwrap().draw(entropy).unwrap().expose().clone()
}

#[test]
fn passwords_have_the_characters_asked_for() {
    let plain = Demands::default();
    let any = Demands { require_each_included_type: false, ..plain };
    for (demands, alphabet) in [
        (plain, "a-z A-Z 0-9 !-~"),
        (any, "a-z A-Z 0-9 !-~"),
        (Demands { exclude_numbers: true, ..any }, "a-z A-Z !-~"),
        (Demands { exclude_punctuation: true, ..any }, "a-z A-Z 0-9"),
        (Demands { exclude_uppercase: true, ..any }, "a-z 0-9 !-~"),
        (Demands { exclude_lowercase: true, ..any }, "A-Z 0-9 !-~"),
        (Demands { exclude_lowercase: false, include_space: true, ..nothing(9) }, "a-z space"),
        (Demands { include_space: true, ..nothing(9) }, "space"),
    ] {
        let expected: String = (' '..='~')
            .filter(|c| {
                alphabet.contains(match c {
                    ' ' => "space",
                    'a'..='z' => "a-z",
                    'A'..='Z' => "A-Z",
                    '0'..='9' => "0-9",
                    _ => "!-~",
                })
            })
            .collect();
        let entropy = CountingEntropy::default();
        let mut seen: Vec<char> =
            (0..400).flat_map(|_| drawn(&demands, &entropy).chars().collect::<Vec<_>>()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.iter().collect::<String>(), expected, "{demands:?}");
    }
}

#[test]
fn excluded_characters_do_not_come_up() {
    let exclude_characters = "aB3\"\\ é";
    let demands = Demands { exclude_characters, include_space: true, ..Demands::default() };
    let entropy = CountingEntropy::default();
    for _ in 0..400 {
        let password = drawn(&demands, &entropy);
        assert!(!password.contains(|c| exclude_characters.contains(c)), "{password}");
    }
    assert_eq!(Recipe::new(&demands).unwrap().alphabet.len(), 26 + 26 + 10 + 32 - 5);
}

#[test]
fn passwords_have_the_length_asked_for() {
    let entropy = CountingEntropy::default();
    for length in [4, 5, 32, 4096] {
        let password = drawn(&Demands { length, ..Demands::default() }, &entropy);
        assert_eq!(password.len(), usize::from(length));
    }
    let one = Demands { length: 1, require_each_included_type: false, ..Demands::default() };
    assert_eq!(drawn(&one, &entropy).len(), 1);
}

#[test]
fn each_required_kind_is_there() {
    let entropy = CountingEntropy::default();
    // Three kinds are down to one character each, the hardest case there is.
    let rare: String = ('b'..='z').chain('B'..='Z').chain('1'..='9').collect();
    let demands = Demands { length: 4, exclude_characters: &rare, ..Demands::default() };
    for _ in 0..5 {
        let password = drawn(&demands, &entropy);
        assert!(password.contains('a') && password.contains('A') && password.contains('0'));
        assert!(password.contains(|c: char| c.is_ascii_punctuation()));
    }
    let demands = Demands { length: 4, ..Demands::default() };
    for _ in 0..200 {
        let password = drawn(&demands, &entropy);
        assert!(KINDS.iter().all(|kind| password.bytes().any(|b| kind.contains(&b))));
    }
}

#[test]
fn demands_that_cannot_be_met_are_refused() {
    let digits = "0123456789";
    let most: String = (' '..='~').filter(|c| *c != 'x').collect();
    let all: String = (' '..='~').collect();
    let plain = Demands::default();
    let any = Demands { require_each_included_type: false, ..plain };
    for (demands, expected) in [
        (Demands { length: 3, ..plain }, Some(SHORT)),
        (Demands { length: 4, ..plain }, None),
        (Demands { length: 3, exclude_numbers: true, ..plain }, None),
        (Demands { length: 2, exclude_numbers: true, include_space: true, ..plain }, Some(SHORT)),
        (Demands { length: 1, ..any }, None),
        (Demands { exclude_characters: digits, ..plain }, Some(KIND)),
        (Demands { exclude_characters: digits, exclude_numbers: true, ..plain }, None),
        (Demands { exclude_characters: digits, ..any }, None),
        (Demands { exclude_characters: &most, ..any }, None),
        (Demands { exclude_characters: &most, ..plain }, Some(KIND)),
        (Demands { exclude_characters: &all, ..any }, Some(ALL)),
        (nothing(8), Some(ALL)),
        (Demands { require_each_included_type: true, ..nothing(8) }, Some(ALL)),
        (Demands { include_space: true, ..nothing(8) }, None),
        (Demands { include_space: true, exclude_characters: " ", ..nothing(8) }, Some(ALL)),
    ] {
        let fault = Recipe::new(&demands).err();
        assert!(fault.iter().all(|fault| fault.code == Code::InvalidParameter));
        assert_eq!(fault.as_ref().map(|f| f.message.as_str()), expected, "{demands:?}");
    }
}

#[test]
fn without_entropy_there_is_no_password() {
    struct Empty;
    impl Entropy for Empty {
        fn fill(&self, _bytes: &mut [u8]) -> Result<(), NoEntropy> {
            Err(NoEntropy::Refused)
        }
    }
    assert!(Recipe::new(&Demands::default()).unwrap().draw(&Empty).is_err());
}

/// The entropy is a fixed stream, so this passes always or never.
#[test]
fn every_password_is_as_likely_as_any_other() {
    let entropy = CountingEntropy::default();
    // Characters: 94 of them, none preferred.
    let demands = Demands { length: 100, require_each_included_type: false, ..Demands::default() };
    let mut counts = BTreeMap::new();
    for _ in 0..940 {
        for character in drawn(&demands, &entropy).chars() {
            *counts.entry(character).or_insert(0) += 1;
        }
    }
    // 99.9 % of fair draws are below 140.9 at 93 degrees of freedom.
    assert!(chi_squared(&counts, 94) < 140.9, "{counts:?}");

    // Positions: four kinds in four places, each of the 24 orders as often.
    let demands = Demands { length: 4, ..Demands::default() };
    let mut orders = BTreeMap::new();
    for _ in 0..4800 {
        let order: Vec<Option<usize>> = drawn(&demands, &entropy)
            .bytes()
            .map(|byte| KINDS.iter().position(|kind| kind.contains(&byte)))
            .collect();
        *orders.entry(order).or_insert(0) += 1;
    }
    // 49.7 at 23 degrees of freedom.
    assert!(chi_squared(&orders, 24) < 49.7, "{orders:?}");

    // Whole passwords: of the 8 with three places that have both kinds of `a`, `A`: 6.
    let others: String = ('b'..='z').chain('B'..='Z').collect();
    let demands = Demands {
        exclude_characters: &others,
        exclude_lowercase: false,
        exclude_uppercase: false,
        require_each_included_type: true,
        ..nothing(3)
    };
    let mut passwords = BTreeMap::new();
    for _ in 0..6000 {
        *passwords.entry(drawn(&demands, &entropy)).or_insert(0) += 1;
    }
    // 20.5 at 5 degrees of freedom.
    assert!(chi_squared(&passwords, 6) < 20.5, "{passwords:?}");
}

const KINDS: [&[u8]; 4] = [LOWERCASE, UPPERCASE, NUMBERS, PUNCTUATION];

fn chi_squared<T>(counts: &BTreeMap<T, i32>, kinds: usize) -> f64 {
    assert_eq!(counts.len(), kinds);
    let total: f64 = counts.values().copied().map(f64::from).sum();
    let expected = total / f64::from(u32::try_from(kinds).unwrap());
    counts.values().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum()
}
