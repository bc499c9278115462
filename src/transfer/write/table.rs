//! A table of logins as Chrome writes it, `name,url,username,password,note`: the columns that most
//! programs read.

use super::super::item::{Content, Item};
use super::super::login::Login;
use super::super::taken::Taken;
use super::losses::{Feature, Losses};
use super::written::Written;
use crate::sys::secret::Secret;

/// The columns.
const HEADER: &str = "name,url,username,password,note\n";

/// What it has beside passwords.
const HELD: &[Feature] = &[Feature::Addresses, Feature::Notes, Feature::Usernames];

/// Writes a row for each login, or for each of its addresses where it has several, as Chrome does; a
/// value that is a text is a password.
pub(super) fn write(items: &[Taken]) -> Written {
    let mut text = Secret::new(HEADER.to_owned());
    let mut losses = Losses::default();
    for taken in items {
        let name = title(&taken.item);
        match &taken.item.content {
            Content::Login(login) => rows(text.expose_mut(), name, login),
            Content::Text(value) => row(text.expose_mut(), [name, "", "", value.expose(), ""]),
            Content::Bytes(_) => {
                losses.leave_out(&taken.name, "is binary");
                continue;
            }
        }
        losses.miss(taken, HELD);
    }
    let bytes = Secret::new(std::mem::take(text.expose_mut()).into_bytes());
    Written { bytes, losses }
}

/// What an item is called where there are no folders.
fn title(item: &Item) -> &str {
    item.exact_name.as_deref().unwrap_or(&item.title)
}

fn rows(text: &mut String, name: &str, login: &Login) {
    let Login { username, password, notes, urls, .. } = login;
    let (password, notes) = (password.expose(), notes.expose());
    for url in urls {
        row(text, [name, url, username, password, notes]);
    }
    if urls.is_empty() {
        row(text, [name, "", username, password, notes]);
    }
}

/// Writes a row; cells are quoted where Chrome quotes them (chromium, `csv_writer.cc`), and where they
/// begin or end with a space.
fn row(text: &mut String, cells: [&str; 5]) {
    for (column, cell) in cells.into_iter().enumerate() {
        if column > 0 {
            text.push(',');
        }
        if cell.contains(['\r', '\n', '"', ',']) || cell.trim() != cell {
            text.push('"');
            for (place, part) in cell.split('"').enumerate() {
                if place > 0 {
                    text.push_str("\"\"");
                }
                text.push_str(part);
            }
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push('\n');
}
