//! What can be saved of a damaged vault: repair in place where the state still authenticates,
//! salvage into a new vault where it does not.

use std::collections::{BTreeMap, BTreeSet};

use super::audit::Event;
use super::check::{Finding, Meter, OnProgress};
use super::error::Error;
use super::record::{Record, Scope, StoredValue, Version};
use super::rescue::{self, open_record};
use super::slots;
use super::state::{Log, Settings, SlotEntry};
use super::transaction::Transaction;
use super::tree::{self, Entry, NameHash};
use super::unlock::{LockedVault, Unlocked};
use crate::crypto::keys::{MasterKey, ValueAddress};
use crate::crypto::sealed::pin;
use crate::model::secret_value::SecretValue;
use crate::store::{self, Table};
use crate::sys::secret::Secret;

/// What was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Salvaged {
    /// Secrets written to the new vault.
    pub(crate) secrets: u64,
    /// Values written to the new vault.
    pub(crate) values: u64,
    /// Records that did not authenticate.
    pub(crate) lost_secrets: u64,
    /// Versions whose value is missing or did not authenticate.
    pub(crate) lost_values: u64,
}

/// What the tree says of a record that authenticates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// It is the newest.
    Newest,
    /// There was a newer one in its row.
    Older,
    /// It was not there at the last commit: somebody put it back.
    NotThere,
    /// This part of the tree is damaged.
    Silent,
}

