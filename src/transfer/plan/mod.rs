//! Which secrets come of an item: its value, what it held before as versions, its files as secrets of
//! their own, and tags (docs/moving.md).

mod tags;

use serde_json::{Map, Value as Json};

use super::item::{Attachment, Content, Earlier, Item, Origin};
use super::login::{Around, Login};
use super::naming;
use super::reading::{Outcome, Remark};
use super::text;
use crate::crypto::fingerprint;
use crate::model::secret_value::SecretValue;
use crate::service::import::{Wanted, WantedVersion};
use crate::sys::secret::Secret;

pub(crate) use tags::{kind, source_id};

/// The most bytes of a value.
pub(crate) const MAX_VALUE: usize = 65_536;
/// The most parts of a file: their numbers have two digits.
const MAX_PARTS: usize = 99;
/// The largest file that can be taken along, in bytes.
pub(crate) const MAX_FILE: usize = MAX_VALUE * MAX_PARTS;
/// The most characters of a description.
const MAX_DESCRIPTION: usize = 2048;
/// What notes are called that are a file, since the value would be too long with them.
const NOTES: &str = "notes.txt";
/// The namespace of the ids of versions; a random UUID.
const VERSIONS: [u8; 16] = *b"\x5e\x1b\x9a\x70\x43\xd2\x4c\x0b\x8f\x36\xa9\x11\xe7\x5c\x02\xd4";

/// What the user wants of the secrets, and where the items are from.
pub(crate) struct Plan<'p> {
    /// The name of the format.
    pub(crate) source: &'p str,
    /// What all names begin with: nothing, or something that ends with a slash.
    pub(crate) prefix: &'p str,
    /// How many earlier values come along.
    pub(crate) history: usize,
    /// The largest file that comes along, in bytes.
    pub(crate) max_attachment: usize,
}

/// The secrets that come of one item.
pub(crate) struct Planned {
    /// The item itself first, then its files; none if nothing can be stored.
    pub(crate) secrets: Vec<Wanted>,
    pub(crate) remarks: Vec<Remark>,
}

/// Whether the value of a login has the title, which its secret's name may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Titled {
    Yes,
    No,
}

impl Plan<'_> {
    /// Returns whether the value of an item of this name has to have its title.
    pub(crate) fn titled(&self, item: &Item, name: &str) -> Titled {
        let (shows_title, _) = naming::shows(name, item, self.prefix);
        if shows_title { Titled::No } else { Titled::Yes }
    }

    /// Says which secrets come of an item if it is called so.
    pub(crate) fn secrets(&self, item: &Item, name: &str, titled: Titled) -> Planned {
        let mut made = Making { plan: self, item, name, files: Vec::new(), remarks: Vec::new() };
        let current = match &item.content {
            Content::Login(login) => made.login(login, titled),
            Content::Text(text) => {
                made.whole(text.expose().as_bytes(), || SecretValue::Text(copy_text(text)))
            }
            Content::Bytes(bytes) => made
                .whole(bytes.expose(), || SecretValue::Binary(Secret::new(bytes.expose().clone()))),
        };
        made.finish(current, titled)
    }
}

/// What a value comes to.
enum Value {
    /// One that a secret can have.
    Fits(SecretValue),
    /// It is too long for one secret, and is in several that are made already.
    InParts,
    /// None.
    Nothing,
}

/// The secrets of one item while they are made.
struct Making<'m> {
    plan: &'m Plan<'m>,
    item: &'m Item,
    name: &'m str,
    files: Vec<Wanted>,
    remarks: Vec<Remark>,
}

