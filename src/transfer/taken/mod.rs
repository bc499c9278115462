//! Secrets on their way out, as items again: what an import made of an item is made one again, and what
//! AWS's own commands made is an item too.

mod value;

use std::collections::{BTreeMap, BTreeSet};

use self::value::Found;
use super::item::{Attachment, Content, Earlier, Item, Origin};
use super::login::Login;
use super::reading::{Outcome, Reading};
use super::{naming, text};
use crate::model::secret_value::SecretValue;
use crate::service::export::Exported;
use crate::service::import::{SOURCE, SOURCE_ID};
use crate::service::rules::stages::{CURRENT, PENDING, PREVIOUS};
use crate::sys::secret::Secret;
use crate::vault::record::{Record, Replication, Version};

/// An item, and the secret that it is.
pub(crate) struct Taken {
    pub(crate) item: Item,
    /// The name of the secret.
    pub(crate) name: String,
    /// The program that it was imported from, if any.
    pub(crate) source: String,
    /// How much of the secret no item has.
    pub(crate) beside: Beside,
}

/// What a secret has that no item has: how many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Beside {
    /// Staging labels other than AWS's own.
    pub(crate) labels: u64,
    /// Versions that a rotation is making.
    pub(crate) pending: u64,
    pub(crate) policies: u64,
    pub(crate) rotations: u64,
    pub(crate) replicas: u64,
    /// KMS keys that are named.
    pub(crate) keys: u64,
    /// Files that the value names, and no secret has.
    pub(crate) lost_files: u64,
}

/// Makes items of secrets, in their order.
pub(crate) fn items(secrets: Vec<Exported>) -> Vec<Taken> {
    let names: BTreeSet<String> = secrets.iter().map(|secret| secret.record.name.clone()).collect();
    let mut taken = Vec::with_capacity(secrets.len());
    let mut files: BTreeMap<String, Secret<Vec<u8>>> = BTreeMap::new();
    for secret in secrets {
        match of_file(secret, &names) {
            Ok((name, bytes)) => drop(files.insert(name, bytes)),
            Err(secret) => taken.extend(one(*secret)),
        }
    }
    let mut made = Vec::with_capacity(taken.len());
    for (mut taken, named) in taken {
        for file in named {
            match attachment(&file, &mut files) {
                Some(attachment) => taken.item.attachments.push(attachment),
                None => taken.beside.lost_files += 1,
            }
        }
        made.push(taken);
    }
    // Files of items that are not among them, or do not name them.
    for (name, bytes) in files {
        let item = Item::of_bytes(Origin::Id(name.clone()), name.clone(), bytes);
        made.push(Taken { item, name, source: String::new(), beside: Beside::default() });
    }
    made
}

/// Makes items of the secrets of another vault: each is kept as it is, under its name and with its tags.
pub(crate) fn exact(secrets: Vec<Exported>) -> Reading {
    let mut reading = Reading::new();
    for Exported { record, values } in secrets {
        let mut values: BTreeMap<String, SecretValue> = crate::model::order::map_of(values);
        let current = record.staged(CURRENT).map(|version| version.id.clone()).unwrap_or_default();
        let origin = Origin::Id(record.name.clone());
        let Some(value) = values.remove(&current) else {
            reading.remark(&origin, Outcome::LeftOut, "has no current value");
            continue;
        };
        let mut item = Item::of_content(origin.clone(), as_it_is(value));
        item.exact_name = Some(record.name.clone());
        item.description.clone_from(&record.description);
        item.history = history(&record, values, &current, |value, _| as_it_is(value));
        let beside = take_tags(&record, &mut item);
        for (count, what) in [
            (beside.labels, "staging labels other than AWS's own"),
            (beside.pending, "the version that a rotation was making"),
            (beside.policies, "its resource policy"),
            (beside.rotations, "how it rotates"),
        ] {
            if count > 0 {
                reading.remark(&origin, Outcome::PartLeftOut, what);
            }
        }
        reading.items.push(item);
    }
    reading
}

