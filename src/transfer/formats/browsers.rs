//! What browsers export: tables of logins.
//!
//! Chromium writes one row for each site of a login, so that rows with the same user name, password and
//! note are one login with several addresses (chromium, `password_csv_writer.cc`).

use std::collections::BTreeMap;

use super::super::item::{Item, Origin};
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;
use super::super::table::Row;
use super::rows::{even, login};
use crate::model::time::Timestamp;

/// Where Firefox keeps its own account.
const FIREFOX_ACCOUNT: &str = "chrome://FirefoxAccounts";

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
    // Which item has this user name, password and note.
    let mut known: BTreeMap<[&str; 3], usize> = BTreeMap::new();
    for row in &table.rows {
        let [name, url, username, password, note] = columns.map(|column| row.cell(column));
        let origin = Origin::Line(row.line);
        let at = known.get(&[username, password, note]).copied();
        if let Some(first) = at.and_then(|at| reading.items.get_mut(at)) {
            if let Some(login) = first.login_mut() {
                login.urls.push(url.to_owned());
            }
            let what = format!("is the login of {} once more, at another address", first.origin);
            reading.remark(&origin, Outcome::Changed, what);
            continue;
        }
        known.insert([username, password, note], reading.items.len());
        reading.items.push(Item::of_login(origin, name, login(username, password, url, note)));
    }
    Ok(reading)
}

/// Reads Firefox's.
pub(super) fn read_firefox(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = even(shape)?;
    let columns = ["url", "username", "password", "guid"].map(|name| table.column(name));
    let dates = ["timeCreated", "timePasswordChanged"].map(|name| table.column(name));
    let left_over = ["httpRealm", "formActionOrigin"].map(|name| (name, table.column(name)));
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
        for (name, column) in left_over {
            let cell = row.cell(column);
            if !cell.is_empty() {
                login.left_over.insert(name.to_owned(), cell.into());
            }
        }
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
        let [title, url, username, password, notes, totp] = columns.map(|column| row.cell(column));
        let mut login = login(username, password, url, notes);
        login.totp = totp.into();
        reading.items.push(Item::of_login(Origin::Line(row.line), title, login));
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
