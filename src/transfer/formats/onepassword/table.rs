//! 1Password's tables: version 8's, and that of version 4 and later ones on some systems.

use super::super::super::item::{Item, Origin};
use super::super::super::login::Login;
use super::super::super::reading::{Error, Reading, Wishes};
use super::super::super::shape::Shape;
use super::super::super::totp::{self, Account};

pub(in super::super) fn is_table(shape: &Shape) -> bool {
    let new = ["title", "url", "username", "password", "otpauth", "favorite", "archived"];
    let old = ["title", "notes", "username", "password", "url"];
    shape.table().is_some_and(|table| {
        new.iter().all(|name| table.column(name).is_some()) || table.is_of(&old, &[])
    })
}

/// Reads a table.
pub(in super::super) fn read_table(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = shape.table().ok_or(Error::Unknown)?;
    table.require_even()?;
    let known = [
        "title", "url", "username", "password", "otpauth", "favorite", "archived", "tags", "notes",
    ];
    let columns = known.map(|name| table.column(name));
    let mut reading = Reading::new();
    for row in &table.rows {
        let origin = Origin::Line(row.line);
        let [title, url, username, password, key, favorite, archived, tags, notes] =
            columns.map(|column| row.cell(column));
        let mut login = Login {
            username: username.to_owned(),
            password: password.into(),
            urls: [url].iter().filter(|url| !url.is_empty()).map(|url| (*url).to_owned()).collect(),
            notes: notes.into(),
            is_favorite: favorite.eq_ignore_ascii_case("true"),
            is_archived: archived.eq_ignore_ascii_case("true"),
            ..Login::default()
        };
        let account = Account { issuer: title, name: username };
        login.totp = totp::keep(key, account, &origin, &mut reading);
        // Columns of other versions.
        for (name, cell) in table.header.iter().zip(&row.cells) {
            let is_known = known.iter().any(|known| name.eq_ignore_ascii_case(known));
            if !is_known && !cell.is_empty() {
                login.left_over.insert(name.clone(), cell.as_str().into());
            }
        }
        let mut item = Item::of_login(origin, title, login);
        let tags = tags.split([',', ';']).map(str::trim).filter(|tag| !tag.is_empty());
        item.labels = tags.map(str::to_owned).collect();
        reading.items.push(item);
    }
    Ok(reading)
}
