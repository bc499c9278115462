//! One item of the document: a login, a note, a card and so on.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json};

use super::super::super::history;
use super::super::super::item::{Attachment, Item, Origin};
use super::super::super::login::{Field, FieldKind, Login};
use super::super::super::object::{self, Object};
use super::super::super::reading::{Outcome, Reading, quoted};
use super::super::super::text;
use super::super::super::totp::{self, Account};
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// What the document has around its items.
pub(super) struct Around<'a> {
    pub(super) folders: BTreeMap<String, String>,
    pub(super) collections: BTreeMap<String, String>,
    pub(super) files: BTreeMap<&'a str, Vec<(&'a str, &'a [u8])>>,
    /// Whether there would be files, if there were any.
    pub(super) is_archive: bool,
}

/// The kinds beside logins and notes: the number, our word, and the member that has what belongs to it.
const KINDS: [(i64, &str, &str); 6] = [
    (3, "card", "card"),
    (4, "identity", "identity"),
    (5, "ssh-key", "sshKey"),
    (6, "bank", "bankAccount"),
    (7, "drivers-license", "driversLicense"),
    (8, "passport", "passport"),
];

/// Reads an item.
pub(super) fn read(
    mut object: Object,
    position: Origin,
    around: &Around<'_>,
    reading: &mut Reading,
) {
    let origin = match object.text("id") {
        id if id.is_empty() => position,
        id => Origin::Id(id),
    };
    let title = object.text("name");
    let mut login = Login {
        notes: object.text("notes").into(),
        is_favorite: object.flag("favorite"),
        created: object.date("creationDate").and_then(text::date),
        modified: object.date("revisionDate").and_then(text::date),
        is_archived: object.has("archivedDate"),
        ..Login::default()
    };
    read_kind(&mut object, &mut login, &origin, reading);
    let Inner { old_passwords } = read_login(&mut object, &mut login, &title, &origin, reading);
    read_fields(&mut object, &mut login, &origin, reading);
    if object.number("reprompt").is_some_and(|reprompt| reprompt != 0) {
        object.keep("reprompt", 1.into());
    }
    // The item's own key, wrapped by the account's: without meaning elsewhere.
    drop(object.take("key"));
    let folders = read_folders(&mut object, around, &origin, reading);
    if object.has("attachments") && !around.is_archive {
        drop(object.take("attachments"));
        let what = "its attachments are not in the export: export again as ZIP";
        reading.remark(&origin, Outcome::PartLeftOut, what);
    }
    let is_in_trash = object.has("deletedDate");
    object.remark_on(reading, &origin);
    login.left_over = object.left_over();
    let mut item = Item::of_login(origin.clone(), title, login);
    item.folders = folders;
    item.is_in_trash = is_in_trash;
    if let Origin::Id(id) = &origin {
        let files = around.files.get(id.as_str()).into_iter().flatten();
        item.attachments = files.map(attachment).collect();
    }
    if history::remember(&mut item, old_passwords) > 0 {
        reading.remark(
            &origin,
            Outcome::PartLeftOut,
            "more than 100 earlier passwords: the oldest",
        );
    }
    reading.items.push(item);
}

fn attachment((name, content): &(&str, &[u8])) -> Attachment {
    Attachment { name: (*name).to_owned(), bytes: Secret::new(content.to_vec()) }
}

/// Finds out what the item is, and takes the members that only its kind has.
fn read_kind(object: &mut Object, login: &mut Login, origin: &Origin, reading: &mut Reading) {
    let number = object.number("type");
    if number == Some(1) {
        return;
    }
    if number == Some(2) {
        login.kind = Some("note");
        let mut note = object.object("secureNote");
        if note.number("type").is_some_and(|kind| kind != 0) {
            note.keep("type", 1.into());
        }
        object.put_back("secureNote", note);
        return;
    }
    let known = number.and_then(|number| KINDS.iter().find(|(known, _, _)| *known == number));
    let Some((_, kind, member)) = known else {
        login.kind = Some("other");
        object.keep("type", number.into());
        let what = "is of a type that is not known: its members are kept as they are, in `source`";
        reading.remark(origin, Outcome::Doubtful, what);
        return;
    };
    login.kind = Some(kind);
    let mut special = object.object(member);
    // Some files have the short name.
    let fingerprint = if *member == "sshKey" { special.take("fingerprint") } else { None };
    if let Some(fingerprint) = fingerprint {
        special.keep("keyFingerprint", fingerprint);
    }
    login.special = Some((member, special.left_over()));
}

/// What of the member `login` is not in the login.
struct Inner {
    old_passwords: Vec<(Option<Timestamp>, String)>,
}

fn read_login(
    object: &mut Object,
    login: &mut Login,
    title: &str,
    origin: &Origin,
    reading: &mut Reading,
) -> Inner {
    let mut inner = object.object("login");
    login.username = inner.text("username");
    login.password = inner.text("password").into();
    let key = inner.text("totp");
    let account = Account { issuer: title, name: &login.username };
    login.totp = totp::keep(&key, account, origin, reading);
    read_addresses(&mut inner, login);
    read_passkeys(&mut inner, login);
    object.put_back("login", inner);
    let mut old_passwords = Vec::new();
    let mut odd = Vec::new();
    for old in object.list("passwordHistory") {
        let Some(mut entry) = Object::of(&old) else {
            odd.push(old);
            continue;
        };
        let (at, password) = (entry.date("lastUsedDate"), entry.text("password"));
        if !password.is_empty() {
            old_passwords.push((at, password));
        }
        if !entry.left_over().is_empty() {
            odd.push(old);
        }
    }
    if !odd.is_empty() {
        let what = "an earlier password is not what it should be, and is kept in `source`";
        reading.remark(origin, Outcome::Changed, what);
    }
    object.keep("passwordHistory", odd.into());
    Inner { old_passwords }
}

