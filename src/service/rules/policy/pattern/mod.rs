//! Text with wildcards and policy variables, and how it is compared.
//!
//! What a variable brings is never a wildcard: a tag whose value is `*` matches only `*`.

use super::request::Context;

/// The version of the language a policy is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `2008-10-17`, and a policy without a version: `${…}` is ordinary text.
    V2008,
    /// `2012-10-17`, which has policy variables.
    V2012,
}

/// What `*` and `?` stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wildcards {
    /// Any text, and any character.
    Match,
    /// Themselves.
    Literal,
}

/// Whether capitals matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// They do.
    Sensitive,
    /// They do not.
    Ignored,
}

/// Text to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `*`.
    Run,
    /// `?`.
    One,
    /// `${key, 'default'}`, its key in lower case.
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// One element of a pattern whose variables have their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glyph {
    Char(char),
    Run,
    One,
}

/// A `${` without its `}`, or without a name between them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadVariable;

impl Pattern {
    pub(super) fn read(
        text: &str,
        version: Version,
        wildcards: Wildcards,
    ) -> Result<Self, BadVariable> {
        let mut pattern = Self(Vec::new());
        let mut rest = text;
        loop {
            if let (Version::V2012, Some(after)) = (version, rest.strip_prefix("${")) {
                let (inside, tail) = after.split_once('}').ok_or(BadVariable)?;
                pattern.push_variable(inside)?;
                rest = tail;
                continue;
            }
            let mut letters = rest.chars();
            match (letters.next(), wildcards) {
                (None, _) => return Ok(pattern),
                (Some('*'), Wildcards::Match) => pattern.0.push(Piece::Run),
                (Some('?'), Wildcards::Match) => pattern.0.push(Piece::One),
                (Some(letter), _) => pattern.push_text(letter),
            }
            rest = letters.as_str();
        }
    }

    fn push_text(&mut self, letter: char) {
        match self.0.last_mut() {
            Some(Piece::Text(text)) => text.push(letter),
            _ => self.0.push(Piece::Text(letter.to_string())),
        }
    }

    fn push_variable(&mut self, inside: &str) -> Result<(), BadVariable> {
        let (key, default) = match inside.split_once(',') {
            Some((key, default)) => (key, Some(quoted(default.trim()).ok_or(BadVariable)?)),
            None => (inside, None),
        };
        match key.trim() {
            "" => return Err(BadVariable),
            // The predefined ones mean the character itself.
            "*" => self.push_text('*'),
            "?" => self.push_text('?'),
            "$" => self.push_text('$'),
            key => self.0.push(Piece::Variable { key: key.to_lowercase(), default }),
        }
        Ok(())
    }

    /// Whether the pattern matches the whole of `text`. A variable without a value matches nothing.
    pub(super) fn matches(&self, text: &str, case: Case, context: &Context) -> bool {
        let Some(glyphs) = self.resolve(case, context) else { return false };
        glob(&glyphs, &letters(text, case))
    }

    /// Whether the pattern matches `text` as an ARN: each of the six parts by itself, so that a
    /// wildcard stops at a colon before the last part. `*` alone matches any ARN.
    pub(super) fn matches_arn(&self, text: &str, context: &Context) -> bool {
        let Some(glyphs) = self.resolve(Case::Sensitive, context) else { return false };
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        if parts.len() != 6 {
            return false;
        }
        if glyphs == [Glyph::Run] {
            return true;
        }
        let patterns: Vec<&[Glyph]> = glyphs.splitn(6, |g| *g == Glyph::Char(':')).collect();
        patterns.len() == parts.len()
            && patterns
                .iter()
                .zip(parts)
                .all(|(pattern, part)| glob(pattern, &letters(part, Case::Sensitive)))
    }

    /// Returns the text before the first wildcard or variable.
    pub(super) fn fixed_start(&self) -> &str {
        match self.0.first() {
            Some(Piece::Text(text)) => text,
            Some(Piece::Run | Piece::One | Piece::Variable { .. }) | None => "",
        }
    }

    /// Whether there is neither a wildcard nor a variable in it.
    pub(super) fn is_fixed(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    pub(super) fn has_variable(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Variable { .. }))
    }

    /// Returns the keys of its variables, in lower case.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(key.as_str()),
            Piece::Text(_) | Piece::Run | Piece::One => None,
        })
    }

    pub(super) fn is_any(&self) -> bool {
        self.0 == [Piece::Run]
    }

    /// Whether it is this text and then `*`.
    pub(super) fn is_start(&self, start: &str) -> bool {
        matches!(self.0.as_slice(), [Piece::Text(text), Piece::Run] if text == start)
    }

    /// Puts the variables' values in; `None` if one lacks a value.
    fn resolve(&self, case: Case, context: &Context) -> Option<Vec<Glyph>> {
        let mut glyphs = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Run => glyphs.push(Glyph::Run),
                Piece::One => glyphs.push(Glyph::One),
                Piece::Text(text) => {
                    glyphs.extend(letters(text, case).into_iter().map(Glyph::Char));
                }
                Piece::Variable { key, default } => {
                    let value = context.single(key).or(default.as_deref())?;
                    glyphs.extend(letters(value, case).into_iter().map(Glyph::Char));
                }
            }
        }
        Some(glyphs)
    }
}

/// Whether `text` is like a pattern without variables.
pub(crate) fn is_like(text: &str, pattern: &str) -> bool {
    let pattern = Pattern::read(pattern, Version::V2008, Wildcards::Match);
    pattern.is_ok_and(|pattern| pattern.matches(text, Case::Sensitive, &Context::default()))
}

fn quoted(text: &str) -> Option<String> {
    Some(text.strip_prefix('\'')?.strip_suffix('\'')?.to_owned())
}

fn letters(text: &str, case: Case) -> Vec<char> {
    match case {
        Case::Sensitive => text.chars().collect(),
        Case::Ignored => text.chars().flat_map(char::to_lowercase).collect(),
    }
}

/// Whether a pattern matches the whole of a text. Only the last `*` is ever tried again, so the time
/// is bounded by the two lengths multiplied.
fn glob(pattern: &[Glyph], text: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where to go on when a letter does not fit: after the last `*`, with one letter more in it.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), text.get(read)) {
            (None, None) => return true,
            (Some(Glyph::Run), _) => {
                at += 1;
                retry = Some((at, read));
            }
            (Some(Glyph::One), Some(_)) => {
                at += 1;
                read += 1;
            }
            (Some(Glyph::Char(expected)), Some(letter)) if expected == letter => {
                at += 1;
                read += 1;
            }
            (_, _) => match retry {
                Some((after, from)) if from < text.len() => {
                    at = after;
                    read = from + 1;
                    retry = Some((after, read));
                }
                Some(_) | None => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests;
