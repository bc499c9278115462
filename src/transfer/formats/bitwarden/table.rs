//! Bitwarden's tables, of a person or an organisation.

use super::super::super::item::{Item, Origin};
use super::super::super::login::{Field, FieldKind, Login};
use super::super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::super::shape::Shape;
use super::super::super::totp::{self, Account};

pub(in super::super) fn is_table(shape: &Shape) -> bool {
    shape.table().is_some_and(|table| {
        ["type", "name", "login_uri", "login_username", "login_password"]
            .iter()
            .all(|name| table.column(name).is_some())
    })
}

/// Reads a table.
pub(in super::super) fn read_table(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = shape.table().ok_or(Error::Unknown)?;
    table.require_even()?;
    let columns =
        ["folder", "collections", "name", "notes", "fields", "type", "favorite", "reprompt"]
            .map(|name| table.column(name));
    let columns_of_login = ["login_uri", "login_username", "login_password", "login_totp"]
        .map(|name| table.column(name));
    let archived = table.column("archivedDate");
    let mut reading = Reading::new();
    for row in &table.rows {
        let origin = Origin::Line(row.line);
        let [folder, collections, title, notes, fields, kind, favorite, reprompt] =
            columns.map(|column| row.cell(column));
        let [urls, username, password, key] = columns_of_login.map(|column| row.cell(column));
        let mut login = Login {
            username: username.to_owned(),
            password: password.into(),
            urls: addresses(urls),
            notes: notes.into(),
            kind: if kind == "note" { Some("note") } else { None },
            is_favorite: favorite == "1",
            is_archived: !row.cell(archived).is_empty(),
            ..Login::default()
        };
        let account = Account { issuer: title, name: username };
        login.totp = totp::keep(key, account, &origin, &mut reading);
        if read_fields(fields, &mut login) {
            let what = "its fields do not say for sure where a name ends and a value begins";
            reading.remark(&origin, Outcome::Doubtful, what);
        }
        for (name, usual, said) in
            [("type", ["login", "note"], kind), ("reprompt", ["", "0"], reprompt)]
        {
            if !usual.contains(&said) && !said.is_empty() {
                login.left_over.insert(name.to_owned(), said.into());
            }
        }
        let mut folders = collections.split(',').filter(|name| !name.is_empty());
        let first = if folder.is_empty() { folders.next().unwrap_or_default() } else { folder };
        let others: Vec<&str> = folders.collect();
        if !others.is_empty() {
            let what = "is in several collections: only the first is its folder";
            reading.remark(&origin, Outcome::Changed, what);
            login.left_over.insert("collections".to_owned(), others.into());
        }
        let mut item = Item::of_login(origin, title, login);
        let parts = first.split('/').filter(|part| !part.is_empty());
        item.folders = parts.map(str::to_owned).collect();
        reading.items.push(item);
    }
    Ok(reading)
}

/// Cuts a cell into addresses at its commas. What follows one and does not look like an address belongs
/// to the one before.
fn addresses(cell: &str) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for part in cell.split(',') {
        let host = part.split_once("://").map_or(part, |(_scheme, host)| host);
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        let is_address =
            part.contains("://") || host.contains('.') && !host.contains(['=', '&', ' ']);
        match addresses.last_mut() {
            Some(last) if !is_address => {
                last.push(',');
                last.push_str(part);
            }
            Some(_) | None => addresses.push(part.to_owned()),
        }
    }
    addresses.retain(|address| !address.is_empty());
    addresses
}

/// Reads lines of `name: value`. A line without `: ` goes on with the value before. Returns whether
/// there is more than one way to read them.
fn read_fields(cell: &str, login: &mut Login) -> bool {
    let mut is_doubtful = false;
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in cell.lines() {
        match (line.split_once(": "), fields.last_mut()) {
            (Some((name, value)), _) => {
                is_doubtful |= value.contains(": ");
                fields.push((name.to_owned(), value.to_owned()));
            }
            // A field without a value: space at the end of a line does not outlive every editor.
            (None, _) if line.ends_with(':') => {
                fields.push((line.trim_end_matches(':').to_owned(), String::new()));
            }
            (None, Some((_, value))) => {
                is_doubtful = true;
                value.push('\n');
                value.push_str(line);
            }
            (None, None) => fields.push((String::new(), line.to_owned())),
        }
    }
    let fields = fields.into_iter();
    login.fields.extend(fields.map(|(name, value)| Field::new(name, value, FieldKind::Text)));
    is_doubtful
}
