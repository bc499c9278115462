//! Bitwarden's JSON, which Vaultwarden and many other programs read too.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json};

use super::super::item::{Content, Earlier, Item};
use super::super::login::{Field, FieldKind, Login};
use super::super::taken::Taken;
use super::super::text;
use super::losses::{Feature, Losses};
use super::place::place;
use super::written::Written;
use crate::crypto::fingerprint;
use crate::sys::secret::Secret;

/// The namespace of the ids of items and folders; a random UUID.
const IDS: [u8; 16] = *b"\x91\x3c\x77\x0e\x2a\xd8\x4f\x5b\xa6\x14\x9d\x60\x3f\xe2\x8b\x05";

/// The kinds beside logins and notes: our word, the number, and the member that has what belongs to it.
const KINDS: [(&str, u8, &str); 6] = [
    ("card", 3, "card"),
    ("identity", 4, "identity"),
    ("ssh-key", 5, "sshKey"),
    ("bank", 6, "bankAccount"),
    ("drivers-license", 7, "driversLicense"),
    ("passport", 8, "passport"),
];

/// What it has beside passwords. What else there is of some of these is counted apart.
const HELD: &[Feature] = &[
    Feature::Addresses,
    Feature::Notes,
    Feature::Usernames,
    Feature::Folders,
    Feature::Fields,
    Feature::Passkeys,
    Feature::OneTimePasswords,
    Feature::Favorites,
    Feature::Dates,
    Feature::History,
    Feature::Archived,
    Feature::Kinds,
    Feature::Sources,
];

/// Writes a document.
pub(super) fn write(items: &[Taken]) -> Written {
    let mut losses = Losses::default();
    let mut folders: BTreeSet<String> = BTreeSet::new();
    let mut written: Vec<Json> = Vec::new();
    for taken in items {
        let (path, title) = place(taken);
        let folder = path.join("/");
        let Some(mut members) = item(taken, &title, &mut losses) else { continue };
        let id = if folder.is_empty() { Json::Null } else { id("folder", &folder).into() };
        members.insert("folderId".to_owned(), id);
        written.push(Json::Object(members));
        losses.miss(taken, HELD);
        if !folder.is_empty() {
            folders.insert(folder);
        }
    }
    let folders = folders
        .iter()
        .map(|name| object([("id", id("folder", name).into()), ("name", name.as_str().into())]));
    let document = object([
        ("encrypted", false.into()),
        ("folders", folders.collect()),
        ("items", written.into()),
    ]);
    let mut text = Secret::new(format!("{document:#}"));
    let bytes = Secret::new(std::mem::take(text.expose_mut()).into_bytes());
    Written { bytes, losses }
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    let mut object = Map::new();
    object.extend(members.map(|(name, value)| (name.to_owned(), value)));
    Json::Object(object)
}

fn id(what: &str, name: &str) -> String {
    fingerprint::uuid_of_name(&IDS, format!("{what}\0{name}").as_bytes())
}

/// Returns a text, or nothing for an empty one.
fn some(text: &str) -> Json {
    if text.is_empty() { Json::Null } else { text.into() }
}

/// Writes an item; none of one that is binary.
fn item(taken: &Taken, title: &str, losses: &mut Losses) -> Option<Map<String, Json>> {
    let mut members = Map::new();
    members.insert("id".to_owned(), id("item", &taken.name).into());
    members.insert("name".to_owned(), title.into());
    match &taken.item.content {
        Content::Login(login) => {
            of_login(login, taken, &mut members, losses);
        }
        Content::Text(text) => {
            let is_line = !text.expose().contains(['\n', '\r']);
            let mut login = Login::default();
            if is_line {
                login.password = text.expose().as_str().into();
            } else {
                login.kind = Some("note");
                login.notes = text.expose().as_str().into();
            }
            of_login(&login, taken, &mut members, losses);
        }
        Content::Bytes(_) => {
            losses.leave_out(&taken.name, "is binary");
            return None;
        }
    }
    Some(members)
}