/// Takes the addresses. How each is compared with a page is left over, with the address, where one
/// says something about that.
fn read_addresses(inner: &mut Object, login: &mut Login) {
    let all = inner.list("uris");
    let mut say_more = false;
    for address in &all {
        let uri = address.get("uri").and_then(Json::as_str).unwrap_or_default();
        if !uri.is_empty() {
            login.urls.push(uri.to_owned());
        }
        let is_known = |(name, value): (&String, &Json)| {
            (name == "uri" && value.is_string()) || name == "uriChecksum" || object::is_empty(value)
        };
        say_more |= !address.as_object().is_some_and(|members| members.iter().all(is_known));
    }
    if say_more {
        inner.keep("uris", all.into());
    }
}

fn read_passkeys(inner: &mut Object, login: &mut Login) {
    let mut left_over = Vec::new();
    for passkey in inner.list("fido2Credentials") {
        let Some(mut from) = Object::of(&passkey) else {
            left_over.push(passkey);
            continue;
        };
        let mut to = Map::new();
        let mut put = |name: &str, value: Json| {
            if !object::is_empty(&value) {
                to.insert(name.to_owned(), value);
            }
        };
        for name in ["rpId", "rpName", "userName", "userDisplayName", "userHandle"] {
            put(name, from.text(name).into());
        }
        put("credentialId", credential_id(&from.text("credentialId")).into());
        put("privateKey", from.text("keyValue").into());
        let algorithm = match (from.text("keyAlgorithm").as_str(), from.text("keyCurve").as_str()) {
            ("ECDSA", "P-256") => "ES256".to_owned(),
            (algorithm, curve) => format!("{algorithm} {curve}").trim().to_owned(),
        };
        put("algorithm", algorithm.into());
        put("counter", from.number("counter").into());
        put("created", from.date("creationDate").and_then(text::date).into());
        login.passkeys.push(to);
        for (name, usual) in [("keyType", "public-key"), ("discoverable", "true")] {
            let said = from.text(name);
            if said != usual {
                from.keep(name, said.into());
            }
        }
        left_over.push(Json::Object(from.left_over()));
    }
    if !left_over.iter().all(object::is_empty) {
        inner.keep("fido2Credentials", left_over.into());
    }
}

/// Writes the id of a passkey as base64url: it is a UUID, or that after `b64.`.
fn credential_id(id: &str) -> String {
    if let Some(id) = id.strip_prefix("b64.") {
        return id.to_owned();
    }
    let is_uuid = id.len() == 36 && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    let digits = id.replace('-', "");
    match u128::from_str_radix(&digits, 16) {
        Ok(number) if is_uuid && digits.len() == 32 => URL_SAFE_NO_PAD.encode(number.to_be_bytes()),
        Ok(_) | Err(_) => id.to_owned(),
    }
}

/// Takes the user's own fields. One that is linked to another has no value: it is left over.
fn read_fields(object: &mut Object, login: &mut Login, origin: &Origin, reading: &mut Reading) {
    let mut left_over = Vec::new();
    for field in object.list("fields") {
        let Some(mut from) = Object::of(&field) else {
            left_over.push(field);
            reading.remark(origin, Outcome::Changed, "a field that is none is kept in `source`");
            continue;
        };
        let kind = from.number("type");
        let name = from.text("name");
        let value = from.text("value");
        let kind = match kind {
            Some(0) | None => FieldKind::Text,
            Some(1) => FieldKind::Hidden,
            Some(2) => FieldKind::Boolean,
            Some(_) => {
                left_over.push(field);
                let what = format!(
                    "the field {} stands for another, and is kept in `source`",
                    quoted(&name)
                );
                reading.remark(origin, Outcome::Changed, what);
                continue;
            }
        };
        drop(from.take("linkedId"));
        if from.has("value") {
            let what = format!(
                "the value of the field {} is no text, and is kept in `source`",
                quoted(&name)
            );
            reading.remark(origin, Outcome::Changed, what);
        }
        login.fields.push(Field::new(name, value, kind));
        if !from.left_over().is_empty() {
            left_over.push(field);
        }
    }
    object.keep("fields", left_over.into());
}

/// Takes the folder, or the collections of an organisation, of which the first is taken for one.
fn read_folders(
    object: &mut Object,
    around: &Around<'_>,
    origin: &Origin,
    reading: &mut Reading,
) -> Vec<String> {
    let mut unknown = |what: &str| {
        reading.remark(origin, Outcome::Doubtful, format!("its {what} is not in the export"));
    };
    let id = object.text("folderId");
    let mut folder = around.folders.get(&id);
    if folder.is_none() && !id.is_empty() {
        unknown("folder");
        object.keep("folderId", id.into());
    }
    let mut others: Vec<Json> = Vec::new();
    for id in object.list("collectionIds") {
        let name = id.as_str().and_then(|id| around.collections.get(id));
        match (name, folder) {
            (Some(name), None) => folder = Some(name),
            (Some(name), Some(_)) => others.push(name.as_str().into()),
            (None, _) => {
                unknown("collection");
                others.push(id);
            }
        }
    }
    if !others.is_empty() {
        let what = "is in several collections: only the first is its folder";
        reading.remark(origin, Outcome::Changed, what);
        object.keep("collections", others.into());
    }
    let parts = folder.map_or("", String::as_str).split('/').filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}
