//! What formats share that are tables of logins.

use serde_json::{Map, Value as Json};

use super::super::item::Origin;
use super::super::login::{Field, FieldKind, Login};
use super::super::reading::{Error, Outcome, Reading};
use super::super::shape::Shape;
use super::super::table::{Row, Table};
use super::super::text;
use crate::model::otp::{self, Otp};
use crate::model::time::Timestamp;

/// Returns the table, each row of which has as many cells as the header.
pub(super) fn even(shape: &Shape) -> Result<&Table, Error> {
    let table = shape.table().ok_or(Error::Unknown)?;
    table.require_even()?;
    Ok(table)
}

/// A login of the usual cells.
pub(super) fn login(username: &str, password: &str, url: &str, notes: &str) -> Login {
    Login {
        username: username.to_owned(),
        password: password.into(),
        urls: [url].iter().filter(|url| !url.is_empty()).map(|url| (*url).to_owned()).collect(),
        notes: notes.into(),
        ..Login::default()
    }
}

/// Takes the key of one-time passwords, which is a URI or the key alone.
pub(super) fn totp(cell: &str, label: &str, login: &mut Login) -> Result<(), otp::Malformed> {
    if cell.trim().is_empty() {
        return Ok(());
    }
    if let Err(why) = Otp::parse(cell) {
        // What makes none is kept all the same, for a person to look at.
        login.fields.push(Field::new("totp", cell, FieldKind::Hidden));
        return Err(why);
    }
    login.totp = otp::uri(cell, label).expose().as_str().into();
    Ok(())
}

/// The same, and says so where it makes none.
pub(super) fn totp_or_remark(
    cell: &str,
    label: &str,
    login: &mut Login,
    (origin, reading): (&Origin, &mut Reading),
) {
    if let Err(why) = totp(cell, label, login) {
        let what = format!("its one-time password makes none: {why}");
        reading.remark(origin, Outcome::Doubtful, what);
    }
}

/// Collects the cells of columns that have no place.
pub(super) fn left_over(table: &Table, row: &Row, known: &[&str]) -> Map<String, Json> {
    let mut members = Map::new();
    for (name, cell) in table.header.iter().zip(&row.cells) {
        let is_known = known.iter().any(|known| name.eq_ignore_ascii_case(known));
        if !is_known && !cell.is_empty() {
            members.insert(name.clone(), cell.as_str().into());
        }
    }
    members
}

/// Reads a date of ISO 8601, and writes it to the second.
pub(super) fn date(cell: &str) -> Option<String> {
    let time: jiff::Timestamp = cell.trim().parse().ok()?;
    text::date(Timestamp(time.as_millisecond()))
}
