//! What 1Password exports: 1PUX, a ZIP archive with a JSON document and files
//! (support.1password.com/1pux-format), that document alone, and tables.

mod draft;
mod field;
mod item;
mod table;

use serde_json::Value as Json;

use self::draft::Files;
use self::item::Place;
use super::super::item::Origin;
use super::super::object::Object;
use super::super::reading::{Error, Outcome, Reading, Wishes, quoted};
use super::super::shape::{self, Shape};

pub(super) use self::table::{is_table, read_table};

/// Where an archive has the document.
const DOCUMENT: &str = "export.data";

pub(super) fn is_export(shape: &Shape) -> bool {
    let is_archive = shape.zip().is_some_and(|archive| archive.has(DOCUMENT));
    is_archive || shape.json().is_some_and(|json| has_vaults(json) || is_item(json))
}

fn has_vaults(json: &Json) -> bool {
    let mut accounts = list(json.get("accounts")).iter();
    accounts.any(|account| account.get("vaults").is_some())
}

/// Whether it is one item, as 1Password copies it.
fn is_item(json: &Json) -> bool {
    let item = json.get("item").unwrap_or(json);
    ["overview", "details"].iter().all(|name| item.get(name).is_some_and(Json::is_object))
}

/// Reads an export.
pub(super) fn read(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let inner;
    let (json, mut files) = match shape.zip() {
        Some(archive) => {
            inner = shape::inner_json(archive.file(DOCUMENT)?, DOCUMENT)?;
            (&inner, Files::new(Some(archive)))
        }
        None => (shape.json().ok_or(Error::Unknown)?, Files::new(None)),
    };
    let mut reading = Reading::new();
    if is_item(json) {
        let place = Place { folders: Vec::new(), origin: Origin::Position(1) };
        item::read(json, place, &mut files, &mut reading);
        return Ok(reading);
    }
    let accounts = json.get("accounts").and_then(Json::as_array);
    let accounts = accounts.ok_or_else(|| Error::malformed("the document", "has no accounts"))?;
    // Vaults of several accounts may have the same name.
    let tell_apart = accounts.len() > 1;
    for account in accounts {
        let name = if tell_apart { account_name(account) } else { None };
        for vault in list(account.get("vaults")) {
            let folders = name.iter().chain(&name_of(vault)).cloned().collect::<Vec<_>>();
            read_vault(vault, &folders, &mut files, &mut reading);
        }
    }
    for (id, name) in files.unused() {
        let what = format!("the file {} belongs to no item", quoted(&name));
        reading.remark(&Origin::Id(id), Outcome::LeftOut, what);
    }
    Ok(reading)
}

fn read_vault(vault: &Json, folders: &[String], files: &mut Files<'_>, reading: &mut Reading) {
    // An export of a single item has it without a list around it.
    let items = match vault.get("items") {
        Some(item @ Json::Object(_)) => std::slice::from_ref(item),
        items => list(items),
    };
    for item in items {
        let position = reading.items.len().saturating_add(1);
        let place = Place { folders: folders.to_vec(), origin: Origin::Position(position) };
        item::read(item, place, files, reading);
    }
}

fn list(json: Option<&Json>) -> &[Json] {
    json.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn name_of(vault: &Json) -> Option<String> {
    attribute(vault, "name")
}

fn account_name(account: &Json) -> Option<String> {
    ["accountName", "name", "email"].iter().find_map(|name| attribute(account, name))
}

fn attribute(of: &Json, name: &str) -> Option<String> {
    let mut attributes = Object::of(of.get("attrs")?)?;
    Some(attributes.text(name)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
