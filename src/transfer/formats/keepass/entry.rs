//! An entry, and what it was before.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value as Json};

use super::super::super::item::{Content, Earlier, Item, Origin};
use super::super::super::login::{Field, FieldKind, Hidden, Login};
use super::super::super::reading::{Error, Outcome, Reading};
use super::super::super::text;
use super::super::super::xml::Element;
use super::otp;
use super::references::References;
use super::values::{is_true, refuse_sealed, time};
use crate::model::order;
use crate::sys::secret::Secret;

/// What is read elsewhere, or says nothing about what the entry holds.
const READ: &[&str] =
    &["UUID", "Tags", "Times", "String", "Binary", "History", "PreviousParentGroup"];

/// What most entries say, and means nothing: no picture, no colours, AutoType as it is everywhere.
const USUAL: &[(&str, &str)] = &[
    ("IconID", r#""0""#),
    ("QualityCheck", r#""True""#),
    ("AutoType", r#"{"Enabled":"True","DataTransferObfuscation":"0","DefaultSequence":""}"#),
    ("AutoType", r#"{"Enabled":"True","DataTransferObfuscation":"0"}"#),
];

const PASSKEY: &str = "KPEX_PASSKEY_";

/// An entry's strings.
pub(super) struct Entry<'d> {
    node: Element<'d>,
    strings: Vec<Text<'d>>,
}

struct Text<'d> {
    key: &'d str,
    value: &'d str,
    is_hidden: bool,
}

impl<'d> Entry<'d> {
    pub(super) fn of(node: Element<'d>) -> Result<Self, Error> {
        let mut strings = Vec::new();
        for string in node.all("String") {
            let Some(value) = string.child("Value") else { continue };
            refuse_sealed(value)?;
            let is_hidden = is_true(value.attribute("ProtectInMemory"));
            strings.push(Text { key: string.text_of("Key"), value: value.text(), is_hidden });
        }
        Ok(Self { node, strings })
    }

    /// Returns the title, and all the rest.
    pub(super) fn login(
        &self,
        origin: &Origin,
        references: &mut References<'d>,
        reading: &mut Reading,
    ) -> Result<(String, Login), Error> {
        let mut resolved = Vec::new();
        let mut kept = Map::new();
        for Text { key, value, is_hidden } in &self.strings {
            let found = references.resolve(value)?;
            if found.is_other {
                kept.insert((*key).to_owned(), (*value).into());
                let what = format!("{key:?} refers to another entry, and is now a copy of it");
                reading.remark(origin, Outcome::Changed, what);
            }
            if found.is_broken {
                let what = format!("{key:?} refers to an entry that cannot be told");
                reading.remark(origin, Outcome::Doubtful, what);
            }
            resolved.push((*key, Hidden::from(found.text), *is_hidden));
        }
        let mut making = Making { login: Login::default(), title: None, origin, reading };
        let rest = making.one_time_passwords(resolved);
        let rest = making.passkey(rest);
        making.strings(rest);
        making.dates(self.node);
        making.login.left_over = left_over(self.node);
        if !kept.is_empty() {
            making.login.left_over.insert("references".to_owned(), kept.into());
        }
        Ok((making.title.unwrap_or_default(), making.login))
    }
}

/// A string of an entry, and whether it is hidden.
type Resolved<'d> = (&'d str, Hidden, bool);

/// A login that is being made.
struct Making<'a> {
    login: Login,
    title: Option<String>,
    origin: &'a Origin,
    reading: &'a mut Reading,
}

