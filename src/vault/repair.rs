//! Repairing a vault whose state still authenticates: what fits is kept, the rest dropped. Where it
//! does not, there is `salvage`.

use crate::model::order;
use std::collections::{BTreeMap, BTreeSet};

use super::audit::Event;
use super::check::{Finding, Meter, OnProgress};
use super::error::Error;
use super::evidence::{Accepted, InDoubt, Proven, Verdict};
use super::keyring::Keyring;
use super::record::{Record, StoredValue};
use super::slots;
use super::state::{Log, SlotEntry};
use super::transaction::Transaction;
use super::tree::{Entry, NameHash};
use super::wreckage::open_record;
use crate::crypto::history;
use crate::crypto::sealed::pin;
use crate::store::Table;
use crate::sys::secret::Secret;

/// What a repair did.
pub(crate) struct RepairOutcome {
    /// Each thing that it did.
    pub(crate) done: Vec<Finding>,
    /// The secrets that nothing vouches for, kept or not.
    pub(crate) in_doubt: Vec<InDoubt>,
}

/// The records that authenticate, and what the tree says about each.
struct Weighed {
    records: Vec<(Record, Verdict)>,
    /// The rows of those that do not authenticate.
    unreadable: Vec<u64>,
    /// The rows that the tree expects and that are not there.
    missing: Vec<u64>,
}

