//! An item that is being read, and the files of the archive.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::super::super::item::{Attachment, Origin};
use super::super::super::login::Login;
use super::super::super::object::Object;
use super::super::super::reading::{Outcome, Reading, quoted};
use super::super::super::zip::Archive;
use crate::sys::secret::Secret;

/// The files of the archive, and which of them belong to an item.
pub(super) struct Files<'a> {
    archive: Option<&'a Archive>,
    used: BTreeSet<String>,
}

/// An item that is being read, and what is said about it.
pub(super) struct Draft<'a> {
    pub(super) origin: Origin,
    pub(super) title: String,
    pub(super) category: String,
    pub(super) login: Login,
    /// The members that only the item's kind has.
    pub(super) special: Map<String, Json>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) reading: &'a mut Reading,
}

impl<'a> Files<'a> {
    /// The files of an archive, or none.
    pub(super) fn new(archive: Option<&'a Archive>) -> Self {
        Self { archive, used: BTreeSet::new() }
    }

    /// Returns those that no item has: the id and the name of each. Pictures of accounts have no id.
    pub(super) fn unused(&self) -> Vec<(String, String)> {
        let all = self.archive.iter().flat_map(|archive| archive.below(FILES));
        let unused = all.filter(|(path, _)| !self.used.contains(*path));
        let named = unused.filter_map(|(path, _)| path.split_once("__"));
        named.map(|(id, name)| (id.to_owned(), name.to_owned())).collect()
    }

    /// Takes a file of the archive.
    pub(super) fn take(&mut self, path: String, name: &str) -> Option<Attachment> {
        let content = self.archive?.file(&format!("{FILES}{path}")).ok()?;
        self.used.insert(path);
        Some(Attachment { name: name.to_owned(), bytes: Secret::new(content.to_vec()) })
    }
}

impl Draft<'_> {
    /// Says something about the item.
    pub(super) fn remark(&mut self, outcome: Outcome, what: impl Into<String>) {
        self.reading.remark(&self.origin, outcome, what);
    }

    /// Attaches a file that a member describes: `fileName` and `documentId`.
    pub(super) fn attach(&mut self, mut file: Object, files: &mut Files<'_>) {
        let (id, name) = (file.text("documentId"), file.text("fileName"));
        match files.take(format!("{id}__{name}"), &name) {
            Some(attachment) => self.attachments.push(attachment),
            None => {
                self.remark(
                    Outcome::PartLeftOut,
                    format!("its file {} is not in the export", quoted(&name)),
                );
            }
        }
    }
}

/// Where the archive has the files.
pub(super) const FILES: &str = "files/";
