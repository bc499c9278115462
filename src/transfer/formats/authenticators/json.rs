//! The documents of Aegis, 2FAS, andOTP and Proton Authenticator.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::super::super::item::{Item, Origin};
use super::super::super::login::Login;
use super::super::super::object::Object;
use super::super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::super::shape::Shape;
use super::super::super::totp::{self, Account};
use super::lines;
use crate::model::otp::{Hash, Look, Moves, Otp};

pub(in super::super) fn is_aegis(shape: &Shape) -> bool {
    has(shape, &["version", "header", "db"])
}

pub(in super::super) fn is_two_fas(shape: &Shape) -> bool {
    has(shape, &["schemaVersion", "services"])
}

pub(in super::super) fn is_ente_encrypted(shape: &Shape) -> bool {
    has(shape, &["kdfParams", "encryptedData", "encryptionNonce"])
}

pub(in super::super) fn is_andotp(shape: &Shape) -> bool {
    if is_encrypted_andotp(shape) {
        return true;
    }
    let entries = shape.json().and_then(Json::as_array);
    entries.and_then(|entries| entries.first()).is_some_and(|first| {
        ["secret", "label", "type", "digits"].iter().all(|name| first.get(name).is_some())
    })
}

/// Whether bytes may be andOTP's encrypted backup: it begins with how often the password is hashed, which
/// is between 140,000 and 160,000, and has salt, nonce and tag.
fn is_encrypted_andotp(shape: &Shape) -> bool {
    let Some((rounds, rest)) = shape.bytes().and_then(|bytes| bytes.split_first_chunk::<4>())
    else {
        return false;
    };
    (140_000..=160_000).contains(&u32::from_be_bytes(*rounds)) && rest.len() > 12 + 12 + 16
}

pub(in super::super) fn is_proton(shape: &Shape) -> bool {
    let entries = shape.json().and_then(|json| json.get("entries")).and_then(Json::as_array);
    entries
        .and_then(|entries| entries.first())
        .is_some_and(|first| first.pointer("/content/uri").is_some())
}

fn has(shape: &Shape, names: &[&str]) -> bool {
    shape.json().is_some_and(|json| names.iter().all(|name| json.get(name).is_some()))
}

/// Reads Aegis', as its own page on vaults describes it.
pub(in super::super) fn read_aegis(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let json = shape.json().ok_or(Error::Unknown)?;
    let Some(db) = json.get("db").filter(|db| db.is_object()) else {
        return Err(encrypted("Aegis", "export again from Aegis, without encryption"));
    };
    let groups = names(db.get("groups"), "uuid", "name");
    Ok(read_all(entries(db, "entries")?, |object, draft| {
        let mut info = object.object("info");
        let key = Particulars {
            id: object.text("uuid"),
            issuer: object.text("issuer"),
            name: object.text("name"),
            secret: info.text("secret"),
            kind: object.text("type"),
            algorithm: info.text("algo"),
            digits: info.number("digits"),
            period: info.number("period"),
            counter: info.number("counter"),
        };
        object.put_back("info", info);
        let notes = object.text("note");
        let is_favorite = object.flag("favorite");
        draft.forget(object, &["icon", "icon_mime", "icon_hash"]);
        let mut labels = vec![object.text("group")];
        let mut unknown = Vec::new();
        for id in object.list("groups") {
            match id.as_str().and_then(|id| groups.get(id)) {
                Some(name) => labels.push(name.clone()),
                None => unknown.push(id),
            }
        }
        object.keep("groups", unknown.into());
        let login = Login { notes: notes.into(), is_favorite, ..Login::default() };
        key.into_item(object, login, labels, draft)
    }))
}

