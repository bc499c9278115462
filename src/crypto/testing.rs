//! What the tests of this layer share: hexadecimal, and randomness known beforehand.

use std::cell::RefCell;

use crate::sys::entropy::{Entropy, NoEntropy};

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
            return Err(NoEntropy);
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