impl Making<'_> {
    /// Takes what one-time passwords are made of out of the strings.
    fn one_time_passwords<'d>(&mut self, strings: Vec<Resolved<'d>>) -> Vec<Resolved<'d>> {
        let value = |name: &str| {
            strings.iter().find(|(key, ..)| *key == name).map_or("", |(_, value, _)| value.expose())
        };
        let label = [value("Title"), value("UserName")];
        let label: Vec<&str> = label.into_iter().filter(|part| !part.is_empty()).collect();
        let pairs: Vec<(&str, &str)> =
            strings.iter().map(|(key, value, _)| (*key, value.expose())).collect();
        let mut taken: Vec<String> = Vec::new();
        for (uri, from) in otp::find(&pairs, &label.join(":")) {
            let name = from.first().cloned().unwrap_or_default();
            let uri = match uri {
                Ok(uri) => uri,
                Err(why) => {
                    let what = format!("{name:?} makes no one-time passwords: {why}");
                    self.reading.remark(self.origin, Outcome::Doubtful, what);
                    continue;
                }
            };
            taken.extend(from);
            if self.login.totp.is_empty() {
                self.login.totp = uri;
            } else {
                self.login.fields.push(Field::new(name, uri, FieldKind::Totp));
            }
        }
        strings.into_iter().filter(|(key, ..)| !taken.iter().any(|taken| taken == key)).collect()
    }

    /// Takes a passkey's parts out of the strings (keepassxc, `BrowserPasskeys.cpp`).
    fn passkey<'d>(&mut self, strings: Vec<Resolved<'d>>) -> Vec<Resolved<'d>> {
        let mut passkey = Map::new();
        for (key, value, _) in &strings {
            let name = match key.strip_prefix(PASSKEY) {
                Some("RELYING_PARTY") => "rpId",
                Some("USERNAME") => "userName",
                Some("USER_HANDLE") => "userHandle",
                Some("CREDENTIAL_ID" | "GENERATED_USER_ID") => "credentialId",
                Some("PRIVATE_KEY_PEM") => {
                    if let Some((key, algorithm)) = private_key(value.expose()) {
                        passkey.insert("privateKey".to_owned(), key.into());
                        let algorithm = algorithm.map(|name| ("algorithm".to_owned(), name.into()));
                        passkey.extend(algorithm);
                    }
                    continue;
                }
                Some(_) | None => continue,
            };
            passkey.insert(name.to_owned(), value.expose().into());
        }
        if passkey.is_empty() {
            return strings;
        }
        if !["rpId", "credentialId", "privateKey"].iter().all(|name| passkey.contains_key(*name)) {
            let what = "has a passkey that is not whole; its parts are kept as fields";
            self.reading.remark(self.origin, Outcome::Doubtful, what);
            return strings;
        }
        self.login.passkeys.push(passkey);
        let is_part = |key: &str| {
            let parts =
                ["RELYING_PARTY", "USERNAME", "USER_HANDLE", "CREDENTIAL_ID", "PRIVATE_KEY_PEM"];
            key.strip_prefix(PASSKEY).is_some_and(|part| parts.contains(&part))
        };
        strings.into_iter().filter(|(key, ..)| !is_part(key)).collect()
    }

    /// Puts each string where it belongs.
    fn strings(&mut self, strings: Vec<Resolved<'_>>) {
        let mut main_url = String::new();
        let mut further = Vec::new();
        let mut known: Vec<&str> = Vec::new();
        for (key, value, is_hidden) in strings {
            let is_twice = known.contains(&key);
            known.push(key);
            if is_twice {
                let what = format!("has {key:?} twice; the second is kept as a field");
                self.reading.remark(self.origin, Outcome::Doubtful, what);
            }
            match key {
                "Title" if !is_twice => self.title = Some(value.expose().to_owned()),
                "UserName" if !is_twice => value.expose().clone_into(&mut self.login.username),
                "Password" if !is_twice => self.login.password = value,
                "URL" if !is_twice => value.expose().clone_into(&mut main_url),
                "Notes" if !is_twice => self.login.notes = value,
                _ if is_further_url(key) && !value.is_empty() => {
                    further.push(value.expose().to_owned());
                }
                _ => {
                    // What is usually hidden stays so.
                    let is_hidden = is_hidden
                        || key == "Password"
                        || key.starts_with(PASSKEY)
                        || otp::is_part(key);
                    let kind = if is_hidden { FieldKind::Hidden } else { FieldKind::Text };
                    self.login.fields.push(Field::new(key, value, kind));
                }
            }
        }
        self.login.urls = std::iter::once(main_url).chain(further).collect();
        self.login.urls.retain(|url| !url.is_empty());
    }

    fn dates(&mut self, node: Element<'_>) {
        let Some(times) = node.child("Times") else { return };
        let mut read = |name: &'static str| {
            let written = times.text_of(name);
            let time = time(written);
            if time.is_none() && !written.trim().is_empty() {
                let what = format!("{name}, which is no date");
                self.reading.remark(self.origin, Outcome::PartLeftOut, what);
            }
            time.and_then(text::date)
        };
        self.login.created = read("CreationTime");
        self.login.modified = read("LastModificationTime");
        if is_true(Some(times.text_of("Expires"))) {
            self.login.expires = read("ExpiryTime");
        }
    }
}

