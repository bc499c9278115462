//! An entry, and what it was before.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value as Json};

use super::super::super::item::Content;
use super::super::super::login::{FieldKind, Login};
use super::super::super::taken::Taken;
use super::super::super::text;
use super::super::losses::{Feature, Losses};
use super::id::uuid;
use super::xml::{self, Xml};
use crate::sys::secret::Secret;

/// The number of the first file of each item that has files, by the name of its secret.
pub(super) type Numbers = BTreeMap<String, usize>;

/// Says which file of the database is the first of each item.
pub(super) fn numbers(items: &[Taken]) -> Numbers {
    let mut numbers = Numbers::new();
    let mut next = 0;
    for taken in items {
        numbers.insert(taken.name.clone(), next);
        next += files(taken).len();
    }
    numbers
}

/// Returns the files of an item: a value that is binary, or that XML cannot hold, is one.
pub(super) fn files(taken: &Taken) -> Vec<(&str, &[u8])> {
    let attached = &taken.item.attachments;
    let attached = attached.iter().map(|file| (file.name.as_str(), file.bytes.expose().as_slice()));
    let own = match &taken.item.content {
        content if is_string(content) => None,
        Content::Bytes(bytes) => Some((VALUE, bytes.expose().as_slice())),
        Content::Text(text) => Some((VALUE, text.expose().as_bytes())),
        Content::Login(_) => None,
    };
    own.into_iter().chain(attached).collect()
}

/// Whether a value is written as strings, and not as a file.
fn is_string(content: &Content) -> bool {
    match content {
        Content::Bytes(_) => false,
        Content::Text(text) => xml::holds(text.expose()),
        Content::Login(_) => true,
    }
}

/// Writes an entry.
pub(super) fn write(
    taken: &Taken,
    title: &str,
    numbers: &mut Numbers,
    xml: &mut Xml,
    losses: &mut Losses,
) {
    let item = &taken.item;
    let id = uuid("entry", &taken.name);
    xml.open("Entry");
    xml.text("UUID", &id);
    let labels: Vec<String> =
        item.labels.iter().map(|label| label.replace([',', ';', '\t'], " ")).collect();
    xml.text("Tags", &labels.join(";"));
    content(&item.content, title, None, xml, losses);
    let first = numbers.remove(&taken.name).unwrap_or_default();
    for (number, (name, _)) in (first..).zip(files(taken)) {
        xml.open("Binary");
        xml.text("Key", name);
        let number = number.to_string();
        xml.with("Value", "Ref", &number, "");
        xml.close("Binary");
    }
    xml.open("History");
    for earlier in &item.history {
        if !is_string(&earlier.content) {
            losses.add(Feature::History, 1);
            continue;
        }
        xml.open("Entry");
        xml.text("UUID", &id);
        let at = earlier.at.and_then(text::date);
        content(&earlier.content, title, at.as_ref(), xml, losses);
        xml.close("Entry");
    }
    xml.close("History");
    xml.close("Entry");
    if let Content::Text(_) = item.content
        && !is_string(&item.content)
    {
        losses.doubt(&taken.name, "has control characters, which XML cannot hold: it is a file");
    }
    if xml.take_lost() {
        losses.add(Feature::Characters, 1);
        losses.doubt(&taken.name, "has control characters, which XML cannot hold: without them");
    }
}

/// Writes the dates and strings of an entry; `at` is when it was so, if the content does not say it.
fn content(
    content: &Content,
    title: &str,
    at: Option<&String>,
    xml: &mut Xml,
    losses: &mut Losses,
) {
    let mut strings = Strings::new(xml);
    match content {
        Content::Login(login) => {
            times(login, at, strings.xml);
            strings.own("Title", title, Shown::Open);
            of_login(login, &mut strings);
            losses.add(
                Feature::Passkeys,
                u64::try_from(login.passkeys.len().saturating_sub(1)).unwrap_or(u64::MAX),
            );
        }
        Content::Text(text) => {
            times(&Login::default(), at, strings.xml);
            strings.own("Title", title, Shown::Open);
            if is_string(content) {
                strings.own("Password", text.expose(), Shown::Hidden);
            }
        }
        Content::Bytes(_) => strings.own("Title", title, Shown::Open),
    }
}

fn times(login: &Login, at: Option<&String>, xml: &mut Xml) {
    let modified = login.modified.as_ref().or(at);
    let dates = [
        ("CreationTime", login.created.as_ref()),
        ("LastModificationTime", modified),
        ("ExpiryTime", login.expires.as_ref()),
    ];
    xml.open("Times");
    for (name, date) in dates {
        if let Some(date) = date {
            xml.text(name, date);
        }
    }
    xml.text("Expires", if login.expires.is_some() { "True" } else { "False" });
    xml.close("Times");
}