fn of_login(login: &Login, taken: &Taken, members: &mut Map<String, Json>, losses: &mut Losses) {
    let mut put = |name: &str, value: Json| drop(members.insert(name.to_owned(), value));
    let mut fields: Vec<Json> = login.fields.iter().map(field).collect();
    let kind = KINDS.iter().find(|(kind, ..)| login.kind == Some(kind));
    let known = kind.filter(|(_, _, member)| {
        login.special.as_ref().is_some_and(|(special, _)| special == member)
    });
    let is_login = !login.username.is_empty()
        || !login.password.is_empty()
        || !login.totp.is_empty()
        || !login.urls.is_empty()
        || !login.passkeys.is_empty();
    match (known, &login.special) {
        (Some((_, number, member)), Some((_, special))) => {
            put("type", (*number).into());
            put(member, special.clone().into());
            // What only logins have there.
            for (name, value) in further_members(login) {
                fields.push(hidden(name, value));
            }
            losses.add(Feature::Passkeys, count(login.passkeys.len()));
        }
        (_, special) => {
            losses.add(Feature::Kinds, u64::from(special.is_some()));
            if is_login {
                put("type", 1.into());
                put("login", login_members(login, taken));
            } else {
                put("type", 2.into());
                put("secureNote", object([("type", 0.into())]));
            }
        }
    }
    let mut rest = login.left_over.clone();
    let is_theirs = taken.source.starts_with("bitwarden");
    if is_theirs {
        fields.extend(linked(&mut rest));
    }
    let reprompt = rest.shift_remove("reprompt").filter(|_| is_theirs);
    put("reprompt", reprompt.unwrap_or_else(|| 0.into()));
    put("notes", some(login.notes.expose()));
    put("favorite", login.is_favorite.into());
    if !fields.is_empty() {
        put("fields", fields.into());
    }
    if is_theirs && let Some(Json::Object(inner)) = rest.get_mut("login") {
        // Written with the addresses.
        inner.shift_remove("uris");
        if inner.is_empty() {
            rest.shift_remove("login");
        }
    }
    losses.add(Feature::Sources, u64::from(!rest.is_empty()));
    put("passwordHistory", history(&taken.item, losses));
    let date = |date: &Option<String>| date.as_deref().map_or(Json::Null, Json::from);
    put("creationDate", date(&login.created));
    put("revisionDate", date(&login.modified));
    if login.is_archived {
        let when = login.modified.as_ref().or(login.created.as_ref());
        put("archivedDate", when.map_or(Json::Null, |when| when.as_str().into()));
        losses.add(Feature::Archived, u64::from(when.is_none()));
    }
    losses.add(Feature::Dates, u64::from(login.expires.is_some()));
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What a card and the like may have beside its own members, each under a name.
fn further_members(login: &Login) -> Vec<(&str, &str)> {
    let usual = [
        ("username", login.username.as_str()),
        ("password", login.password.expose()),
        ("totp", login.totp.expose()),
    ];
    let urls = login.urls.iter().map(|url| ("url", url.as_str()));
    usual.into_iter().chain(urls).filter(|(_, value)| !value.is_empty()).collect()
}

fn login_members(login: &Login, taken: &Taken) -> Json {
    let plain = login.urls.iter().map(|url| object([("uri", url.as_str().into())]));
    let rules = login.left_over.get("login").and_then(|inner| inner.get("uris"));
    let rules = rules.filter(|_| taken.source.starts_with("bitwarden"));
    object([
        ("username", some(&login.username)),
        ("password", some(login.password.expose())),
        ("totp", some(login.totp.expose())),
        ("uris", rules.cloned().unwrap_or_else(|| plain.collect())),
        ("fido2Credentials", login.passkeys.iter().map(passkey).collect()),
    ])
}

/// Takes the fields that stand for others, which have no value, out of what was left over.
fn linked(rest: &mut Map<String, Json>) -> Vec<Json> {
    let Some(Json::Array(all)) = rest.shift_remove("fields") else { return Vec::new() };
    let is_linked = |field: &Json| field.get("type").and_then(Json::as_i64) == Some(3);
    let (linked, others): (Vec<Json>, Vec<Json>) = all.into_iter().partition(is_linked);
    if !others.is_empty() {
        rest.insert("fields".to_owned(), others.into());
    }
    linked
}

fn field(field: &Field) -> Json {
    let kind = match field.kind {
        FieldKind::Hidden | FieldKind::Totp => 1,
        FieldKind::Boolean => 2,
        FieldKind::Text
        | FieldKind::Date
        | FieldKind::Email
        | FieldKind::Phone
        | FieldKind::Url => 0,
    };
    object([
        ("name", some(&field.name)),
        ("value", field.value.expose().into()),
        ("type", kind.into()),
    ])
}

fn hidden(name: &str, value: &str) -> Json {
    object([("name", name.into()), ("value", value.into()), ("type", 1.into())])
}

fn passkey(passkey: &Map<String, Json>) -> Json {
    let text = |name: &str| match passkey.get(name) {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Number(number)) => number.to_string(),
        Some(_) | None => String::new(),
    };
    let algorithm = text("algorithm");
    let (name, curve) = match algorithm.as_str() {
        "ES256" | "" => ("ECDSA", "P-256"),
        other => other.split_once(' ').unwrap_or((other, "")),
    };
    let counter = Some(text("counter")).filter(|counter| !counter.is_empty());
    object([
        ("credentialId", credential_id(&text("credentialId")).into()),
        ("keyType", "public-key".into()),
        ("keyAlgorithm", name.into()),
        ("keyCurve", curve.into()),
        ("keyValue", text("privateKey").into()),
        ("rpId", text("rpId").into()),
        ("rpName", some(&text("rpName"))),
        ("userHandle", some(&text("userHandle"))),
        ("userName", some(&text("userName"))),
        ("userDisplayName", some(&text("userDisplayName"))),
        ("counter", counter.unwrap_or_else(|| "0".to_owned()).into()),
        ("discoverable", "true".into()),
        ("creationDate", some(&text("created"))),
    ])
}