impl Transaction<'_> {
    /// Rebuilds what can be rebuilt from the rows that authenticate and that the tree vouches for,
    /// drops the rest, and returns what was done. Nothing is durable before the commit.
    ///
    /// A row that authenticates may have been put back: one that no intact part of the tree vouches
    /// for is kept only if its secret is among those `accepted`.
    ///
    /// # Errors
    /// [`Error::LastSlot`] if no slot would be left: one must be added first.
    pub(crate) fn repair(
        &mut self,
        accepted: Accepted<'_>,
        tell: OnProgress<'_>,
    ) -> Result<RepairOutcome, Error> {
        let mut meter = Meter::new(tell);
        let mut done = Vec::new();
        self.drop_damaged_slots(&mut done)?;
        let (_entries, is_sound) = self.sound_entries()?;
        let weighed = self.weigh(&mut meter)?;
        let (records, in_doubt) = self.sound_records(weighed, accepted, &mut done)?;
        self.drop_orphaned_values(&records, &mut done)?;
        if !is_sound {
            done.push(finding("tree".to_owned(), "built anew from the records"));
        }
        self.replant(records)?;
        self.repair_log(&mut done)?;
        let places: Vec<&str> = done.iter().map(|finding| finding.place.as_str()).collect();
        self.record_own("Repair", &places.join(", "))?;
        Ok(RepairOutcome { done, in_doubt })
    }

    /// Returns the secrets that nothing vouches for, which a repair would leave out.
    pub(crate) fn in_doubt(&self, tell: OnProgress<'_>) -> Result<Vec<InDoubt>, Error> {
        let Weighed { records, .. } = self.weigh(&mut Meter::new(tell))?;
        let (best, _others) = self.best_of_each_name(records);
        Ok(best
            .values()
            .filter_map(|(record, verdict)| InDoubt::new(record, *verdict, &[]))
            .collect())
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

    /// Reads all records that authenticate, and asks the tree about them.
    fn weigh(&self, meter: &mut Meter<'_>) -> Result<Weighed, Error> {
        meter.start("records", self.state.secrets);
        let (mut found, mut unreadable) = (Vec::new(), Vec::new());
        self.rows.each(Table::Secret, |rid, sealed| {
            meter.advance();
            let record = open_record(self.keyring, rid, sealed);
            match (record, pin(sealed)) {
                (Some(record), Ok(pin)) => {
                    let name_hash = self.name_hash(&record.namespace, &record.name);
                    found.push((record, Entry { name_hash, rid, pin }));
                }
                _ => unreadable.push(rid),
            }
            Ok::<(), Error>(())
        })?;
        let places: Vec<Entry> = found.iter().map(|(_, place)| *place).collect();
        let proven = Proven::read(&self.keyring.keys.tree, &self.state.root, &self.rows, &places)?;
        let there: BTreeSet<u64> =
            places.iter().map(|place| place.rid).chain(unreadable.iter().copied()).collect();
        let listed = proven.entries().map(|entry| entry.rid);
        let missing = listed.filter(|rid| !there.contains(rid)).collect();
        let weigh = |(record, place): (Record, Entry)| (record, proven.verdict(&place));
        Ok(Weighed { records: found.into_iter().map(weigh).collect(), unreadable, missing })
    }

    /// Chooses the newest record of each name, one that is vouched for before all others; those that
    /// were gone are never chosen. Returns the others too.
    fn best_of_each_name(&self, records: Vec<(Record, Verdict)>) -> (Best, Vec<(Record, Verdict)>) {
        let (mut best, mut others) = (Best::new(), Vec::new());
        for (record, verdict) in records {
            if verdict == Verdict::Absent {
                others.push((record, verdict));
                continue;
            }
            let rank = |(record, verdict): &(Record, Verdict)| {
                (*verdict == Verdict::Newest, record.revision)
            };
            let hash = self.name_hash(&record.namespace, &record.name);
            let found = (record, verdict);
            match best.get(&hash) {
                Some(kept) if rank(kept) >= rank(&found) => others.push(found),
                Some(_) | None => others.extend(best.insert(hash, found)),
            }
        }
        (best, others)
    }

    /// Returns the records to keep, one for each name, without the versions whose value is lost;
    /// deletes all other record rows.
    fn sound_records(
        &mut self,
        weighed: Weighed,
        accepted: Accepted<'_>,
        done: &mut Vec<Finding>,
    ) -> Result<(BTreeMap<NameHash, Record>, Vec<InDoubt>), Error> {
        let row = |rid: u64| format!("secret row {rid:016x}");
        for rid in weighed.unreadable {
            self.rows.delete(Table::Secret, rid)?;
            done.push(finding(row(rid), "removed: its record does not authenticate"));
        }
        for rid in weighed.missing {
            done.push(finding(row(rid), "lost: its record is missing"));
        }
        let (best, others) = self.best_of_each_name(weighed.records);
        for (record, verdict) in others {
            self.rows.delete(Table::Secret, record.rid)?;
            let problem = match verdict {
                Verdict::Absent => "removed: it was deleted, and somebody put it back",
                Verdict::Newest | Verdict::Older | Verdict::Unknown => {
                    "an older state of it was removed: there is a newer one"
                }
            };
            done.push(finding(record.name, problem));
        }
        let (mut records, mut all_in_doubt) = (BTreeMap::new(), Vec::new());
        for (hash, (mut record, verdict)) in best {
            let in_doubt = InDoubt::new(&record, verdict, accepted);
            let is_kept = in_doubt.as_ref().is_none_or(|in_doubt| in_doubt.is_kept);
            if let Some(InDoubt { doubt, .. }) = &in_doubt {
                let what = if is_kept { "kept as accepted" } else { "left out" };
                done.push(finding(record.name.clone(), format!("{what}: {doubt}")));
            }
            let is_in_doubt = in_doubt.is_some();
            all_in_doubt.extend(in_doubt);
            if is_kept {
                let before = record.versions.len();
                self.drop_lost_versions(&mut record, done)?;
                if record.versions.len() < before {
                    self.note_loss(&mut record)?;
                }
                if is_in_doubt {
                    record.deactivate();
                }
                records.insert(hash, record);
            } else {
                self.rows.delete(Table::Secret, record.rid)?;
            }
        }
        Ok((records, all_in_doubt))
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
        order::sort_by_key(&mut wanted, |stored| stored.vid);
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
        let (keys, secrets): (Vec<&Record>, Vec<&Record>) =
            records.values().partition(|record| record.access_key.is_some());
        self.state.secrets = u64::try_from(secrets.len()).unwrap_or(u64::MAX);
        self.state.access_keys.clear();
        for key in keys {
            self.state.add_access_key(&key.name);
        }
        self.state.next_purge =
            records.values().filter_map(|record| Some(record.deletion?.due)).min();
        let mut entries = Vec::new();
        for (name_hash, mut record) in records {
            record.revision = record.revision.saturating_add(1);
            let sealed = self.seal_record(&record)?;
            self.rows.update(Table::Secret, record.rid, &sealed)?;
            entries.push(Entry { name_hash, rid: record.rid, pin: pin(&sealed)? });
        }
        let keyring = self.keyring;
        self.plant(keyring, entries)
    }

    /// Drops rows that are not the log's. Where what is left does not fit together, keeps every
    /// entry that authenticates, in order, numbers them so that the newest keeps its place at the
    /// end, and chains them anew.
    fn repair_log(&mut self, done: &mut Vec<Finding>) -> Result<(), Error> {
        let (keyring, log) = (self.keyring, self.state.log);
        let mut strays = Vec::new();
        let mut kept: Vec<Secret<Vec<u8>>> = Vec::new();
        self.rows.each(Table::Audit, |seq, sealed| {
            if !(log.first..log.next).contains(&seq) {
                strays.push(seq);
            } else if let Some(data) = open_entry(keyring, seq, sealed) {
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
            let (key, id) = (&keyring.keys.audit, keyring.vault_id());
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

/// One record of each name.
type Best = BTreeMap<NameHash, (Record, Verdict)>;

/// Opens an entry that authenticates and says what an entry says.
fn open_entry(keyring: &Keyring, seq: u64, sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
    let data = keyring.keys.audit.open(keyring.vault_id(), seq, sealed).ok()?;
    Event::decode(data.expose()).is_ok().then_some(data)
}

/// Shows a row's number as SQLite has it: negative ones belong to nothing.
fn shown_row(key: u64) -> i64 {
    key.cast_signed()
}

fn finding(place: String, problem: impl Into<String>) -> Finding {
    Finding { place, problem: problem.into() }
}
