//! The trees of pass and gopass: a file for each entry, already decrypted, whose path is its name. The
//! first line is the password, what follows is a habit.

mod body;
mod mail;

use super::super::item::{Content, Item, Origin};
use super::super::login::Login;
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;
use super::super::text;
use crate::sys::secret::Secret;

/// What the files of a tree end in, unless whoever decrypted them took it off.
const END: &str = ".gpg";

/// A tree is one of pass's: there is no other format of many files.
pub(super) fn is_tree(shape: &Shape) -> bool {
    shape.tree().is_some()
}

/// Reads all entries of a tree.
pub(super) fn read_tree(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let files = shape.tree().ok_or(Error::Unknown)?;
    let mut reading = Reading::new();
    for (path, bytes) in files {
        let name = path.strip_suffix(END).unwrap_or(path);
        // `.gpg-id`, `.git`, `.public-keys` and the like are the store's own.
        if name.is_empty() || path.split('/').any(|part| part.starts_with('.')) {
            continue;
        }
        let origin = Origin::Id(name.to_owned());
        if bytes.expose().is_empty() {
            reading.remark(&origin, Outcome::LeftOut, "is empty");
            continue;
        }
        let mut parts: Vec<String> = name.split('/').map(str::to_owned).collect();
        let title = parts.pop().unwrap_or_default();
        let mut item = Item::of_login(origin, title, Login::default());
        item.folders = parts;
        item.content = content(bytes, &mut item, &mut reading);
        reading.items.push(item);
    }
    Ok(reading)
}

/// Finds out what an entry holds.
fn content(bytes: &Secret<Vec<u8>>, item: &mut Item, reading: &mut Reading) -> Content {
    let raw = || Content::Bytes(Secret::new(bytes.expose().clone()));
    let Ok(text) = text::decode(bytes.expose()) else { return raw() };
    let text = Secret::new(text);
    if text.expose().contains('\0') {
        return raw();
    }
    if let Some(file) = mail::file(text.expose()) {
        if let Some(name) = file.name.filter(|name| *name != item.title) {
            reading.remark(&item.origin, Outcome::Changed, format!("was the file {name:?}"));
        }
        return match file.bytes {
            Some(bytes) if !bytes.expose().is_empty() => Content::Bytes(bytes),
            Some(_) | None => {
                let what = "says that it is base64, and is none; it is kept as it stands";
                reading.remark(&item.origin, Outcome::Doubtful, what);
                Content::Text(Secret::new(text.expose().clone()))
            }
        };
    }
    // The end of the last line is the editor's.
    let text = text.expose();
    let whole = text.strip_suffix('\n').unwrap_or(text);
    let whole = whole.strip_suffix('\r').unwrap_or(whole);
    if whole.starts_with("gopass://") {
        let what = "refers to another entry, which is imported by itself";
        reading.remark(&item.origin, Outcome::Doubtful, what);
    }
    if !whole.contains('\n') {
        if whole.is_empty() {
            return raw();
        }
        return Content::Text(Secret::new(whole.to_owned()));
    }
    let login = body::login(whole, &item.origin, reading);
    Content::Login(Box::new(login))
}

#[cfg(test)]
mod tests;
