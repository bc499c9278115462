//! What the tests of this layer share: the format's vectors, and randomness known beforehand.

use std::cell::RefCell;

use crate::sys::entropy::{Entropy, NoEntropy};

/// The vectors of docs/format.md, which an independent program computed: `tests/format/golden.py`.
const VECTORS: &str = include_str!("../../tests/format/v1/vectors.json");

/// Finds a vector by its name. The file is one flat object, so no parser of JSON is needed.
pub(super) fn text_vector(name: &str) -> &'static str {
    let (_, rest) = VECTORS.split_once(&format!("\"{name}\": \"")).unwrap();
    rest.split_once('"').unwrap().0
}

/// Finds a vector of bytes by its name.
pub(super) fn vector(name: &str) -> Vec<u8> {
    hex(text_vector(name))
}

/// Reads hexadecimal digits, between which there may be white space.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Counts up from `first`.
pub(super) fn counting<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|place| first + u8::try_from(place).unwrap())
}

/// Gives exactly these bytes, then none.
pub(super) struct Recorded(RefCell<Vec<u8>>);

impl Recorded {
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        Self(RefCell::new(parts.concat()))
    }
}

impl Entropy for Recorded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        let mut rest = self.0.borrow_mut();
        if rest.len() < bytes.len() {
            return Err(NoEntropy::Refused);
        }
        let later = rest.split_off(bytes.len());
        bytes.copy_from_slice(&rest);
        *rest = later;
        Ok(())
    }
}

/// Says that every single bit of `bytes` counts: `refused` must hold of each copy with one flipped.
pub(super) fn each_flip(bytes: &[u8], refused: impl Fn(&[u8]) -> bool) {
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.to_vec();
            altered[place] ^= 1 << bit;
            assert!(refused(&altered), "byte {place}, bit {bit}");
        }
    }
}