impl Making<'_> {
    fn remark(&mut self, outcome: Outcome, what: impl Into<String>) {
        let origin = self.item.origin.clone();
        self.remarks.push(Remark { origin, outcome, what: what.into() });
    }

    /// A value that is kept as it is.
    fn whole(&mut self, bytes: &[u8], value: impl FnOnce() -> SecretValue) -> Value {
        match bytes.len() {
            0 => {
                self.remark(Outcome::LeftOut, "has no value, and no secret can be empty");
                Value::Nothing
            }
            length if length <= MAX_VALUE => Value::Fits(value()),
            length if length <= self.plan.max_attachment => {
                let parts = self.in_parts(self.name, bytes, "");
                self.remark(
                    Outcome::Changed,
                    format!("is {length} bytes long, more than a secret can be: in {parts} parts"),
                );
                Value::InParts
            }
            length => {
                let what = format!("is {length} bytes long; --max-attachment takes longer ones");
                self.remark(Outcome::LeftOut, what);
                Value::Nothing
            }
        }
    }

    /// The value of a login with its files. What does not fit is taken out, and never cut.
    fn login(&mut self, login: &Login, titled: Titled) -> Value {
        let mut listed = Vec::new();
        for attachment in &self.item.attachments {
            listed.push(self.attachment(attachment));
        }
        let mut login = login.copy();
        self.labels_that_are_no_tags(&mut login);
        let text = self.written(&login, titled, &listed);
        if text.expose().len() <= MAX_VALUE {
            return Value::Fits(SecretValue::Text(text));
        }
        if !login.left_over.is_empty() {
            login.left_over = Map::new();
            let what = "is too long for a secret: without what only its own program understands";
            self.remark(Outcome::PartLeftOut, what);
            let text = self.written(&login, titled, &listed);
            if text.expose().len() <= MAX_VALUE {
                return Value::Fits(SecretValue::Text(text));
            }
        }
        if !login.notes.is_empty() {
            let bytes = Secret::new(login.notes.expose().as_bytes().to_vec());
            listed.push(self.attachment(&Attachment { name: NOTES.to_owned(), bytes }));
            login.notes = String::new().into();
            self.remark(Outcome::Changed, "is too long for a secret: its notes are a file");
            let text = self.written(&login, titled, &listed);
            if text.expose().len() <= MAX_VALUE {
                return Value::Fits(SecretValue::Text(text));
            }
        }
        self.files.clear();
        let what =
            format!("is {} bytes long; a secret has at most {MAX_VALUE}", text.expose().len());
        self.remark(Outcome::LeftOut, what);
        Value::Nothing
    }

    fn written(&self, login: &Login, titled: Titled, files: &[Json]) -> Secret<String> {
        let plain = naming::plain(self.item, self.plan.prefix);
        let (_, shows_path) = naming::shows(&plain, self.item, self.plan.prefix);
        login.to_json_of(&Around {
            title: if titled == Titled::Yes { &self.item.title } else { "" },
            path: if shows_path { &[] } else { &self.item.folders },
            attachments: files.to_vec(),
        })
    }

    /// Makes the secrets of a file, and returns what the item's value says of it.
    fn attachment(&mut self, attachment: &Attachment) -> Json {
        let (file, bytes) = (&attachment.name, attachment.bytes.expose());
        let size = bytes.len();
        let mut members = Map::new();
        members.insert("name".to_owned(), file.as_str().into());
        members.insert("size".to_owned(), size.into());
        let digest = fingerprint::hex(&fingerprint::of_bytes(bytes));
        members.insert("sha256".to_owned(), digest.into());
        if size == 0 {
            let what = format!(
                "its file {file:?} is empty, which no secret can be: only named in the value"
            );
            self.remark(Outcome::Changed, what);
        } else if size > self.plan.max_attachment {
            let what =
                format!("its file {file:?} has {size} bytes; --max-attachment takes larger ones");
            self.remark(Outcome::PartLeftOut, what);
        } else {
            let taken = |name: &str| {
                let is_it = |rest: &str| rest.is_empty() || rest.starts_with("=p");
                self.files.iter().any(|file| file.name.strip_prefix(name).is_some_and(is_it))
            };
            let mut name = naming::of_file(self.name, file);
            let mut number = 2;
            while taken(&name) {
                name = naming::of_file(self.name, &format!("{file}.{number}"));
                number += 1;
            }
            self.in_parts(&name, bytes, file);
            members.insert("secret".to_owned(), name.into());
        }
        Json::Object(members)
    }

    /// Makes the secret of some bytes, or several if they are too many for one. Returns how many.
    fn in_parts(&mut self, name: &str, bytes: &[u8], file: &str) -> usize {
        let is_single = bytes.len() <= MAX_VALUE;
        for (number, part) in (1..).zip(bytes.chunks(MAX_VALUE)) {
            let name = if is_single { name.to_owned() } else { naming::of_part(name, number) };
            let suffix = if is_single { String::new() } else { format!("=p{number:02}") };
            let suffix = format!("=a/{}{suffix}", naming::encode(file));
            let tags = tags::of_file(self.item, self.plan.source, &suffix);
            let id = self.version_id(&name, "", 0);
            let value = SecretValue::Binary(Secret::new(part.to_vec()));
            let versions = vec![WantedVersion { id, value }];
            self.files.push(Wanted { name, description: None, tags, versions });
        }
        bytes.len().div_ceil(MAX_VALUE)
    }

    /// Keeps the labels in the value that are too long for a tag, or too many.
    fn labels_that_are_no_tags(&mut self, login: &mut Login) {
        let left: Vec<Json> = tags::labels_that_are_none(self.item).map(Json::from).collect();
        if left.is_empty() {
            return;
        }
        let what = format!("{} of its labels are no tags, but only in the value", left.len());
        login.left_over.insert("labels".to_owned(), left.into());
        self.remark(Outcome::Changed, what);
    }

    fn tags(&mut self) -> Vec<(String, String)> {
        if self.item.exact_name.is_none() {
            return tags::of_item(self.item, self.plan.source);
        }
        let (taken, refused) = tags::of_aws(&self.item.tags);
        for key in refused {
            self.remark(Outcome::PartLeftOut, format!("its tag {key} cannot be set"));
        }
        taken
    }

    /// The description of a secret of AWS; of others the title, where the name shows it in another
    /// spelling.
    fn description(&mut self) -> Option<String> {
        let item = self.item;
        let text = match (&item.exact_name, &item.description) {
            (_, Some(description)) => description.as_str(),
            (Some(exact), None) if !naming::is_allowed(exact) => exact,
            (None, None) if naming::encode(&item.title) != item.title => &item.title,
            (Some(_) | None, None) => "",
        };
        if text.chars().count() > MAX_DESCRIPTION {
            self.remark(Outcome::PartLeftOut, "its description is too long");
            return None;
        }
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    /// Makes the id of a version: the same for the same one of the same item whenever it is read. No
    /// value is in it.
    fn version_id(&self, name: &str, date: &str, index: usize) -> String {
        let id = if source_id(self.item).is_some() { self.item.origin.id() } else { name };
        let suffix = name.strip_prefix(self.name).unwrap_or(name);
        let of = format!("{}\0{id}\0{suffix}\0{date}\0{index}", self.plan.source);
        fingerprint::uuid_of_name(&VERSIONS, of.as_bytes())
    }

    /// What the item held before, the oldest first, and each time something else.
    fn earlier(&mut self, titled: Titled) -> Vec<WantedVersion> {
        let (plan, item) = (self.plan, self.item);
        let passed_over = item.history.len().saturating_sub(plan.history);
        if passed_over > 0 {
            let what = format!("{passed_over} of its earlier values; --history takes more along");
            self.remark(Outcome::PartLeftOut, what);
        }
        let mut versions: Vec<WantedVersion> = Vec::new();
        for (index, earlier) in item.history.iter().enumerate().skip(passed_over) {
            let Some(value) = self.value_of(earlier, titled) else {
                let what = "one of its earlier values is empty, or too long for a secret";
                self.remark(Outcome::PartLeftOut, what);
                continue;
            };
            if versions.last().is_some_and(|last| last.value.same_as(&value)) {
                continue;
            }
            let date = earlier.at.and_then(text::date).unwrap_or_default();
            versions.push(WantedVersion { id: self.version_id(self.name, &date, index), value });
        }
        versions
    }

    fn value_of(&self, earlier: &Earlier, titled: Titled) -> Option<SecretValue> {
        let value = match &earlier.content {
            Content::Login(login) => {
                let text = self.written(login, titled, &[]);
                if text.expose().len() <= MAX_VALUE {
                    SecretValue::Text(text)
                } else {
                    let mut login = login.copy();
                    login.left_over = Map::new();
                    SecretValue::Text(self.written(&login, titled, &[]))
                }
            }
            Content::Text(text) => SecretValue::Text(copy_text(text)),
            Content::Bytes(bytes) => SecretValue::Binary(Secret::new(bytes.expose().clone())),
        };
        (1..=MAX_VALUE).contains(&value.expose_bytes().len()).then_some(value)
    }

    fn finish(mut self, current: Value, titled: Titled) -> Planned {
        let value = match current {
            Value::Fits(value) => value,
            Value::InParts | Value::Nothing => {
                if !self.item.history.is_empty() {
                    self.remark(Outcome::PartLeftOut, "its earlier values");
                }
                return Planned { secrets: self.files, remarks: self.remarks };
            }
        };
        let mut versions = self.earlier(titled);
        if versions.last().is_some_and(|last| last.value.same_as(&value)) {
            versions.pop();
        }
        let modified = match &self.item.content {
            Content::Login(login) => login.modified.clone().unwrap_or_default(),
            Content::Text(_) | Content::Bytes(_) => String::new(),
        };
        let id = self.version_id(self.name, &modified, self.item.history.len());
        versions.push(WantedVersion { id, value });
        let (description, tags) = (self.description(), self.tags());
        let mut secrets = vec![Wanted { name: self.name.to_owned(), description, tags, versions }];
        if !matches!(self.item.content, Content::Login(_)) {
            for attachment in &self.item.attachments {
                self.attachment(attachment);
            }
        }
        secrets.append(&mut self.files);
        Planned { secrets, remarks: self.remarks }
    }
}

fn copy_text(text: &Secret<String>) -> Secret<String> {
    Secret::new(text.expose().clone())
}

/// Remarks on names that only their case tells apart, which other systems take for one.
pub(crate) fn of_one_spelling<'n>(
    names: impl Iterator<Item = (&'n Origin, &'n str)>,
) -> Vec<Remark> {
    let mut known: std::collections::BTreeMap<String, &str> = std::collections::BTreeMap::new();
    let mut remarks = Vec::new();
    for (origin, name) in names {
        match known.get(&name.to_lowercase()) {
            Some(other) => {
                let what = format!("its name {name} and {other} differ only in case");
                remarks.push(Remark { origin: origin.clone(), outcome: Outcome::Doubtful, what });
            }
            None => drop(known.insert(name.to_lowercase(), name)),
        }
    }
    remarks
}

#[cfg(test)]
mod tests;
