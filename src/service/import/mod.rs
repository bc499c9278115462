//! Many secrets from somewhere else, in one transaction: all of them are made or changed, or none.
//!
//! What they are made of, and what they are called, is said by the caller. A secret that has the same
//! value already is left alone.

use std::collections::BTreeMap;

use super::context::Context;
use super::failure::Failure;
use super::replication::replicas;
use super::repository;
use super::rules::stages::CURRENT;
use super::rules::{arn, name, tags};
use super::versions;
use crate::model::secret_value::SecretValue;
use crate::model::time::Timestamp;
use crate::model::types::{ClientRequestToken, Tag, TagKey, TagValue};
use crate::sys::entropy;
use crate::vault::Vault;
use crate::vault::record::{Record, Version};
use crate::vault::trace::Trace;
use crate::vault::transaction::{Access, RequestContext, Transaction};

/// The event in the audit log: one for each secret that was made or changed.
pub(crate) const IMPORT: &str = "Import";

/// The tag that says which program a secret comes from.
pub(crate) const SOURCE: &str = "src";
/// The tag that says which of that program's items it is.
pub(crate) const SOURCE_ID: &str = "src-id";
/// Tags that an item has or has not: one that it has no more goes.
const FLAGS: [&str; 2] = ["archived", "favorite"];

/// A secret that is to be there.
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    /// Its values, the oldest first; the last is to be current.
    pub(crate) versions: Vec<WantedVersion>,
}

/// A value that a secret is to have, or to have had.
pub(crate) struct WantedVersion {
    /// The id that it gets, which is always the same for the same version of the same item.
    pub(crate) id: String,
    pub(crate) value: SecretValue,
}

impl Wanted {
    /// Returns which of the program's items it is, if it says so.
    pub(crate) fn source_id(&self) -> Option<&String> {
        self.tags.iter().find(|(key, _)| key == SOURCE_ID).map(|(_, value)| value)
    }
}

/// What a vault has where a secret is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No secret of that name.
    Free,
    /// One with the same current value.
    Same,
    /// One with another value, or none.
    Differs,
    /// One that cannot be changed, and why.
    Barred(&'static str),
}

/// A vault that secrets are put into.
pub(crate) struct Shelf<'c, 'v>(Context<'c, 'v>);

