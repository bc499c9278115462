//! Proton Pass's tables. Cards and identities have all they are as JSON in the column `note`.

use serde_json::Value as Json;

use super::super::super::item::{Item, Origin};
use super::super::super::login::{Field, FieldKind, Login};
use super::super::super::object::Object;
use super::super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::super::shape::Shape;
use super::super::super::text;
use super::super::super::totp::{self, Account};

pub(in super::super) fn is_table(shape: &Shape) -> bool {
    let names =
        ["type", "name", "url", "username", "password", "note", "totp", "createTime", "modifyTime"];
    shape.table().is_some_and(|table| names.iter().all(|name| table.column(name).is_some()))
}

/// Reads a table.
pub(in super::super) fn read_table(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let table = shape.table().ok_or(Error::Unknown)?;
    table.require_even()?;
    let of_login = ["type", "name", "username", "email", "password", "totp", "note"]
        .map(|name| table.column(name));
    let around =
        ["url", "autofillUrls", "vault", "createTime", "modifyTime"].map(|name| table.column(name));
    let mut reading = Reading::new();
    for row in &table.rows {
        let origin = Origin::Line(row.line);
        let [kind, title, username, email, password, key, note] =
            of_login.map(|column| row.cell(column));
        let [url, more, vault, created, modified] = around.map(|column| row.cell(column));
        let date = |cell: &str| cell.parse().ok().and_then(text::seconds).and_then(text::date);
        let mut login = Login {
            username: if username.is_empty() { email } else { username }.to_owned(),
            password: password.into(),
            created: date(created),
            modified: date(modified),
            ..Login::default()
        };
        if !username.is_empty() && !email.is_empty() {
            login.fields.push(Field::new("email", email, FieldKind::Email));
        }
        let account = Account { issuer: title, name: &login.username };
        login.totp = totp::keep(key, account, &origin, &mut reading);
        read_addresses(url, more, &mut login);
        let inner = if note.starts_with('{') { serde_json::from_str(note).ok() } else { None };
        match inner.as_ref().and_then(Object::of).filter(|_| INNER.contains(&kind)) {
            Some(inner) => read_inner(inner, &mut login),
            None => login.notes = note.into(),
        }
        login.kind = KINDS.iter().find(|(said, _)| *said == kind).map(|(_, kind)| *kind);
        if ["sshKey", "wifi", "custom"].contains(&kind) {
            let what = "its fields are not in the table: export again as JSON";
            reading.remark(&origin, Outcome::PartLeftOut, what);
        }
        let mut item = Item::of_login(origin, title, login);
        item.folders =
            [vault].iter().filter(|name| !name.is_empty()).map(|name| (*name).to_owned()).collect();
        reading.items.push(item);
    }
    Ok(reading)
}

/// Reads what a card or an identity is.
fn read_inner(mut inner: Object, login: &mut Login) {
    login.notes = inner.text("note").into();
    for name in inner.names() {
        if !inner.is_text(&name) {
            continue;
        }
        let value = inner.text(&name);
        let is_hidden = ["pin", "number", "verificationNumber"].contains(&name.as_str());
        let kind = if is_hidden { FieldKind::Hidden } else { FieldKind::Text };
        if !value.is_empty() {
            login.fields.push(Field::new(name, value, kind));
        }
    }
    login.left_over = inner.left_over();
}

/// Reads the addresses: a list with commas, and as JSON those that the list has and others.
fn read_addresses(list: &str, more: &str, login: &mut Login) {
    let more: Option<Vec<Json>> = serde_json::from_str(more).ok();
    let more =
        more.iter().flatten().filter_map(|entry| Some(entry.get("url")?.as_str()?.to_owned()));
    for url in list.split(", ").map(str::to_owned).chain(more) {
        if !url.is_empty() && !login.urls.contains(&url) {
            login.urls.push(url);
        }
    }
}

/// The types that have all they are in the column `note`.
const INNER: &[&str] = &["creditCard", "identity"];

/// The types, and our words for them; a login has none.
const KINDS: [(&str, &str); 7] = [
    ("note", "note"),
    ("alias", "alias"),
    ("creditCard", "card"),
    ("identity", "identity"),
    ("sshKey", "ssh-key"),
    ("wifi", "wifi"),
    ("custom", "custom"),
];