/// Reads what an entry was before, the oldest first.
pub(super) fn history<'d>(
    node: Element<'d>,
    item: &Item,
    references: &mut References<'d>,
) -> Result<Vec<Earlier>, Error> {
    let mut history = Vec::new();
    // What is odd about the present is said already, and what was odd once helps nobody.
    let mut unsaid = Reading::new();
    for node in node.child("History").into_iter().flat_map(|history| history.all("Entry")) {
        let entry = Entry::of(node)?;
        let (title, mut login) = entry.login(&item.origin, references, &mut unsaid)?;
        if title != item.title {
            login.left_over.insert("Title".to_owned(), title.into());
        }
        let times = node.child("Times");
        let at = times.and_then(|times| time(times.text_of("LastModificationTime")));
        history.push(Earlier { at, content: Content::Login(Box::new(login)) });
    }
    order::sort_by_key(&mut history, |earlier| earlier.at);
    Ok(history)
}

/// `KP2A_URL`, and `KP2A_URL_1` and so on.
fn is_further_url(key: &str) -> bool {
    let end = key.strip_prefix("KP2A_URL");
    end.is_some_and(|end| end.is_empty() || end.trim_start_matches('_').parse::<u32>().is_ok())
}

/// The kinds of keys, by the ids that they have in PKCS#8: P-256, Ed25519, RSA.
const ALGORITHMS: &[(&[u8], &str)] = &[
    (b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", "ES256"),
    (b"\x06\x03\x2b\x65\x70", "EdDSA"),
    (b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "RS256"),
];

/// Reads a private key in PEM; returns its bytes in base64url, and what kind it is.
fn private_key(pem: &str) -> Option<(String, Option<&'static str>)> {
    let inner = pem.trim().strip_prefix("-----BEGIN PRIVATE KEY-----")?;
    let inner = inner.strip_suffix("-----END PRIVATE KEY-----")?;
    let inner = Hidden::from(inner.split_whitespace().collect::<String>());
    let key = Secret::new(STANDARD.decode(inner.expose()).ok()?);
    let has = |id: &[u8]| key.expose().windows(id.len()).any(|part| part == id);
    let algorithm = ALGORITHMS.iter().find(|(id, _)| has(id)).map(|(_, name)| *name);
    Some((URL_SAFE_NO_PAD.encode(key.expose()), algorithm))
}

/// Collects what has no place in a login, as it stands.
fn left_over(node: Element<'_>) -> Map<String, Json> {
    let mut members = Map::new();
    for child in node.children().filter(|child| !READ.contains(&child.name())) {
        let value = to_json(child);
        let is_empty = value.as_str() == Some("") || value.as_object().is_some_and(Map::is_empty);
        let written = value.to_string();
        let is_usual = USUAL.iter().any(|usual| *usual == (child.name(), &written));
        if !is_empty && !is_usual {
            add(&mut members, child.name(), value);
        }
    }
    members
}

fn to_json(element: Element<'_>) -> Json {
    let mut members = Map::new();
    for (name, value) in element.attributes() {
        members.insert(format!("@{name}"), value.into());
    }
    for child in element.children() {
        add(&mut members, child.name(), to_json(child));
    }
    if members.is_empty() {
        return element.text().into();
    }
    if !element.text().is_empty() {
        members.insert("#text".to_owned(), element.text().into());
    }
    Json::Object(members)
}

/// Adds a member; several of one name become a list.
fn add(members: &mut Map<String, Json>, name: &str, value: Json) {
    match members.get_mut(name) {
        Some(Json::Array(list)) => list.push(value),
        Some(known) => {
            let first = known.take();
            *known = Json::Array(vec![first, value]);
        }
        None => {
            members.insert(name.to_owned(), value);
        }
    }
}