impl Transaction<'_> {
    /// Rebuilds what can be rebuilt from the rows that authenticate, drops the rest, and returns
    /// what was done. Nothing is durable before the commit.
    ///
    /// A row that authenticates may still be older than it was. Where the tree is damaged too, repair
    /// cannot tell.
    ///
    /// # Errors
    /// [`Error::LastSlot`] if no slot would be left: one must be added first.
    pub(crate) fn repair(&mut self, tell: OnProgress<'_>) -> Result<Vec<Finding>, Error> {
        let mut meter = Meter::new(tell);
        let mut done = Vec::new();
        self.drop_damaged_slots(&mut done)?;
        let records = self.authentic_records(&mut done, &mut meter)?;
        self.drop_orphaned_values(&records, &mut done)?;
        self.replant(records)?;
        self.mend_log(&mut done)?;
        let places: Vec<&str> = done.iter().map(|finding| finding.place.as_str()).collect();
        self.record_own("Repair", &places.join(", "))?;
        Ok(done)
    }

    fn drop_damaged_slots(&mut self, done: &mut Vec<Finding>) -> Result<(), Error> {
        let damaged = slots::differences(&self.state, &self.rows.slots()?);
        let is_kept = |slot: &SlotEntry| !damaged.contains(&slot.number);
        if let Some(last) = damaged.last().filter(|_| !self.state.slots.iter().any(is_kept)) {
            return Err(Error::LastSlot(*last));
        }
        for number in damaged {
            self.drop_slot(number)?;
            done.push(finding(format!("slot {number}"), "removed: it was not the one stored"));
        }
        Ok(())
    }

    /// Returns the records that authenticate, one for each name, without the versions whose value
    /// is lost; deletes all other record rows.
    fn authentic_records(
        &mut self,
        done: &mut Vec<Finding>,
        meter: &mut Meter<'_>,
    ) -> Result<BTreeMap<NameHash, Record>, Error> {
        meter.start("records", self.state.secrets);
        let mut records: BTreeMap<NameHash, Record> = BTreeMap::new();
        let mut dropped = Vec::new();
        self.rows.each(Table::Secret, |rid, sealed| {
            meter.advance();
            let mut remove = |rid: u64, problem: &str| {
                dropped.push(rid);
                done.push(finding(format!("secret row {rid:016x}"), problem));
            };
            let Some(record) = open_record(self.unlocked, rid, sealed) else {
                remove(rid, "removed: its record does not authenticate");
                return Ok(());
            };
            let hash = self.name_hash(&record.scope, &record.name);
            let word = self.word_of_the_tree(&hash, rid, sealed)?;
            if word == Word::NotThere {
                remove(rid, "removed: the tree proves that it was gone");
                return Ok(());
            }
            if let Some(kept) = records.get(&hash) {
                if kept.revision >= record.revision {
                    remove(rid, "removed: there is a newer one of its name");
                    return Ok(());
                }
                remove(kept.rid, "removed: there is a newer one of its name");
            }
            if word == Word::Older {
                done.push(finding(record.name.clone(), "kept as it was before: the rest is lost"));
            }
            records.insert(hash, record);
            Ok::<(), Error>(())
        })?;
        for rid in dropped {
            self.rows.delete(Table::Secret, rid)?;
        }
        for record in records.values_mut() {
            self.drop_lost_versions(record, done)?;
        }
        Ok(records)
    }

    /// Asks the tree about a record that authenticates.
    fn word_of_the_tree(&self, hash: &NameHash, rid: u64, sealed: &[u8]) -> Result<Word, Error> {
        let entries = match self.bucket(tree::bucket_of(hash)) {
            Err(error) if error.is_damage() => return Ok(Word::Silent),
            entries => entries?,
        };
        let listed = entries.iter().find(|entry| entry.name_hash == *hash && entry.rid == rid);
        Ok(match listed {
            Some(entry) if pin(sealed).ok() == Some(entry.pin) => Word::Newest,
            Some(_) => Word::Older,
            None => Word::NotThere,
        })
    }

    fn drop_lost_versions(
        &self,
        record: &mut Record,
        done: &mut Vec<Finding>,
    ) -> Result<(), Error> {
        let copy = record.clone();
        let mut kept = Vec::new();
        for version in std::mem::take(&mut record.versions) {
            match self.value(&copy, &version) {
                Ok(_) => kept.push(version),
                Err(Error::Tampered(_)) => {
                    let labels = version.stages.join(", ");
                    let problem =
                        format!("version {} [{labels}] removed: its value is lost", version.id);
                    done.push(finding(record.name.clone(), problem));
                }
                Err(other) => return Err(other),
            }
        }
        record.versions = kept;
        Ok(())
    }

    fn drop_orphaned_values(
        &mut self,
        records: &BTreeMap<NameHash, Record>,
        done: &mut Vec<Finding>,
    ) -> Result<(), Error> {
        let versions = records.values().flat_map(|record| &record.versions);
        let mut wanted: Vec<StoredValue> = versions.filter_map(|version| version.value).collect();
        wanted.sort_unstable_by_key(|stored| stored.vid);
        let mut orphans = Vec::new();
        self.rows.each(Table::Value, |vid, _sealed| {
            if wanted.binary_search_by_key(&vid, |stored| stored.vid).is_err() {
                orphans.push(vid);
            }
            Ok::<(), Error>(())
        })?;
        for vid in orphans {
            self.rows.delete(Table::Value, vid)?;
            done.push(finding(
                format!("value row {vid:016x}"),
                "removed: it belonged to no secret",
            ));
        }
        self.state.values = u64::try_from(wanted.len()).unwrap_or(u64::MAX);
        self.state.value_bytes = wanted.iter().map(|stored| stored.len).sum();
        Ok(())
    }

    fn replant(&mut self, records: BTreeMap<NameHash, Record>) -> Result<(), Error> {
        self.state.secrets = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.state.next_purge =
            records.values().filter_map(|record| Some(record.deletion?.due)).min();
        let mut entries = Vec::new();
        for (name_hash, mut record) in records {
            record.revision = record.revision.saturating_add(1);
            let sealed = self.seal_record(&record)?;
            self.rows.update(Table::Secret, record.rid, &sealed)?;
            entries.push(Entry { name_hash, rid: record.rid, pin: pin(&sealed)? });
        }
        let unlocked = self.unlocked;
        self.plant(unlocked, entries)
    }

    /// Drops rows that are not the log's. Where what is left does not fit together, keeps every
    /// entry that authenticates, in order, numbers them so that the newest keeps its place at the
    /// end, and chains them anew.
    fn mend_log(&mut self, done: &mut Vec<Finding>) -> Result<(), Error> {
        let (unlocked, log) = (self.unlocked, self.state.log);
        let mut strays = Vec::new();
        let mut kept: Vec<Secret<Vec<u8>>> = Vec::new();
        self.rows.each(Table::Audit, |seq, sealed| {
            if !(log.first..log.next).contains(&seq) {
                strays.push(seq);
            } else if let Some(data) = open_entry(unlocked, seq, sealed) {
                kept.push(data);
            }
            Ok::<(), Error>(())
        })?;
        for seq in strays {
            self.rows.delete_audit(seq..=seq)?;
            let problem = "removed: the log does not reach so far";
            done.push(finding(format!("audit entry {}", shown_row(seq)), problem));
        }
        match self.events(|_seq, _event| Ok(())) {
            Err(error) if error.is_damage() => {}
            sound => return sound,
        }
        let total = log.next.saturating_sub(log.first);
        let count = u64::try_from(kept.len()).unwrap_or(u64::MAX);
        let first = log.next.saturating_sub(count);
        let mut chain = log.base;
        if log.first < log.next {
            self.rows.delete_audit(log.first..=log.next - 1)?;
        }
        for (seq, data) in (first..).zip(&kept) {
            let (key, id) = (&unlocked.keys.audit, unlocked.vault_id());
            let sealed = key.seal(id, seq, data.expose(), self.entropy())?;
            self.rows.insert(Table::Audit, seq, &sealed)?;
            chain = unlocked.keys.tree.chain(&chain, seq, &pin(&sealed)?);
        }
        self.state.log = Log { first, head: chain, ..log };
        let problem = format!("kept {count} of {total} entries, numbered and chained anew");
        done.push(finding("audit log".to_owned(), problem));
        self.is_changed = true;
        Ok(())
    }
}

/// Opens an entry that authenticates and says what an entry says.
fn open_entry(unlocked: &Unlocked, seq: u64, sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
    let data = unlocked.keys.audit.open(unlocked.vault_id(), seq, sealed).ok()?;
    Event::decode(data.expose()).is_ok().then_some(data)
}

/// Shows a row's number as SQLite has it: negative ones are nobody's.
fn shown_row(key: u64) -> i64 {
    key.cast_signed()
}

