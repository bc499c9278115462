//! A replica becomes a copy of what its primary sent, or is let go, in one transaction.

use super::held::Held;
use super::judge::{self, Verdict};
use super::link::{Link, unsigned};
use super::parcel::{PackedVersion, Parcel};
use crate::model::order;
use crate::model::secret_value::SecretValue;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::vault::audit::Event;
use crate::vault::record::{Record, Version};
use crate::vault::transaction::Transaction;

/// Becomes a copy. Answers with what is lacking still, or what is in the way.
pub(super) fn receive(cx: &mut Context<'_, '_>, parcel: Parcel) -> Result<Verdict, Failure> {
    let (record, verdict) = judge::judge(cx, &parcel.link)?;
    let (Some(mut record), Verdict::Wants(held)) = (record, verdict.clone()) else {
        return Ok(verdict);
    };
    let edition = unsigned(parcel.link.edition);
    if !parcel.is_whole {
        let added = add_versions(cx, &mut record, parcel.versions)?;
        store(cx, &mut record)?;
        return Ok(Verdict::Wants(held.into_iter().chain(added).collect()));
    }
    let lacks = |packed: &PackedVersion| {
        let is_it = |held: &Held| held.id == packed.id && Some(&held.mark) == packed.mark.as_ref();
        let has = held.iter().any(is_it);
        let is_sent = packed.text.is_some() || packed.binary.is_some() || packed.is_empty;
        !has && !is_sent
    };
    if parcel.versions.iter().any(lacks) {
        return Ok(verdict);
    }
    replace_versions(cx, &mut record, parcel.versions)?;
    let pair = |tag: crate::model::types::Tag| Some((tag.key?.0, tag.value?.0));
    record.description = parcel.description;
    record.secret_type = parcel.secret_type;
    record.tags = parcel.tags.map(|tags| tags.into_iter().filter_map(pair).collect());
    if let Some(primary) = &mut record.cross_primary {
        primary.edition = Some(edition);
        primary.is_detached = false;
    }
    store(cx, &mut record)?;
    Ok(Verdict::Copy(edition))
}

/// Lets a replica go.
pub(super) fn free(cx: &mut Context<'_, '_>, link: &Link) -> Result<Verdict, Failure> {
    let (record, verdict) = judge::judge(cx, link)?;
    let (Some(mut record), Verdict::Wants(_)) = (record, &verdict) else { return Ok(verdict) };
    if let Some(primary) = &mut record.cross_primary {
        primary.is_detached = true;
    }
    store(cx, &mut record)?;
    Ok(Verdict::Free)
}

/// Stores a replica: not as a change of a secret that others may follow.
fn store(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<(), Failure> {
    record.changed = cx.date()?;
    let subject = Transaction::subject(record);
    let vault = cx.vault()?;
    vault.update(record)?;
    vault.record("ReceiveReplica", Event::SUCCESS, subject)?;
    Ok(())
}

/// Adds versions that have no label, ahead of the rest. Returns them.
fn add_versions(
    cx: &mut Context<'_, '_>,
    record: &mut Record,
    packed: Vec<PackedVersion>,
) -> Result<Vec<Held>, Failure> {
    let mut added = Vec::new();
    for packed in packed {
        let id = packed.id.clone();
        let created = packed.created;
        let Some(value) = value_of(packed) else { continue };
        let stored = cx.vault()?.insert_value(record.rid, &id, &value)?;
        added.extend(Held::of(&id, &value));
        let old = record.version_mut(&id).map(|version| version.value.replace(stored));
        match old {
            Some(Some(old)) => cx.vault()?.remove_value(&old)?,
            Some(None) => {}
            None => {
                let version = Version::new(id.clone(), Some(stored), created);
                let kms_key_id = record.kms_key_id.clone();
                record.versions.push(Version { kms_key_id, ..version });
            }
        }
    }
    Ok(added)
}

/// Gives a replica the versions of its primary, with their values where it has none.
fn replace_versions(
    cx: &mut Context<'_, '_>,
    record: &mut Record,
    packed: Vec<PackedVersion>,
) -> Result<(), Failure> {
    let own = std::mem::take(&mut record.versions);
    let mut own = order::map_of(own.into_iter().map(|version| (version.id.clone(), version)));
    for packed in packed {
        let mut version = own.remove(&packed.id).unwrap_or_else(|| {
            let version = Version::new(packed.id.clone(), None, packed.created);
            Version { kms_key_id: record.kms_key_id.clone(), ..version }
        });
        version.created = packed.created;
        version.stages.clone_from(&packed.stages);
        let (id, is_empty) = (packed.id.clone(), packed.is_empty);
        let old = version.value;
        match value_of(packed) {
            Some(value) => {
                version.value = Some(cx.vault()?.insert_value(record.rid, &id, &value)?);
                if let Some(old) = old {
                    cx.vault()?.remove_value(&old)?;
                }
            }
            None if is_empty => {
                version.value = None;
                if let Some(old) = old {
                    cx.vault()?.remove_value(&old)?;
                }
            }
            None => {}
        }
        record.versions.push(version);
    }
    for stored in own.into_values().filter_map(|gone| gone.value) {
        cx.vault()?.remove_value(&stored)?;
    }
    Ok(())
}

fn value_of(packed: PackedVersion) -> Option<SecretValue> {
    let text = packed.text.map(|text| SecretValue::Text(text.0));
    text.or_else(|| packed.binary.map(|bytes| SecretValue::Binary(bytes.0)))
}