/// Reads 2FAS'.
pub(in super::super) fn read_two_fas(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let json = shape.json().ok_or(Error::Unknown)?;
    let sealed = json.get("servicesEncrypted").is_some_and(|sealed| sealed.as_str() != Some(""));
    if sealed && !json["servicesEncrypted"].is_null() {
        return Err(encrypted("2FAS", "export again from 2FAS, without a password"));
    }
    let groups = names(json.get("groups"), "id", "name");
    Ok(read_all(entries(json, "services")?, |object, draft| {
        let mut otp = object.object("otp");
        let issuer = otp.text("issuer");
        let title = object.text("name");
        let key = Particulars {
            id: String::new(),
            issuer: if issuer.is_empty() { title.clone() } else { issuer },
            name: otp.text("account"),
            secret: object.text("secret"),
            kind: otp.text("tokenType"),
            algorithm: otp.text("algorithm"),
            digits: otp.number("digits"),
            period: otp.number("period"),
            counter: otp.number("counter"),
        };
        // `link` says the same once more.
        draft.forget(&mut otp, &["source", "label", "link"]);
        draft.forget(object, &["icon", "order", "updatedAt", "badge", "serviceTypeID"]);
        object.put_back("otp", otp);
        let group = object.text("groupId");
        let labels = groups.get(&group).cloned().into_iter().collect();
        if !groups.contains_key(&group) {
            object.keep("groupId", group.into());
        }
        let mut item = key.into_item(object, Login::default(), labels, draft);
        if !title.is_empty() {
            item.title = title;
        }
        item
    }))
}

/// Reads andOTP's.
pub(in super::super) fn read_andotp(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    if shape.bytes().is_some() {
        return Err(encrypted("andOTP", "back up from andOTP again, as plain text"));
    }
    let json = shape.json().ok_or(Error::Unknown)?;
    let all = json.as_array().ok_or_else(|| Error::malformed("the document", "is no list"))?;
    Ok(read_all(all, |object, draft| {
        let (mut issuer, mut name) = (object.text("issuer"), object.text("label"));
        // Before it had issuers.
        if let (true, Some((before, after))) = (issuer.is_empty(), name.clone().split_once(" - ")) {
            (issuer, name) = (before.to_owned(), after.to_owned());
        }
        let key = Particulars {
            id: String::new(),
            issuer,
            name,
            secret: object.text("secret"),
            kind: object.text("type"),
            algorithm: object.text("algorithm"),
            digits: object.number("digits"),
            period: object.number("period"),
            counter: object.number("counter"),
        };
        draft.forget(object, &["thumbnail", "last_used", "used_frequency"]);
        let tags = object.list("tags");
        let labels = tags.iter().filter_map(Json::as_str).map(str::to_owned).collect();
        key.into_item(object, Login::default(), labels, draft)
    }))
}

/// Reads Proton Authenticator's, where each entry has a URI.
pub(in super::super) fn read_proton(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let json = shape.json().ok_or(Error::Unknown)?;
    let mut reading = Reading::new();
    for (place, entry) in entries(json, "entries")?.iter().enumerate() {
        let origin = Origin::Position(place.saturating_add(1));
        let mut object = Object::of(entry).unwrap_or_default();
        let mut content = object.object("content");
        let (uri, name) = (content.text("uri"), content.text("name"));
        content.keep("name", name.into());
        if uri.is_empty() {
            reading.remark(&origin, Outcome::LeftOut, "has no URI");
            continue;
        }
        let id = object.text("id");
        let origin = if id.is_empty() { origin } else { Origin::Id(id) };
        let notes = object.text("note");
        object.put_back("content", content);
        let mut item = lines::item(&uri, &origin, &mut reading);
        if let Some(login) = item.login_mut() {
            login.notes = notes.into();
            login.left_over.extend(object.left_over());
        }
        reading.items.push(item);
    }
    Ok(reading)
}

/// Refuses Ente's encrypted export.
pub(in super::super) fn read_ente_encrypted(
    _shape: &Shape,
    _wishes: &Wishes,
) -> Result<Reading, Error> {
    Err(encrypted("Ente Auth", "export again from Ente Auth, as plain text"))
}

fn encrypted(whose: &str, remedy: &'static str) -> Error {
    Error::Unreadable { why: format!("the export of {whose} is encrypted"), remedy }
}

fn entries<'j>(json: &'j Json, name: &str) -> Result<&'j [Json], Error> {
    let entries = json.get(name).and_then(Json::as_array).map(Vec::as_slice);
    entries.ok_or_else(|| Error::malformed("the document", format!("has no list of {name}")))
}

/// The names of groups, by their ids.
fn names(groups: Option<&Json>, id: &str, name: &str) -> BTreeMap<String, String> {
    let all = groups.and_then(Json::as_array).into_iter().flatten().filter_map(Object::of);
    crate::model::order::map_of(all.map(|mut group| (group.text(id), group.text(name))))
}

