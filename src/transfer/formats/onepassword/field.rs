//! The fields of an item's sections: each has a value of one of many kinds.

use serde_json::{Map, Value as Json};

use super::super::super::login::{Field, FieldKind, Hidden};
use super::super::super::object::{self, Object};
use super::super::super::reading::{Outcome, quoted};
use super::super::super::text;
use super::super::super::totp::{self, Account};
use super::draft::{Draft, Files};

/// Fields of cards and identities that 1Password has in sections, by their ids, and their names among
/// the members of the kind.
const SPECIAL: [(&str, &str, &str); 12] = [
    ("002", "cardholder", "cardholderName"),
    ("002", "type", "brand"),
    ("002", "ccnum", "number"),
    ("002", "cvv", "code"),
    ("004", "firstname", "firstName"),
    ("004", "initial", "middleName"),
    ("004", "lastname", "lastName"),
    ("004", "company", "company"),
    ("004", "defphone", "phone"),
    ("004", "email", "email"),
    ("004", "username", "username"),
    ("004", "socialsecurity", "ssn"),
];

/// Fields of other categories that are the user name or the password.
const USERNAMES: &[&str] = &["username", "pop_username"];
const PASSWORDS: &[&str] = &["password", "credential", "pop_password", "wireless_password"];

/// Reads a section. Returns what is left of it: the fields that are of a kind that is not known, and
/// particulars of others.
pub(super) fn read_section(
    json: &Json,
    draft: &mut Draft<'_>,
    files: &mut Files<'_>,
) -> Option<Json> {
    let Some(mut section) = Object::of(json) else {
        draft.remark(Outcome::Changed, "a section that is none is kept in `source`");
        return Some(json.clone());
    };
    let title = section.text("title");
    // An id, where there is a title or none.
    drop(section.take("name"));
    let mut left_over = Vec::new();
    for field in section.list("fields") {
        left_over.extend(read_field(&field, &title, draft, files));
    }
    section.keep("fields", left_over.into());
    drop(section.take("hideAddAnotherField"));
    let mut rest = section.left_over();
    if rest.is_empty() {
        return None;
    }
    if !title.is_empty() {
        rest.insert("title".to_owned(), title.into());
    }
    Some(Json::Object(rest))
}

fn read_field(
    json: &Json,
    section: &str,
    draft: &mut Draft<'_>,
    files: &mut Files<'_>,
) -> Option<Json> {
    let mut from = Object::of(json).unwrap_or_default();
    let (title, id) = (from.text("title"), from.text("id"));
    let name = if title.is_empty() { id.clone() } else { title };
    let value = from.take("value");
    let value = value.as_ref().and_then(Json::as_object).filter(|value| value.len() == 1);
    let Some((kind, value)) = value.and_then(|value| value.iter().next()) else {
        let what = format!(
            "the field {} has no value of one kind, and is kept in `source`",
            quoted(&name)
        );
        draft.remark(Outcome::Doubtful, what);
        return Some(json.clone());
    };
    if object::is_empty(value) {
        return None;
    }
    let field = Named { name, id, section };
    if !read_value(kind, value, field, draft, files) {
        return Some(json.clone());
    }
    particulars(from, &json["id"])
}

/// What is special about how a field is shown and filled in, if anything is.
fn particulars(mut from: Object, id: &Json) -> Option<Json> {
    for name in ["guarded", "multiline", "dontGenerate"] {
        if from.flag(name) {
            from.keep(name, true.into());
        }
    }
    let traits = from.take("inputTraits");
    let is_usual = |traits: &Map<String, Json>| traits.values().all(|value| value == "default");
    if let Some(traits) = traits.filter(|traits| !traits.as_object().is_some_and(is_usual)) {
        from.keep("inputTraits", traits);
    }
    let mut rest = from.left_over();
    if rest.is_empty() {
        return None;
    }
    rest.insert("id".to_owned(), id.clone());
    Some(Json::Object(rest))
}

/// A field, but for its value.
struct Named<'a> {
    name: String,
    id: String,
    section: &'a str,
}

/// Takes a value; returns whether all of it has found a place.
fn read_value(
    kind: &str,
    value: &Json,
    field: Named<'_>,
    draft: &mut Draft<'_>,
    files: &mut Files<'_>,
) -> bool {
    let scalar = match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) if !number.is_f64() => Some(number.to_string()),
        Json::Bool(is_so) => Some(is_so.to_string()),
        Json::Null | Json::Number(_) | Json::Array(_) | Json::Object(_) => None,
    };
    match (kind, scalar) {
        ("string" | "menu" | "gender" | "creditCardType", Some(text)) => {
            put(field, text, FieldKind::Text, draft)
        }
        ("concealed" | "creditCardNumber", Some(text)) => {
            put(field, text, FieldKind::Hidden, draft)
        }
        ("url", Some(text)) => put(field, text, FieldKind::Url, draft),
        ("email", Some(text)) => put(field, text, FieldKind::Email, draft),
        ("phone", Some(text)) => put(field, text, FieldKind::Phone, draft),
        ("date", Some(text)) => put(field, day(&text), FieldKind::Date, draft),
        ("monthYear", Some(text)) => put_month(field, &text, draft),
        ("totp", Some(text)) => put_totp(field, &text, draft),
        ("reference", Some(id)) => {
            let what =
                format!("the field {} refers to another item by its id", quoted(&field.name));
            draft.remark(Outcome::Changed, what);
            put(field, id, FieldKind::Text, draft)
        }
        ("email", None) => {
            let mut email = Object::of(value).unwrap_or_default();
            let address = email.text("email_address");
            put(field, address, FieldKind::Email, draft) && email.left_over().is_empty()
        }
        ("address", None) => put_address(field, value, draft),
        ("file", None) => {
            draft.attach(Object::of(value).unwrap_or_default(), files);
            true
        }
        ("sshKey", None) => put_ssh_key(value, draft),
        _ => {
            let what = format!("the field {} is of a kind that is not known", quoted(&field.name));
            draft.remark(Outcome::Doubtful, format!("{what}, and is kept in `source`"));
            false
        }
    }
}

