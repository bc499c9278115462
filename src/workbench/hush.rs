//! What goes through the filter of a program's output, for the benchmark.

use std::io;
use std::sync::Arc;

use crate::programs::hush::{Hush, Hushed};

/// Makes a text as programs write it: lines of base64 of 76 letters.
pub fn text() -> Vec<u8> {
    let letter = |n: u32| {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let place = usize::try_from(n.wrapping_mul(2_654_435_761) >> 26).unwrap_or_default();
        if n % 77 == 76 { b'\n' } else { letters.get(place).copied().unwrap_or_default() }
    };
    (0..LENGTH).map(letter).collect()
}

/// Lets a text through so many times, without these values.
///
/// # Errors
/// Not all of it came through, though none of the values is in it.
pub fn pass(values: &[String], text: &[u8], turns: usize) -> io::Result<()> {
    let named = values.iter().map(|value| ("value", value.as_bytes()));
    let mut hush = Hush::new(Arc::new(Hushed::new(named)));
    let mut passed = 0_usize;
    let mut sink = |shown: &[u8]| passed = passed.wrapping_add(shown.len());
    for _ in 0..turns {
        hush.take(text, &mut sink);
    }
    hush.finish(&mut sink);
    let all = text.len().saturating_mul(turns);
    if passed == all { Ok(()) } else { Err(io::Error::other("some of it was left out")) }
}

/// What is read at once.
const LENGTH: u32 = 64 << 10;
