//! What Proton Pass exports: JSON, the same in a ZIP archive with the files, and tables
//! (ProtonMail/WebClients, `packages/pass/lib/export`).

mod item;
mod table;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use self::item::{Files, Vault};
use super::super::item::Origin;
use super::super::object::Object;
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::{self, Shape};

pub(super) use self::table::{is_table, read_table};

/// Where an archive has the document, as it is or encrypted.
const DOCUMENT: &str = "Proton Pass/data.json";
const ENCRYPTED: &str = "Proton Pass/data.pgp";
const ARMOR: &str = "-----BEGIN PGP MESSAGE-----";

/// How deep folders are that anybody has.
const DEEPEST: usize = 32;

pub(super) fn is_export(shape: &Shape) -> bool {
    let is_archive = shape.zip().is_some_and(|zip| zip.has(DOCUMENT) || zip.has(ENCRYPTED));
    let is_document = shape.json().is_some_and(|json| {
        json.get("vaults").is_some_and(Json::is_object) && json.get("version").is_some()
    });
    let is_armored = shape.text().is_some_and(|text| text.trim_start().starts_with(ARMOR));
    is_archive || is_document || is_armored
}

/// Reads an export.
pub(super) fn read(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    if shape.text().is_some() || shape.zip().is_some_and(|archive| archive.has(ENCRYPTED)) {
        return Err(Error::Unreadable {
            why: "the export is encrypted with OpenPGP, which is not read here".to_owned(),
            remedy: "decrypt it with `gpg --decrypt` and pipe the result here, or export again as JSON",
        });
    }
    let inner;
    let (json, mut files) = match shape.zip() {
        Some(archive) => {
            inner = shape::inner_json(archive.file(DOCUMENT)?, DOCUMENT)?;
            (&inner, Files::new(Some(archive)))
        }
        None => (shape.json().ok_or(Error::Unknown)?, Files::new(None)),
    };
    let vaults = json.get("vaults").and_then(Json::as_object);
    let vaults = vaults.ok_or_else(|| Error::malformed("the document", "has no vaults"))?;
    let mut reading = Reading::new();
    let mut position: usize = 0;
    for vault in vaults.values() {
        let mut vault = Object::of(vault).unwrap_or_default();
        let place = Vault { name: vault.text("name"), folders: folders(&vault.list("folders")) };
        for json in vault.list("items") {
            position = position.saturating_add(1);
            let origin = Origin::Position(position);
            match Object::of(&json) {
                Some(object) => item::read(object, origin, &place, &mut files, &mut reading),
                None => reading.remark(&origin, Outcome::LeftOut, "is no item"),
            }
        }
    }
    for name in files.unused() {
        let what = "a file of the archive that belongs to no item";
        reading.remark(&Origin::Id(name), Outcome::LeftOut, what);
    }
    Ok(reading)
}

/// The path of each folder, by its id.
fn folders(list: &[Json]) -> BTreeMap<String, Vec<String>> {
    let all = list.iter().filter_map(Object::of).map(|mut folder| {
        let parent = folder.text("parentFolderId");
        (folder.text("folderId"), (parent, folder.text("name")))
    });
    let all: BTreeMap<String, (String, String)> = crate::model::order::map_of(all);
    let path = |id: &String| {
        let mut names = Vec::new();
        let mut at = all.get(id);
        while let Some((parent, name)) = at.filter(|_| names.len() < DEEPEST) {
            names.push(name.clone());
            at = all.get(parent);
        }
        names.reverse();
        names
    };
    crate::model::order::map_of(all.keys().map(|id| (id.clone(), path(id))))
}

#[cfg(test)]
mod tests;
