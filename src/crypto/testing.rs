//! What the tests of this layer share: the format's vectors, and randomness known beforehand.

use std::cell::RefCell;

use chacha20::XChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};

use crate::crypto::primitives::{KeyBytes, NONCE, TAG};
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
pub(super) struct FixedEntropy(RefCell<Vec<u8>>);

impl FixedEntropy {
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        Self(RefCell::new(parts.concat()))
    }
}

impl Entropy for FixedEntropy {
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

/// Makes a box of another content with the nonce and the tag of `model`, as somebody who has the key can:
/// Poly1305 is a polynomial in a number that the key gives away. Sixteen bytes of the content are
/// the price: those of `body` at `free`, which is a multiple of 16. `None` if no bytes do.
pub(super) fn collide(
    key: &KeyBytes,
    aad: &[u8],
    model: &[u8],
    (body, free): (&[u8], usize),
) -> Option<Vec<u8>> {
    let (nonce, tag) = (&model[..NONCE], &model[model.len() - TAG..]);
    let mut cipher = XChaCha20::new(key.expose().into(), nonce.try_into().unwrap());
    // The first block of the key stream is Poly1305's key, the others hide the body.
    let mut stream = vec![0; 64 + body.len()];
    cipher.apply_keystream(&mut stream);
    let number = |bytes: &[u8]| u128::from_le_bytes(bytes.try_into().unwrap());
    let r = Residue(number(&stream[..16]) & 0x0fff_fffc_0fff_fffc_0fff_fffc_0fff_ffff, 0);
    let s = number(&stream[16..32]);
    let sealed: Vec<u8> = body.iter().zip(&stream[64..]).map(|(plain, key)| plain ^ key).collect();

    let padded = |bytes: &[u8]| [bytes, &vec![0; bytes.len().wrapping_neg() % 16]].concat();
    let length = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap().to_le_bytes();
    let blocks = [padded(aad), padded(&sealed), [length(aad), length(&sealed)].concat()].concat();
    let chosen = padded(aad).len() / 16 + free / 16;
    // What the other blocks add up to, and what the chosen one is multiplied by.
    let (mut sum, mut factor) = (Residue(0, 0), Residue(1, 0));
    for (place, block) in blocks.chunks(16).enumerate() {
        let block = if place == chosen { Residue(0, 0) } else { Residue(number(block), 1) };
        sum = sum.plus(block).times(r);
        factor = if place < chosen { factor } else { factor.times(r) };
    }
    let low = number(tag).wrapping_sub(s);
    let blocks = (0..4).map(|high| Residue(low, high).minus(sum).times(factor.inverse()));
    // A whole block is a number with the bit 128 set.
    let found = blocks.into_iter().find(|block| block.1 == 1)?;
    let mut forged = [nonce, &sealed, tag].concat();
    forged[NONCE + free..][..16].copy_from_slice(&found.0.to_le_bytes());
    Some(forged)
}

/// A number modulo 2^130 - 5: its lowest 128 bits, and the two above.
#[derive(Clone, Copy)]
struct Residue(u128, u8);

impl Residue {
    /// 2^130 - 5.
    const MODULUS: Self = Self(u128::MAX - 4, 3);

    fn plus(self, other: Self) -> Self {
        let (low, carry) = self.0.overflowing_add(other.0);
        Self(low, self.1 + other.1 + u8::from(carry)).reduced()
    }

    fn minus(self, other: Self) -> Self {
        let (low, borrow) = Self::MODULUS.0.overflowing_sub(other.0);
        self.plus(Self(low, Self::MODULUS.1 - other.1 - u8::from(borrow)))
    }

    fn reduced(self) -> Self {
        if (self.1, self.0) < (Self::MODULUS.1, Self::MODULUS.0) {
            return self;
        }
        let (low, borrow) = self.0.overflowing_sub(Self::MODULUS.0);
        Self(low, self.1 - Self::MODULUS.1 - u8::from(borrow)).reduced()
    }

    fn times(self, other: Self) -> Self {
        (0..130).rev().fold(Self(0, 0), |sum, bit| {
            let is_set =
                if bit < 128 { other.0 >> bit } else { u128::from(other.1 >> (bit - 128)) };
            let twice = sum.plus(sum);
            if is_set & 1 == 1 { twice.plus(self) } else { twice }
        })
    }

    /// By Fermat: the modulus is a prime.
    fn inverse(self) -> Self {
        (0..130).rev().fold(Self(1, 0), |power, bit| {
            let is_set = if bit < 128 { (u128::MAX - 6) >> bit } else { 1 };
            let square = power.times(power);
            if is_set & 1 == 1 { square.times(self) } else { square }
        })
    }
}
