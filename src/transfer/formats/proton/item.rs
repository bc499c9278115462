//! One item: what it is, its fields, sections and files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::super::super::item::{Attachment, Item, Origin};
use super::super::super::login::{Field, FieldKind, Login};
use super::super::super::object::Object;
use super::super::super::reading::{Outcome, Reading, quoted};
use super::super::super::text;
use super::super::super::totp::{self, Account};
use super::super::super::zip::Archive;
use crate::sys::secret::Secret;

/// Where items are.
pub(super) struct Vault {
    pub(super) name: String,
    /// The path of each folder, by its id.
    pub(super) folders: BTreeMap<String, Vec<String>>,
}

/// The files of the archive, and which of them belong to an item.
pub(super) struct Files<'a> {
    archive: Option<&'a Archive>,
    used: BTreeSet<String>,
}

/// The types, our words for them, and the member that has what only they have: which members of
/// theirs go there, under which names.
type Special = (&'static str, &'static [(&'static str, &'static str)]);
const TYPES: [(&str, Option<&str>, Option<Special>); 8] = [
    ("login", None, None),
    ("note", Some("note"), None),
    ("alias", Some("alias"), None),
    ("creditCard", Some("card"), Some(("card", CARD))),
    ("identity", Some("identity"), Some(("identity", IDENTITY))),
    ("sshKey", Some("ssh-key"), Some(("sshKey", SSH_KEY))),
    ("wifi", Some("wifi"), None),
    ("custom", Some("custom"), None),
];
const CARD: &[(&str, &str)] =
    &[("cardholderName", "cardholderName"), ("number", "number"), ("verificationNumber", "code")];
const IDENTITY: &[(&str, &str)] = &[
    ("firstName", "firstName"),
    ("middleName", "middleName"),
    ("lastName", "lastName"),
    ("streetAddress", "address1"),
    ("city", "city"),
    ("stateOrProvince", "state"),
    ("zipOrPostalCode", "postalCode"),
    ("countryOrRegion", "country"),
    ("company", "company"),
    ("email", "email"),
    ("phoneNumber", "phone"),
    ("socialSecurityNumber", "ssn"),
    ("passportNumber", "passportNumber"),
    ("licenseNumber", "licenseNumber"),
];
const SSH_KEY: &[(&str, &str)] = &[("privateKey", "privateKey"), ("publicKey", "publicKey")];

/// Where the archive has the files.
const FILES: &str = "Proton Pass/files/";

impl<'a> Files<'a> {
    /// The files of an archive, or none.
    pub(super) fn new(archive: Option<&'a Archive>) -> Self {
        Self { archive, used: BTreeSet::new() }
    }

    /// Returns the names of those that no item has.
    pub(super) fn unused(&self) -> Vec<String> {
        let all = self.archive.iter().flat_map(|archive| archive.below(FILES));
        let unused = all.filter(|(name, _)| !self.used.contains(*name));
        unused.map(|(name, _)| name.to_owned()).collect()
    }

    /// Finds a file, whose name has no slashes in the archive, and begins there with 16 characters of
    /// its id.
    fn take(&mut self, name: &str) -> Option<Attachment> {
        let stored = name.replace(['/', '\\'], "_");
        let content = self.archive?.file(&format!("{FILES}{stored}")).ok()?;
        let own = name.split_at_checked(16).and_then(|(_id, rest)| rest.strip_prefix('-'));
        let name = own.unwrap_or(name).to_owned();
        self.used.insert(stored);
        Some(Attachment { name, bytes: Secret::new(content.to_vec()) })
    }
}

