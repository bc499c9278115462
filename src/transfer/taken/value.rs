//! The value of a secret as a login: the one shape that an import gives it, and what people and programs
//! write by hand, as long as it has a user name or a password.

use serde_json::{Map, Value as Json};

use super::super::login::{Field, FieldKind, Hidden, Login};
use super::super::object::Object;

/// What a login can be, if not one; the same words as in the tag `kind`.
const KINDS: &[&str] = &[
    "alias",
    "api-credential",
    "bank",
    "card",
    "custom",
    "database",
    "document",
    "drivers-license",
    "email",
    "identity",
    "license",
    "medical-record",
    "membership",
    "note",
    "other",
    "outdoor-license",
    "passport",
    "rewards",
    "server",
    "social-security-number",
    "software",
    "ssh-key",
    "wifi",
];

/// The members that have what belongs to one kind.
const SPECIAL: &[&str] =
    &["card", "identity", "sshKey", "bankAccount", "driversLicense", "passport"];

/// Members that say the same as one of ours where somebody else wrote the value.
const OTHER_NAMES: &[(&str, &str)] =
    &[("user", "username"), ("login", "username"), ("pass", "password"), ("note", "notes")];

/// A value that is a login, and what it says of the item around it.
pub(crate) struct Found {
    pub(crate) login: Login,
    /// The title, if the value has one.
    pub(crate) title: Option<String>,
    /// The folders, if the value has them.
    pub(crate) path: Option<Vec<String>>,
    pub(crate) files: Vec<File>,
}

/// A file, as the value of its item names it.
pub(crate) struct File {
    pub(crate) name: String,
    /// The secret that it is in; none for one that was left out, or is empty.
    pub(crate) secret: Option<String>,
    pub(crate) size: u64,
}

impl Login {
    /// Reads the value of a secret; `None` for one that is kept as it is. `is_ours` says that an import
    /// made it, so that it needs no user name or password to be a login.
    pub(crate) fn read(text: &str, is_ours: bool) -> Option<Found> {
        if !text.trim_start().starts_with('{') {
            return None;
        }
        let json: Json = serde_json::from_str(text).ok()?;
        let mut object = Object::of(&json)?;
        let has_name = ["username", "password"].iter().any(|name| object.is_text(name));
        let has_other = OTHER_NAMES.iter().take(3).any(|(name, _)| object.is_text(name))
            && object.is_text("password") | object.is_text("pass");
        (is_ours || has_name || has_other).then(|| take(&mut object, is_ours))
    }
}

/// Takes an object apart. What has no place of its own becomes a field, so that nothing is lost.
fn take(object: &mut Object, is_ours: bool) -> Found {
    if !is_ours {
        other_names(object);
    }
    let mut login = Login {
        username: object.text("username"),
        password: object.text("password").into(),
        totp: object.text("totp").into(),
        notes: object.text("notes").into(),
        urls: texts(object, "urls"),
        is_favorite: object.flag("favorite"),
        is_archived: object.flag("archived"),
        created: some(object.text("created")),
        modified: some(object.text("modified")),
        expires: some(object.text("expires")),
        fields: Vec::new(),
        passkeys: objects(object, "passkeys"),
        kind: None,
        special: None,
        left_over: objects_of_one(object, "source"),
    };
    for name in ["url", "uri"].into_iter().filter(|_| !is_ours) {
        login.urls.extend(some(object.text(name)));
    }
    let word = object.text("type");
    login.kind = KINDS.iter().find(|kind| **kind == word).copied();
    for name in SPECIAL {
        if login.special.is_none() && login.kind.is_some() {
            let members = objects_of_one(object, name);
            login.special = (!members.is_empty()).then_some((*name, members));
        }
    }
    for field in object.list("fields") {
        login.fields.push(field_of(&field));
    }
    let files = object.list("attachments").iter().filter_map(file).collect();
    let (title, path) = (some(object.text("title")), texts(object, "path"));
    if login.kind.is_none() && !word.is_empty() && word != "login" {
        login.fields.push(Field::new("type", word, FieldKind::Text));
    }
    let rest = std::mem::take(object).left_over();
    login.fields.extend(rest.into_iter().map(|(name, value)| further(name, &value)));
    let path = Some(path).filter(|path| !path.is_empty());
    Found { login, title, path, files }
}

