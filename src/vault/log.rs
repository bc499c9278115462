//! The audit log: entries sealed and chained, written in the transaction of what they record.
//!
//! docs/format.md, "The audit log". Deleting, reordering or cutting entries contradicts the chain's
//! head, which stands in the state.

use super::audit::{Event, Subject};
use super::cbor::Unknown;
use super::error::{Error, decoded, opened, tampered};
use super::transaction::Transaction;
use crate::crypto::sealed::pin;
use crate::model::time::DAY_MS;
use crate::store::Table;

/// The most entries that are kept, beside one block.
const MOST_ENTRIES: u64 = if cfg!(test) { 500 } else { 50_000 };

/// The longest that entries are kept.
const LONGEST_KEPT: i64 = 400 * DAY_MS;

/// The most characters of what else there is to say: it may be a list of any length.
const LONGEST_DETAIL: usize = 16_384;

/// The highest number that a row can have.
const LAST_ROW: u64 = i64::MAX.cast_unsigned();

/// Entries are dropped in blocks of this many.
const BLOCK: u64 = if cfg!(test) { 50 } else { 1_000 };

impl Transaction<'_> {
    /// Writes what was asked for and how it ended. It becomes durable with the transaction.
    pub(crate) fn record(
        &mut self,
        operation: &str,
        outcome: &str,
        subject: Subject,
    ) -> Result<(), Error> {
        self.append(operation, outcome, subject, "")
    }

    /// Writes something that happened to a secret, with what else there is to say.
    pub(crate) fn record_event(
        &mut self,
        operation: &str,
        outcome: &str,
        subject: Subject,
        detail: &str,
    ) -> Result<(), Error> {
        self.append(operation, outcome, subject, detail)
    }

    /// Writes something that is not about one secret, with what else there is to say.
    pub(crate) fn record_own(&mut self, operation: &str, detail: &str) -> Result<(), Error> {
        self.append(operation, Event::SUCCESS, Subject::default(), detail)
    }

    fn append(
        &mut self,
        operation: &str,
        outcome: &str,
        subject: Subject,
        detail: &str,
    ) -> Result<(), Error> {
        let stray = self.drop_strays()?;
        self.append_one(operation, outcome, subject, detail)?;
        if let Some(seq) = stray {
            let detail = format!("entry {seq} was put in by hand");
            self.append_one("AuditCut", Event::SUCCESS, Subject::default(), &detail)?;
        }
        if let Some((first, last)) = self.prune()? {
            let detail = format!("entries {first} to {last}");
            self.append_one("AuditPruned", Event::SUCCESS, Subject::default(), &detail)?;
        }
        Ok(())
    }

    /// Drops rows behind the newest entry if one stands where the next must go: they are nobody's,
    /// and would keep every command that is logged from working. Returns the first one's number.
    fn drop_strays(&mut self) -> Result<Option<u64>, Error> {
        let next = self.state.log.next;
        if self.rows.audit(next)?.is_none() {
            return Ok(None);
        }
        self.rows.delete_audit(next..=LAST_ROW)?;
        Ok(Some(next))
    }

    fn append_one(
        &mut self,
        operation: &str,
        outcome: &str,
        subject: Subject,
        detail: &str,
    ) -> Result<(), Error> {
        let event = Event {
            time: self.date(),
            operation: operation.to_owned(),
            outcome: outcome.to_owned(),
            subject,
            actor: self.occasion.origin.actor.clone(),
            via: self.occasion.origin.via.clone(),
            generation: self.next_generation(),
            commit_id: self.next_commit_id,
            detail: detail.chars().take(LONGEST_DETAIL).collect(),
            unknown: Unknown::default(),
            unknown_of_actor: Unknown::default(),
        };
        let unlocked = self.unlocked;
        let seq = self.state.log.next;
        let data = event.encode();
        if Event::decode(&data).is_err() {
            let what = "an audit entry would have a number or a time that none can have";
            return Err(Error::Limit(what.to_owned()));
        }
        let sealed = unlocked.keys.audit.seal(unlocked.vault_id(), seq, &data, self.entropy())?;
        self.rows.insert(Table::Audit, seq, &sealed)?;
        self.state.log.head = unlocked.keys.tree.chain(&self.state.log.head, seq, &pin(&sealed)?);
        self.state.log.next = seq.saturating_add(1);
        self.is_changed = true;
        Ok(())
    }

    /// Drops a block from the front when the log is too long or the block too old, and moves the
    /// chain's base over it. While the log is damaged all of it stays: nothing of what a check would
    /// find may go, and the log must not stand in the way of what is logged.
    fn prune(&mut self) -> Result<Option<(u64, u64)>, Error> {
        match self.prune_block() {
            Err(error) if error.is_damage() => Ok(None),
            pruned => pruned,
        }
    }

    fn prune_block(&mut self) -> Result<Option<(u64, u64)>, Error> {
        let first = self.state.log.first;
        let count = self.state.log.next.saturating_sub(first);
        if count < BLOCK + 1 {
            return Ok(None);
        }
        let last = first + BLOCK - 1;
        let is_due = count >= MOST_ENTRIES + BLOCK
            || self.event(last)?.time.0 < self.due_time().0.saturating_sub(LONGEST_KEPT);
        if !is_due {
            return Ok(None);
        }
        let mut base = self.state.log.base;
        self.walk(|seq, _sealed, chain| {
            if seq == last {
                base = *chain;
            }
            Ok(())
        })?;
        self.rows.delete_audit(first..=last)?;
        self.state.log.base = base;
        self.state.log.first = last + 1;
        Ok(Some((first, last)))
    }

    /// Calls `visit` with every entry, oldest first. Fails unless the chain over all of them ends
    /// where the state says, so nothing was cut out, put in or moved.
    pub(crate) fn events(
        &self,
        mut visit: impl FnMut(u64, Event) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.chained_events(|seq, event, _chain| visit(seq, event))
    }

    /// Does the same, and hands over the chain's value after each entry.
    pub(super) fn chained_events(
        &self,
        mut visit: impl FnMut(u64, Event, &[u8; 32]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.walk(|seq, sealed, chain| visit(seq, self.open_event(seq, sealed)?, chain))
    }

    /// Walks along the chain without opening the entries.
    fn walk(
        &self,
        mut visit: impl FnMut(u64, &[u8], &[u8; 32]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let log = self.state.log;
        let mut chain = log.base;
        let mut next = log.first;
        self.rows.each(Table::Audit, |seq, sealed| {
            if seq != next {
                return Err(tampered(format!("audit entry {next} is missing")));
            }
            next = seq.saturating_add(1);
            let tag = pin(sealed).map_err(|_short| tampered(format!("audit entry {seq}")))?;
            chain = self.unlocked.keys.tree.chain(&chain, seq, &tag);
            visit(seq, sealed, &chain)
        })?;
        if next == log.next && chain == log.head {
            Ok(())
        } else {
            Err(tampered("the audit log does not end where the state says"))
        }
    }

    fn event(&self, seq: u64) -> Result<Event, Error> {
        let missing = || tampered(format!("audit entry {seq} is missing"));
        self.open_event(seq, &self.rows.audit(seq)?.ok_or_else(missing)?)
    }

    pub(super) fn open_event(&self, seq: u64, sealed: &[u8]) -> Result<Event, Error> {
        let what = || format!("audit entry {seq}");
        let unlocked = self.unlocked;
        let data = opened(unlocked.keys.audit.open(unlocked.vault_id(), seq, sealed), what)?;
        decoded(Event::decode(data.expose()), what)
    }
}
