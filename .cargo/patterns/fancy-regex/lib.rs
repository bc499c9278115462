//! What zxcvbn asks of `fancy-regex`: where a text has something and the same again right after it.
//!
//! Three expressions, which never change. The crate they are written for, with those it brings, is a
//! seventh of the program, and 30 pages of pointers in it are corrected whenever the program starts.

#![forbid(unsafe_code)]

/// One of the three expressions.
#[derive(Clone, Copy, Debug)]
pub enum Regex {
    /// The first place, and there the longest something.
    Longest,
    /// The first place, and there the shortest.
    Shortest,
    /// The shortest of which the whole text is made.
    ShortestOfAll,
}

/// The expression is none of the three.
#[derive(Debug)]
pub struct Unknown;

/// Where it was found.
#[derive(Clone, Copy, Debug)]
pub struct Captures<'t> {
    /// All of it, and what is repeated in it.
    groups: [Match<'t>; 2],
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
            r"(.+)\1+" => Ok(Self::Longest),
            r"(.+?)\1+" => Ok(Self::Shortest),
            r"^(.+?)\1+$" => Ok(Self::ShortestOfAll),
            _ => Err(Unknown),
        }
    }

    /// Finds the first place in a text.
    ///
    /// # Errors
    /// None.
    pub fn captures<'t>(&self, text: &'t str) -> Result<Option<Captures<'t>>, Unknown> {
        let found = match self {
            Self::ShortestOfAll => self.at(text, 0),
            Self::Longest | Self::Shortest => {
                text.char_indices().find_map(|(start, _)| self.at(text, start))
            }
        };
        Ok(found)
    }

    fn at<'t>(self, text: &'t str, start: usize) -> Option<Captures<'t>> {
        // The point stands for anything but a line feed.
        let line = text.get(start..)?.split('\n').next()?;
        let mut ends = line.char_indices().map(|(at, letter)| start + at + letter.len_utf8());
        let repeated = |end| {
            let whole = Match { text, start, end: repeated_until(text, start, end)? };
            Some(Captures { groups: [whole, Match { text, start, end }] })
        };
        match self {
            Self::Longest => ends.rev().find_map(repeated),
            Self::Shortest => ends.find_map(repeated),
            Self::ShortestOfAll => {
                ends.filter_map(repeated).find(|found| found.groups[0].end == text.len())
            }
        }
    }
}

/// Returns where the repetitions of a part end; `None` if it is not there again.
fn repeated_until(text: &str, start: usize, end: usize) -> Option<usize> {
    let (part, rest) = (text.get(start..end)?, text.get(end..)?);
    let again = rest.len() - rest.trim_start_matches(part).len();
    (again > 0).then_some(end + again)
}

impl<'t> Captures<'t> {
    /// Returns all of it (0), or what is repeated (1).
    #[must_use]
    pub fn get(&self, group: usize) -> Option<Match<'t>> {
        self.groups.get(group).copied()
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
