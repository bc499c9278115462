//! Whether secrets are the same, without keeping them: what is kept says nothing to whoever finds it.

use super::primitives::{KeyBytes, hmac};
use crate::crypto;
use crate::sys::entropy::Entropy;

/// A key that nobody keeps. Under it, the same texts have the same marks, and only then.
pub(crate) struct Likeness(KeyBytes);

/// The mark of a text.
pub(crate) type Mark = [u8; 32];

impl Likeness {
    /// Draws the key.
    pub(crate) fn new(entropy: &dyn Entropy) -> Result<Self, crypto::Error> {
        KeyBytes::random(entropy).map(Self)
    }

    /// Returns the mark of a text.
    pub(crate) fn mark(&self, text: &str) -> Mark {
        hmac(&self.0, &[text.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::entropy::CountingEntropy;

    #[test]
    fn the_same_texts_have_the_same_marks_under_one_key_only() {
        let entropy = CountingEntropy::default();
        let (one, other) = (Likeness::new(&entropy).unwrap(), Likeness::new(&entropy).unwrap());
        assert_eq!(one.mark("hunter2"), one.mark("hunter2"));
        assert_ne!(one.mark("hunter2"), one.mark("hunter3"));
        assert_ne!(one.mark("hunter2"), other.mark("hunter2"));
    }
}