/// Whether a string is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Open,
    Hidden,
}

/// The strings of an entry: each key once.
struct Strings<'x> {
    xml: &'x mut Xml,
    known: Vec<String>,
}

impl<'x> Strings<'x> {
    fn new(xml: &'x mut Xml) -> Self {
        Self { xml, known: OWN.map(str::to_owned).to_vec() }
    }

    /// Writes a string that every entry has.
    fn own(&mut self, key: &str, value: &str, shown: Shown) {
        self.xml.open("String");
        self.xml.text("Key", key);
        match shown {
            Shown::Open => self.xml.text("Value", value),
            Shown::Hidden => self.xml.with("Value", "ProtectInMemory", "True", value),
        }
        self.xml.close("String");
    }

    /// Writes a further string, under a key that no other has.
    fn further(&mut self, key: &str, value: &str, shown: Shown) {
        let key = if key.is_empty() { "field" } else { key };
        let mut free = key.to_owned();
        let mut number = 2;
        while self.known.contains(&free) {
            free = format!("{key} ({number})");
            number += 1;
        }
        self.own(&free, value, shown);
        self.known.push(free);
    }
}

fn of_login(login: &Login, strings: &mut Strings<'_>) {
    strings.own("UserName", &login.username, Shown::Open);
    strings.own("Password", login.password.expose(), Shown::Hidden);
    strings.own("URL", login.urls.first().map_or("", String::as_str), Shown::Open);
    strings.own("Notes", login.notes.expose(), Shown::Open);
    for (number, url) in login.urls.iter().skip(1).enumerate() {
        let key = if number == 0 { "KP2A_URL".to_owned() } else { format!("KP2A_URL_{number}") };
        strings.further(&key, url, Shown::Open);
    }
    if !login.totp.is_empty() {
        strings.further("otp", login.totp.expose(), Shown::Hidden);
    }
    for field in &login.fields {
        let shown = match field.kind {
            FieldKind::Hidden | FieldKind::Totp => Shown::Hidden,
            FieldKind::Boolean
            | FieldKind::Date
            | FieldKind::Email
            | FieldKind::Phone
            | FieldKind::Text
            | FieldKind::Url => Shown::Open,
        };
        strings.further(&field.name, field.value.expose(), shown);
    }
    if let Some((_, special)) = &login.special {
        for (name, value) in special {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let text = Secret::new(text);
            strings.further(name, text.expose(), Shown::Hidden);
        }
    }
    if let Some(passkey) = login.passkeys.first() {
        of_passkey(passkey, strings);
    }
}

/// Writes a passkey as KeePassXC has it (keepassxc, `BrowserPasskeys.cpp`).
fn of_passkey(passkey: &Map<String, Json>, strings: &mut Strings<'_>) {
    let text = |name: &str| passkey.get(name).and_then(Json::as_str).unwrap_or_default();
    let key = text("privateKey");
    let pem = URL_SAFE_NO_PAD.decode(key).map(|bytes| pem(&Secret::new(bytes)));
    let pem = pem.unwrap_or_else(|_odd| Secret::new(key.to_owned()));
    for (key, value, shown) in [
        ("KPEX_PASSKEY_USERNAME", text("userName"), Shown::Open),
        ("KPEX_PASSKEY_CREDENTIAL_ID", text("credentialId"), Shown::Hidden),
        ("KPEX_PASSKEY_PRIVATE_KEY_PEM", pem.expose(), Shown::Hidden),
        ("KPEX_PASSKEY_RELYING_PARTY", text("rpId"), Shown::Open),
        ("KPEX_PASSKEY_USER_HANDLE", text("userHandle"), Shown::Hidden),
    ] {
        if !value.is_empty() {
            strings.further(key, value, shown);
        }
    }
}

/// Writes a private key as PEM.
fn pem(bytes: &Secret<Vec<u8>>) -> Secret<String> {
    let base64 = Secret::new(STANDARD.encode(bytes.expose()));
    let mut pem = Secret::new("-----BEGIN PRIVATE KEY-----\n".to_owned());
    for line in base64.expose().as_bytes().chunks(64) {
        pem.expose_mut().push_str(std::str::from_utf8(line).unwrap_or_default());
        pem.expose_mut().push('\n');
    }
    pem.expose_mut().push_str("-----END PRIVATE KEY-----");
    pem
}

/// What a binary value is called as a file.
const VALUE: &str = "value";
/// The strings that every entry has.
const OWN: [&str; 5] = ["Title", "UserName", "Password", "URL", "Notes"];