/// Writes the id of a passkey as Bitwarden does: a UUID where it is as long as one.
fn credential_id(id: &str) -> String {
    let bytes: Option<[u8; 16]> =
        URL_SAFE_NO_PAD.decode(id).ok().and_then(|bytes| bytes.try_into().ok());
    let Some(bytes) = bytes else { return format!("b64.{id}") };
    let mut uuid = fingerprint::hex(&bytes);
    for at in [20, 16, 12, 8] {
        uuid.insert(at, '-');
    }
    uuid
}

/// Writes the passwords of before, the newest first; what else was different then is counted.
fn history(item: &Item, losses: &mut Losses) -> Json {
    let now = match &item.content {
        Content::Login(login) => rest_of(login),
        Content::Text(_) | Content::Bytes(_) => String::new().into(),
    };
    let mut passwords = Vec::new();
    for Earlier { at, content } in item.history.iter().rev() {
        let password = match content {
            Content::Login(login) => {
                let is_same = rest_of(login).expose() == now.expose();
                losses.add(Feature::History, u64::from(!is_same));
                login.password.expose()
            }
            Content::Text(text) => text.expose(),
            Content::Bytes(_) => "",
        };
        if password.is_empty() {
            continue;
        }
        let date = at.and_then(text::date).map_or(Json::Null, Json::from);
        passwords.push(object([("password", password.into()), ("lastUsedDate", date)]));
    }
    passwords.into()
}

/// All of a login but its password and its date.
fn rest_of(login: &Login) -> super::super::login::Hidden {
    let mut rest = login.copy();
    rest.password = String::new().into();
    rest.modified = None;
    rest.to_json().expose().as_str().into()
}
