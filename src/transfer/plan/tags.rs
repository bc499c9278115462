//! The tags of the secrets that come of an item. Whoever may list secrets can read them: nothing secret is
//! in them, and no user name, address or note.

use super::super::item::{Content, Item};
use super::super::naming;
use crate::crypto::fingerprint;
use crate::model::types::{Tag, TagKey, TagValue};
use crate::service::import::{SOURCE, SOURCE_ID};
use crate::service::rules::tags;

/// Tags, key and value.
type Tags = Vec<(String, String)>;

/// The most tags of a secret.
const MAX_TAGS: usize = 50;
/// How many labels can be tags beside those that an item may have anyway.
const MAX_LABELS: usize = MAX_TAGS - 5;
/// The most characters of a tag's key and of its value.
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// Returns what an item is, in a word: what the tag `kind` says.
pub(crate) fn kind(item: &Item) -> &'static str {
    match &item.content {
        Content::Login(login) => login.kind.unwrap_or("login"),
        Content::Text(_) => "text",
        Content::Bytes(_) => "file",
    }
}

/// Returns the value of the tag `src-id` of an item; `None` for one that has no id of its own, or
/// whose name is its id.
pub(crate) fn source_id(item: &Item) -> Option<String> {
    source_id_with(item, "")
}

fn source_id_with(item: &Item, suffix: &str) -> Option<String> {
    let id = item.origin.id();
    let is_known_by_it = !id.is_empty() && item.exact_name.is_none();
    is_known_by_it.then(|| value(&format!("{id}{suffix}")))
}

/// Writes an id as the value of a tag.
pub(super) fn value(id: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-=._:/@".contains(c);
    let text = if id.chars().all(is_plain) { id.to_owned() } else { naming::encode(id) };
    if text.len() <= MAX_VALUE {
        return text;
    }
    fingerprint::hex(&fingerprint::of_bytes(id.as_bytes()))
}

/// Returns the tags of an item.
pub(super) fn of_item(item: &Item, source: &str) -> Tags {
    let mut tags = vec![("kind".to_owned(), kind(item).to_owned())];
    if let Content::Login(login) = &item.content {
        for (is_so, key) in [(login.is_favorite, "favorite"), (login.is_archived, "archived")] {
            if is_so {
                tags.push((key.to_owned(), "true".to_owned()));
            }
        }
    }
    tags.extend(of_source(item, source, ""));
    for (_, key) in labels(item).filter(is_tag).map(|(_, label)| label) {
        if tags.iter().all(|(present, _)| *present != key) {
            tags.push((key, String::new()));
        }
    }
    tags
}

/// Returns the tags of a file of an item, which `suffix` tells from other files.
pub(super) fn of_file(item: &Item, source: &str, suffix: &str) -> Tags {
    let mut tags = vec![("kind".to_owned(), "attachment".to_owned())];
    if item.exact_name.is_none() {
        tags.extend(of_source(item, source, suffix));
    }
    tags
}

fn of_source(item: &Item, source: &str, suffix: &str) -> Tags {
    let id = source_id_with(item, suffix).map(|id| (SOURCE_ID.to_owned(), id));
    [(SOURCE.to_owned(), source.to_owned())].into_iter().chain(id).collect()
}

/// Returns the labels of an item for which there is no room among the tags.
pub(super) fn labels_that_are_none(item: &Item) -> impl Iterator<Item = &str> {
    labels(item).filter(|label| !is_tag(label)).map(|(_, (label, _))| label)
}

/// The labels by their number, each with the key of its tag.
fn labels(item: &Item) -> impl Iterator<Item = (usize, (&str, String))> {
    let key = |label: &String| format!("tag:{}", naming::encode(label));
    item.labels.iter().map(move |label| (label.as_str(), key(label))).enumerate()
}

fn is_tag((number, (_, key)): &(usize, (&str, String))) -> bool {
    *number < MAX_LABELS && key.len() <= MAX_KEY
}

/// Returns the tags that a secret of AWS has, as far as somebody may set them; and the keys of the
/// others.
pub(super) fn of_aws(given: &[(String, String)]) -> (Tags, Vec<&str>) {
    let (mut taken, mut refused): (Tags, Vec<&str>) = Default::default();
    for (key, value) in given {
        let tag = Tag { key: Some(TagKey(key.clone())), value: Some(TagValue(value.clone())) };
        let fits = (1..=MAX_KEY).contains(&key.chars().count())
            && value.chars().count() <= MAX_VALUE
            && taken.len() < MAX_TAGS
            && taken.iter().all(|(present, _)| present != key);
        if fits && tags::check(&[tag]).is_ok() {
            taken.push((key.clone(), value.clone()));
        } else {
            refused.push(key);
        }
    }
    (taken, refused)
}
