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
use values::{labels, uuid};

pub(super) fn is_xml(shape: &Shape) -> bool {
    shape.xml().is_some_and(|root| root.name() == "KeePassFile")
}

/// Reads a whole database.
pub(super) fn read_xml(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
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
    };
    walk.through(root, &Place::default());
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
        for label in labels(node) {
            if !item.labels.contains(&label) {
                item.labels.push(label);
            }
        }
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
}

impl<'d> Walk<'d> {
    /// Collects the entries of what is in `parent`. Depth is bounded by the document's.
    fn through(&mut self, parent: Element<'d>, place: &Place) {
        for child in parent.children() {
            match child.name() {
                "Entry" => self.places.push((child, place.clone())),
                "Group" => self.through_group(child, place),
                _ => {}
            }
        }
    }

    fn through_group(&mut self, group: Element<'d>, place: &Place) {
        let mut place = place.clone();
        let id = uuid(group.text_of("UUID"));
        let name = group.text_of("Name");
        let is_trash = id.is_some() && id == self.trash;
        place.is_in_trash |= is_trash;
        // The outermost group is the database.
        if !self.groups.is_empty() && !is_trash {
            place.folders.push(name.to_owned());
        }
        for label in labels(group) {
            if !place.labels.contains(&label) {
                place.labels.push(label);
            }
        }
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
        self.through(group, &place);
        self.groups.pop();
    }
}