fn read_all(
    entries: &[Json],
    mut read: impl FnMut(&mut Object, &mut Draft<'_>) -> Item,
) -> Reading {
    let mut reading = Reading::new();
    let mut forgotten = BTreeSet::new();
    for (place, entry) in entries.iter().enumerate() {
        let position = Origin::Position(place.saturating_add(1));
        let Some(mut object) = Object::of(entry) else {
            reading.remark(&position, Outcome::LeftOut, "is no entry");
            continue;
        };
        let mut draft = Draft { position, reading: &mut reading, forgotten: &mut forgotten };
        let item = read(&mut object, &mut draft);
        reading.items.push(item);
    }
    if let (Some(first), false) = (reading.items.first(), forgotten.is_empty()) {
        let names: Vec<&str> = forgotten.into_iter().collect();
        let what = format!("of this and all other entries: {}", names.join(", "));
        let origin = first.origin.clone();
        reading.remark(&origin, Outcome::PartLeftOut, what);
    }
    reading
}

/// Where an entry is, and what is said of it.
struct Draft<'a> {
    position: Origin,
    reading: &'a mut Reading,
    /// The members that no entry keeps.
    forgotten: &'a mut BTreeSet<&'static str>,
}

impl Draft<'_> {
    /// Drops members that mean nothing to other programs: pictures, the order on a screen, when an
    /// entry was looked at.
    fn forget(&mut self, object: &mut Object, names: &[&'static str]) {
        for name in names {
            if object.has(name) {
                self.forgotten.insert(name);
            }
            drop(object.take(name));
        }
    }
}

/// What all of them have of a key, in words and numbers of their own.
struct Particulars {
    id: String,
    issuer: String,
    name: String,
    secret: String,
    kind: String,
    algorithm: String,
    digits: Option<i64>,
    period: Option<i64>,
    counter: Option<i64>,
}

impl Particulars {
    /// Makes an item. What makes no one-time passwords that are known here is kept as it was.
    fn into_item(
        self,
        object: &mut Object,
        mut login: Login,
        labels: Vec<String>,
        draft: &mut Draft<'_>,
    ) -> Item {
        let Draft { position, reading, .. } = draft;
        let origin =
            if self.id.is_empty() { position.clone() } else { Origin::Id(self.id.clone()) };
        let account = Account { issuer: &self.issuer, name: &self.name };
        match self.otp() {
            Ok(otp) => login.totp = totp::write(&otp, account),
            Err(why) => {
                let what = format!("its key is kept as it is, in `source`: {why}");
                reading.remark(&origin, Outcome::Doubtful, what);
                let numbers =
                    [("digits", self.digits), ("period", self.period), ("counter", self.counter)];
                let texts = [
                    ("secret", &self.secret),
                    ("type", &self.kind),
                    ("algorithm", &self.algorithm),
                ];
                for (name, text) in texts {
                    object.keep(name, text.as_str().into());
                }
                for (name, number) in numbers {
                    object.keep(name, number.into());
                }
            }
        }
        login.username.clone_from(&self.name);
        object.remark_on(reading, &origin);
        login.left_over = std::mem::take(object).left_over();
        let title = if self.issuer.is_empty() { self.name } else { self.issuer };
        let mut item = Item::of_login(origin, title, login);
        item.labels = labels.into_iter().filter(|label| !label.is_empty()).collect();
        item
    }

    fn otp(&self) -> Result<Otp, String> {
        let kind = self.kind.to_ascii_lowercase();
        let wants_number = |number: Option<i64>, usual: i64| number.unwrap_or(usual);
        let moves = match kind.as_str() {
            "" | "totp" | "steam" => {
                let period = u32::try_from(wants_number(self.period, 30)).ok();
                let period = period.filter(|period| *period > 0);
                Moves::Time { period: period.ok_or("the period is no number of seconds")? }
            }
            "hotp" => {
                let counter = u64::try_from(wants_number(self.counter, 0));
                Moves::Counter(counter.map_err(|_negative| "the counter is none")?)
            }
            _ => return Err("it is of a type that is neither totp nor hotp".to_owned()),
        };
        let look = if kind == "steam" {
            Look::Steam
        } else {
            let digits = u32::try_from(wants_number(self.digits, 6)).ok();
            let digits = digits.filter(|digits| (6..=8).contains(digits));
            Look::Digits(digits.ok_or("digits must be 6 to 8")?)
        };
        let hash = match self.algorithm.as_str() {
            "" => Hash::Sha1,
            algorithm => Hash::parse(algorithm).map_err(|why| why.to_string())?,
        };
        let key = totp::key(&self.secret).map_err(|why| why.to_string())?;
        Ok(Otp { key, hash, look, moves })
    }
}
