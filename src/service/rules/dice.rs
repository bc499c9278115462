//! Unbiased choices from the randomness that is handed in.

use crate::sys::entropy::{Entropy, NoEntropy};
use crate::sys::secret::Secret;

/// Draws random elements, each as likely as any other.
pub(crate) struct Dice<'a> {
    entropy: &'a dyn Entropy,
    // What it drew may become a password, so what is left of it is hidden and wiped.
    pool: Secret<[u8; POOL_BYTES]>,
    used: usize,
}

impl<'a> Dice<'a> {
    /// Takes randomness from `entropy` as it is needed.
    pub(crate) fn new(entropy: &'a dyn Entropy) -> Self {
        Self { entropy, pool: Secret::new([0; POOL_BYTES]), used: POOL_BYTES }
    }

    /// Picks one of `from`; `None` when there is nothing to pick, or more than a byte can choose
    /// from.
    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> Result<Option<&'t T>, NoEntropy> {
        if from.is_empty() || from.len() > 256 {
            return Ok(None);
        }
        // The bytes from here on up would make the first elements likelier: they are thrown away.
        let unbiased = 256 - 256 % from.len();
        loop {
            let drawn = usize::from(self.byte()?);
            if drawn < unbiased {
                return Ok(from.get(drawn % from.len()));
            }
        }
    }

    /// Appends so many letters of an alphabet, which is one of ASCII.
    pub(crate) fn spell(
        &mut self,
        text: &mut String,
        letters: usize,
        alphabet: &[u8],
    ) -> Result<(), NoEntropy> {
        for _ in 0..letters {
            text.extend(self.pick(alphabet)?.copied().map(char::from));
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, NoEntropy> {
        if let Some(byte) = self.pool.expose().get(self.used).copied() {
            self.used += 1;
            return Ok(byte);
        }
        self.entropy.fill(self.pool.expose_mut())?;
        let [first, ..] = *self.pool.expose();
        self.used = 1;
        Ok(first)
    }
}

const POOL_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::entropy::CountingEntropy;

    /// Hands out 0, 1, 2 … 255, 0, 1 …
    #[derive(Default)]
    struct Ascending(std::cell::Cell<u8>);

    impl Entropy for Ascending {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            for byte in bytes {
                *byte = self.0.replace(self.0.get().wrapping_add(1));
            }
            Ok(())
        }
    }

    struct Empty;

    impl Entropy for Empty {
        fn fill(&self, _bytes: &mut [u8]) -> Result<(), NoEntropy> {
            Err(NoEntropy::Refused)
        }
    }

    #[test]
    fn every_element_is_as_likely_as_any_other() {
        // Over one round of all 256 bytes each element comes up exactly as often. Without the
        // rejection, those below 256 % sides would come up once more.
        for sides in [1_usize, 2, 3, 10, 26, 62, 94, 95, 100, 200, 255, 256] {
            let numbers: Vec<usize> = (0..sides).collect();
            let entropy = Ascending::default();
            let mut dice = Dice::new(&entropy);
            let mut seen = vec![0_usize; sides];
            for _ in 0..(256 / sides) * sides * 3 {
                seen[*dice.pick(&numbers).unwrap().unwrap()] += 1;
            }
            assert!(seen.iter().all(|&times| times == 256 / sides * 3), "{sides}: {seen:?}");
        }
    }

    #[test]
    fn nothing_is_picked_from_nothing() {
        let entropy = CountingEntropy::default();
        assert_eq!(Dice::new(&entropy).pick::<u8>(&[]), Ok(None));
        assert_eq!(Dice::new(&entropy).pick(&[0; 257]), Ok(None));
    }

    #[test]
    fn without_entropy_nothing_is_picked() {
        assert_eq!(Dice::new(&Empty).pick(&[1, 2]), Err(NoEntropy::Refused));
    }
}
