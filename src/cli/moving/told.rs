//! What `import` says: how many items became what, and each that could not come along as it was. Never
//! a value.

use std::collections::BTreeMap;

use crate::model::order;
use crate::model::value::Value;
use crate::transfer::formats::Format;
use crate::transfer::item::Origin;
use crate::transfer::reading::{Error, Outcome, Remark};
use crate::transfer::settle::{Fate, Settled};

use super::super::failure::Failure;

/// What came of an import, or would.
#[derive(Default)]
pub(crate) struct Told {
    made: u64,
    updated: u64,
    unchanged: u64,
    skipped: u64,
    left_out: u64,
    in_trash: u64,
    secrets: u64,
    kinds: BTreeMap<&'static str, i64>,
    remarks: Vec<(String, Remark)>,
    conflicts: Vec<(Origin, String, &'static str)>,
}

impl Told {
    /// Begins with what was said when the export was read: what was left out there is no item.
    pub(crate) fn of_reading(remarks: Vec<Remark>, in_trash: u64) -> Self {
        let is_left_out = |remark: &&Remark| remark.outcome == Outcome::LeftOut;
        let left_out = remarks.iter().filter(is_left_out).count();
        let remarks = remarks.into_iter().map(|remark| (String::new(), remark)).collect();
        let left_out = u64::try_from(left_out).unwrap_or(u64::MAX);
        Self { left_out, in_trash, remarks, ..Self::default() }
    }

    /// Adds what becomes of the items.
    pub(crate) fn add(&mut self, settled: &mut [Settled]) {
        let names: BTreeMap<String, String> =
            order::map_of(settled.iter().map(|item| (item.origin.to_string(), item.name.clone())));
        for item in settled {
            let count = match &item.fate {
                Fate::Made => &mut self.made,
                Fate::Updated => &mut self.updated,
                Fate::Unchanged => &mut self.unchanged,
                Fate::Skipped => &mut self.skipped,
                Fate::LeftOut => &mut self.left_out,
                Fate::Conflict { name, why } => {
                    self.conflicts.push((item.origin.clone(), name.clone(), why));
                    continue;
                }
            };
            *count += 1;
            *self.kinds.entry(item.kind).or_default() += 1;
            self.secrets += u64::try_from(item.secrets.len()).unwrap_or(u64::MAX);
            if item.fate != Fate::Skipped {
                let remarks = std::mem::take(&mut item.remarks).into_iter();
                self.remarks.extend(remarks.map(|remark| (item.name.clone(), remark)));
            }
        }
        for (name, remark) in &mut self.remarks {
            if name.is_empty()
                && let Some(known) = names.get(&remark.origin.to_string())
            {
                name.clone_from(known);
            }
        }
    }

    /// Adds remarks on items of these names.
    pub(crate) fn remark(&mut self, remarks: Vec<Remark>) {
        self.remarks.extend(remarks.into_iter().map(|remark| (String::new(), remark)));
    }

    /// Whether secrets are in the way of some items.
    pub(crate) fn has_conflicts(&self) -> bool {
        !self.conflicts.is_empty()
    }

    /// Whether something was left out that nobody asked to leave out.
    pub(crate) fn lacks_something(&self) -> bool {
        self.remarks.iter().any(|(_, remark)| match remark.outcome {
            Outcome::LeftOut | Outcome::PartLeftOut => true,
            Outcome::Changed | Outcome::Doubtful => false,
        })
    }

