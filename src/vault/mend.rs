//! Repairing a vault whose state still authenticates: what fits is kept, the rest dropped. Where it
//! does not, there is `salvage`.

use std::collections::{BTreeMap, BTreeSet};

use super::audit::Event;
use super::check::{Finding, Meter, OnProgress};
use super::error::Error;
use super::record::{Record, StoredValue};
use super::rescue::open_record;
use super::slots;
use super::state::{Log, SlotEntry};
use super::transaction::Transaction;
use super::tree::{self, Entry, NameHash};
use super::unlock::Unlocked;
use crate::crypto::history;
use crate::crypto::sealed::pin;
use crate::store::Table;
use crate::sys::secret::Secret;

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
        let (entries, is_sound) = self.sound_entries()?;
        let records = self.authentic_records(&entries, &mut done, &mut meter)?;
        self.drop_orphaned_values(&records, &mut done)?;
        if !is_sound {
            done.push(finding("tree".to_owned(), "built anew from the records"));
        }
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
        entries: &[Entry],
        done: &mut Vec<Finding>,
        meter: &mut Meter<'_>,
    ) -> Result<BTreeMap<NameHash, Record>, Error> {
        meter.start("records", self.state.secrets);
        let mut records: BTreeMap<NameHash, Record> = BTreeMap::new();
        let mut dropped = Vec::new();
        let mut missing: BTreeSet<u64> = entries.iter().map(|entry| entry.rid).collect();
        self.rows.each(Table::Secret, |rid, sealed| {
            meter.advance();
            missing.remove(&rid);
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
        for rid in missing {
            done.push(finding(format!("secret row {rid:016x}"), "lost: its record is missing"));
        }
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
            chain = history::link(&chain, seq, data.expose());
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

fn finding(place: String, problem: impl Into<String>) -> Finding {
    Finding { place, problem: problem.into() }
}
