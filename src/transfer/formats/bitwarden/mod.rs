//! What Bitwarden exports: JSON, plain or protected by a password, the same in a ZIP archive with the
//! attachments, and tables, which hold the least.

mod item;
mod protected;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use self::item::Around;
use super::super::item::Origin;
use super::super::object::Object;
use super::super::reading::{Error, Outcome, Reading, Wishes, quoted};
use super::super::shape::{self, Shape};
use super::super::zip::Archive;

pub(super) use self::table::{is_table, read_table};

/// Where an archive has the document.
const DOCUMENT: &str = "data.json";
/// Where it has the attachments: a directory for each item, named by its id.
const ATTACHMENTS: &str = "attachments/";

pub(super) fn is_json(shape: &Shape) -> bool {
    let Some(json) = shape.json() else { return false };
    let has = |name: &str| json.get(name).is_some();
    json.get("encrypted").is_some_and(Json::is_boolean)
        && (has("items") || has("data") && has("salt"))
}

pub(super) fn is_zip(shape: &Shape) -> bool {
    shape.zip().is_some_and(|archive| archive.has(DOCUMENT))
}

/// Reads a document.
pub(super) fn read_json(shape: &Shape, wishes: &Wishes) -> Result<Reading, Error> {
    read_document(shape.json().ok_or(Error::Unknown)?, wishes, None)
}

/// Reads an archive.
pub(super) fn read_zip(shape: &Shape, wishes: &Wishes) -> Result<Reading, Error> {
    let archive = shape.zip().ok_or(Error::Unknown)?;
    let document = shape::inner_json(archive.file(DOCUMENT)?, DOCUMENT)?;
    read_document(&document, wishes, Some(archive))
}

fn read_document(
    json: &Json,
    wishes: &Wishes,
    archive: Option<&Archive>,
) -> Result<Reading, Error> {
    if json.get("encrypted") != Some(&Json::Bool(true)) {
        return read_plain(json, archive);
    }
    if json.get("passwordProtected") != Some(&Json::Bool(true)) {
        return Err(Error::Unreadable {
            why: "the export is encrypted for the account, whose key is not in it".to_owned(),
            remedy: "export again from Bitwarden, as JSON that is protected by a password",
        });
    }
    let inner = protected::open(json, wishes)?;
    if inner.get("encrypted") == Some(&Json::Bool(true)) {
        return Err(Error::malformed("the protected document", "is encrypted once more"));
    }
    read_plain(&inner, archive)
}

fn read_plain(json: &Json, archive: Option<&Archive>) -> Result<Reading, Error> {
    let items = json.get("items").and_then(Json::as_array);
    let items = items.ok_or_else(|| Error::malformed("the document", "has no list of items"))?;
    let around = Around {
        folders: names(json, "folders"),
        collections: names(json, "collections"),
        files: files(archive),
        is_archive: archive.is_some(),
    };
    let mut reading = Reading::new();
    for (place, item) in items.iter().enumerate() {
        let position = Origin::Position(place.saturating_add(1));
        match Object::of(item) {
            Some(object) => item::read(object, position, &around, &mut reading),
            None => reading.remark(&position, Outcome::LeftOut, "is no item"),
        }
    }
    let known: BTreeSet<String> =
        reading.items.iter().map(|item| item.origin.to_string()).collect();
    for (id, files) in &around.files {
        let origin = Origin::Id((*id).to_owned());
        if known.contains(&origin.to_string()) {
            continue;
        }
        for (name, _) in files {
            let what = format!("the attachment {} belongs to no item", quoted(name));
            reading.remark(&origin, Outcome::LeftOut, what);
        }
    }
    Ok(reading)
}

/// The names of folders or collections, by their ids.
fn names(json: &Json, list: &str) -> BTreeMap<String, String> {
    let all = json.get(list).and_then(Json::as_array).into_iter().flatten();
    let text = |object: &Json, name: &str| object.get(name)?.as_str().map(str::to_owned);
    let pairs = all.filter_map(|one| Some((text(one, "id")?, text(one, "name")?)));
    crate::model::order::map_of(pairs)
}

/// The attachments, by the items that they belong to.
fn files(archive: Option<&Archive>) -> BTreeMap<&str, Vec<(&str, &[u8])>> {
    let mut files: BTreeMap<&str, Vec<(&str, &[u8])>> = BTreeMap::new();
    for (path, content) in archive.iter().flat_map(|archive| archive.below(ATTACHMENTS)) {
        let (id, name) = path.split_once('/').unwrap_or(("none", path));
        files.entry(id).or_default().push((name, content));
    }
    files
}

#[cfg(test)]
mod tests;
