//! What zxcvbn asks of `regex`: years, and what may be a date. See `fancy-regex` beside this.

#![forbid(unsafe_code)]

use std::ops::Index;

/// One of the three expressions.
#[derive(Clone, Copy, Debug)]
pub enum Regex {
    /// A year of the last century or of this one, anywhere.
    Year,
    /// Four to eight digits and nothing else.
    Digits,
    /// Three numbers, with something between them, and nothing else.
    Date,
}

/// The expression is none of the three.
#[derive(Debug)]
pub struct Unknown;

/// Where it was found.
#[derive(Clone, Debug)]
pub struct Captures<'t> {
    /// All of it, and then its parts.
    groups: Vec<Match<'t>>,
}

/// A part of a text.
#[derive(Clone, Copy, Debug)]
pub struct Match<'t> {
    text: &'t str,
    start: usize,
    end: usize,
}

impl Regex {
    /// Takes an expression.
    ///
    /// # Errors
    /// It is another one.
    pub fn new(expression: &str) -> Result<Self, Unknown> {
        match expression {
            r"19[0-9]{2}|20[0-9]{2}" => Ok(Self::Year),
            r"^[0-9]{4,8}$" => Ok(Self::Digits),
            r"^([0-9]{1,4})([\s/\\_.-])([0-9]{1,2})([\s/\\_.-])([0-9]{1,4})$" => Ok(Self::Date),
            _ => Err(Unknown),
        }
    }

    /// Whether a text has it.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.captures(text).is_some()
    }

    /// Finds the first place in a text.
    #[must_use]
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.captures_iter(text).next()
    }

    /// Finds all places.
    pub fn captures_iter<'t>(&self, text: &'t str) -> impl Iterator<Item = Captures<'t>> + use<'t> {
        let (expression, mut from) = (*self, Some(0));
        std::iter::from_fn(move || {
            let found = expression.find(text, from?);
            from = found.as_ref().and_then(|found| found.get(0)).map(|whole| whole.end);
            found
        })
    }

    fn find(self, text: &str, from: usize) -> Option<Captures<'_>> {
        let is_digits = |part: &str| part.bytes().all(|letter| letter.is_ascii_digit());
        match self {
            Self::Year => (from..text.len()).find_map(|start| {
                let year = text.get(start..start + 4)?;
                let is_year = is_digits(year) && (year.starts_with("19") || year.starts_with("20"));
                is_year.then(|| Captures::of(text, &[start, start + 4]))
            }),
            Self::Digits => (from == 0 && (4..=8).contains(&text.len()) && is_digits(text))
                .then(|| Captures::of(text, &[0, text.len()])),
            Self::Date if from == 0 => {
                let first = digits(text, 0, 4)?;
                let middle = separator(text, first)?;
                let second = digits(text, middle, 2)?;
                let last = separator(text, second)?;
                let end = digits(text, last, 4)?;
                (end == text.len())
                    .then(|| Captures::of(text, &[0, first, middle, second, last, end]))
            }
            Self::Date => None,
        }
    }
}

/// Returns where digits end, of which there are at most so many and at least one.
fn digits(text: &str, start: usize, most: usize) -> Option<usize> {
    let count = text.get(start..)?.bytes().take_while(u8::is_ascii_digit).count();
    (1..=most).contains(&count).then_some(start + count)
}

/// Returns where what stands between numbers ends.
fn separator(text: &str, start: usize) -> Option<usize> {
    let letter = text.get(start..)?.chars().next()?;
    let is_one = letter.is_whitespace() || matches!(letter, '/' | '\\' | '_' | '.' | '-');
    is_one.then(|| start + letter.len_utf8())
}

impl<'t> Captures<'t> {
    /// Those between these places, after all of it; of one part there is no more to say.
    fn of(text: &'t str, places: &[usize]) -> Self {
        let part = |start, end| Match { text, start, end };
        let mut groups = Vec::with_capacity(places.len());
        if let (Some(first), Some(last)) = (places.first(), places.last()) {
            groups.push(part(*first, *last));
        }
        if places.len() > 2 {
            groups.extend(places.windows(2).map(|ends| part(ends[0], ends[1])));
        }
        Self { groups }
    }

    /// Returns all of it (0), or one of its parts.
    #[must_use]
    pub fn get(&self, group: usize) -> Option<Match<'t>> {
        self.groups.get(group).copied()
    }

    /// Returns all of it, and then its parts.
    pub fn iter(&self) -> impl Iterator<Item = Option<Match<'t>>> {
        self.groups.iter().copied().map(Some)
    }
}

impl Index<usize> for Captures<'_> {
    type Output = str;

    fn index(&self, group: usize) -> &str {
        self.groups[group].as_str()
    }
}

impl<'t> Match<'t> {
    /// Returns the part.
    #[must_use]
    pub fn as_str(&self) -> &'t str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns the byte it begins with.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// Returns the byte after it.
    #[must_use]
    pub fn end(&self) -> usize {
        self.end
    }
}
