//! `.env` files: lines of `KEY=value`, quoted so that as many programs as possible read the same.

use std::collections::BTreeMap;

use super::super::item::{Content, Item};
use super::super::login::{FieldKind, Login};
use super::super::taken::Taken;
use super::losses::{Feature, Losses};
use super::written::Written;
use crate::sys::secret::Secret;

/// What it has of a login beside the password.
const HELD: &[Feature] = &[
    Feature::Fields,
    Feature::OneTimePasswords,
    Feature::Notes,
    Feature::Usernames,
    Feature::Sections,
    Feature::Addresses,
    // They tell names apart where that is needed.
    Feature::Folders,
];

/// A variable that is to be.
struct Variable<'i> {
    name: String,
    value: &'i str,
}

/// Writes a variable for each value that is a text, and one for each field of a login.
pub(super) fn write(items: &[Taken]) -> Written {
    let mut text = Secret::new(String::new());
    let mut losses = Losses::default();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for taken in items {
        *known.entry(short(&taken.name)).or_default() += 1;
    }
    let mut written: BTreeMap<String, &str> = BTreeMap::new();
    for taken in items {
        let is_alone = known.get(&short(&taken.name)).is_some_and(|count| *count == 1);
        let name = if is_alone { short(&taken.name) } else { fit(&taken.name) };
        let Some(variables) = variables(&taken.item, &name) else {
            losses.leave_out(&taken.name, "is binary");
            continue;
        };
        let taken_by = variables.iter().find_map(|variable| written.get(&variable.name));
        if let Some(other) = taken_by {
            losses.leave_out(&taken.name, format!("would have the same variables as {other}"));
            continue;
        }
        if variables.iter().any(|variable| variable.value.contains('\0')) {
            losses.leave_out(&taken.name, "has a byte 0, which no variable can have");
            continue;
        }
        losses.miss(taken, HELD);
        if let Content::Login(login) = &taken.item.content {
            let more = login.urls.len().saturating_sub(1);
            losses.add(Feature::Addresses, u64::try_from(more).unwrap_or(u64::MAX));
        }
        for Variable { name, value } in variables {
            if let Some(doubt) = line(text.expose_mut(), &name, value) {
                losses.doubt(&taken.name, format!("{name} has {doubt}"));
            }
            written.insert(name, &taken.name);
        }
    }
    let bytes = Secret::new(std::mem::take(text.expose_mut()).into_bytes());
    Written { bytes, losses }
}

/// The variables that come of an item; none of one that is binary.
fn variables<'i>(item: &'i Item, name: &str) -> Option<Vec<Variable<'i>>> {
    match &item.content {
        Content::Login(login) => Some(of_login(login, &name.to_ascii_uppercase())),
        Content::Text(value) => {
            Some(vec![Variable { name: name.to_owned(), value: value.expose() }])
        }
        Content::Bytes(_) => None,
    }
}

fn of_login<'i>(login: &'i Login, name: &str) -> Vec<Variable<'i>> {
    let url = login.urls.first().map_or("", String::as_str);
    let usual = [
        ("USERNAME", login.username.as_str()),
        ("PASSWORD", login.password.expose()),
        ("TOTP", login.totp.expose()),
        ("URL", url),
        ("NOTES", login.notes.expose()),
    ];
    let fields = login.fields.iter().map(|field| {
        let member = match (field.name.as_str(), field.kind) {
            ("", FieldKind::Totp) => "totp",
            ("", _) => "field",
            (name, _) => name,
        };
        (fit(member).to_ascii_uppercase(), field.value.expose())
    });
    let all = usual.map(|(member, value)| (member.to_owned(), value)).into_iter().chain(fields);
    let mut variables: Vec<Variable<'i>> = Vec::new();
    for (member, value) in all.filter(|(_, value)| !value.is_empty()) {
        let first = format!("{name}_{member}");
        let mut free = first.clone();
        let mut number = 2;
        while variables.iter().any(|variable| variable.name == free) {
            free = format!("{first}_{number}");
            number += 1;
        }
        variables.push(Variable { name: free, value });
    }
    variables
}

/// The name of the variable that a secret is: after its last slash, unless nothing is there.
fn short(name: &str) -> String {
    let name = name.trim_end_matches('/');
    fit(name.rsplit('/').next().unwrap_or(name))
}

/// Writes a name as the name of a variable: as it is, if it is one, or else in capitals, with `_` for
/// whatever is no letter or digit of ASCII.
fn fit(name: &str) -> String {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins_with_digit = name.starts_with(|c: char| c.is_ascii_digit());
    if name.is_empty() {
        return "_".to_owned();
    }
    if name.chars().all(is_fit) && !begins_with_digit {
        return name.to_owned();
    }
    let fitting = |c: char| if is_fit(c) { c.to_ascii_uppercase() } else { '_' };
    let name: String = name.chars().map(fitting).collect();
    if begins_with_digit { format!("_{name}") } else { name }
}

/// Writes a line. Returns what some programs read otherwise.
fn line(text: &mut String, name: &str, value: &str) -> Option<&'static str> {
    text.push_str(name);
    text.push('=');
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,-".contains(c);
    if value.chars().all(is_bare) {
        text.push_str(value);
        text.push('\n');
        return None;
    }
    let is_plain = !value.contains(['\'', '\n', '\r', '\\']);
    if is_plain {
        // Nothing means anything within these, for any program.
        text.push('\'');
        text.push_str(value);
        text.push_str("'\n");
        return None;
    }
    text.push('"');
    for letter in value.chars() {
        match letter {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '"' | '\\' => text.extend(['\\', letter]),
            other => text.push(other),
        }
    }
    text.push_str("\"\n");
    if value.contains('$') {
        Some("a $ within double quotes, which python-dotenv, Ruby and Compose may replace")
    } else if value.contains(['"', '\\']) {
        Some("a quote or a backslash, which dotenv of Node.js reads otherwise")
    } else if value.contains(['\n', '\r']) {
        Some("a line break, which dotenv of Ruby reads otherwise")
    } else {
        None
    }
}
