//! A template, and what becomes of it when its references are resolved.

use super::filled::{Filling, filled};
use super::syntax::Syntax;
use super::text::{self, Piece, Slot};
use crate::cli::everyday::client::Client;
use crate::cli::failure::Failure;
use crate::cli::references::reference::Reference;
use crate::cli::references::resolve;
use crate::cli::request::error::Error;
use crate::sys::secret::Secret;

/// A template, read.
pub(crate) struct Template<'t> {
    name: &'t str,
    syntax: Syntax,
    pieces: Vec<Piece<'t>>,
}

/// A reference that a template cannot be filled with, or what else is wrong with it.
pub(crate) struct Finding {
    pub(crate) line: usize,
    /// As it is written; empty where it is about the template.
    pub(crate) reference: String,
    pub(crate) what: String,
}

impl<'t> Template<'t> {
    /// Finds the references of a text. `name` is what the template is called, empty if it has no name.
    pub(crate) fn read(name: &'t str, text: &'t str, syntax: Syntax) -> Result<Self, Error> {
        let wrong = |line: usize, what: &str| {
            Error::argument("--in", format!("{}{what}", place(name, line)))
        };
        let pieces = text::parse(text).map_err(|bad| wrong(bad.line, &bad.what))?;
        let template = Self { name, syntax, pieces };
        for slot in template.slots() {
            let misplaced = |what| wrong(slot.line, &format!("{}: {what}", slot.given));
            syntax.check_slot(slot).map_err(misplaced)?;
        }
        if template.slots().count() > MOST_REFERENCES {
            let what = format!("a template has at most {MOST_REFERENCES} references");
            return Err(Error::argument("--in", what));
        }
        Ok(template)
    }

    /// Returns the number of its references.
    pub(crate) fn count(&self) -> usize {
        self.slots().count()
    }

    fn slots(&self) -> impl Iterator<Item = &Slot<'t>> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Slot(slot) => Some(slot),
        })
    }

    /// Fills it. All references are resolved, at one moment, or none is.
    pub(crate) fn fill(&self, client: &mut Client<'_>) -> Result<Secret<String>, Failure> {
        let placed = |slot: &Slot<'_>| {
            let given = format!("{}{}", place(self.name, slot.line), slot.given);
            Reference { given, ..slot.reference.clone() }
        };
        let references: Vec<Reference> = self.slots().map(placed).collect();
        let found = resolve::resolve(&references, client)?;
        let values = found.into_iter().map(|found| found.value).collect();
        let filled = self.filled(values).map_err(|finding| {
            let about = if finding.reference.is_empty() { "" } else { ": " };
            let message = format!(
                "{}{}{about}{}",
                place(self.name, finding.line),
                finding.reference,
                finding.what
            );
            let failure = Failure::environment("TemplateError", message);
            match self.syntax {
                _ if finding.reference.is_empty() => failure.hinted(
                    "what comes from the standard input and goes to the standard output is not \
                     looked at",
                ),
                Syntax::Json | Syntax::Toml | Syntax::Env => {
                    failure.hinted("between double quotes |json escapes a value")
                }
                Syntax::Yaml => failure.hinted("between double quotes |yaml escapes a value"),
                Syntax::Properties => failure.hinted("|json escapes a value"),
                Syntax::Any => failure,
            }
        })?;
        if filled.expose().len() > MOST_BYTES {
            let message = format!("what comes out is longer than {MOST_BYTES} bytes");
            return Err(Failure::environment("TemplateError", message));
        }
        Ok(filled)
    }

    /// Puts values into it, and looks whether it says what it said.
    fn filled(&self, values: Vec<Secret<Vec<u8>>>) -> Result<Secret<String>, Finding> {
        let mut fillings = Vec::with_capacity(values.len());
        for (slot, value) in self.slots().zip(values) {
            let written = slot.escape.write(value.expose());
            let written = written.map_err(|what| Finding::of(slot, what))?;
            fillings.push(Filling { value, written });
        }
        self.syntax.check(&self.pieces, &fillings).map_err(|broken| {
            match broken.slot.and_then(|number| self.slots().nth(number)) {
                Some(slot) => Finding::of(slot, broken.what),
                None => Finding {
                    line: broken.line,
                    reference: String::new(),
                    what: broken.what.to_owned(),
                },
            }
        })?;
        Ok(filled(&self.pieces, &fillings))
    }

    /// Says what would keep it from being filled: each reference that cannot be resolved, or else what
    /// is wrong with the first that would break the text.
    pub(crate) fn examine(&self, client: &mut Client<'_>) -> Result<Vec<Finding>, Failure> {
        let mut findings = Vec::new();
        let mut values = Vec::new();
        for slot in self.slots() {
            match resolve::resolve(std::slice::from_ref(&slot.reference), client) {
                Ok(found) => values.extend(found.into_iter().map(|found| found.value)),
                Err(Failure::Environment { name: resolve::UNRESOLVED, message, .. }) => {
                    let given = format!("{}: ", slot.reference.given);
                    let why = message.strip_prefix(&given).unwrap_or(&message);
                    findings.push(Finding::of(slot, why));
                }
                Err(other) => return Err(other),
            }
        }
        if findings.is_empty() {
            findings.extend(self.filled(values).err());
        }
        Ok(findings)
    }
}

impl Finding {
    fn of(slot: &Slot<'_>, what: &str) -> Self {
        Self { line: slot.line, reference: slot.given.to_owned(), what: what.to_owned() }
    }
}

/// Says where in a template something is.
fn place(name: &str, line: usize) -> String {
    if name.is_empty() { format!("line {line}: ") } else { format!("{name}, line {line}: ") }
}

/// The most references of a template: its values are all in memory at once.
const MOST_REFERENCES: usize = 1000;

/// The longest template, and the longest text that becomes of one, in bytes.
pub(crate) const MOST_BYTES: usize = 10 << 20;
