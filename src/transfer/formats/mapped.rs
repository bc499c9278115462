//! Any table: which columns are what is said by the user, or by names that everybody understands.

use super::super::item::{Item, Origin};
use super::super::login::{Field, FieldKind, Login};
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;
use super::super::table::{Row, Table};
use super::rows;

/// What a column can be, and the names that say so where the user does not.
const MEANINGS: [(&str, &[&str]); 7] = [
    ("name", &["name", "title"]),
    ("username", &["username", "user", "user name", "login"]),
    ("password", &["password"]),
    ("totp", &["totp", "otpauth"]),
    ("url", &["url", "website", "web site"]),
    ("notes", &["notes", "note", "comments"]),
    ("folder", &["folder", "group"]),
];

/// Words in the names of columns that are not shown.
const HIDDEN: &[&str] = &["password", "secret", "pin", "key", "token", "code"];

/// Whether the header says enough by itself.
pub(super) fn is_table(shape: &Shape) -> bool {
    shape.table().is_some_and(|table| {
        let meanings = meanings(table, &[]).unwrap_or_default();
        let has = |name: &str| meanings.iter().flatten().any(|meaning| meaning == name);
        has("password") && (has("name") || has("url"))
    })
}

/// Reads the table.
pub(super) fn read_table(shape: &Shape, wishes: &Wishes) -> Result<Reading, Error> {
    let table = rows::even(shape)?;
    let meanings = meanings(table, &wishes.columns)?;
    let has = |name: &str| meanings.iter().flatten().any(|meaning| meaning == name);
    if !has("name") && !has("url") {
        return Err(Error::Unreadable {
            why: "no column is the name or the url of an item".to_owned(),
            remedy: "say which with --map, as in --map name=HEADER,password=HEADER",
        });
    }
    let mut reading = Reading::new();
    for row in &table.rows {
        let item = item(table, row, &meanings, &mut reading);
        reading.items.push(item);
    }
    Ok(reading)
}

/// Returns what each column is; `None` is a field of the header's name.
fn meanings(table: &Table, map: &[(String, String)]) -> Result<Vec<Option<String>>, Error> {
    let mut meanings = vec![None; table.header.len()];
    for (meaning, header) in map {
        let mut found = table.header.iter().zip(&mut meanings);
        let mut found = found.by_ref().filter(|(name, _)| name.eq_ignore_ascii_case(header.trim()));
        let (first, second) = (found.next(), found.next());
        match (first, second) {
            (Some((_, place)), None) => *place = Some(meaning.clone()),
            (Some(_), Some(_)) => {
                return Err(Error::malformed("the header", format!("has {header:?} twice")));
            }
            (None, _) => {
                return Err(Error::malformed("the header", format!("has no column {header:?}")));
            }
        }
    }
    if map.is_empty() {
        for (meaning, names) in MEANINGS {
            let is_one =
                |header: &String| names.iter().any(|name| header.eq_ignore_ascii_case(name));
            let place = table.header.iter().position(is_one);
            if let Some(place) = place.and_then(|place| meanings.get_mut(place)) {
                *place = Some(meaning.to_owned());
            }
        }
    }
    Ok(meanings)
}

fn item(table: &Table, row: &Row, meanings: &[Option<String>], reading: &mut Reading) -> Item {
    let origin = Origin::Line(row.line);
    let mut login = Login::default();
    let (mut name, mut folders, mut totp) = ("", Vec::new(), "");
    for ((header, meaning), cell) in table.header.iter().zip(meanings).zip(&row.cells) {
        if cell.is_empty() {
            continue;
        }
        match meaning.as_deref().unwrap_or_default() {
            "name" if name.is_empty() => name = cell,
            "username" if login.username.is_empty() => cell.clone_into(&mut login.username),
            "password" if login.password.is_empty() => login.password = cell.as_str().into(),
            "totp" if totp.is_empty() => totp = cell,
            "url" => login.urls.push(cell.clone()),
            "notes" if login.notes.is_empty() => login.notes = cell.as_str().into(),
            "folder" if folders.is_empty() => {
                let parts = cell.split(['/', '\\']).filter(|part| !part.is_empty());
                folders = parts.map(str::to_owned).collect();
            }
            other => {
                // What the user calls by another word is a field of that name.
                let is_usual = MEANINGS.iter().any(|(known, _)| *known == other);
                let called = if other.is_empty() || is_usual { header.as_str() } else { other };
                let lower = called.to_ascii_lowercase();
                let is_hidden = HIDDEN.iter().any(|word| lower.contains(word));
                let kind = if is_hidden { FieldKind::Hidden } else { FieldKind::Text };
                login.fields.push(Field::new(called, cell.as_str(), kind));
            }
        }
    }
    if let Err(why) = rows::totp(totp, name, &mut login) {
        let what = format!("its one-time password makes none: {why}");
        reading.remark(&origin, Outcome::Doubtful, what);
    }
    let mut item = Item::of_login(origin, name, login);
    item.folders = folders;
    item
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::secret::Secret;
    use crate::transfer::reading::Source;

    fn read(text: &str, map: &[(&str, &str)]) -> Result<Reading, Error> {
        let shape = Shape::of(Source::Bytes(Secret::new(text.into()))).ok().unwrap();
        let columns = map.iter().map(|(name, header)| ((*name).into(), (*header).into())).collect();
        read_table(&shape, &Wishes { columns, ..Wishes::default() })
    }

    #[test]
    fn columns_are_what_the_user_says() {
        let text = "Bezeichnung;x,Kennwort,Ort,PIN,Rest\nDemo,s3-Kite,Work\\A,7070,r\n";
        let map = [
            ("name", "bezeichnung;x"),
            ("password", "Kennwort"),
            ("folder", "Ort"),
            ("more", "Rest"),
        ];
        let mut reading = read(text, &map).ok().unwrap();
        let item = &mut reading.items[0];
        assert_eq!((item.title.as_str(), item.folders.len()), ("Demo", 2));
        assert_eq!(
            item.login_mut().unwrap().to_json().expose(),
            r#"{"password":"s3-Kite","fields":[{"name":"PIN","value":"7070","type":"hidden"},{"name":"more","value":"r","type":"text"}]}"#
        );
    }

    #[test]
    fn what_is_long_stays_whole() {
        let (password, notes) = ("x".repeat(70_000), "note\n".repeat(12_000));
        let text = format!("name,password,notes\nlong,{password},\"{notes}\"\n");
        let mut reading = read(&text, &[]).ok().unwrap();
        let login = reading.items[0].login_mut().unwrap();
        assert_eq!(login.password.expose(), password);
        assert_eq!(login.notes.expose(), notes);
    }

    #[test]
    fn a_map_that_does_not_fit_is_refused() {
        let fails = |text: &str, map: &[(&str, &str)]| read(text, map).err().unwrap().to_string();
        assert_eq!(fails("a,b\n1,2\n", &[("name", "c")]), "the header: has no column \"c\"");
        assert_eq!(fails("a,A\n1,2\n", &[("name", "a")]), "the header: has \"a\" twice");
        let none = "no column is the name or the url of an item";
        assert_eq!(fails("a,b\n1,2\n", &[("password", "a")]), none);
        assert_eq!(
            fails("a,b\n1\n", &[("name", "a")]),
            "line 2: has 1 cells where the header has 2"
        );
    }
}
