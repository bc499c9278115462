//! Compares how a text is read with how its template is read: the same but for the values, each of
//! which is read as what it is.

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::TScalarStyle;

use super::escape::Escape;
use super::filled::{Broken, Filling};
use super::text::{Piece, Slot};
use crate::cli::references::dotenv;
use crate::sys::entropy::{self, SystemEntropy};

/// By what it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grammar {
    Yaml,
    Env,
}

/// What a reader finds in a text. Not for showing: it holds what the text holds.
#[derive(PartialEq, Eq)]
enum Part {
    Structure(String),
    Text(String),
}

/// Requires that a filled text is read as its template, with the values in their places.
pub(crate) fn check(
    grammar: Grammar,
    pieces: &[Piece<'_>],
    fillings: &[Filling],
) -> Result<(), Broken> {
    let comparison = Comparison::new(grammar, pieces, fillings)?;
    let slots: Vec<&Slot<'_>> = slots(pieces).collect();
    for (number, (slot, filling)) in slots.iter().zip(fillings).enumerate() {
        let is_odd = |c: char| c.is_control() && !['\n', '\t'].contains(&c) || is_break(c);
        if grammar == Grammar::Yaml && filling.written.expose().contains(is_odd) {
            let what = "its value has a character that YAML has only in its escapes";
            return Err(Broken { slot: Some(number), line: slot.line, what });
        }
    }
    if comparison.is_kept(fillings.len()) {
        return Ok(());
    }
    // Some reference is the first with which it is not the same any more.
    let (mut kept, mut broken) = (0, fillings.len());
    while broken - kept > 1 {
        let middle = kept.midpoint(broken);
        if comparison.is_kept(middle) {
            kept = middle;
        } else {
            broken = middle;
        }
    }
    let line = slots.get(kept).map_or(1, |slot| slot.line);
    let what = "its value, as it would be written, would be read as something else";
    Err(Broken { slot: Some(kept), line, what })
}

fn slots<'a, 't>(pieces: &'a [Piece<'t>]) -> impl Iterator<Item = &'a Slot<'t>> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Text(_) => None,
        Piece::Slot(slot) => Some(slot),
    })
}

struct Comparison<'a> {
    grammar: Grammar,
    pieces: &'a [Piece<'a>],
    fillings: &'a [Filling],
    /// What begins what stands for a value.
    mark: String,
    template: Vec<Part>,
}

impl<'a> Comparison<'a> {
    fn new(
        grammar: Grammar,
        pieces: &'a [Piece<'a>],
        fillings: &'a [Filling],
    ) -> Result<Self, Broken> {
        // No template has it by chance, and none can have it on purpose.
        let random = entropy::random_uuid(&SystemEntropy).map_err(|_none| Broken {
            slot: None,
            line: 1,
            what: "the system gives no random bytes to look at it with",
        })?;
        let mark = format!("Z{}Z", random.replace('-', ""));
        let mut comparison = Self { grammar, pieces, fillings, mark, template: Vec::new() };
        let template = parts(grammar, &comparison.text(0));
        let what = match grammar {
            Grammar::Yaml => "the template is no YAML",
            Grammar::Env => "the template is no .env file",
        };
        comparison.template = template.map_err(|line| Broken { slot: None, line, what })?;
        Ok(comparison)
    }

    /// Puts the text together with so many values, and what stands for the others.
    fn text(&self, values: usize) -> String {
        let mut out = String::new();
        let mut number = 0;
        for piece in self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(_) => {
                    match self.fillings.get(number).filter(|_| number < values) {
                        Some(filling) => out.push_str(filling.written.expose()),
                        None => out.extend([format!("{}{number}x", self.mark)]),
                    }
                    number += 1;
                }
            }
        }
        out
    }

    /// Whether the text with so many values is read as the template is.
    fn is_kept(&self, values: usize) -> bool {
        let Ok(found) = parts(self.grammar, &self.text(values)) else { return false };
        let is_same = |(expected, found): (&Part, &Part)| match (expected, found) {
            (Part::Text(expected), Part::Text(found)) => {
                self.expanded(expected, values).as_str() == found
            }
            (expected, found) => expected == found,
        };
        found.len() == self.template.len() && self.template.iter().zip(&found).all(is_same)
    }

    /// Puts values where something stands for them.
    fn expanded(&self, text: &str, values: usize) -> String {
        let mut parts = text.split(self.mark.as_str());
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (number, rest) = part.split_once('x').unwrap_or((part, ""));
            let place: Option<usize> = number.parse().ok().filter(|number| *number < values);
            match place.and_then(|place| self.read(place)) {
                Some(value) => out.push_str(value),
                None => out.extend([self.mark.as_str(), number, "x"]),
            }
            out.push_str(rest);
        }
        out
    }

    /// Returns what a reader is to find in the place of a reference.
    fn read(&self, number: usize) -> Option<&str> {
        let (slot, filling) = (slots(self.pieces).nth(number)?, self.fillings.get(number)?);
        let is_unquoted =
            slot.escape.is_quoted() || self.grammar == Grammar::Env && slot.escape == Escape::Shell;
        if is_unquoted {
            return str::from_utf8(filling.value.expose()).ok();
        }
        Some(filling.written.expose())
    }
}

/// Reads a text, or says on which line it cannot be read.
fn parts(grammar: Grammar, text: &str) -> Result<Vec<Part>, usize> {
    match grammar {
        Grammar::Yaml => yaml(text),
        Grammar::Env => env(text),
    }
}

fn env(text: &str) -> Result<Vec<Part>, usize> {
    let mut parts = Vec::new();
    for variable in dotenv::parse(text).map_err(|malformed| malformed.line)? {
        parts.push(Part::Text(variable.name));
        parts.push(match variable.value {
            Some(value) => Part::Text(value.expose().clone()),
            None => Part::Structure("nothing".to_owned()),
        });
    }
    Ok(parts)
}

fn yaml(text: &str) -> Result<Vec<Part>, usize> {
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut parts = Vec::new();
    loop {
        let event = parser.next_token().map_err(|error| error.marker().line())?.0;
        let structure = match event {
            Event::StreamEnd => return Ok(parts),
            Event::Scalar(text, style, anchor, tag) => {
                // Nothing at all is no empty text.
                let is_null = style == TScalarStyle::Plain && ["", "~"].contains(&text.as_str());
                parts.push(Part::Text(text));
                format!("scalar {is_null} {anchor} {tag:?}")
            }
            Event::SequenceStart(anchor, tag) => format!("sequence {anchor} {tag:?}"),
            Event::MappingStart(anchor, tag) => format!("mapping {anchor} {tag:?}"),
            Event::Alias(anchor) => format!("alias {anchor}"),
            Event::SequenceEnd => "end of sequence".to_owned(),
            Event::MappingEnd => "end of mapping".to_owned(),
            Event::DocumentStart => "document".to_owned(),
            Event::DocumentEnd => "end of document".to_owned(),
            Event::Nothing | Event::StreamStart => String::new(),
        };
        parts.push(Part::Structure(structure));
    }
}

/// What ends a line for some readers of YAML, or must not be in it.
fn is_break(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
