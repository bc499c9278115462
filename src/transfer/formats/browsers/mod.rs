//! What browsers export: tables of logins.
//!
//! Chromium writes one row for each site of a login, so that rows with the same user name, password and
//! note are one login with several addresses (chromium, `password_csv_writer.cc`), if the addresses are of
//! one owner. Who uses one password everywhere has as many logins as before.

mod sites;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::item::{Content, Item, Origin};
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;
use super::super::table::Row;
use super::super::totp::{self, Account};
use super::rows::{even, left_over, login};
use crate::model::time::Timestamp;

/// Where Firefox keeps its own account.
const FIREFOX_ACCOUNT: &str = "chrome://FirefoxAccounts";

/// What of Firefox's columns has a place in a login, or says only when it was used.
const FIREFOX: &[&str] =
    &["url", "username", "password", "guid", "timeCreated", "timePasswordChanged", "timeLastUsed"];

pub(super) fn is_chrome(shape: &Shape) -> bool {
    shape
        .table()
        .is_some_and(|table| table.is_of(&["name", "url", "username", "password"], &["note"]))
}

pub(super) fn is_firefox(shape: &Shape) -> bool {
    shape.table().is_some_and(|table| {
        ["url", "username", "password", "httpRealm", "formActionOrigin", "guid"]
            .iter()
            .all(|name| table.column(name).is_some())
    })
}

pub(super) fn is_safari(shape: &Shape) -> bool {
    shape.table().is_some_and(|table| {
        table.is_of(&["Title", "URL", "Username", "Password", "OTPAuth"], &["Notes"])
    })
}

/// Reads Chrome's, Edge's and Brave's.
pub(super) fn read_chrome(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = even(shape)?;
    let columns = ["name", "url", "username", "password", "note"].map(|name| table.column(name));
    let mut reading = Reading::new();
    // Which items have this user name, password and note.
    let mut known: BTreeMap<[&str; 3], Vec<usize>> = BTreeMap::new();
    for row in &table.rows {
        let [name, url, username, password, note] = columns.map(|column| row.cell(column));
        let origin = Origin::Line(row.line);
        let same = known.entry([username, password, note]).or_default();
        let is_it = |at: &usize| reading.items.get(*at).is_some_and(|item| is_of(item, name, url));
        let at = same.iter().copied().find(is_it);
        if let Some(first) = at.and_then(|at| reading.items.get_mut(at)) {
            let has_other_name = !name.is_empty() && name != first.title;
            if let Some(login) = first.login_mut() {
                if !url.is_empty() {
                    login.urls.push(url.to_owned());
                }
                if has_other_name {
                    let names =
                        login.left_over.entry("names").or_insert_with(|| Json::Array(vec![]));
                    names.as_array_mut().into_iter().for_each(|names| names.push(name.into()));
                }
            }
            let what = format!("is the login of {} once more, at another address", first.origin);
            reading.remark(&origin, Outcome::Changed, what);
            continue;
        }
        same.push(reading.items.len());
        reading.items.push(Item::of_login(origin, name, login(username, password, url, note)));
    }
    Ok(reading)
}

/// Whether a row of this name and address, with the same user name, password and note, is a login that is
/// known already.
fn is_of(item: &Item, name: &str, url: &str) -> bool {
    let Content::Login(login) = &item.content else { return false };
    item.title == name || login.urls.iter().any(|known| sites::are_of_one_owner(known, url))
}

/// Reads Firefox's.
pub(super) fn read_firefox(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = even(shape)?;
    let columns = ["url", "username", "password", "guid"].map(|name| table.column(name));
    let dates = ["timeCreated", "timePasswordChanged"].map(|name| table.column(name));
    let mut reading = Reading::new();
    for row in &table.rows {
        let [url, username, password, guid] = columns.map(|column| row.cell(column));
        let origin = match guid.trim_matches(['{', '}']) {
            "" => Origin::Line(row.line),
            guid => Origin::Id(guid.to_owned()),
        };
        if url == FIREFOX_ACCOUNT {
            reading.remark(&origin, Outcome::LeftOut, "is the browser's own account");
            continue;
        }
        let mut login = login(username, password, url, "");
        [login.created, login.modified] = dates.map(|column| date(row, column));
        login.left_over = left_over(table, row, FIREFOX);
        reading.items.push(Item::of_login(origin, "", login));
    }
    Ok(reading)
}

/// Reads Safari's and Apple Passwords'.
pub(super) fn read_safari(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = even(shape)?;
    let columns = ["Title", "URL", "Username", "Password", "Notes", "OTPAuth"];
    let columns = columns.map(|name| table.column(name));
    let mut reading = Reading::new();
    for row in &table.rows {
        let [title, url, username, password, notes, key] = columns.map(|column| row.cell(column));
        let origin = Origin::Line(row.line);
        let mut login = login(username, password, url, notes);
        let account = Account { issuer: title, name: username };
        login.totp = totp::keep(key, account, &origin, &mut reading);
        reading.items.push(Item::of_login(origin, title, login));
    }
    Ok(reading)
}

/// Reads milliseconds since the epoch.
fn date(row: &Row, column: Option<usize>) -> Option<String> {
    let milliseconds: i64 = row.cell(column).parse().ok()?;
    super::super::text::date(Timestamp(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::secret::Secret;
    use crate::transfer::reading::Source;

    #[test]
    fn a_note_that_was_torn_apart_is_no_login() {
        let text = "name,url,username,password,note\na,b,c,d,e\nf\n";
        let shape = Shape::of(Source::Bytes(Secret::new(text.into()))).ok().unwrap();
        let error = read_chrome(&shape, &Wishes::default()).err().unwrap();
        assert_eq!(error.to_string(), "line 3: has 1 cells where the header has 5");
    }
}
