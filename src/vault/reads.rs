//! Reads beside writes: without logging where the log cannot be written, on a copy where it takes
//! long, and logged later where they may wait.

use super::audit::{Event, Subject, Unlogged};
use super::error::Error;
use super::log::Entry;
use super::record::Record;
use super::transaction::{Access, RequestContext, Transaction};
use super::unlock::Vault;
use super::waiting::{Dropped, WaitingDay, WaitingEntry};
use crate::model::time::Timestamp;
use crate::store;

impl Vault {
    /// Goes on without logging reads.
    pub(crate) fn leave_reads_unlogged(&mut self, why: Unlogged) {
        self.unlogged = Some(why);
    }

    /// Begins anew, for another request to a vault that stays open: what kept the last read out of the
    /// log may be over.
    pub(crate) fn begin_anew(&mut self) {
        self.unlogged = None;
    }

    /// Returns why reads had to be left out of the audit log, if they had to.
    pub(crate) fn unlogged(&self) -> Option<Unlogged> {
        self.unlogged
    }

    /// Reads for long: where the vault is large, on a copy of it, so that others write meanwhile.
    pub(crate) fn read_beside_writers<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Result<Option<T>, Error> {
        self.read_on_copy(store::LARGE, read)
    }

    /// Does so if the file has at least `least` bytes; `None` if it has fewer, or does not fit.
    pub(super) fn read_on_copy<T>(
        &mut self,
        least: u64,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Result<Option<T>, Error> {
        let Some(copy) = self.store.copy_in_memory(least)? else { return Ok(None) };
        let store = std::mem::replace(&mut self.store, copy);
        let answer = read(self);
        self.store = store;
        Ok(Some(answer))
    }
}

impl Vault {
    /// Lets reads wait from now on, where they can ever be written. Who calls this sees to it that they
    /// are written in time.
    pub(crate) fn let_reads_wait(&mut self) {
        self.waiting.is_kept = !self.is_read_only();
    }

    /// Whether reads wait until they are written.
    pub(crate) fn lets_reads_wait(&self) -> bool {
        self.waiting.is_kept
    }

    /// Takes on those that wait in another opening of the same vault, to be written with the next commit.
    pub(crate) fn take_waiting_reads(&mut self, other: &mut Self) {
        let theirs = std::mem::take(&mut other.waiting);
        self.waiting.is_kept = std::mem::replace(&mut self.waiting, theirs).is_kept;
    }

    /// Returns how many wait.
    pub(crate) fn waiting_reads(&self) -> usize {
        self.waiting.entries.len().max(self.waiting.days.len())
    }

    /// Writes those that wait, and erases what is past its recovery window, as reads do that are written
    /// at once. If that fails, they wait on.
    pub(crate) fn write_waiting_reads(&mut self, context: RequestContext<'_>) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        // Any commit writes them.
        let mut transaction = self.begin(Access::Write, context)?;
        match transaction.erase_on_the_way() {
            // Erasing reads all records; what is wrong with one must not keep reads out of the log.
            Err(error) if error.is_damage() => {
                drop(transaction);
                transaction = self.begin(Access::Write, context)?;
            }
            erased => erased?,
        }
        transaction.commit()
    }

    /// Writes those that wait if they change what is shown of secrets.
    pub(crate) fn write_waiting_days(&mut self, context: RequestContext<'_>) -> Result<(), Error> {
        if self.waiting.days.is_empty() { Ok(()) } else { self.write_waiting_reads(context) }
    }
}

impl Transaction<'_> {
    /// Whether what is recorded is kept, now or with a later commit.
    pub(crate) fn logs(&self) -> bool {
        self.access == Access::Write || self.waiting.is_some()
    }

    /// Remembers the day on which a version of a secret was read; that is no change of the secret.
    pub(crate) fn note_access(
        &mut self,
        record: &mut Record,
        version_id: &str,
    ) -> Result<(), Error> {
        let day = self.date().midnight();
        if !self.logs() || is_noted(record, version_id, day) {
            return Ok(());
        }
        if self.access == Access::Write {
            return self.write_access(record, version_id, day);
        }
        self.noted_days.push(WaitingDay {
            place: (record.namespace.clone(), record.name.clone()),
            rid: record.rid,
            version_id: version_id.to_owned(),
            day,
        });
        Ok(())
    }

    /// Notes an entry that a later commit writes.
    pub(super) fn note_entry(&mut self, operation: &str, outcome: &str, subject: Subject) {
        self.noted.push(WaitingEntry {
            time: self.date(),
            operation: operation.to_owned(),
            outcome: outcome.to_owned(),
            subject,
            origin: self.context.origin.clone(),
        });
    }

    /// Lets what was noted wait for a later commit.
    pub(super) fn keep_noted(&mut self) {
        let (entries, days) =
            (std::mem::take(&mut self.noted), std::mem::take(&mut self.noted_days));
        if let Some(waiting) = &mut self.waiting {
            waiting.add(entries, days);
        }
    }

    /// Writes what waits, before anything else of this transaction.
    pub(super) fn write_waiting(&mut self) -> Result<(), Error> {
        let Some(waiting) = self.waiting.as_deref().filter(|waiting| !waiting.is_empty()) else {
            return Ok(());
        };
        let (entries, days, dropped) =
            (waiting.entries.clone(), waiting.days.clone(), waiting.dropped);
        for WaitingEntry { time, operation, outcome, subject, origin } in entries {
            let was = Some((time, &origin));
            let (operation, outcome) = (&operation, &outcome);
            self.append(Entry { was, operation, outcome, subject, detail: "", trace: None })?;
        }
        for WaitingDay { place: (namespace, name), rid, version_id, day } in days {
            let found = match self.find_stored(&namespace, &name) {
                // What is wrong with a secret must not keep the others from being used.
                Err(error) if error.is_damage() => None,
                found => found?,
            };
            if let Some(mut record) = found.filter(|record| record.rid == rid)
                && !is_noted(&record, &version_id, day)
            {
                self.write_access(&mut record, &version_id, day)?;
            }
        }
        if dropped != Dropped::default() {
            let Dropped { entries, days } = dropped;
            let detail = format!("{entries} entries and {days} days of last access");
            self.record_own(Event::DROPPED, &detail)?;
        }
        Ok(())
    }

    fn write_access(
        &mut self,
        record: &mut Record,
        version_id: &str,
        day: Timestamp,
    ) -> Result<(), Error> {
        // A day that waited may be earlier than what another process wrote meanwhile.
        record.accessed = record.accessed.max(Some(day));
        if let Some(version) = record.version_mut(version_id) {
            version.accessed = version.accessed.max(Some(day));
        }
        self.update(record)
    }
}

/// Whether the day is known already.
fn is_noted(record: &Record, version_id: &str, day: Timestamp) -> bool {
    let is_known = |accessed: Option<Timestamp>| accessed.is_some_and(|known| known >= day);
    let version = record.version(version_id);
    is_known(record.accessed) && version.is_none_or(|version| is_known(version.accessed))
}
