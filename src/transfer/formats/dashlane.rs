//! What Dashlane exports: a ZIP archive of tables, one for each kind of item, or one of them alone.

use super::super::item::{Item, Origin};
use super::super::login::{Field, FieldKind, Hidden, Login};
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;
use super::super::table::{Row, Table};
use super::super::text;
use super::super::totp::{self, Account};
use super::super::zip::Archive;
use crate::sys::secret::Secret;

/// The kinds of tables: the file of the archive, and columns that no other kind has together.
const TABLES: [(&str, &[&str], Reader); 5] = [
    ("credentials.csv", &["username", "title", "password", "note", "url", "category"], credential),
    ("securenotes.csv", &["title", "note"], note),
    ("payments.csv", &["type", "account_name", "account_holder"], payment),
    ("ids.csv", &["type", "number", "name", "issue_date", "expiration_date"], id),
    ("personalInfo.csv", &["type", "title", "first_name", "last_name"], person),
];

/// Makes an item's title and fields of a row.
type Reader = fn(&mut Cells<'_>, &Origin, &mut Reading) -> (String, Login);

pub(super) fn is_export(shape: &Shape) -> bool {
    if let Some(archive) = shape.zip() {
        return archive.has("credentials.csv") || archive.has("securenotes.csv");
    }
    shape.table().is_some_and(|table| reader(table).is_some())
}

/// Reads an export.
pub(super) fn read(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let mut reading = Reading::new();
    if let Some(archive) = shape.zip() {
        for (file, _, reader) in TABLES {
            if let Some(table) = table_of(archive, file)? {
                // Lines would be those of several files.
                let origin_of = |_: &Row, position| Origin::Position(position);
                read_table(&table, origin_of, reader, &mut reading)
                    .map_err(|error| error.within(file))?;
            }
        }
        for (name, _) in archive.below("") {
            if !TABLES.iter().any(|(file, _, _)| *file == name) {
                let what = "a file of the archive that is no table of a known kind";
                reading.remark(&Origin::Id(name.to_owned()), Outcome::LeftOut, what);
            }
        }
        return Ok(reading);
    }
    let table = shape.table().ok_or(Error::Unknown)?;
    let reader = reader(table).ok_or(Error::Unknown)?;
    read_table(table, |row, _| Origin::Line(row.line), reader, &mut reading)?;
    Ok(reading)
}

/// Finds out of which kind a table is. One of notes has no other columns, as other programs' tables
/// have these two.
fn reader(table: &Table) -> Option<Reader> {
    let has = |columns: &[&str]| columns.iter().all(|name| table.column(name).is_some());
    let found = TABLES.iter().find(|(file, columns, _)| match *file {
        "securenotes.csv" => table.is_of(columns, &["category"]),
        // Two columns more, so that no other program's is taken for one.
        "credentials.csv" => has(columns) && has(&["username2", "username3"]),
        "personalInfo.csv" => has(columns) && !has(&["number"]),
        _ => has(columns),
    });
    found.map(|(_, _, reader)| *reader)
}

fn table_of(archive: &Archive, file: &str) -> Result<Option<Table>, Error> {
    if !archive.has(file) {
        return Ok(None);
    }
    let in_file = |error: Error| error.within(file);
    let text = Secret::new(text::decode(archive.file(file)?).map_err(in_file)?);
    Table::read(text.expose(), b',').map(Some).map_err(in_file)
}

fn read_table(
    table: &Table,
    origin_of: impl Fn(&Row, usize) -> Origin,
    reader: Reader,
    reading: &mut Reading,
) -> Result<(), Error> {
    table.require_even()?;
    for row in &table.rows {
        let origin = origin_of(row, reading.items.len().saturating_add(1));
        let mut cells = Cells { table, row, used: Vec::new() };
        let (title, mut login) = reader(&mut cells, &origin, reading);
        let category = cells.take("category");
        cells.rest_into(&mut login);
        let mut item = Item::of_login(origin, title, login);
        item.folders = [category].into_iter().filter(|name| !name.is_empty()).collect();
        reading.items.push(item);
    }
    Ok(())
}

/// A row, whose cells are taken out one after another.
struct Cells<'a> {
    table: &'a Table,
    row: &'a Row,
    used: Vec<usize>,
}

impl Cells<'_> {
    /// Takes a cell; empty if it is not there.
    fn take(&mut self, name: &str) -> String {
        let column = self.table.column(name);
        self.used.extend(column);
        self.row.cell(column).to_owned()
    }

    /// Puts the other cells among the fields.
    fn rest_into(self, login: &mut Login) {
        for (column, (name, cell)) in self.table.header.iter().zip(&self.row.cells).enumerate() {
            if self.used.contains(&column) || cell.is_empty() {
                continue;
            }
            let is_hidden = ["cc_number", "code", "account_number", "number"];
            let kind = match name.as_str() {
                "url" => FieldKind::Url,
                "email" => FieldKind::Email,
                "phone_number" => FieldKind::Phone,
                name if name.contains("date") => FieldKind::Date,
                name if is_hidden.contains(&name) => FieldKind::Hidden,
                _ => FieldKind::Text,
            };
            login.fields.push(Field::new(name.as_str(), cell.as_str(), kind));
        }
    }
}