/// Reads an item.
pub(super) fn read(
    mut object: Object,
    position: Origin,
    vault: &Vault,
    files: &mut Files<'_>,
    reading: &mut Reading,
) {
    let origin = match object.text("itemId") {
        id if id.is_empty() => position,
        id => Origin::Id(id),
    };
    let mut data = object.object("data");
    let mut metadata = data.object("metadata");
    let title = metadata.text("name");
    drop(metadata.take("itemUuid"));
    let mut login = Login {
        notes: metadata.text("note").into(),
        is_favorite: object.flag("pinned"),
        created: object.seconds("createTime").and_then(text::date),
        modified: object.seconds("modifyTime").and_then(text::date),
        ..Login::default()
    };
    data.put_back("metadata", metadata);
    let mut content = data.object("content");
    read_content(&mut data, &mut content, &mut login);
    let alias = object.text("aliasEmail");
    if login.kind == Some("alias") {
        login.username = alias;
    } else {
        object.keep("aliasEmail", alias.into());
    }
    let account = Account { issuer: &title, name: &login.username };
    login.totp = totp::keep(&content.text("totpUri"), account, &origin, reading);
    if content.has("passkeys") {
        let what = "its passkeys are kept in `source`, as Proton has them: nobody else reads these";
        reading.remark(&origin, Outcome::Changed, what);
    }
    let mut draft = Draft { title: &title, login: &mut login, origin: &origin, reading };
    draft.take_lists(&mut content);
    let fields = data.list("extraFields");
    let rest = draft.take_fields(fields, None);
    data.keep("extraFields", rest.into());
    data.put_back("content", content);
    object.put_back("data", data);
    // Which vault, which version of the format: not of the item.
    for name in ["shareId", "contentFormatVersion"] {
        drop(object.take(name));
    }
    let folders = read_folder(&mut object, vault, &origin, reading);
    let state = object.number("state");
    if !matches!(state, None | Some(1 | 2)) {
        object.keep("state", state.into());
    }
    let attachments = read_files(&mut object, files, &origin, reading);
    object.remark_on(reading, &origin);
    login.left_over = object.left_over();
    let mut item = Item::of_login(origin, title, login);
    let vault = Some(vault.name.clone()).filter(|name| !name.is_empty());
    item.folders = vault.into_iter().chain(folders).collect();
    item.attachments = attachments;
    item.is_in_trash = state == Some(2);
    reading.items.push(item);
}

fn read_folder(
    object: &mut Object,
    vault: &Vault,
    origin: &Origin,
    reading: &mut Reading,
) -> Vec<String> {
    let id = object.text("folderId");
    let path = vault.folders.get(&id).cloned();
    if path.is_none() && !id.is_empty() {
        reading.remark(origin, Outcome::Doubtful, "its folder is not in the export");
        object.keep("folderId", id.into());
    }
    path.unwrap_or_default()
}

fn read_files(
    object: &mut Object,
    files: &mut Files<'_>,
    origin: &Origin,
    reading: &mut Reading,
) -> Vec<Attachment> {
    let mut attachments = Vec::new();
    for name in object.list("files").iter().filter_map(Json::as_str) {
        let found = files.take(name);
        if found.is_none() {
            let what = format!("its file {} is not in the export", quoted(name));
            reading.remark(origin, Outcome::PartLeftOut, what);
        }
        attachments.extend(found);
    }
    attachments
}

/// Finds out what the item is, and takes what its type has of its own.
fn read_content(data: &mut Object, content: &mut Object, login: &mut Login) {
    let said = data.text("type");
    let known = TYPES.iter().find(|(known, _, _)| *known == said);
    if let Some((_, kind, special)) = known {
        login.kind = *kind;
        if let Some((member, names)) = special {
            let values = names.iter().map(|(from, to)| (*to, content.text(from)));
            let values = values.filter(|(_, value)| !value.is_empty());
            let values = values.map(|(to, value)| (to.to_owned(), value.into()));
            login.special = Some((member, values.collect()));
        }
    } else {
        login.kind = Some("other");
        data.keep("type", said.into());
    }
    if let Some(("card", card)) = &mut login.special {
        read_expiry(content, card);
    }
    let (name, email) = (content.text("itemUsername"), content.text("itemEmail"));
    // The name that it had before there were two.
    let older = content.text("username");
    let name = if name.is_empty() { older } else { name };
    if name.is_empty() {
        login.username = email;
    } else {
        login.username = name;
        if !email.is_empty() {
            login.fields.push(Field::new("email", email, FieldKind::Email));
        }
    }
    login.password = content.text("password").into();
    let mut add = |url: String| {
        if !url.is_empty() && !login.urls.contains(&url) {
            login.urls.push(url);
        }
    };
    let mut left_over = Vec::new();
    for name in ["urls", "autofillUrls"] {
        for url in content.list(name) {
            let mut inner = Object::of(&url).unwrap_or_default();
            add(url.as_str().map_or_else(|| inner.text("url"), str::to_owned));
            let is_usual = inner.number("mode").is_none_or(|mode| mode == 0);
            if !(is_usual && inner.left_over().is_empty()) {
                left_over.push(url);
            }
        }
    }
    content.keep("autofillUrls", left_over.into());
}

