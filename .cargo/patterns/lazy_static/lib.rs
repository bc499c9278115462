//! What zxcvbn asks of `lazy_static`: values that are made when they are first asked for.
//!
//! One of them is made of six lists, 775 KiB of words, a tenth of the program. The macro knows it by its
//! name, and packs the lists while they are compiled: behind a letter few others are common, and the four
//! commonest take three bits. The expression that takes the lists apart sees packed ones in their place.

#![forbid(unsafe_code)]

#[doc(hidden)]
pub use std::sync::LazyLock;

/// Declares values that are made when they are first asked for.
#[macro_export]
macro_rules! lazy_static {
    ($seen:vis static ref RANKED_DICTIONARIES: $made:ty = $value:expr;) => {
        $seen static RANKED_DICTIONARIES: $crate::LazyLock<$made> = $crate::LazyLock::new(|| {
            $crate::packed!(
                PASSWORDS, ENGLISH_WIKI, FEMALE_NAMES, SURNAMES, US_TV_AND_FILM, MALE_NAMES
            );
            $value
        });
    };
    ($($seen:vis static ref $name:ident: $made:ty = $value:expr;)+) => {
        $($seen static $name: $crate::LazyLock<$made> = $crate::LazyLock::new(|| $value);)+
    };
}

/// Declares lists in place of those that have the same names in the module around: a name without a path
/// is the nearest one's.
#[doc(hidden)]
#[macro_export]
macro_rules! packed {
    ($($name:ident),+) => {
        const RANKS: $crate::Ranks = $crate::Ranks::of(&[$(self::$name),+]);
        static ORDER: $crate::Order = RANKS.order();
        $(static $name: $crate::List = {
            static BITS: $crate::Packed<{ RANKS.room(self::$name) }> =
                $crate::Packed::of(self::$name, &RANKS);
            BITS.list(&ORDER)
        };)+
    };
}

/// The letters are those of ASCII, from the space on. A list with others does not compile.
const FIRST: u8 = b' ';
const LETTERS: usize = 96;
/// How many different ones may stand behind one. A list with more does not compile.
const MOST: usize = 64;
/// The letter that a text is taken to stand behind: what is between its words.
const BETWEEN: usize = (b',' - FIRST) as usize;

/// How common each letter is behind each other, 0 being the commonest.
#[derive(Debug)]
pub struct Ranks([[u8; LETTERS]; LETTERS]);

/// The letters behind each, the commonest first.
#[derive(Debug)]
pub struct Order([[u8; MOST]; LETTERS]);

impl Ranks {
    /// Counts the letters of some texts.
    #[must_use]
    pub const fn of(texts: &[&str]) -> Self {
        let mut counts = [[0_u32; LETTERS]; LETTERS];
        let mut each = 0;
        while each < texts.len() {
            let text = texts[each].as_bytes();
            let (mut before, mut at) = (BETWEEN, 0);
            while at < text.len() {
                let letter = (text[at] - FIRST) as usize;
                counts[before][letter] += 1;
                before = letter;
                at += 1;
            }
            each += 1;
        }
        let mut ranks = [[0; LETTERS]; LETTERS];
        let mut before = 0;
        while before < LETTERS {
            ranks[before] = ranked(&counts[before]);
            before += 1;
        }
        Self(ranks)
    }

    /// Returns how many bytes a text takes when it is packed.
    #[must_use]
    pub const fn room(&self, text: &str) -> usize {
        let text = text.as_bytes();
        let (mut bits, mut before, mut at) = (0, BETWEEN, 0);
        while at < text.len() {
            let letter = (text[at] - FIRST) as usize;
            bits += self.0[before][letter] as usize / 4 + 3;
            before = letter;
            at += 1;
        }
        bits.div_ceil(8)
    }

    /// Returns what the ranks are looked up in when a text is read.
    #[must_use]
    pub const fn order(&self) -> Order {
        let mut order = [[0; MOST]; LETTERS];
        let mut before = 0;
        while before < LETTERS {
            let mut letter = 0;
            while letter < LETTERS {
                let rank = self.0[before][letter] as usize;
                if rank < MOST {
                    order[before][rank] = FIRST + letter as u8;
                }
                letter += 1;
            }
            before += 1;
        }
        Order(order)
    }
}

/// Returns the rank of each count, the greatest being 0; of equal ones the first is greater.
const fn ranked(counts: &[u32; LETTERS]) -> [u8; LETTERS] {
    let mut ranks = [0; LETTERS];
    let mut one = 0;
    while one < LETTERS {
        let mut other = 0;
        while other < one {
            let lower = if counts[other] < counts[one] { other } else { one };
            ranks[lower] += 1;
            other += 1;
        }
        one += 1;
    }
    ranks
}

/// A text, packed: for each letter a one for every four that are commoner behind the one before it, a
/// zero, and two bits. Has no pointer: what has one is among what each start of the program copies, to put
/// the pointer right.
#[derive(Debug)]
pub struct Packed<const ROOM: usize> {
    bits: [u8; ROOM],
    length: usize,
}

/// A packed text, and what it is read with.
#[derive(Debug)]
pub struct List {
    bits: &'static [u8],
    length: usize,
    order: &'static Order,
}

impl<const ROOM: usize> Packed<ROOM> {
    /// Packs a text.
    #[must_use]
    pub const fn of(text: &str, ranks: &Ranks) -> Self {
        let text = text.as_bytes();
        let mut bits = [0; ROOM];
        // What is not in a whole byte yet, and how many bits of it there are.
        let (mut rest, mut held, mut byte) = (0_u32, 0, 0);
        let (mut before, mut at) = (BETWEEN, 0);
        while at < text.len() {
            let letter = (text[at] - FIRST) as usize;
            let rank = ranks.0[before][letter] as u32;
            assert!((rank as usize) < MOST);
            let ones = rank / 4;
            rest |= (((1 << ones) - 1) | ((rank % 4) << (ones + 1))) << held;
            held += ones + 3;
            while held >= 8 {
                bits[byte] = rest as u8;
                byte += 1;
                rest >>= 8;
                held -= 8;
            }
            before = letter;
            at += 1;
        }
        if held > 0 {
            bits[byte] = rest as u8;
        }
        Self { bits, length: text.len() }
    }

    /// Says with what it is read.
    #[must_use]
    pub const fn list(&'static self, order: &'static Order) -> List {
        List { bits: &self.bits, length: self.length, order }
    }
}

impl List {
    /// Returns the words, which stay in memory from then on.
    pub fn split(&self, between: char) -> std::str::Split<'static, char> {
        let text: &'static str = self.text().leak();
        text.split(between)
    }

    fn text(&self) -> String {
        let mut text = String::with_capacity(self.length);
        let mut bytes = self.bits.iter();
        let (mut rest, mut held, mut before) = (0_u32, 0, BETWEEN);
        for _ in 0..self.length {
            // No letter has more than 18 bits.
            while held <= 24 {
                rest |= u32::from(bytes.next().copied().unwrap_or(0)) << held;
                held += 8;
            }
            let ones = rest.trailing_ones();
            let rank = ones * 4 + ((rest >> (ones + 1)) & 3);
            rest >>= ones + 3;
            held -= ones + 3;
            let letter = self.order.0[before][rank as usize];
            text.push(char::from(letter));
            before = usize::from(letter - FIRST);
        }
        text
    }
}