fn as_it_is(value: SecretValue) -> Content {
    match value {
        SecretValue::Text(text) => Content::Text(text),
        SecretValue::Binary(bytes) => Content::Bytes(bytes),
    }
}

/// Takes a secret that is a file of another, or a part of one, with the name of its secret.
fn of_file(
    secret: Exported,
    names: &BTreeSet<String>,
) -> Result<(String, Secret<Vec<u8>>), Box<Exported>> {
    let item = secret.record.name.split_once(OF_ITEM).map(|(item, _)| item);
    let is_file = tag(&secret.record, "kind") == Some("attachment");
    if !is_file || !item.is_some_and(|item| names.contains(item)) {
        return Err(Box::new(secret));
    }
    let Exported { record, mut values } = secret;
    let current = record.staged(CURRENT).map(|version| version.id.clone()).unwrap_or_default();
    let place = values.iter().position(|(id, _)| *id == current);
    match place.map(|place| values.swap_remove(place)) {
        Some((_, SecretValue::Binary(bytes))) => Ok((record.name, bytes)),
        Some(value) => {
            values.push(value);
            Err(Box::new(Exported { record, values }))
        }
        None => Err(Box::new(Exported { record, values })),
    }
}

/// Finds a file that a value names, and puts its parts together.
fn attachment(
    file: &value::File,
    files: &mut BTreeMap<String, Secret<Vec<u8>>>,
) -> Option<Attachment> {
    let name = file.name.clone();
    let Some(secret) = &file.secret else {
        // One that is empty is in no secret.
        return (file.size == 0).then(|| Attachment { name, bytes: Secret::new(Vec::new()) });
    };
    if let Some(bytes) = files.remove(secret) {
        return Some(Attachment { name, bytes });
    }
    let mut whole = files.remove(&naming::of_part(secret, 1))?;
    let mut number = 2;
    while let Some(part) = files.remove(&naming::of_part(secret, number)) {
        whole.expose_mut().extend_from_slice(part.expose());
        number += 1;
    }
    Some(Attachment { name, bytes: whole })
}

/// Makes an item of a secret, and says which files it has; none of one without a current value.
fn one(secret: Exported) -> Option<(Taken, Vec<value::File>)> {
    let Exported { record, values } = secret;
    let mut values: BTreeMap<String, SecretValue> = crate::model::order::map_of(values);
    let current = record.staged(CURRENT)?.id.clone();
    let (held, around) = content(values.remove(&current)?, &record);
    let Around { title, path, files } = around;
    let mut item = Item::of_content(origin(&record), held);
    let is_exact = tag(&record, "kind").is_none() && !matches!(item.content, Content::Login(_));
    if is_exact {
        item.exact_name = Some(record.name.clone());
    } else {
        let (folders, last) = record.name.rsplit_once('/').unwrap_or(("", &record.name));
        let folders = folders.split('/').filter(|folder| !folder.is_empty());
        item.folders = path.unwrap_or_else(|| folders.map(shown).collect());
        item.title = title.unwrap_or_else(|| shown(last));
    }
    item.description = record.description.clone().filter(|text| is_exact || *text != item.title);
    let beside = take_tags(&record, &mut item);
    item.history = history(&record, values, &current, |value, record| content(value, record).0);
    let source = tag(&record, SOURCE).unwrap_or_default().to_owned();
    Some((Taken { item, name: record.name, source, beside }, files))
}

/// What a value says of its item.
#[derive(Default)]
struct Around {
    title: Option<String>,
    path: Option<Vec<String>>,
    files: Vec<value::File>,
}

fn content(value: SecretValue, record: &Record) -> (Content, Around) {
    match value {
        SecretValue::Text(text) => match Login::read(text.expose(), is_ours(record)) {
            Some(Found { login, title, path, files }) => {
                (Content::Login(Box::new(login)), Around { title, path, files })
            }
            None => (Content::Text(text), Around::default()),
        },
        SecretValue::Binary(bytes) => (Content::Bytes(bytes), Around::default()),
    }
}