fn credential(cells: &mut Cells<'_>, origin: &Origin, reading: &mut Reading) -> (String, Login) {
    let (title, username) = (cells.take("title"), cells.take("username"));
    let (seed, uri) = (cells.take("otpSecret"), cells.take("otpUrl"));
    let account = Account { issuer: &title, name: &username };
    let totp = totp::keep(if uri.is_empty() { &seed } else { &uri }, account, origin, reading);
    let mut login = Login {
        password: cells.take("password").into(),
        notes: cells.take("note").into(),
        urls: [cells.take("url")].into_iter().filter(|url| !url.is_empty()).collect(),
        username,
        totp,
        ..Login::default()
    };
    for name in ["username2", "username3"] {
        let other = cells.take(name);
        if !other.is_empty() {
            login.fields.push(Field::new(name, other, FieldKind::Text));
        }
    }
    (title, login)
}

fn note(cells: &mut Cells<'_>, _origin: &Origin, _reading: &mut Reading) -> (String, Login) {
    let notes: Hidden = cells.take("note").into();
    (cells.take("title"), Login { kind: Some("note"), notes, ..Login::default() })
}

fn payment(cells: &mut Cells<'_>, _origin: &Origin, _reading: &mut Reading) -> (String, Login) {
    let title = cells.take("account_name");
    let kind = cells.take("type");
    let mut login = Login { notes: cells.take("note").into(), ..Login::default() };
    if matches!(kind.as_str(), "credit_card" | "payment_card") {
        let names = [
            ("cardholderName", "account_holder"),
            ("number", "cc_number"),
            ("expMonth", "expiration_month"),
            ("expYear", "expiration_year"),
            ("code", "code"),
        ];
        let members = names.map(|(to, from)| (to.to_owned(), cells.take(from)));
        let members = members.into_iter().filter(|(_, value)| !value.is_empty());
        let card = members.map(|(to, value)| (to, value.into())).collect();
        login.special = Some(("card", card));
        login.kind = Some("card");
    } else {
        login.kind = Some("bank");
        if kind != "bank" {
            login.fields.push(Field::new("type", kind, FieldKind::Text));
        }
    }
    (title, login)
}

fn id(cells: &mut Cells<'_>, _origin: &Origin, _reading: &mut Reading) -> (String, Login) {
    let (said, name) = (cells.take("type"), cells.take("name"));
    let kind = match said.as_str() {
        "passport" => Some("passport"),
        "license" | "driver_license" | "driverLicense" => Some("drivers-license"),
        "social_security" => Some("social-security-number"),
        _ => Some("document"),
    };
    let mut login = Login { kind, ..Login::default() };
    // `YYYY-M-D`.
    let expires = cells.take("expiration_date");
    let date = dashed(&expires);
    match date {
        Some(date) => login.expires = Some(date),
        None if expires.is_empty() => {}
        None => login.fields.push(Field::new("expiration_date", expires, FieldKind::Date)),
    }
    let title = format!("{said} {name}").trim().to_owned();
    login.fields.push(Field::new("name", name, FieldKind::Text));
    if kind == Some("document") {
        login.fields.push(Field::new("type", said, FieldKind::Text));
    }
    login.fields.retain(|field| !field.value.is_empty());
    (title, login)
}

/// Writes a date with two digits for months and days.
fn dashed(date: &str) -> Option<String> {
    let mut parts = date.split('-').map(|part| part.parse::<i16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    let date = jiff::civil::Date::new(year, month, day).ok()?;
    parts.next().is_none().then(|| format!("{date}T00:00:00Z"))
}

fn person(cells: &mut Cells<'_>, _origin: &Origin, _reading: &mut Reading) -> (String, Login) {
    let names = [
        ("title", "title"),
        ("firstName", "first_name"),
        ("middleName", "middle_name"),
        ("lastName", "last_name"),
        ("username", "login"),
        ("company", "company"),
        ("email", "email"),
        ("phone", "phone_number"),
        ("address1", "address"),
        ("city", "city"),
        ("state", "state"),
        ("postalCode", "zip"),
        ("country", "country"),
    ];
    let members = names.map(|(to, from)| (to, cells.take(from)));
    let of = |name: &str| {
        members.iter().find(|(to, _)| *to == name).map_or("", |(_, value)| value.as_str())
    };
    let full = format!("{} {}", of("firstName"), of("lastName")).trim().to_owned();
    let candidates =
        [cells.take("item_name"), full, of("email").to_owned(), of("phone").to_owned()];
    let title = candidates.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let special = members.into_iter().filter(|(_, value)| !value.is_empty());
    let special = special.map(|(to, value)| (to.to_owned(), value.into())).collect();
    let login =
        Login { kind: Some("identity"), special: Some(("identity", special)), ..Login::default() };
    (title, login)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_two_digits() {
        assert_eq!(dashed("2031-1-5").unwrap(), "2031-01-05T00:00:00Z");
        for date in ["", "2031", "2031-13-1", "2031-1-1-1", "soon", "2031-300-1"] {
            assert_eq!(dashed(date), None, "{date}");
        }
    }
}
