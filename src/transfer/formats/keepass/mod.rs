//! KeePass 2's XML, which KeePass and KeePassXC write (keepassxc, `KdbxXmlWriter.cpp`): groups within
//! each other, with entries that have strings, files, and all that they were before.
//!
//! Not read: when an entry was looked at and how often, which is not what it holds and would make each
//! export another one; how groups are shown; settings of the database.

mod entry;
mod files;
mod otp;
mod references;
mod tables;
mod values;

use std::collections::BTreeSet;

use super::super::item::{Item, Origin};
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;
use super::super::xml::Element;
use entry::Entry;
use files::Files;
use references::References;
pub(super) use tables::{is_old_table, is_table, read_old_table, read_table};
use values::{add_labels, uuid};

/// How many bytes the groups and tags of all entries may have together.
const MAX_PLACES: usize = 64 << 20;

pub(super) fn is_xml(shape: &Shape) -> bool {
    shape.xml().is_some_and(|root| root.name() == "KeePassFile") || is_database(shape)
}

/// Whether it is what KeePass itself opens, of version 1 or 2.
fn is_database(shape: &Shape) -> bool {
    let kinds = [b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", b"\x03\xd9\xa2\x9a\x65\xfb\x4b\xb5"];
    shape.bytes().is_some_and(|bytes| kinds.iter().any(|kind| bytes.starts_with(*kind)))
}

/// Reads a whole database.
pub(super) fn read_xml(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    if is_database(shape) {
        return Err(Error::Unreadable {
            why: "the database is encrypted, and is read by way of KeePassXC alone".to_owned(),
            remedy: "pipe it here: keepassxc-cli export --format xml DATABASE.kdbx | strongroom import -",
        });
    }
    let file = shape.xml().ok_or(Error::Unknown)?;
    let Some(root) = file.child("Root") else {
        return Err(Error::malformed("the file", "has no element Root"));
    };
    let meta = file.child("Meta");
    let mut walk = Walk {
        places: Vec::new(),
        groups: Vec::new(),
        trash: meta.and_then(|meta| uuid(meta.text_of("RecycleBinUUID"))),
        reading: Reading::new(),
        bytes: 0,
    };
    walk.through(root, &Place::default())?;
    let Walk { places, mut reading, .. } = walk;
    let mut database = Database {
        files: Files::of(meta),
        references: References::of(places.iter().map(|(entry, _)| *entry).collect()),
    };
    let mut known = BTreeSet::new();
    let mut with_icons: Option<(Origin, usize)> = None;
    for (position, (node, place)) in places.into_iter().enumerate() {
        let mut origin = Origin::Position(position + 1);
        if let Some(id) = uuid(node.text_of("UUID")) {
            let is_new = known.insert(id.clone());
            if is_new {
                origin = Origin::Id(id);
            } else {
                reading.remark(&origin, Outcome::Doubtful, format!("has the id {id} once more"));
            }
        }
        if !node.text_of("CustomIconUUID").is_empty() {
            let count = with_icons.as_ref().map_or(0, |(_, count)| *count) + 1;
            with_icons = Some((origin.clone(), count));
        }
        let item = database.item(node, place, origin, &mut reading)?;
        reading.items.push(item);
    }
    if let Some((origin, count)) = with_icons {
        let what = match count {
            1 => "its own picture".to_owned(),
            _ => format!("its own picture, and those of {} entries before it", count - 1),
        };
        reading.remark(&origin, Outcome::PartLeftOut, what);
    }
    Ok(reading)
}

/// What entries are read with.
struct Database<'d> {
    files: Files<'d>,
    references: References<'d>,
}

impl<'d> Database<'d> {
    fn item(
        &mut self,
        node: Element<'d>,
        place: Place,
        origin: Origin,
        reading: &mut Reading,
    ) -> Result<Item, Error> {
        let entry = Entry::of(node)?;
        let (title, login) = entry.login(&origin, &mut self.references, reading)?;
        let mut item = Item::of_login(origin, title, login);
        item.folders = place.folders;
        item.is_in_trash = place.is_in_trash;
        item.labels = place.labels;
        add_labels(node, &mut item.labels);
        self.files.attach(node, &mut item, reading)?;
        files::miss(node, &item, reading);
        item.history = entry::history(node, &item, &mut self.references)?;
        Ok(item)
    }
}

/// Where entries are.
#[derive(Clone, Default)]
struct Place {
    folders: Vec<String>,
    labels: Vec<String>,
    is_in_trash: bool,
}

struct Walk<'d> {
    places: Vec<(Element<'d>, Place)>,
    groups: Vec<Element<'d>>,
    trash: Option<String>,
    reading: Reading,
    /// How much text the places of all entries have.
    bytes: usize,
}

impl<'d> Walk<'d> {
    /// Collects the entries of what is in `parent`. Depth is bounded by the document's.
    fn through(&mut self, parent: Element<'d>, place: &Place) -> Result<(), Error> {
        for child in parent.children() {
            match child.name() {
                "Entry" => {
                    let place = self.copy(place)?;
                    self.places.push((child, place));
                }
                "Group" => self.through_group(child, place)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes a second one: each entry has the names of all groups around it, and a name may be long.
    fn copy(&mut self, place: &Place) -> Result<Place, Error> {
        let names = place.folders.iter().chain(&place.labels);
        self.bytes = names.fold(self.bytes, |bytes, name| bytes.saturating_add(name.len()));
        if self.bytes > MAX_PLACES {
            let most = MAX_PLACES >> 20;
            let what = format!("the groups and tags of all entries have more than {most} MiB");
            return Err(Error::TooMuch(what));
        }
        Ok(place.clone())
    }

    fn through_group(&mut self, group: Element<'d>, place: &Place) -> Result<(), Error> {
        let mut place = self.copy(place)?;
        let id = uuid(group.text_of("UUID"));
        let name = group.text_of("Name");
        let is_trash = id.is_some() && id == self.trash;
        place.is_in_trash |= is_trash;
        // The outermost group is the database.
        if !self.groups.is_empty() && !is_trash {
            place.folders.push(name.to_owned());
        }
        add_labels(group, &mut place.labels);
        let origin = id.map_or(Origin::Position(self.places.len() + 1), Origin::Id);
        for (member, what) in [("Notes", "the notes"), ("CustomData", "the additional data")] {
            let is_there = group.child(member).is_some_and(|element| {
                !element.text().is_empty() || element.children().next().is_some()
            });
            if is_there {
                let what = format!("{what} of the folder {name:?}");
                self.reading.remark(&origin, Outcome::PartLeftOut, what);
            }
        }
        self.groups.push(group);
        self.through(group, &place)?;
        self.groups.pop();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::secret::Secret;
    use crate::transfer::reading::Source;

    #[test]
    fn names_of_groups_do_not_multiply_without_end() {
        let text = format!(
            "<KeePassFile><Root><Group><Group><Name>{}</Name>{}</Group></Group></Root></KeePassFile>",
            "x".repeat(1 << 20),
            "<Entry/>".repeat(1000)
        );
        let shape = Shape::of(Source::Bytes(Secret::new(text.into_bytes()))).ok().unwrap();
        let error = read_xml(&shape, &Wishes::default()).err().unwrap().to_string();
        assert_eq!(error, "the groups and tags of all entries have more than 64 MiB");
    }
}
