//! What a primary sends to its replica.

use super::held::Held;
use super::link::{Link, find, link_of};
use crate::model::time::Timestamp;
use crate::model::types::{SecretBytes, SecretText, Tag, TagKey, TagValue};
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::vault::record::{Record, Version};

/// The most bytes of values that one parcel has, if they can wait: what an agent takes in one message
/// is bounded.
const MAX_BYTES: u64 = if cfg!(test) { 1_000 } else { 1 << 20 };

structure! {
    /// What a primary is, or a part of it.
    pub(crate) struct Parcel {
        link: Link => "Link",
        /// Whether this is all; otherwise values of versions without a label come ahead.
        is_whole: bool => "Whole",
        description: Option<String> => "Description",
        secret_type: Option<String> => "Type",
        tags: Option<Vec<Tag>> => "Tags",
        versions: Vec<PackedVersion> => "Versions",
    }
}

structure! {
    /// A version, with its value if the replica lacks it, or with the mark of the one it has.
    pub(crate) struct PackedVersion {
        id: String => "VersionId",
        created: Timestamp => "Created",
        stages: Vec<String> => "Stages",
        text: Option<SecretText> => "Text",
        binary: Option<SecretBytes> => "Binary",
        mark: Option<String> => "Mark",
        /// Whether it has no value yet.
        is_empty: bool => "Empty",
    }
}

/// Packs what a replica lacks that has these values; `None` if the primary is not any
/// more what it said.
pub(super) fn pack(
    cx: &mut Context<'_, '_>,
    link: Link,
    held: &[Held],
) -> Result<Option<Parcel>, Failure> {
    let Some(record) = find(cx, &link.primary_arn)? else { return Ok(None) };
    let is_same = |now: &Link| {
        now.edition == link.edition && now.replica_arn == link.replica_arn && now.is_attached
    };
    if !link_of(&record).is_some_and(|now| is_same(&now)) {
        return Ok(None);
    }
    let mut shared = Held::all(cx, &record, |id| held.iter().any(|held| held.id == id))?;
    shared.retain(|one| held.contains(one));
    let mark = |version: &Version| shared.iter().find(|one| one.id == version.id);
    let lacks = |version: &&Version| version.value.is_some() && mark(version).is_none();
    let bytes = |version: &Version| version.value.map_or(0, |value| value.len);
    let lacking: u64 = record.versions.iter().filter(lacks).map(bytes).sum();
    let is_idle = |version: &&Version| version.stages.is_empty();
    let has_idle = record.versions.iter().filter(lacks).any(|version| is_idle(&version));
    let is_whole = lacking <= MAX_BYTES || !has_idle;
    let mut packed = Vec::new();
    let mut left = MAX_BYTES;
    for version in &record.versions {
        let lacks = lacks(&version);
        if !is_whole {
            // The first may be larger than all that there is room for.
            let fits = packed.is_empty() || bytes(version) <= left;
            if !lacks || !is_idle(&version) || !fits {
                continue;
            }
            left = left.saturating_sub(bytes(version));
        }
        let mark = mark(version).map(|one| one.mark.clone());
        packed.push(PackedVersion { mark, ..pack_version(cx, &record, version, lacks)? });
    }
    let tag = |(key, value): (String, String)| Tag {
        key: Some(TagKey(key)),
        value: Some(TagValue(value)),
    };
    Ok(Some(Parcel {
        link,
        is_whole,
        description: record.description,
        secret_type: record.secret_type,
        tags: record.tags.map(|tags| tags.into_iter().map(tag).collect()),
        versions: packed,
    }))
}

fn pack_version(
    cx: &mut Context<'_, '_>,
    record: &Record,
    version: &Version,
    with_value: bool,
) -> Result<PackedVersion, Failure> {
    use crate::model::secret_value::SecretValue;
    let value = if with_value { cx.vault()?.value(record, version)? } else { None };
    let (text, binary) = match value {
        Some(SecretValue::Text(text)) => (Some(SecretText(text)), None),
        Some(SecretValue::Binary(bytes)) => (None, Some(SecretBytes(bytes))),
        None => (None, None),
    };
    Ok(PackedVersion {
        id: version.id.clone(),
        created: version.created,
        stages: version.stages.clone(),
        text,
        binary,
        mark: None,
        is_empty: version.value.is_none(),
    })
}
