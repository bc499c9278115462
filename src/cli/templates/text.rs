//! Where references stand in a text: `{{strongroom:…}}`, and `{{resolve:secretsmanager:…}}` as
//! CloudFormation has it, each perhaps with `|` and how the value is to be escaped before the `}}`.
//!
//! A reference is on one line, and ends with the first `}}`. `strongroom:` without braces is text like
//! any other. `{{!strongroom:` is `{{strongroom:` as a text, and with another `!` that one.

use super::escape::Escape;
use crate::cli::references::reference::Reference;

/// A part of a template.
pub(crate) enum Piece<'t> {
    Text(&'t str),
    Slot(Slot<'t>),
}

/// Where a value is to stand.
#[derive(Debug)]
pub(crate) struct Slot<'t> {
    pub(crate) reference: Reference,
    pub(crate) escape: Escape,
    /// As it was written, without its braces.
    pub(crate) given: &'t str,
    /// The line that it is on, from 1.
    pub(crate) line: usize,
    /// Whether it is between double quotes, by what is before it on its line.
    pub(crate) is_in_double: bool,
    /// Whether it is in quotes as shells have them.
    pub(crate) is_in_quotes: bool,
}

/// What is wrong with a template, and on which line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Finds the references of a text; the pieces are all of it, in its order.
pub(crate) fn parse(text: &str) -> Result<Vec<Piece<'_>>, Malformed> {
    let mut reader = Reader { pieces: Vec::new(), line: Line { number: 1, ..Line::default() } };
    let mut rest = text;
    // How much of the rest is text.
    let mut known = 0;
    while let Some(found) = rest.get(known..).and_then(|unknown| unknown.find(OPEN)) {
        let open = known + found;
        let (before, from_open) = rest.split_at(open);
        let inside = from_open.strip_prefix(OPEN).unwrap_or_default();
        match begins(inside) {
            Begins::Nothing => known = open + 1,
            Begins::Literally(marks) => {
                // One of the marks is left out.
                let (kept, dropped) = rest.split_at(open + OPEN.len() + marks - 1);
                reader.text(kept);
                rest = dropped.strip_prefix(MARK).unwrap_or(dropped);
                known = 0;
            }
            Begins::Reference => {
                reader.text(before);
                rest = reader.slot(inside)?;
                known = 0;
            }
        }
    }
    reader.text(rest);
    Ok(reader.pieces)
}

enum Begins {
    Nothing,
    /// What would be a reference if this many marks were not before it.
    Literally(usize),
    Reference,
}

fn begins(inside: &str) -> Begins {
    let unmarked = inside.trim_start_matches(MARK);
    let marks = inside.len() - unmarked.len();
    let opened = unmarked.trim_start_matches(BLANKS);
    match (STARTS.iter().any(|start| opened.starts_with(start)), marks) {
        (false, _) => Begins::Nothing,
        (true, 0) => Begins::Reference,
        (true, marks) => Begins::Literally(marks),
    }
}

struct Reader<'t> {
    pieces: Vec<Piece<'t>>,
    line: Line,
}

impl<'t> Reader<'t> {
    fn text(&mut self, text: &'t str) {
        if !text.is_empty() {
            self.line.pass(text);
            self.pieces.push(Piece::Text(text));
        }
    }

    /// Reads a reference after its braces, and returns what is behind it.
    fn slot(&mut self, inside: &'t str) -> Result<&'t str, Malformed> {
        let wrong = |what: String| Malformed { line: self.line.number, what };
        let line = inside.split(['\n', '\r']).next().unwrap_or_default();
        let Some((whole, _)) = line.split_once(CLOSE).filter(|(whole, _)| !whole.contains(OPEN))
        else {
            return Err(wrong(
                "a reference begins, and does not end with }} on its line".to_owned(),
            ));
        };
        let rest = inside.get(whole.len() + CLOSE.len()..).unwrap_or_default();
        let given = whole.trim_matches(BLANKS);
        let (reference, escape) = match given.rsplit_once('|') {
            None => (given, Escape::Raw),
            Some((reference, word)) => {
                let word = word.trim_matches(BLANKS);
                let escape = Escape::named(word).ok_or_else(|| {
                    let words = Escape::ALL.map(|(word, _)| word).join(", ");
                    wrong(format!("{given}: after | stands one of {words}"))
                })?;
                (reference.trim_matches(BLANKS), escape)
            }
        };
        let parsed = if reference.starts_with(STARTS[0]) {
            Reference::parse(reference)
        } else {
            Reference::parse(&format!("{OPEN}{reference}{CLOSE}"))
        };
        let reference = parsed.map_err(|error| wrong(error.message().to_owned()))?;
        self.pieces.push(Piece::Slot(Slot {
            reference,
            escape,
            given,
            line: self.line.number,
            is_in_double: self.line.is_in_double,
            is_in_quotes: self.line.quote.is_some(),
        }));
        Ok(rest)
    }
}

/// What is before a place on its line.
#[derive(Default)]
struct Line {
    number: usize,
    /// Whether a double quote is open, whatever is between single ones.
    is_in_double: bool,
    /// The quote that is open, for a shell.
    quote: Option<char>,
    is_after_backslash: bool,
}

impl Line {
    fn pass(&mut self, text: &str) {
        for c in text.chars() {
            if c == '\n' {
                *self = Self { number: self.number.saturating_add(1), ..Self::default() };
                continue;
            }
            let is_escaped = std::mem::take(&mut self.is_after_backslash);
            match c {
                '\\' => self.is_after_backslash = !is_escaped,
                '"' if !is_escaped => self.is_in_double = !self.is_in_double,
                _ => {}
            }
            let closes_single = c == '\'' && self.quote == Some('\'');
            if ['"', '\''].contains(&c) && (!is_escaped || closes_single) {
                self.quote = match self.quote {
                    None => Some(c),
                    Some(open) if open == c => None,
                    open => open,
                };
            }
        }
    }
}

const OPEN: &str = "{{";
const CLOSE: &str = "}}";
const MARK: char = '!';
const BLANKS: [char; 2] = [' ', '\t'];
/// What a reference begins with in its braces.
const STARTS: [&str; 2] = ["strongroom:", "resolve:secretsmanager:"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is found: texts, and references in brackets.
    fn found(text: &str) -> Result<String, usize> {
        let pieces = parse(text).map_err(|bad| bad.line)?;
        let shown = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Slot(slot) => format!("<{} {:?}>", slot.reference.given, slot.escape),
        };
        Ok(pieces.iter().map(shown).collect())
    }

