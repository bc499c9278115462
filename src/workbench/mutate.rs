//! Changes inputs at random, the same way whenever it is asked, so that a failure comes back.

/// Makes new inputs of old ones.
pub(super) struct Mutator<'a> {
    corpus: &'a [Vec<u8>],
    state: u64,
}

/// What readers look out for.
const TELLING: &[&[u8]] = &[
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"=",
    b":",
    b"\n",
    b" ",
    b"*",
    b"?",
    b"$",
    b"-",
    b"--",
    b"@=",
    b"\0",
    b"\xff",
    b"\x7f",
    b"0",
    b"1",
    b"-1",
    b"9223372036854775807",
    b"1e999",
    b"null",
    b"${",
    b"&a",
    b"*a",
    b"!!",
    b"|",
    b"`",
    b"\xf0\x9f\x98\x80",
    b"\xcc\x81",
    b"file://",
    b"\\ud800",
];

impl<'a> Mutator<'a> {
    /// Mutations of a corpus, always the same for a name.
    pub(super) fn new(name: &str, corpus: &'a [Vec<u8>]) -> Self {
        let seed = name.bytes().fold(0x9e37_79b9_7f4a_7c15, |seed: u64, byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { corpus, state: seed | 1 }
    }

    /// Returns the next one.
    pub(super) fn next(&mut self) -> Vec<u8> {
        let mut bytes = self.any().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let to = (at + self.below(9)).min(bytes.len());
            match self.below(7) {
                0 => drop(bytes.drain(at..to)),
                1 => {
                    let byte = self.below(256).try_into().unwrap();
                    bytes.insert(at, byte);
                }
                2 => {
                    let bit = self.below(8);
                    bytes[at..to].iter_mut().take(1).for_each(|byte| *byte ^= 1 << bit);
                }
                3 => {
                    let telling = TELLING[self.below(TELLING.len())];
                    drop(bytes.splice(at..to, telling.iter().copied()));
                }
                4 => {
                    let again = bytes[at..to].repeat(1 + self.below(40));
                    drop(bytes.splice(at..at, again));
                }
                5 => {
                    let other = self.any();
                    let from = self.below(other.len() + 1);
                    bytes.truncate(at);
                    bytes.extend(&other[from..]);
                }
                _ => {
                    let other = self.any();
                    let from = self.below(other.len() + 1);
                    let piece = other[from..].iter().copied().take(16);
                    drop(bytes.splice(at..at, piece));
                }
            }
        }
        bytes.truncate(MAX_BYTES);
        bytes
    }

    fn any(&mut self) -> &'a [u8] {
        let index = self.below(self.corpus.len());
        &self.corpus[index]
    }

    /// Draws a number by Marsaglia's xorshift.
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 33).unwrap() % end
    }
}

const MAX_BYTES: usize = 1 << 17;