/// Puts a value where the kind of item has it, or else among the fields.
fn put(field: Named<'_>, value: String, kind: FieldKind, draft: &mut Draft<'_>) -> bool {
    let known = SPECIAL
        .iter()
        .find(|(category, id, _)| *category == draft.category && *id == field.id)
        .filter(|(_, _, member)| !draft.special.contains_key(*member));
    if let Some((_, _, member)) = known {
        draft.special.insert((*member).to_owned(), value.into());
        return true;
    }
    let is = |ids: &[&str]| ids.contains(&field.id.as_str());
    if is(USERNAMES) && draft.login.username.is_empty() {
        draft.login.username = value;
    } else if is(PASSWORDS) && draft.login.password.is_empty() {
        draft.login.password = value.into();
    } else {
        push(field, value, kind, draft);
    }
    true
}

fn push(field: Named<'_>, value: impl Into<Hidden>, kind: FieldKind, draft: &mut Draft<'_>) {
    let section = Some(field.section.to_owned()).filter(|section| !section.is_empty());
    draft.login.fields.push(Field { section, ..Field::new(field.name, value, kind) });
}

/// The day of a number of seconds, as 1Password has dates: noon UTC of that day.
fn day(seconds: &str) -> String {
    let date = seconds.parse().ok().and_then(text::seconds).and_then(text::date);
    let day = date.and_then(|date| date.get(..10).map(str::to_owned));
    day.unwrap_or_else(|| seconds.to_owned())
}

/// Puts a month, which 1Password has as a number: 203112.
fn put_month(field: Named<'_>, text: &str, draft: &mut Draft<'_>) -> bool {
    let (year, month) = text.split_at_checked(4).unwrap_or((text, ""));
    let is_number = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && draft.category == "002" && field.id == "expiry" {
        draft.special.insert("expMonth".to_owned(), month.trim_start_matches('0').into());
        draft.special.insert("expYear".to_owned(), year.into());
        return true;
    }
    let value = if is_number { format!("{year}-{month}") } else { text.to_owned() };
    put(field, value, FieldKind::Date, draft)
}

/// Puts a key for one-time passwords: the first is the login's, others are fields.
fn put_totp(field: Named<'_>, text: &str, draft: &mut Draft<'_>) -> bool {
    let account = Account { issuer: &draft.title, name: &draft.login.username };
    let uri = totp::read(text, account);
    if let Err(why) = &uri {
        let what = format!(
            "the key for one-time passwords {} is kept as it is: {why}",
            quoted(&field.name)
        );
        draft.remark(Outcome::Doubtful, what);
    }
    let uri = uri.unwrap_or_else(|_why| text.into());
    if draft.login.totp.is_empty() {
        draft.login.totp = uri;
    } else {
        push(field, uri, FieldKind::Totp, draft);
    }
    true
}

/// Puts an address: for an identity its parts, else as lines. What of it has no place stays.
fn put_address(field: Named<'_>, value: &Json, draft: &mut Draft<'_>) -> bool {
    let Some(mut address) = Object::of(value) else { return false };
    let names = [
        ("street", "address1"),
        ("city", "city"),
        ("state", "state"),
        ("zip", "postalCode"),
        ("country", "country"),
    ];
    let parts = names.map(|(name, member)| (member, address.text(name)));
    let parts = parts.into_iter().filter(|(_, part)| !part.is_empty());
    if draft.category == "004" && !draft.special.contains_key("address1") {
        draft.special.extend(parts.map(|(member, part)| (member.to_owned(), part.into())));
        return address.left_over().is_empty();
    }
    let lines: Vec<String> = parts.map(|(_, part)| part).collect();
    push(field, lines.join("\n"), FieldKind::Text, draft);
    address.left_over().is_empty()
}

/// Puts an SSH key; a second one stays where it is.
fn put_ssh_key(value: &Json, draft: &mut Draft<'_>) -> bool {
    if draft.special.contains_key("privateKey") {
        draft.remark(Outcome::Changed, "a second SSH key is kept in `source`");
        return false;
    }
    let Some(mut key) = Object::of(value) else { return false };
    let mut metadata = key.object("metadata");
    let [private, other] = [key.text("privateKey"), metadata.text("privateKey")];
    let public = metadata.text("publicKey");
    let fingerprint = metadata.text("fingerprint");
    let is_whole = other.is_empty() || private.is_empty() || other == private;
    let private = if private.is_empty() { other } else { private };
    for (member, text) in
        [("privateKey", private), ("publicKey", public), ("keyFingerprint", fingerprint)]
    {
        if !text.is_empty() {
            draft.special.insert(member.to_owned(), text.into());
        }
    }
    if draft.login.kind.is_none() {
        draft.login.kind = Some("ssh-key");
    }
    is_whole
}
