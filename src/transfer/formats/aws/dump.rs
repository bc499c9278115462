//! Documents of AWS, whose values and descriptions come from different calls.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

use super::super::super::item::{Content, Earlier, Item, Origin};
use super::super::super::reading::{Outcome, Reading};
use crate::model::order;
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

type Object = Map<String, Json>;

/// The label of the version that counts, and of one that does not count yet.
const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";
const PREVIOUS: &str = "AWSPREVIOUS";

/// Whether a document has secrets.
pub(super) fn is_one(document: &Object) -> bool {
    ["SecretValues", "SecretList"]
        .iter()
        .any(|name| document.get(*name).is_some_and(Json::is_array))
        || (document.contains_key("ARN") && has_value(document))
}

/// Reads documents, and joins what belongs to one secret.
pub(super) fn read(json: &Json) -> Reading {
    let mut dump = Dump { secrets: Vec::new(), reading: Reading::new() };
    for (position, document) in objects(json).enumerate() {
        dump.add(document, position.saturating_add(1));
    }
    let Dump { secrets, mut reading } = dump;
    for secret in secrets {
        let item = secret.item(&mut reading);
        reading.items.extend(item);
    }
    reading
}

struct Dump<'j> {
    secrets: Vec<Found<'j>>,
    reading: Reading,
}

/// What is known of one secret.
struct Found<'j> {
    id: &'j str,
    name: &'j str,
    /// What `list-secrets` or `describe-secret` says.
    about: Option<&'j Object>,
    versions: Vec<&'j Object>,
}

impl<'j> Dump<'j> {
    fn add(&mut self, document: &'j Object, position: usize) {
        let list = |name: &str| document.get(name).and_then(Json::as_array).into_iter().flatten();
        for name in ["SecretList", "SecretValues"] {
            for entry in list(name) {
                if let Some(secret) = entry.as_object() {
                    self.add_secret(secret, position);
                } else {
                    let what = format!("has something in {name} that is no secret");
                    self.reading.remark(&Origin::Position(position), Outcome::LeftOut, what);
                }
            }
        }
        for error in list("Errors").filter_map(Json::as_object) {
            let code = text(error, "ErrorCode");
            let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let code = if is_code { code } else { "the code is not known" };
            let what = format!("could not be read when the file was made: {code}");
            let origin = Origin::Id(text(error, "SecretId").to_owned());
            self.reading.remark(&origin, Outcome::LeftOut, what);
        }
        if document.get("NextToken").is_some_and(|token| !token.is_null()) {
            let what = "the document is not whole: get the rest with --starting-token, or without \
                        --max-items and --no-paginate";
            self.reading.remark(&Origin::Position(position), Outcome::LeftOut, what);
        }
        if document.contains_key("ARN") {
            self.add_secret(document, position);
        }
    }

    fn add_secret(&mut self, secret: &'j Object, position: usize) {
        let (arn, name) = (text(secret, "ARN"), text(secret, "Name"));
        let id = if arn.is_empty() { name } else { arn };
        if id.is_empty() {
            let what = "has a secret with neither ARN nor Name";
            self.reading.remark(&Origin::Position(position), Outcome::LeftOut, what);
            return;
        }
        let place = self.secrets.iter().position(|known| known.id == id);
        let place = place.unwrap_or(self.secrets.len());
        if place == self.secrets.len() {
            self.secrets.push(Found { id, name, about: None, versions: Vec::new() });
        }
        let Some(known) = self.secrets.get_mut(place) else { return };
        if known.name.is_empty() {
            known.name = name;
        }
        if has_value(secret) {
            known.versions.push(secret);
        } else if known.about.is_none_or(|about| !about.contains_key("Description")) {
            known.about = Some(secret);
        }
    }
}

impl Found<'_> {
    fn item(mut self, reading: &mut Reading) -> Option<Item> {
        let origin = Origin::Id(self.id.to_owned());
        self.versions.retain(|version| {
            let is_pending = has_label(version, PENDING) && !has_label(version, CURRENT);
            if is_pending {
                let what = "a version that does not count yet (AWSPENDING)";
                reading.remark(&origin, Outcome::PartLeftOut, what);
            }
            !is_pending
        });
        order::sort_by_key(&mut self.versions, |version| {
            (has_label(version, CURRENT), version.get("CreatedDate").and_then(date))
        });
        let mut contents = Vec::new();
        for version in &self.versions {
            match content(version) {
                Ok(content) => contents.push((version.get("CreatedDate").and_then(date), content)),
                Err(why) => reading.remark(&origin, Outcome::LeftOut, why),
            }
            for label in labels(version).filter(|label| ![CURRENT, PREVIOUS].contains(label)) {
                let what = format!("the label {label:?} of a version");
                reading.remark(&origin, Outcome::PartLeftOut, what);
            }
        }
        let Some((_, content)) = contents.pop() else {
            if self.versions.is_empty() {
                let what = "has no value in the file: add what batch-get-secret-value prints";
                reading.remark(&origin, Outcome::LeftOut, what);
            }
            return None;
        };
        if self.name.is_empty() {
            reading.remark(&origin, Outcome::LeftOut, "has no Name");
            return None;
        }
        let mut item = named(origin, self.name, String::new());
        item.content = content;
        item.history = contents.into_iter().map(|(at, content)| Earlier { at, content }).collect();
        if let Some(about) = self.about {
            describe(about, &mut item, reading);
        }
        Some(item)
    }
}

