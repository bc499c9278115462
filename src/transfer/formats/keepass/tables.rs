//! The tables of KeePassXC and of KeePass 1, which lack much of what the XML has.

use super::super::super::item::{Item, Origin};
use super::super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::super::shape::Shape;
use super::super::rows;

/// KeePassXC's columns; the first versions lacked the last of them.
const COLUMNS: [&str; 10] = [
    "Group",
    "Title",
    "Username",
    "Password",
    "URL",
    "Notes",
    "TOTP",
    "Icon",
    "Last Modified",
    "Created",
];

/// KeePass 1's columns.
const OLD: [&str; 5] = ["Account", "Login Name", "Password", "Web Site", "Comments"];

/// What KeePassXC calls its trash, in English.
const TRASH: &str = "Recycle Bin";

pub(in super::super) fn is_table(shape: &Shape) -> bool {
    let (needed, other) = COLUMNS.split_at(6);
    shape.table().is_some_and(|table| table.is_of(needed, other))
}

pub(in super::super) fn is_old_table(shape: &Shape) -> bool {
    shape.table().is_some_and(|table| table.is_of(&OLD, &[]))
}

/// Reads KeePassXC's.
pub(in super::super) fn read_table(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = rows::even(shape)?;
    let columns = COLUMNS.map(|name| table.column(name));
    let mut reading = Reading::new();
    for row in &table.rows {
        let [group, title, username, password, url, notes, totp, icon, modified, created] =
            columns.map(|column| row.cell(column));
        let origin = Origin::Line(row.line);
        let mut login = rows::login(username, password, url, notes);
        rows::totp_or_remark(totp, title, &mut login, (&origin, &mut reading));
        login.modified = rows::date(modified);
        login.created = rows::date(created);
        if !["", "0"].contains(&icon) {
            login.left_over.insert("Icon".to_owned(), icon.into());
        }
        let mut item = Item::of_login(origin, title, login);
        // The outermost group is the database.
        let mut folders = group.split('/').skip(1).map(str::to_owned).peekable();
        if folders.next_if(|folder| folder == TRASH).is_some() {
            item.is_in_trash = true;
        }
        item.folders = folders.collect();
        reading.items.push(item);
    }
    if let Some(first) = reading.items.first() {
        let what = "a table has no further fields, files, tags and history: the XML has them";
        let origin = first.origin.clone();
        reading.remark(&origin, Outcome::Doubtful, what);
    }
    Ok(reading)
}

/// Reads KeePass 1's.
pub(in super::super) fn read_old_table(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = rows::even(shape)?;
    let columns = OLD.map(|name| table.column(name));
    let mut reading = Reading::new();
    for row in &table.rows {
        let [title, username, password, url, notes] = columns.map(|column| row.cell(column));
        let login = rows::login(username, password, url, notes);
        reading.items.push(Item::of_login(Origin::Line(row.line), title, login));
    }
    Ok(reading)
}
