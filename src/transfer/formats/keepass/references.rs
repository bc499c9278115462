//! References to other entries: `{REF:P@I:…}` is the password of the entry with that id.

use std::collections::BTreeMap;

use super::super::super::reading::Error;
use super::super::super::xml::Element;
use super::values::uuid;

/// How often a reference may lead to another one.
const MAX_STEPS: usize = 8;

/// How many bytes references may become in all: they can multiply each other.
const MAX_BYTES: usize = 16 << 20;

/// How many references may be looked for by a text: that goes through all entries.
const MAX_SEARCHES: usize = 10_000;

const BEGIN: &str = "{REF:";

/// The entries that references lead to.
pub(super) struct References<'d> {
    entries: Vec<Element<'d>>,
    by_id: BTreeMap<String, Element<'d>>,
    bytes: usize,
    searches: usize,
}

/// A text in which references were replaced.
pub(super) struct Resolved {
    pub(super) text: String,
    /// Whether there was one.
    pub(super) is_other: bool,
    /// Whether there was one that leads nowhere or to itself: the text stays as it is.
    pub(super) is_broken: bool,
}

impl<'d> References<'d> {
    pub(super) fn of(entries: Vec<Element<'d>>) -> Self {
        let mut by_id = BTreeMap::new();
        for entry in &entries {
            if let Some(id) = uuid(entry.text_of("UUID")) {
                by_id.entry(id).or_insert(*entry);
            }
        }
        Self { entries, by_id, bytes: 0, searches: 0 }
    }

    /// Replaces references by what they stand for.
    pub(super) fn resolve(&mut self, text: &str) -> Result<Resolved, Error> {
        let mut resolved = Resolved { text: String::new(), is_other: false, is_broken: false };
        self.append(text, MAX_STEPS, &mut resolved)?;
        if resolved.is_broken {
            text.clone_into(&mut resolved.text);
            resolved.is_other = false;
        }
        Ok(resolved)
    }

    fn append(&mut self, text: &str, steps: usize, into: &mut Resolved) -> Result<(), Error> {
        let mut rest = text;
        while let Some((before, reference, after)) = cut(rest) {
            into.text.push_str(before);
            let Some(value) = self.find(reference).filter(|_| steps > 0) else {
                into.is_broken = true;
                return Ok(());
            };
            into.is_other = true;
            self.bytes = self.bytes.saturating_add(value.len().max(1));
            if self.bytes > MAX_BYTES {
                let most = MAX_BYTES >> 20;
                let what = format!("references stand for more than {most} MiB of text");
                return Err(Error::TooMuch(what));
            }
            self.append(value, steps - 1, into)?;
            if into.is_broken {
                return Ok(());
            }
            rest = after;
        }
        into.text.push_str(rest);
        Ok(())
    }

    /// Finds what a reference, as `P@I:…`, leads to: by id, or by a text that one entry alone has.
    /// One of too many is not found: its value stays as it is, and that is said.
    fn find(&mut self, reference: &str) -> Option<&'d str> {
        let (fields, wanted) = reference.split_once(':')?;
        let (field, by) = fields.split_once('@')?;
        let entry = if by.eq_ignore_ascii_case("I") {
            *self.by_id.get(&wanted.to_ascii_uppercase())?
        } else {
            let key = key(by)?;
            self.searches = self.searches.saturating_add(1);
            if self.searches > MAX_SEARCHES {
                return None;
            }
            let mut found = self.entries.iter().filter(|entry| string(**entry, key) == wanted);
            let entry = found.next()?;
            if found.next().is_some() {
                return None;
            }
            *entry
        };
        Some(string(entry, key(field)?))
    }
}

/// Cuts at the first reference: what is before it, what is in it, what follows.
fn cut(text: &str) -> Option<(&str, &str, &str)> {
    let place = text
        .as_bytes()
        .windows(BEGIN.len())
        .position(|part| part.eq_ignore_ascii_case(BEGIN.as_bytes()))?;
    let (before, from) = text.split_at_checked(place)?;
    let (_, inner) = from.split_at_checked(BEGIN.len())?;
    let (reference, after) = inner.split_once('}')?;
    Some((before, reference, after))
}

/// Returns the string that a letter of a reference means.
fn key(letter: &str) -> Option<&'static str> {
    match letter.to_ascii_uppercase().as_str() {
        "T" => Some("Title"),
        "U" => Some("UserName"),
        "P" => Some("Password"),
        "A" => Some("URL"),
        "N" => Some("Notes"),
        _ => None,
    }
}

fn string<'d>(entry: Element<'d>, key: &str) -> &'d str {
    let mut strings = entry.all("String");
    strings.find(|string| string.text_of("Key") == key).map_or("", |string| string.text_of("Value"))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::super::super::xml::Document;
    use super::*;

    #[test]
    fn references_that_multiply_each_other_are_stopped() {
        for (by, stopped) in [("I", true), ("T", false)] {
            let text: String = (1..4).map(|at| entry(at, &many(by, at + 1))).collect();
            let document = Document::read(&format!("<Group>{text}</Group>")).ok().unwrap();
            let entries = document.root().unwrap().all("Entry").collect();
            match References::of(entries).resolve(&many(by, 1)) {
                Err(error) => {
                    assert!(stopped);
                    let what = "references stand for more than 16 MiB of text";
                    assert_eq!(error.to_string(), what);
                }
                // Too many were looked for.
                Ok(resolved) => assert!(!stopped && resolved.is_broken),
            }
        }
    }

    fn entry(at: u8, refers: &str) -> String {
        let id = STANDARD.encode([at; 16]);
        format!(
            "<Entry><UUID>{id}</UUID>\
             <String><Key>Title</Key><Value>{}</Value></String>\
             <String><Key>Notes</Key><Value>{refers}</Value></String></Entry>",
            format!("{at:02X}").repeat(16)
        )
    }

    fn many(by: &str, to: u8) -> String {
        match to {
            4 => "x".repeat(1000),
            _ => format!("{{REF:N@{by}:{}}}", format!("{to:02X}").repeat(16)).repeat(100),
        }
    }
}