    /// Returns the members of the answer.
    pub(crate) fn members(&self, status: &str, format: Format) -> Vec<(String, Value)> {
        let text = |name: &str, text: &str| (name.to_owned(), Value::Text(shortened(text)));
        let count = |name: &str, count: u64| {
            (name.to_owned(), Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
        };
        let kinds = self.kinds.iter().map(|(kind, n)| ((*kind).to_owned(), Value::Integer(*n)));
        let conflicts = self.conflicts.iter().map(|(origin, name, why)| {
            Value::Map(vec![
                text("Item", &origin.to_string()),
                text("Name", name),
                text("Why", why),
            ])
        });
        let remarks = self.remarks.iter().map(|(name, remark)| {
            let mut members = vec![text("Item", &remark.origin.to_string())];
            if !name.is_empty() {
                members.push(text("Name", name));
            }
            members.push(text("Outcome", word(remark.outcome)));
            members.push(text("What", &remark.what));
            Value::Map(members)
        });
        let mut members = vec![
            text("Status", status),
            text("Format", format.name()),
            count("Items", self.items()),
            count("Made", self.made),
            count("Updated", self.updated),
            count("Unchanged", self.unchanged),
            count("Skipped", self.skipped),
            count("LeftOut", self.left_out),
            count("InTrash", self.in_trash),
            count("Secrets", self.secrets),
            ("Kinds".to_owned(), Value::Map(kinds.collect())),
        ];
        if self.has_conflicts() {
            members.push(("Conflicts".to_owned(), Value::List(conflicts.collect())));
        }
        members.push(("Remarks".to_owned(), Value::List(remarks.collect())));
        members
    }

    /// Says it in a line, for a person.
    pub(crate) fn line(&self, format: Format) -> String {
        let counts = [
            (self.made, "made"),
            (self.updated, "changed"),
            (self.unchanged, "unchanged"),
            (self.skipped, "skipped"),
            (self.left_out, "left out"),
            (self.in_trash, "in the trash"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        let items = self.items();
        format!("{items} items of {}: {}", format.title(), counts.join(", "))
    }

    /// Says that secrets are in the way, and of what one can do.
    pub(crate) fn refusal(&self) -> Failure {
        let names: Vec<&str> =
            self.conflicts.iter().take(MOST_NAMED).map(|(_, name, _)| name.as_str()).collect();
        let more = self.conflicts.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message =
            format!("nothing was imported, as secrets are in the way: {}{more}", names.join(", "));
        Failure::environment("ImportConflict", message).hinted(
            "choose with --on-conflict: skip keeps them as they are, version gives them the new \
             value and keeps the old one as a version, rename imports under other names",
        )
    }

    /// How many items there were.
    fn items(&self) -> u64 {
        let conflicts = u64::try_from(self.conflicts.len()).unwrap_or(u64::MAX);
        let done = self.made + self.updated + self.unchanged + self.skipped;
        done + self.left_out + self.in_trash + conflicts
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::LeftOut => "left out",
        Outcome::PartLeftOut => "left out in part",
        Outcome::Changed => "changed",
        Outcome::Doubtful => "worth a look",
    }
}

/// How many names a message has.
const MOST_NAMED: usize = 5;
/// How many characters of a name or an id are said: as many as a secret's name can have. What another
/// program calls something has no bound.
const MOST_SAID: usize = 512;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MOST_SAID) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Says that an export is not what `--from` says.
pub(crate) fn of_another(from: Format, found: Format) -> Failure {
    let message = format!("this is an export of {}, not of {}", found.title(), from.title());
    Failure::environment("UnreadableExport", message).hinted(format!("--from {}", found.name()))
}

/// Says why an export cannot be read.
pub(crate) fn unreadable(error: &Error) -> Failure {
    let (name, hint) = match error {
        Error::Unknown => ("UnknownFormat", {
            let names: Vec<&str> = Format::names().collect();
            format!(
                "--from says what it is: {}; of another program's table, --map says which column \
                 is what",
                names.join(", ")
            )
        }),
        Error::Unreadable { remedy, .. } => ("UnreadableExport", (*remedy).to_owned()),
        Error::NoPassword => (
            "NoPassword",
            "--password-file names a file with its password; at a terminal it is asked for"
                .to_owned(),
        ),
        Error::WrongPassword => {
            ("BadCredential", "the password is the one that was chosen for the export".to_owned())
        }
        Error::Malformed { .. } => (
            "UnreadableExport",
            "export it once more, and do not save it by another program".to_owned(),
        ),
        Error::TooMuch(_) => {
            ("UnreadableExport", "export it once more, or in several files".to_owned())
        }
    };
    Failure::environment(name, error.to_string()).hinted(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_has_an_end() {
        let name = "é".repeat(MOST_SAID);
        assert_eq!(shortened(&name), name);
        assert_eq!(shortened(&format!("{name}x")), format!("{name}…"));
    }
}
