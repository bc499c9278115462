//! Lists of URIs, one a line: `otpauth://`, `steam://`, Ente's, and Google's `otpauth-migration://`.

use serde_json::{Map, Value as Json};

use super::super::super::item::{Item, Origin};
use super::super::super::login::Login;
use super::super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::super::shape::Shape;
use super::super::super::totp::{self, Account, starts_with};
use super::migration::{self, PREFIX};
use crate::model::otp::{self, Otp};

pub(in super::super) fn is_list(shape: &Shape) -> bool {
    let first =
        shape.text().and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty()));
    first.is_some_and(|first| {
        ["otpauth://", "steam://", PREFIX].iter().any(|scheme| starts_with(first, scheme))
    })
}

/// Reads a list.
pub(in super::super) fn read_list(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let text = shape.text().ok_or(Error::Unknown)?;
    let mut reading = Reading::new();
    let mut batches = migration::Batches::default();
    for (place, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), place.saturating_add(1));
        let origin = Origin::Line(number);
        if line.is_empty() {
            continue;
        }
        if starts_with(line, PREFIX) {
            migration::read(line, number, &mut batches, &mut reading)?;
        } else if starts_with(line, "otpauth://") || starts_with(line, "steam://") {
            let item = item(line, &origin, &mut reading);
            reading.items.push(item);
        } else {
            reading.remark(&origin, Outcome::LeftOut, "is no URI of a one-time password");
        }
    }
    batches.require_all()?;
    Ok(reading)
}

/// Makes an item of a URI. What makes no one-time passwords is kept as it is.
pub(super) fn item(line: &str, origin: &Origin, reading: &mut Reading) -> Item {
    let label = Label::of(line);
    let mut login = Login { username: label.name.clone(), ..Login::default() };
    let account = Account { issuer: &label.issuer, name: &label.name };
    login.totp = match Otp::parse(line) {
        Ok(otp) => totp::write(&otp, account),
        Err(_why) => totp::keep(line, account, origin, reading),
    };
    login.left_over = label.others;
    let ente = login.left_over.get("codeDisplay").and_then(Json::as_str);
    let display: Option<Json> = ente.and_then(|text| serde_json::from_str(text).ok());
    let is = |name: &str| {
        display.as_ref().is_some_and(|display| display.get(name) == Some(&true.into()))
    };
    let (is_pinned, is_in_trash) = (is("pinned"), is("trashed"));
    login.is_favorite = is_pinned;
    let title = if label.issuer.is_empty() { label.name } else { label.issuer };
    let mut item = Item::of_login(origin.clone(), title, login);
    item.is_in_trash = is_in_trash;
    let tags = display.as_ref().and_then(|display| display.get("tags")).and_then(Json::as_array);
    let tags = tags.into_iter().flatten().filter_map(Json::as_str);
    item.labels = tags.map(str::to_owned).collect();
    if let (Some(note), Some(login)) =
        (display.as_ref().and_then(|display| display.get("note")), item.login_mut())
    {
        login.notes = note.as_str().unwrap_or_default().into();
    }
    item
}

/// Whose passwords a URI makes.
struct Label {
    issuer: String,
    name: String,
    /// Parameters that say nothing about the passwords.
    others: Map<String, Json>,
}

impl Label {
    fn of(uri: &str) -> Self {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let label = path.splitn(4, '/').nth(3).unwrap_or_default();
        let label = otp::unescaped(label).expose().clone();
        let (mut issuer, name) = match label.split_once(':') {
            Some((issuer, name)) => (issuer.trim().to_owned(), name.trim().to_owned()),
            None => (String::new(), label.trim().to_owned()),
        };
        if starts_with(uri, "steam://") {
            issuer.push_str("Steam");
        }
        let mut others = Map::new();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A plus may stand for a space here.
            let value = otp::unescaped(&value.replace('+', "%20")).expose().clone();
            let key = key.to_ascii_lowercase();
            if key == "issuer" {
                if !value.is_empty() {
                    issuer = value;
                }
            } else if !KNOWN.contains(&key.as_str()) && !value.is_empty() {
                let key = if key == "codedisplay" { "codeDisplay".to_owned() } else { key };
                others.insert(key, value.into());
            }
        }
        Self { issuer, name, others }
    }
}

/// The parameters that are in the one form.
const KNOWN: &[&str] = &["secret", "algorithm", "digits", "period", "counter", "encoder"];