/// Whether an import made a secret, of something that has fields.
fn is_ours(record: &Record) -> bool {
    let is_kind = tag(record, "kind").is_some_and(|kind| !NO_FIELDS.contains(&kind));
    is_kind && tag(record, SOURCE).is_some()
}

fn origin(record: &Record) -> Origin {
    Origin::Id(tag(record, SOURCE_ID).unwrap_or(&record.name).to_owned())
}

/// A part of a name as people write it; as it is, if no import made it.
fn shown(segment: &str) -> String {
    naming::decode(segment).unwrap_or_else(|| segment.to_owned())
}

fn tag<'r>(record: &'r Record, key: &str) -> Option<&'r str> {
    let mut tags = record.tags.iter().flatten();
    tags.find(|(present, _)| present == key).map(|(_, value)| value.as_str())
}

/// Takes labels and tags, and counts what no item has.
fn take_tags(record: &Record, item: &mut Item) -> Beside {
    let is_exact = item.exact_name.is_some();
    for (key, value) in record.tags.iter().flatten() {
        let label = key.strip_prefix("tag:").filter(|_| value.is_empty() && !is_exact);
        if let Some(label) = label {
            item.labels.push(shown(label));
        } else if is_exact || !IMPORTED.contains(&key.as_str()) {
            item.tags.push((key.clone(), value.clone()));
        }
    }
    if let Some(login) = item.login_mut()
        && let Some(serde_json::Value::Array(labels)) = login.left_over.shift_remove("labels")
    {
        item.labels.extend(labels.iter().filter_map(|label| label.as_str().map(str::to_owned)));
    }
    let count = |is_there: bool| u64::from(is_there);
    let own = [CURRENT, PREVIOUS, PENDING];
    let stages = record.versions.iter().flat_map(|version| &version.stages);
    let labels = stages.filter(|stage| !own.contains(&stage.as_str())).count();
    Beside {
        labels: u64::try_from(labels).unwrap_or(u64::MAX),
        pending: count(record.versions.iter().any(is_pending)),
        policies: count(record.policy.is_some()),
        rotations: count(record.rotation.is_some()),
        replicas: count(is_followed(record)),
        keys: count(record.kms_key_id.is_some()),
        lost_files: 0,
    }
}

/// Whether a rotation is making a version: it never was the current one.
fn is_pending(version: &Version) -> bool {
    let has = |label: &str| version.stages.iter().any(|stage| stage == label);
    has(PENDING) && !has(CURRENT)
}

/// Whether replicas follow a secret.
pub(crate) fn is_followed(record: &Record) -> bool {
    let has_replicas = match &record.replication {
        Replication::Primary(replicas) => !replicas.is_empty(),
        Replication::Replica { .. } => false,
    };
    has_replicas || record.cross_replica.is_some()
}

/// What a secret held before, the oldest first.
fn history(
    record: &Record,
    mut values: BTreeMap<String, SecretValue>,
    current: &str,
    content: impl Fn(SecretValue, &Record) -> Content,
) -> Vec<Earlier> {
    let before =
        record.versions.iter().filter(|version| version.id != current && !is_pending(version));
    let mut history = Vec::new();
    for version in before {
        let Some(value) = values.remove(&version.id) else { continue };
        let content = content(value, record);
        let at = match &content {
            Content::Login(login) => login.modified.as_deref().and_then(text::time),
            Content::Text(_) | Content::Bytes(_) => None,
        };
        history.push(Earlier { at: Some(at.unwrap_or(version.created)), content });
    }
    history
}

/// What stands between the name of an item and that of its file.
const OF_ITEM: &str = "=a/";
/// Kinds whose values are kept as they are.
const NO_FIELDS: [&str; 3] = ["text", "file", "attachment"];
/// The tags that an import makes of what an item has.
const IMPORTED: [&str; 5] = ["kind", "favorite", "archived", SOURCE, SOURCE_ID];

#[cfg(test)]
mod tests;
