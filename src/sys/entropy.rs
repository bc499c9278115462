//! Randomness, handed in: the system's generator in the program, a counter in tests.

use std::fmt;
use std::sync::OnceLock;

/// Where random bytes come from.
pub(crate) trait Entropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The system has no randomness to give; nothing can be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEntropy {
    /// It gives none.
    Refused,
    /// It gives the same bytes again.
    Repeating,
}

impl fmt::Display for NoEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the operating system gave no random bytes",
            Self::Repeating => "the operating system's random bytes are not random",
        })
    }
}

impl std::error::Error for NoEntropy {}

/// Makes a random UUID (RFC 9562, version 4), in lower case.
pub(crate) fn random_uuid(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}

/// The operating system's generator: the system call, and no file that somebody could put in the
/// place of a device.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        static JUDGEMENT: OnceLock<Result<(), NoEntropy>> = OnceLock::new();
        (*JUDGEMENT.get_or_init(|| judge(draw)))?;
        draw(bytes)
    }
}

/// Refuses a source that does not fill what it says it filled, or gives the same twice: a sandbox may
/// have replaced it. What is drawn here is used for nothing.
fn judge(mut draw: impl FnMut(&mut [u8]) -> Result<(), NoEntropy>) -> Result<(), NoEntropy> {
    let (mut first, mut second) = ([0; SAMPLE], [0; SAMPLE]);
    draw(&mut first)?;
    draw(&mut second)?;
    let is_constant =
        |sample: &[u8; SAMPLE]| sample.iter().all(|byte| Some(byte) == sample.first());
    if first == second || is_constant(&first) || is_constant(&second) {
        return Err(NoEntropy::Repeating);
    }
    Ok(())
}

/// Fills `bytes` by the system call. A crate that knows other ways, for kernels that have none, reads
/// `/dev/urandom` where it cannot ask the C library, as in a static program.
#[cfg(target_os = "linux")]
fn draw(mut bytes: &mut [u8]) -> Result<(), NoEntropy> {
    use rustix::io::Errno;
    use rustix::rand::{GetRandomFlags, getrandom};
    while !bytes.is_empty() {
        match getrandom(&mut *bytes, GetRandomFlags::empty()) {
            Ok(0) => return Err(NoEntropy::Refused),
            Ok(filled) => bytes = bytes.get_mut(filled..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(_unavailable) => return Err(NoEntropy::Refused),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn draw(bytes: &mut [u8]) -> Result<(), NoEntropy> {
    getrandom::fill(bytes).map_err(|_unavailable| NoEntropy::Refused)
}

/// Two samples of 128 bits are never the same by chance.
const SAMPLE: usize = 16;

/// Distinct bytes in a known order.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct CountingEntropy(std::cell::Cell<u64>);

#[cfg(test)]
impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        // A splitmix64 stream: distinct and evenly spread, so that rejection sampling ends.
        for chunk in bytes.chunks_mut(8) {
            self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
            let mut z = self.0.get();
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let word = (z ^ (z >> 31)).to_be_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_is_none_is_refused() {
        assert_eq!(judge(draw), Ok(()));
        let refused = |_: &mut [u8]| Err(NoEntropy::Refused);
        assert_eq!(judge(refused), Err(NoEntropy::Refused));
        let nothing = |_: &mut [u8]| Ok(());
        assert_eq!(judge(nothing), Err(NoEntropy::Repeating));
        let same = |bytes: &mut [u8]| CountingEntropy::default().fill(bytes);
        assert_eq!(judge(same), Err(NoEntropy::Repeating));
        let mut next = 0;
        let constant = |bytes: &mut [u8]| {
            next += 1;
            bytes.fill(next);
            Ok(())
        };
        assert_eq!(judge(constant), Err(NoEntropy::Repeating));
        let counting = CountingEntropy::default();
        assert_eq!(judge(|bytes: &mut [u8]| counting.fill(bytes)), Ok(()));
    }

    #[test]
    fn uuids_are_random_ones() {
        let entropy = CountingEntropy::default();
        let first = random_uuid(&entropy).unwrap();
        assert_eq!(first, "e220a839-7b1d-4daf-ae78-9e6aa1b965f4");
        for _ in 0..64 {
            let uuid = random_uuid(&entropy).unwrap();
            let letters: Vec<char> = uuid.chars().collect();
            assert_eq!(letters.len(), 36);
            assert!([8, 13, 18, 23].iter().all(|&i| letters[i] == '-'), "{uuid}");
            assert_eq!(letters[14], '4', "{uuid}");
            assert!("89ab".contains(letters[19]), "{uuid}");
            assert!(uuid.chars().all(|c| c == '-' || "0123456789abcdef".contains(c)), "{uuid}");
            assert_ne!(first, uuid);
        }
    }

    #[test]
    fn every_byte_is_filled() {
        let mut bytes = [0; 1000];
        SystemEntropy.fill(&mut bytes).unwrap();
        assert!(bytes.chunks(50).all(|chunk| chunk.iter().any(|byte| *byte != 0)));
    }
}
