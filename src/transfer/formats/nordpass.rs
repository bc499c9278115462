//! NordPass's table: logins, notes, cards, identities and folders have one header.

use serde_json::{Map, Value as Json};

use super::super::item::{Item, Origin};
use super::super::login::{Field, FieldKind, Login};
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;
use super::super::table::{Row, Table};
use super::rows;

/// What it is known by; older ones lack others.
const NEEDED: [&str; 8] =
    ["name", "url", "username", "password", "note", "cardholdername", "cardnumber", "folder"];

/// What else has a place.
const OTHER: [&str; 4] = ["additional_urls", "type", "custom_fields", "expirydate"];

/// Columns of cards and identities, as Bitwarden calls them.
const CARD: [(&str, &str); 3] =
    [("cardholdername", "cardholderName"), ("cardnumber", "number"), ("cvc", "code")];
const IDENTITY: [(&str, &str); 8] = [
    ("email", "email"),
    ("phone_number", "phone"),
    ("address1", "address1"),
    ("address2", "address2"),
    ("city", "city"),
    ("state", "state"),
    ("zipcode", "postalCode"),
    ("country", "country"),
];

/// Columns that become fields.
const FIELDS: [(&str, FieldKind); 2] = [("pin", FieldKind::Hidden), ("full_name", FieldKind::Text)];

pub(super) fn is_table(shape: &Shape) -> bool {
    shape.table().is_some_and(|table| NEEDED.iter().all(|name| table.column(name).is_some()))
}

/// Reads the table.
pub(super) fn read_table(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = rows::even(shape)?;
    let mut reading = Reading::new();
    for row in &table.rows {
        let cell = |name: &str| row.cell(table.column(name));
        let kind = kind(&cell);
        if kind == "folder" {
            continue;
        }
        let origin = Origin::Line(row.line);
        let mut login = rows::login(cell("username"), cell("password"), cell("url"), cell("note"));
        match kind {
            "password" => {}
            "note" => login.kind = Some("note"),
            "credit_card" => login.kind = Some("card"),
            "identity" => login.kind = Some("identity"),
            _ => login.kind = Some("other"),
        }
        specials(&cell, &mut login);
        urls(cell("additional_urls"), &origin, &mut login, &mut reading);
        fields(cell("custom_fields"), &origin, &mut login, &mut reading);
        login.left_over = left_over(table, row, &login, kind);
        let mut item = Item::of_login(origin, cell("name"), login);
        let folders = cell("folder").split('/').filter(|folder| !folder.is_empty());
        item.folders = folders.map(str::to_owned).collect();
        reading.items.push(item);
    }
    Ok(reading)
}

/// Returns what a row is; older tables do not say, and a password alone is a login.
fn kind<'r>(cell: &impl Fn(&str) -> &'r str) -> &'r str {
    let is_any = |names: &[&str]| names.iter().any(|name| !cell(name).is_empty());
    match cell("type") {
        "" if is_any(&["cardnumber", "cvc"]) => "credit_card",
        "" if is_any(&["username", "password", "url"]) => "password",
        "" if is_any(&["full_name", "phone_number", "address1"]) => "identity",
        "" => "note",
        kind => kind,
    }
}

/// Takes the cells of cards and identities.
fn specials<'r>(cell: &impl Fn(&str) -> &'r str, login: &mut Login) {
    let mut card = Map::new();
    let mut identity = Map::new();
    for (columns, members) in [(&CARD[..], &mut card), (&IDENTITY[..], &mut identity)] {
        for (column, name) in columns {
            if !cell(column).is_empty() {
                members.insert((*name).to_owned(), cell(column).into());
            }
        }
    }
    let expiry = cell("expirydate");
    match expiry.split_once(['/', '-']) {
        Some((month, year)) if month.len() <= 2 && login.kind == Some("card") => {
            card.insert("expMonth".to_owned(), month.trim_start_matches('0').into());
            let century = if year.len() == 2 { "20" } else { "" };
            card.insert("expYear".to_owned(), format!("{century}{year}").into());
        }
        _ if expiry.is_empty() => {}
        Some(_) | None => {
            login.fields.push(Field::new("expirydate", expiry, FieldKind::Text));
        }
    }
    for (column, kind) in FIELDS {
        if !cell(column).is_empty() {
            login.fields.push(Field::new(column, cell(column), kind));
        }
    }
    // An item has one of both; the other's cells become fields.
    let (special, other) = match login.kind {
        Some("identity") => (("identity", identity), card),
        _ if card.is_empty() => (("identity", identity), card),
        _ => (("card", card), identity),
    };
    if !special.1.is_empty() {
        login.special = Some(special);
    }
    for (name, value) in other {
        let value = value.as_str().unwrap_or_default();
        login.fields.push(Field::new(name, value, FieldKind::Hidden));
    }
}

fn urls(cell: &str, origin: &Origin, login: &mut Login, reading: &mut Reading) {
    if cell.is_empty() {
        return;
    }
    match serde_json::from_str::<Vec<String>>(cell) {
        Ok(urls) => login.urls.extend(urls.into_iter().filter(|url| !url.is_empty())),
        Err(_quoting) => {
            login.fields.push(Field::new("additional_urls", cell, FieldKind::Text));
            let what = "its additional_urls are no list; they are kept as a field";
            reading.remark(origin, Outcome::Changed, what);
        }
    }
}

fn fields(cell: &str, origin: &Origin, login: &mut Login, reading: &mut Reading) {
    if cell.is_empty() {
        return;
    }
    let Ok(fields) = serde_json::from_str::<Vec<Map<String, Json>>>(cell) else {
        login.fields.push(Field::new("custom_fields", cell, FieldKind::Hidden));
        let what = "its custom_fields are no list; they are kept as a field";
        reading.remark(origin, Outcome::Changed, what);
        return;
    };
    for field in fields {
        let text = |name: &str| field.get(name).and_then(Json::as_str).unwrap_or_default();
        let value = match field.get("value") {
            None | Some(Json::Null) => String::new(),
            Some(Json::String(value)) => value.clone(),
            Some(other) => other.to_string(),
        };
        let kind = FieldKind::of_word(text("type"));
        login.fields.push(Field::new(text("label"), value, kind));
    }
}

fn left_over(table: &Table, row: &Row, login: &Login, kind: &str) -> Map<String, Json> {
    let known = NEEDED.iter().chain(&OTHER).copied();
    let known = known.chain(CARD.iter().chain(&IDENTITY).map(|(column, _)| *column));
    let known: Vec<&str> = known.chain(FIELDS.iter().map(|(column, _)| *column)).collect();
    let mut members = rows::left_over(table, row, &known);
    if login.kind == Some("other") {
        members.insert("type".to_owned(), kind.into());
    }
    members
}
