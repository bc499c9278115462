//! The files of entries: those of a database have numbers, and entries refer to these.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::super::inflate;
use super::super::super::item::{Attachment, Item};
use super::super::super::reading::{Error, Outcome, Reading};
use super::super::super::xml::Element;
use super::values::{is_true, refuse_sealed};
use crate::sys::secret::Secret;

/// How large all files may be together.
const MAX_BYTES: usize = 256 << 20;

/// The files of a database.
pub(super) struct Files<'d> {
    pool: Vec<Element<'d>>,
    bytes: usize,
}

/// Why a file is not there.
enum Missing {
    /// The export does not have it.
    Absent,
    /// It is no base64, or not compressed as it says.
    Damaged,
}

impl<'d> Files<'d> {
    pub(super) fn of(meta: Option<Element<'d>>) -> Self {
        let binaries = meta.and_then(|meta| meta.child("Binaries"));
        let pool = binaries.map(|binaries| binaries.all("Binary").collect()).unwrap_or_default();
        Self { pool, bytes: 0 }
    }

    /// Attaches an entry's files to its item.
    pub(super) fn attach(
        &mut self,
        entry: Element<'d>,
        item: &mut Item,
        reading: &mut Reading,
    ) -> Result<(), Error> {
        for (name, value) in binaries(entry) {
            match self.bytes_of(value)? {
                Ok(bytes) => item.attachments.push(Attachment { name: name.to_owned(), bytes }),
                Err(Missing::Absent) => {
                    let what = format!(
                        "the file {name:?}, which is not in the export (KeePassXC writes none): \
                         save it with keepassxc-cli attachment-export"
                    );
                    reading.remark(&item.origin, Outcome::PartLeftOut, what);
                }
                Err(Missing::Damaged) => {
                    let what = format!("the file {name:?}, which is damaged");
                    reading.remark(&item.origin, Outcome::PartLeftOut, what);
                }
            }
        }
        Ok(())
    }

    fn bytes_of(&mut self, value: Element<'d>) -> Result<Result<Secret<Vec<u8>>, Missing>, Error> {
        let node = match value.attribute("Ref") {
            Some(id) => self.pool.iter().find(|binary| binary.attribute("ID") == Some(id)).copied(),
            None => Some(value),
        };
        let Some(node) = node else { return Ok(Err(Missing::Absent)) };
        refuse_sealed(node)?;
        let text: String = node.text().chars().filter(|letter| !letter.is_whitespace()).collect();
        let Ok(bytes) = STANDARD.decode(Secret::new(text).expose()) else {
            return Ok(Err(Missing::Damaged));
        };
        let mut bytes = Secret::new(bytes);
        if is_true(node.attribute("Compressed")) {
            let left = MAX_BYTES.saturating_sub(self.bytes);
            match inflate::gzip(bytes.expose(), left) {
                Ok(inflated) => bytes = inflated,
                Err(inflate::Fault::TooLarge) => return Err(too_much()),
                Err(inflate::Fault::Damaged) => return Ok(Err(Missing::Damaged)),
            }
        }
        self.bytes = self.bytes.saturating_add(bytes.expose().len());
        if self.bytes > MAX_BYTES {
            return Err(too_much());
        }
        Ok(Ok(bytes))
    }
}

/// Says which files an entry had once and has no more: versions of the vault have no files.
pub(super) fn miss(entry: Element<'_>, item: &Item, reading: &mut Reading) {
    let now: Vec<(&str, Element<'_>)> = binaries(entry).collect();
    let is_now = |name: &str, value: Element<'_>| {
        now.iter().any(|(known, other)| {
            *known == name
                && other.attribute("Ref") == value.attribute("Ref")
                && other.text() == value.text()
        })
    };
    let history = entry.child("History").into_iter().flat_map(|history| history.all("Entry"));
    let mut told: Vec<&str> = Vec::new();
    for (name, value) in history.flat_map(binaries) {
        if !is_now(name, value) && !told.contains(&name) {
            told.push(name);
            let what = format!("the file {name:?} of an earlier version");
            reading.remark(&item.origin, Outcome::PartLeftOut, what);
        }
    }
}

fn too_much() -> Error {
    Error::TooMuch(format!("the files have more than {} MiB", MAX_BYTES >> 20))
}

/// Returns an entry's files: their names, and what says where they are.
fn binaries(entry: Element<'_>) -> impl Iterator<Item = (&str, Element<'_>)> {
    entry.all("Binary").filter_map(|binary| Some((binary.text_of("Key"), binary.child("Value")?)))
}
