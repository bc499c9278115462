//! KeePass 2's XML, which KeePass and KeePassXC import: groups within each other, with entries that have
//! strings, files, and what they were before.

mod entry;
mod id;
mod xml;

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use self::id::uuid;
use self::xml::Xml;
use super::super::taken::Taken;
use super::losses::{Feature, Losses};
use super::place::place;
use super::written::Written;
use crate::sys::secret::Secret;

/// What it has beside passwords.
const HELD: &[Feature] = &[
    Feature::Files,
    Feature::History,
    Feature::Fields,
    Feature::Kinds,
    Feature::OneTimePasswords,
    Feature::Addresses,
    Feature::Notes,
    Feature::Usernames,
    Feature::Folders,
    Feature::Labels,
    Feature::Dates,
    // The first of each entry; the others are counted.
    Feature::Passkeys,
];

/// How deep groups are within each other; what is deeper is in one.
const MAX_DEPTH: usize = 32;

/// Writes a database.
pub(super) fn write(items: &[Taken]) -> Written {
    let mut losses = Losses::default();
    let mut root = Group::default();
    for taken in items {
        losses.miss(taken, HELD);
        let (mut path, title) = place(taken);
        if path.len() > MAX_DEPTH {
            let rest = path.split_off(MAX_DEPTH).join("/");
            path.push(rest);
        }
        root.find(&path).entries.push((taken, title));
    }
    let mut xml = Xml::new();
    xml.open("KeePassFile");
    xml.open("Meta");
    xml.text("Generator", "Strongroom");
    xml.text("RecycleBinEnabled", "False");
    xml.open("Binaries");
    let attachments = items.iter().flat_map(|taken| entry::files(taken));
    for (number, (_, bytes)) in attachments.enumerate() {
        let text = Secret::new(STANDARD.encode(bytes));
        xml.with("Binary", "ID", &number.to_string(), text.expose());
    }
    xml.close("Binaries");
    xml.close("Meta");
    xml.open("Root");
    let mut output = Output { numbers: entry::numbers(items), xml, losses };
    root.write("Strongroom", "", &mut output);
    let Output { mut xml, losses, .. } = output;
    xml.close("Root");
    xml.close("KeePassFile");
    Written { bytes: xml.finish(), losses }
}

/// What is being written.
struct Output {
    /// Which files there are.
    numbers: entry::Numbers,
    xml: Xml,
    losses: Losses,
}

/// A group, and what is in it.
#[derive(Default)]
struct Group<'i> {
    entries: Vec<(&'i Taken, String)>,
    groups: BTreeMap<String, Group<'i>>,
}

impl Group<'_> {
    fn find(&mut self, path: &[String]) -> &mut Self {
        path.iter().fold(self, |group, name| group.groups.entry(name.clone()).or_default())
    }

    fn write(&self, name: &str, above: &str, output: &mut Output) {
        let path = format!("{above}/{name}");
        output.xml.open("Group");
        output.xml.text("UUID", &uuid("group", &path));
        output.xml.text("Name", name);
        for (taken, title) in &self.entries {
            let Output { numbers, xml, losses } = &mut *output;
            entry::write(taken, title, numbers, xml, losses);
        }
        for (name, group) in &self.groups {
            group.write(name, &path, output);
        }
        output.xml.close("Group");
    }
}