/// Takes members under our names that somebody else calls otherwise.
fn other_names(object: &mut Object) {
    for (theirs, ours) in OTHER_NAMES {
        if object.is_text(theirs) && !object.has(ours) {
            let text = object.text(theirs);
            object.keep(ours, text.into());
        }
    }
}

/// A member that no login has: hidden, as nobody knows what it is. Numbers, such as ports, are not.
fn further(name: String, value: &Json) -> Field {
    match value {
        Json::String(text) => Field::new(name, text.as_str(), FieldKind::Hidden),
        Json::Bool(is_so) => Field::new(name, is_so.to_string(), FieldKind::Boolean),
        Json::Number(number) => Field::new(name, number.to_string(), FieldKind::Text),
        Json::Null | Json::Array(_) | Json::Object(_) => {
            Field::new(name, value.to_string(), FieldKind::Hidden)
        }
    }
}

fn field_of(json: &Json) -> Field {
    let Some(mut object) = Object::of(json) else {
        return Field::new("", json.to_string(), FieldKind::Hidden);
    };
    let (name, value) = (object.text("name"), Hidden::from(object.text("value")));
    let kind = FieldKind::of_word(&object.text("type"));
    Field { section: some(object.text("section")), ..Field::new(name, value, kind) }
}

fn file(json: &Json) -> Option<File> {
    let mut object = Object::of(json)?;
    let size = object.number("size").and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
    Some(File { name: object.text("name"), secret: some(object.text("secret")), size })
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Takes a list of texts; one that has anything else stays.
fn texts(object: &mut Object, name: &str) -> Vec<String> {
    let list = object.list(name);
    let texts: Option<Vec<String>> =
        list.iter().map(|one| one.as_str().map(str::to_owned)).collect();
    texts.unwrap_or_else(|| {
        object.keep(name, list.into());
        Vec::new()
    })
}

/// Takes a list of objects; one that has anything else stays.
fn objects(object: &mut Object, name: &str) -> Vec<Map<String, Json>> {
    let list = object.list(name);
    let objects: Option<Vec<Map<String, Json>>> =
        list.iter().map(|one| one.as_object().cloned()).collect();
    objects.unwrap_or_else(|| {
        object.keep(name, list.into());
        Vec::new()
    })
}

fn objects_of_one(object: &mut Object, name: &str) -> Map<String, Json> {
    object.object(name).left_over()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        Login::read(text, false).map(|found| found.login.to_json().expose().clone())
    }

    #[test]
    fn what_is_no_login_is_left_alone() {
        for text in [
            "hunter2",
            "",
            "[1]",
            "{",
            "{}",
            r#"{"type":"service_account","private_key":"x"}"#,
            r#"{"username":["a"]}"#,
        ] {
            assert!(Login::read(text, false).is_none(), "{text}");
        }
    }

    #[test]
    fn what_others_write_is_a_login_and_loses_nothing() {
        let text = r#"{"engine":"mysql","host":"db","port":3306,"username":"ada","password":"p","x":{"y":[1]},"urls":"no list","url":"https://a.test"}"#;
        assert_eq!(
            read(text).unwrap(),
            r#"{"username":"ada","password":"p","urls":["https://a.test"],"fields":[{"name":"engine","value":"mysql","type":"hidden"},{"name":"host","value":"db","type":"hidden"},{"name":"port","value":"3306","type":"text"},{"name":"x","value":"{\"y\":[1]}","type":"hidden"},{"name":"urls","value":"no list","type":"hidden"}]}"#
        );
        let text = r#"{"user":"ada","pass":"p","type":"postgres"}"#;
        assert_eq!(
            read(text).unwrap(),
            r#"{"username":"ada","password":"p","fields":[{"name":"type","value":"postgres","type":"text"}]}"#
        );
    }

    #[test]
    fn what_an_import_made_needs_no_password() {
        let text = r#"{"notes":"n","title":"T","path":["a","b"],"type":"card","card":{"code":"1"},"attachments":[{"name":"f","size":2,"sha256":"0","secret":"T=a/f"}]}"#;
        let found = Login::read(text, true).unwrap();
        assert_eq!(found.title.as_deref(), Some("T"));
        assert_eq!(found.path.unwrap(), ["a", "b"]);
        assert_eq!(found.login.kind, Some("card"));
        assert_eq!(found.files[0].secret.as_deref(), Some("T=a/f"));
        assert!(Login::read(text, false).is_none());
    }
}