impl LockedVault {
    /// Writes every record and value that still authenticates under the master key into a new
    /// vault, whatever the state and tree of this one say.
    ///
    /// Nothing proves that what is saved is the newest: it may be older rows put back.
    pub(crate) fn salvage(
        &mut self,
        master: &MasterKey,
        into: &mut Transaction<'_>,
        tell: OnProgress<'_>,
    ) -> Result<Salvaged, Error> {
        let unlocked = Unlocked::new(self.header.clone(), master)?;
        if let Some(wreck) = &self.wreck {
            rescue::fill(&mut self.store, wreck, &unlocked)?;
        }
        let mut meter = Meter::new(tell);
        let mut salvaged = Salvaged::default();
        let rows = self.store.read()?;
        let rids = rids(&rows);
        meter.start("records", u64::try_from(rids.len()).unwrap_or(u64::MAX));
        let mut newest: BTreeMap<(Scope, String), (u64, u64)> = BTreeMap::new();
        for rid in rids {
            meter.advance();
            // A row that a damaged bucket names need not be one.
            let Some(sealed) = rows.secret(rid).unwrap_or_else(|_unreadable| Some(Vec::new()))
            else {
                continue;
            };
            match open_record(&unlocked, rid, &sealed) {
                None => salvaged.lost_secrets += 1,
                Some(record) => {
                    let place = newest.entry((record.scope, record.name)).or_default();
                    *place = (*place).max((record.revision, rid));
                }
            }
        }
        let settings = unlocked.open_state(&rows).ok().map(|state| state.settings);
        let settings = settings.or_else(|| settings_of(&newest));
        into.state.settings = settings.unwrap_or_else(|| into.state.settings.clone());
        into.set(Settings::SALVAGED, &unlocked.vault_id().to_string());
        meter.start("secrets", u64::try_from(newest.len()).unwrap_or(u64::MAX));
        for (_revision, rid) in newest.into_values() {
            meter.advance();
            let Some(sealed) = rows.secret(rid)? else { continue };
            let Some(record) = open_record(&unlocked, rid, &sealed) else { continue };
            let values = salvage_values(&unlocked, &rows, &record, &mut salvaged);
            salvaged.secrets += 1;
            into.adopt(record, &values)?;
        }
        into.record_own("Salvage", &format!("{} secrets", salvaged.secrets))?;
        Ok(salvaged)
    }
}

/// Opens the values of a record that still authenticate.
fn salvage_values(
    unlocked: &Unlocked,
    rows: &store::Transaction<'_>,
    record: &Record,
    salvaged: &mut Salvaged,
) -> Vec<(String, SecretValue)> {
    let mut values = Vec::new();
    for version in &record.versions {
        let Some(stored) = version.value else { continue };
        let address = ValueAddress { rid: record.rid, vid: stored.vid, version_id: &version.id };
        let sealed = rows.value(stored.vid).ok().flatten().unwrap_or_default();
        let data = unlocked.keys.value.open(unlocked.vault_id(), address, &sealed);
        match data.ok().and_then(|data| stored.read(data.expose())) {
            Some(value) => values.push((version.id.clone(), value)),
            None => salvaged.lost_values += 1,
        }
    }
    salvaged.values += u64::try_from(values.len()).unwrap_or(u64::MAX);
    values
}

/// Finds the rows of records: those that can be reached, and those that a bucket names.
fn rids(rows: &store::Transaction<'_>) -> BTreeSet<u64> {
    let mut rids = BTreeSet::new();
    rows.each_readable(Table::Secret, |rid, _sealed| rids.extend([rid]));
    rows.each_readable(Table::Bucket, |_number, body| rids.extend(tree::rows_named_in(body)));
    rids.retain(|rid| i64::try_from(*rid).is_ok());
    rids
}

/// Guesses a lost state's settings from the secrets: the scope that most of them have.
fn settings_of(places: &BTreeMap<(Scope, String), (u64, u64)>) -> Option<Settings> {
    let mut counts: BTreeMap<&Scope, u64> = BTreeMap::new();
    for (scope, _name) in places.keys() {
        *counts.entry(scope).or_default() += 1;
    }
    let (home, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(Settings::new(&home.account, &home.region))
}

impl Transaction<'_> {
    /// Stores a record of another vault with the values that came with it. Versions whose value
    /// did not come are left out.
    pub(crate) fn adopt(
        &mut self,
        mut record: Record,
        values: &[(String, SecretValue)],
    ) -> Result<(), Error> {
        record.rid = 0;
        self.assign_row(&mut record)?;
        let mut versions: Vec<Version> = Vec::new();
        for mut version in std::mem::take(&mut record.versions) {
            match values.iter().find(|(id, _)| *id == version.id) {
                Some((id, value)) => {
                    version.value = Some(self.insert_value(record.rid, id, value)?);
                    versions.push(version);
                }
                None if version.value.is_none() => versions.push(version),
                None => {}
            }
        }
        record.versions = versions;
        self.insert(&mut record)
    }
}

fn finding(place: String, problem: impl Into<String>) -> Finding {
    Finding { place, problem: problem.into() }
}