/// Takes over what is said about a secret, and says what is not.
fn describe(about: &Object, item: &mut Item, reading: &mut Reading) {
    let description = text(about, "Description");
    item.description = (!description.is_empty()).then(|| description.to_owned());
    item.is_in_trash = about.get("DeletedDate").is_some_and(|date| !date.is_null());
    for tag in about.get("Tags").and_then(Json::as_array).into_iter().flatten() {
        let Some(tag) = tag.as_object() else {
            reading.remark(&item.origin, Outcome::PartLeftOut, "a tag that is none");
            continue;
        };
        let (key, value) = (text(tag, "Key"), text(tag, "Value"));
        if key.is_empty() || key.starts_with("aws:") {
            let what = format!("the tag {key:?}, which AWS sets itself");
            reading.remark(&item.origin, Outcome::PartLeftOut, what);
        } else {
            item.tags.push((key.to_owned(), value.to_owned()));
        }
    }
    let is_there = |name: &str| match about.get(name) {
        None | Some(Json::Null | Json::Bool(false)) => false,
        Some(Json::Array(list)) => !list.is_empty(),
        Some(Json::Bool(true) | Json::Number(_) | Json::String(_) | Json::Object(_)) => true,
    };
    for (name, what) in [
        ("RotationEnabled", "its rotation, which is to be set up anew"),
        ("KmsKeyId", "its KMS key: the vault has its own"),
        ("OwningService", "that a service manages it"),
        ("ReplicationStatus", "its replicas"),
        ("ExternalSecretRotationMetadata", "its rotation by another service"),
    ] {
        if is_there(name) {
            reading.remark(&item.origin, Outcome::PartLeftOut, what);
        }
    }
}

/// Reads a version's value.
fn content(version: &Object) -> Result<Content, &'static str> {
    let present = |name: &str| version.get(name).filter(|value| !value.is_null());
    let content = match (present("SecretString"), present("SecretBinary")) {
        (Some(value), None) => {
            let value = value.as_str().ok_or("a SecretString that is no text")?;
            Content::Text(Secret::new(value.to_owned()))
        }
        (None, Some(value)) => {
            let value = value.as_str().and_then(|value| STANDARD.decode(value).ok());
            Content::Bytes(Secret::new(value.ok_or("a SecretBinary that is no base64")?))
        }
        (Some(_), Some(_)) => return Err("a version with both SecretString and SecretBinary"),
        (None, None) => return Err("a version without a value"),
    };
    let is_empty = match &content {
        Content::Text(text) => text.expose().is_empty(),
        Content::Bytes(bytes) => bytes.expose().is_empty(),
        Content::Login(_) => false,
    };
    if is_empty { Err("an empty value") } else { Ok(content) }
}

fn has_value(secret: &Object) -> bool {
    ["SecretString", "SecretBinary"].iter().any(|name| secret.contains_key(*name))
}

fn has_label(version: &Object, label: &str) -> bool {
    labels(version).any(|known| known == label)
}

fn labels(version: &Object) -> impl Iterator<Item = &str> {
    let labels = version.get("VersionStages").and_then(Json::as_array);
    labels.into_iter().flatten().filter_map(Json::as_str)
}

fn text<'j>(object: &'j Object, name: &str) -> &'j str {
    object.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Reads a date: ISO 8601, or seconds since the epoch, with or without quotes.
fn date(json: &Json) -> Option<Timestamp> {
    let seconds = match json {
        Json::String(text) => {
            if let Ok(time) = text.parse::<jiff::Timestamp>() {
                return Some(Timestamp(time.as_millisecond()));
            }
            text.parse().ok()?
        }
        Json::Number(number) => number.as_f64()?,
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    let since = jiff::SignedDuration::try_from_secs_f64(seconds).ok()?;
    let time = jiff::Timestamp::from_duration(since).ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// An item that keeps its name, if a secret can have it.
pub(super) fn named(origin: Origin, name: &str, value: String) -> Item {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
    let mut item = Item::of_text(origin, name, value);
    if name.is_empty() || name.len() > 512 || !name.bytes().all(is_letter) {
        item.exact_name = None;
        name.clone_into(&mut item.title);
    }
    item
}

/// Returns a document that is an object, or those that are in a list.
pub(super) fn objects(json: &Json) -> impl Iterator<Item = &Object> {
    let list = json.as_array().map_or_else(|| std::slice::from_ref(json), Vec::as_slice);
    list.iter().filter_map(Json::as_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_all_versions_of_the_cli_write_them() {
        for json in [
            r#""2018-04-11T19:39:05.713000-03:00""#,
            r#""2018-04-11T22:39:05.713Z""#,
            "1523486345.713",
            r#""1523486345.713""#,
        ] {
            let json: Json = serde_json::from_str(json).unwrap();
            assert_eq!(date(&json), Some(Timestamp(1_523_486_345_713)));
        }
        for json in ["null", "[]", r#""x""#, "1e300", r#""NaN""#] {
            assert_eq!(date(&serde_json::from_str(json).unwrap()), None);
        }
    }
}