/// Has secrets put into a vault. If that fails, nothing was.
///
/// # Errors
/// What `work` fails with; what a commit does.
pub(crate) fn on_shelf<T>(
    vault: &mut Vault,
    region: Option<&str>,
    access: Access,
    context: RequestContext<'_>,
    work: impl FnOnce(&mut Shelf<'_, '_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    vault.in_bulk(|vault| {
        let mut transaction = vault.begin(access, context)?;
        let home = transaction.state().settings.region().to_owned();
        let done = work(&mut Shelf(Context::new(&mut transaction, region, &home)))?;
        transaction.commit()?;
        Ok(done)
    })
}

impl Shelf<'_, '_> {
    /// Returns the names of the secrets that come from a program, by the ids of its items, and in the
    /// order of the names.
    pub(crate) fn of_source(
        &mut self,
        source: &str,
    ) -> Result<BTreeMap<String, Vec<String>>, Failure> {
        let namespace = self.0.namespace()?;
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        self.0.vault()?.each(|record| {
            let tag = |key: &str| {
                let mut tags = record.tags.iter().flatten();
                tags.find(|(present, _)| present == key).map(|(_, value)| value)
            };
            let is_of_source = tag(SOURCE).is_some_and(|value| value == source);
            let is_usable = record.namespace == namespace && record.deletion.is_none();
            if let Some(id) = tag(SOURCE_ID).filter(|_| is_of_source && is_usable) {
                found.entry(id.clone()).or_default().push(record.name.clone());
            }
            Ok(())
        })?;
        for names in found.values_mut() {
            crate::model::order::sort_all(names);
        }
        Ok(found)
    }

    /// Says what there is where a secret is wanted.
    pub(crate) fn standing(&mut self, wanted: &Wanted) -> Result<Standing, Failure> {
        let Some(record) = self.find(&wanted.name)? else { return Ok(Standing::Free) };
        if record.deletion.is_some() {
            return Ok(Standing::Barred(
                "is scheduled for deletion, and keeps its name until then",
            ));
        }
        let current = record.staged(CURRENT);
        let value = match current {
            Some(version) => self.0.vault()?.value(&record, version)?,
            None => None,
        };
        let new = wanted.versions.last().map(|version| &version.value);
        if value.as_ref().zip(new).is_some_and(|(old, new)| old.same_as(new)) {
            return Ok(Standing::Same);
        }
        if replicas::require_primary(&record).is_err() {
            return Ok(Standing::Barred("is a replica, which only its primary changes"));
        }
        Ok(Standing::Differs)
    }

    /// Makes a secret, or gives the one that is there the value. Earlier values become versions without
    /// a label where there is a secret already.
    pub(crate) fn put(&mut self, wanted: Wanted) -> Result<(), Failure> {
        match self.find(&wanted.name)? {
            None => self.make(wanted),
            Some(record) => self.change(record, wanted),
        }
    }

    fn find(&mut self, name: &str) -> Result<Option<Record>, Failure> {
        let namespace = self.0.namespace()?;
        Ok(self.0.vault()?.find(&namespace, name)?)
    }

    fn make(&mut self, wanted: Wanted) -> Result<(), Failure> {
        let cx = &mut self.0;
        name::check(&wanted.name)?;
        let suffix = arn::draw_suffix(cx.entropy())?;
        let mut record = Record::new(cx.namespace()?, wanted.name, suffix, cx.date()?);
        record.description = wanted.description;
        set_tags(&mut record, wanted.tags)?;
        cx.vault()?.assign_row(&mut record)?;
        let mut current = String::new();
        for WantedVersion { id, value } in wanted.versions {
            versions::write(cx, &mut record, &ClientRequestToken(id.clone()), &value, None)?;
            current = id;
        }
        set_apart(&mut record, 0);
        repository::insert(cx, &mut record)?;
        log(cx, &record, current, Trace::between(None, &record))
    }

    fn change(&mut self, mut record: Record, mut wanted: Wanted) -> Result<(), Failure> {
        let cx = &mut self.0;
        let before = record.clone();
        let Some(WantedVersion { mut id, value }) = wanted.versions.pop() else { return Ok(()) };
        for WantedVersion { id, value } in wanted.versions {
            if record.version(&id).is_none() {
                let stored = cx.vault()?.insert_value(record.rid, &id, &value)?;
                let version = Version::new(id, Some(stored), cx.date()?);
                let kms_key_id = record.kms_key_id.clone();
                record.versions.push(Version { kms_key_id, ..version });
            }
        }
        if record.version(&id).is_some() {
            // The source had something else under the same date, or no dates at all.
            id = entropy::random_uuid(cx.entropy())?;
        }
        let known = record.versions.len();
        versions::write(cx, &mut record, &ClientRequestToken(id.clone()), &value, None)?;
        let made = record.versions.len().saturating_sub(known)
            + known.saturating_sub(before.versions.len());
        let first = record.versions.len().saturating_sub(made);
        set_apart(&mut record, first);
        if let Some(tags) = &mut record.tags {
            let is_gone = |key: &str| {
                FLAGS.contains(&key) && !wanted.tags.iter().any(|(wanted, _)| wanted == key)
            };
            tags.retain(|(key, _)| !is_gone(key));
        }
        set_tags(&mut record, wanted.tags)?;
        repository::store(cx, &mut record)?;
        log(cx, &record, id, Trace::between(Some(&before), &record))
    }
}

/// Dates the versions from `first` on a millisecond apart, the last one now: what is made together is
/// listed in the order of its dates.
fn set_apart(record: &mut Record, first: usize) {
    for (before, version) in (0_i64..).zip(record.versions.iter_mut().skip(first).rev()) {
        version.created = Timestamp(version.created.0.saturating_sub(before));
    }
}

/// Sets tags; those that it has besides stay.
fn set_tags(record: &mut Record, wanted: Vec<(String, String)>) -> Result<(), Failure> {
    let tag = |(key, value)| Tag { key: Some(TagKey(key)), value: Some(TagValue(value)) };
    let mut present = record.tags.take().unwrap_or_default();
    let is_new = present.is_empty();
    tags::set(&mut present, wanted.into_iter().map(tag).collect())?;
    record.tags = Some(present).filter(|tags| !is_new || !tags.is_empty());
    Ok(())
}

fn log(
    cx: &mut Context<'_, '_>,
    record: &Record,
    token: String,
    trace: Trace,
) -> Result<(), Failure> {
    let mut subject = Transaction::subject(record);
    subject.token = token;
    if record.namespace.region != cx.vault()?.state().settings.region() {
        subject.region.clone_from(&record.namespace.region);
    }
    Ok(cx.vault()?.record_change(IMPORT, subject, trace)?)
}

#[cfg(test)]
mod tests;