    #[test]
    fn references_are_found_and_all_else_is_text() {
        for (text, expected) in [
            ("a {{strongroom:b}} c", "a <strongroom:b Raw> c"),
            ("{{ strongroom:b#c d | json }}", "<strongroom:b#c d Json>"),
            ("{{strongroom:b#c|d|raw}}", "<strongroom:b#c|d Raw>"),
            ("{{{strongroom:b~1}}}", "{<strongroom:b~1 Raw>}"),
            (
                "{{resolve:secretsmanager:b:SecretString:c|url}}",
                "<{{resolve:secretsmanager:b:SecretString:c}} Url>",
            ),
            ("{{strongroom:a}}{{strongroom:b|shell}}", "<strongroom:a Raw><strongroom:b Shell>"),
            (
                "strongroom:a {{ x }} {{resolve:ssm:a}} {{",
                "strongroom:a {{ x }} {{resolve:ssm:a}} {{",
            ),
            ("{{!strongroom:a}}{{strongroom:b}}", "{{strongroom:a}}<strongroom:b Raw>"),
            ("{{!! strongroom:a}} {{!x}}", "{{! strongroom:a}} {{!x}}"),
            ("{{Strongroom:a}} {{\nstrongroom:a}}", "{{Strongroom:a}} {{\nstrongroom:a}}"),
            ("", ""),
        ] {
            assert_eq!(found(text).as_deref(), Ok(expected), "{text}");
        }
        for (text, line) in [
            ("a\n{{strongroom:b\n}}", 2),
            ("{{strongroom:b", 1),
            ("{{strongroom:b {{strongroom:c}}", 1),
            ("\n\n{{strongroom:}}", 3),
            ("{{strongroom:b|html}}", 1),
            ("{{strongroom:b|}}", 1),
            ("{{strongroom:b#}}", 1),
            ("{{resolve:secretsmanager:a:SecretBinary}}", 1),
        ] {
            assert_eq!(found(text), Err(line), "{text}");
        }
    }

    #[test]
    fn the_quotes_around_a_reference_are_known() {
        for (before, is_in_double, is_in_quotes) in [
            ("", false, false),
            ("\"", true, true),
            ("\"a\" ", false, false),
            ("\"\\\"", true, true),
            ("\\\"", false, false),
            ("'", false, true),
            ("'\\'", false, false),
            ("'\"", true, true),
            ("\"'", true, true),
            ("\"\n", false, false),
            ("\"{{strongroom:x#\"}}", true, true),
        ] {
            let text = format!("{before}{{{{strongroom:a}}}}");
            let pieces = parse(&text).unwrap();
            let Some(Piece::Slot(slot)) = pieces.last() else { panic!("{before}") };
            assert_eq!(
                (slot.is_in_double, slot.is_in_quotes),
                (is_in_double, is_in_quotes),
                "{before}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_of_a_text_without_references_is_lost(text in "[\\PC\n{}!]{0,80}") {
            prop_assert_eq!(found(&text), Ok(text));
        }

        #[test]
        fn any_text_is_a_template_or_an_error(text in "(\\PC|\n|\\{\\{|\\}\\}|!|\\||strongroom:|resolve:secretsmanager:){0,40}") {
            if let Err(line) = found(&text) {
                prop_assert!(line <= text.lines().count().max(1));
            }
        }
    }
}
