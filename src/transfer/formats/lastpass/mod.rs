//! LastPass's table. Notes of a kind have their fields as lines in a cell.

mod entities;
mod notes;

use super::super::item::{Item, Origin};
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;
use super::super::table::Row;
use super::rows;

const COLUMNS: [&str; 8] =
    ["url", "username", "password", "totp", "extra", "name", "grouping", "fav"];

/// What stands for the address of a note, and of a login without one.
const NOTE: &str = "http://sn";
const NOWHERE: &str = "http://";

/// The first cell of the header above a second table, of what is filled into forms.
const FORMS: &str = "profilename";

pub(super) fn is_table(shape: &Shape) -> bool {
    shape.table().is_some_and(|table| {
        COLUMNS.iter().all(|name| *name == "totp" || table.column(name).is_some())
    })
}

/// Reads the table.
pub(super) fn read_table(shape: &Shape, wishes: &Wishes) -> Result<Reading, Error> {
    let table = shape.table().ok_or(Error::Unknown)?;
    let columns = COLUMNS.map(|name| table.column(name));
    let mut reading = Reading::new();
    let is_form =
        |row: &Row| row.cells.first().is_some_and(|cell| cell.eq_ignore_ascii_case(FORMS));
    let end = table.rows.iter().position(is_form).unwrap_or(table.rows.len());
    let (logins, forms) = table.rows.split_at_checked(end).unwrap_or((&table.rows, &[]));
    for row in logins {
        table.require_even_row(row)?;
        let origin = Origin::Line(row.line);
        let cells = columns.map(|column| row.cell(column).to_owned());
        let is_coded = cells.iter().any(|cell| entities::has_any(cell));
        let cells = match (is_coded, wishes.decode_entities) {
            (true, true) => {
                let what = "has &amp; and the like, which became what they stand for";
                reading.remark(&origin, Outcome::Changed, what);
                cells.map(|cell| entities::decode(&cell))
            }
            (true, false) => {
                let what = "has &amp; or the like, which old versions of LastPass wrote for & and \
                            the like; if so, use --decode-entities";
                reading.remark(&origin, Outcome::Doubtful, what);
                cells
            }
            (false, _) => cells,
        };
        let [url, username, password, totp, extra, name, grouping, favorite] =
            cells.each_ref().map(String::as_str);
        let is_note = url == NOTE;
        let url = if is_note || url == NOWHERE { "" } else { url };
        let mut login = rows::login(username, password, url, extra);
        if is_note {
            login.kind = Some("note");
            notes::take(extra, &mut login);
        }
        rows::totp_or_remark(totp, name, &mut login, (&origin, &mut reading));
        login.is_favorite = favorite == "1";
        login.left_over.extend(rows::left_over(table, row, &COLUMNS));
        let mut item = Item::of_login(origin, name, login);
        if grouping != "(none)" {
            let folders = grouping.split('\\').filter(|folder| !folder.is_empty());
            item.folders = folders.map(str::to_owned).collect();
        }
        reading.items.push(item);
    }
    for row in forms.iter().skip(1) {
        reading.remark(&Origin::Line(row.line), Outcome::LeftOut, "is what is filled into forms");
    }
    Ok(reading)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::secret::Secret;
    use crate::transfer::reading::Source;

    #[test]
    fn entities_are_decoded_only_when_asked() {
        let text = "url,username,password,extra,name,grouping,fav\nhttp://a,b,c&amp;d,,e,,0\n";
        let shape = Shape::of(Source::Bytes(Secret::new(text.into()))).ok().unwrap();
        for (decode_entities, password) in [(false, "c&amp;d"), (true, "c&d")] {
            let wishes = Wishes { decode_entities, ..Wishes::default() };
            let mut reading = read_table(&shape, &wishes).ok().unwrap();
            assert_eq!(reading.remarks.len(), 1);
            let login = reading.items[0].login_mut().unwrap();
            assert_eq!(login.password.expose(), password);
        }
    }
}