/// Reads a month, which was written as `MMYYYY` and is as `YYYY-MM`.
fn read_expiry(content: &mut Object, card: &mut Map<String, Json>) {
    let date = content.text("expirationDate");
    let parts = match date.split_once('-') {
        Some((year, month)) => Some((month, year)),
        None => date.split_at_checked(2).filter(|(_, year)| [2, 4].contains(&year.len())),
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match parts.filter(|(month, year)| is_number(month) && is_number(year)) {
        Some((month, year)) => {
            card.insert("expMonth".to_owned(), month.trim_start_matches('0').into());
            let century = if year.len() == 2 { "20" } else { "" };
            card.insert("expYear".to_owned(), format!("{century}{year}").into());
        }
        None => content.keep("expirationDate", date.into()),
    }
}

/// An item whose fields are read.
struct Draft<'a> {
    title: &'a str,
    login: &'a mut Login,
    origin: &'a Origin,
    reading: &'a mut Reading,
}

impl Draft<'_> {
    /// Takes what the content has besides: texts become fields, named as the member is; lists of fields
    /// and sections of fields too.
    fn take_lists(&mut self, content: &mut Object) {
        for name in content.names() {
            if name == "passkeys" {
                continue;
            }
            if content.is_text(&name) {
                let is_hidden = ["pin", "number", "verificationNumber"].contains(&name.as_str());
                let kind = if is_hidden { FieldKind::Hidden } else { FieldKind::Text };
                let value = content.text(&name);
                if !value.is_empty() {
                    self.login.fields.push(Field::new(name, value, kind));
                }
                continue;
            }
            if !(name.starts_with("extra") || name == "sections") {
                continue;
            }
            let mut left_over = Vec::new();
            for json in content.list(&name) {
                let Some(mut section) =
                    Object::of(&json).filter(|entry| entry.has("sectionFields"))
                else {
                    left_over.extend(self.take_fields(vec![json], None));
                    continue;
                };
                let title = section.text("sectionName");
                let fields = section.list("sectionFields");
                let rest = self.take_fields(fields, Some(&title));
                section.keep("sectionFields", rest.into());
                let mut rest = section.left_over();
                if !rest.is_empty() {
                    rest.insert("sectionName".to_owned(), title.into());
                    left_over.push(Json::Object(rest));
                }
            }
            content.keep(&name, left_over.into());
        }
    }

    /// Takes fields; returns those that are of a type that is not known.
    fn take_fields(&mut self, fields: Vec<Json>, section: Option<&str>) -> Vec<Json> {
        let mut left_over = Vec::new();
        for json in fields {
            let mut from = Object::of(&json).unwrap_or_default();
            let (name, kind) = (from.text("fieldName"), from.text("type"));
            let mut data = from.object("data");
            let field = match kind.as_str() {
                "text" => Some((data.text("content"), FieldKind::Text)),
                "hidden" => Some((data.text("content"), FieldKind::Hidden)),
                "timestamp" => Some((data.text("timestamp"), FieldKind::Date)),
                "totp" => Some((data.text("totpUri"), FieldKind::Totp)),
                _ => None,
            };
            let is_whole = data.left_over().is_empty() && from.left_over().is_empty();
            let Some((value, kind)) = field.filter(|_| is_whole) else {
                let what = format!("the field {} is kept in `source`", quoted(&name));
                self.reading.remark(self.origin, Outcome::Changed, what);
                left_over.push(json);
                continue;
            };
            let section = section.filter(|title| !title.is_empty()).map(str::to_owned);
            let mut field = Field { section, ..Field::new(name, value, kind) };
            if kind == FieldKind::Totp {
                let account = Account { issuer: self.title, name: &self.login.username };
                let uri = totp::keep(field.value.expose(), account, self.origin, self.reading);
                if self.login.totp.is_empty() {
                    self.login.totp = uri;
                    continue;
                }
                field.value = uri;
            }
            self.login.fields.push(field);
        }
        left_over
    }
}
