//! The audit log: entries sealed and chained, written in the transaction of what they record.
//!
//! docs/format.md, "The audit log". Deleting, reordering or cutting entries contradicts the chain's
//! head, which is in the state.

use super::audit::{Event, Origin, Subject};
use super::cbor::Unknown;
use super::chain::{Link, walk};
use super::error::{Error, decoded, opened, tampered};
use super::state::Log;
use super::trace::Trace;
use super::transaction::{Access, Transaction};
use crate::crypto::history;
use crate::model::time::{DAY_MS, Timestamp};
use crate::store::Table;

/// The most characters of an entry's details: they may be a list of any length.
const MAX_DETAIL: usize = 16_384;

/// The highest number that a row can have.
const LAST_ROW: u64 = i64::MAX.cast_unsigned();

/// Entries are dropped in blocks of this many.
pub(crate) const BLOCK: u64 = if cfg!(test) { 50 } else { 1_000 };

/// What an entry says.
pub(super) struct Entry<'a> {
    /// When it was, and who asked, where that is not this transaction's.
    pub(super) was: Option<(Timestamp, &'a Origin)>,
    pub(super) operation: &'a str,
    pub(super) outcome: &'a str,
    pub(super) subject: Subject,
    pub(super) detail: &'a str,
    pub(super) trace: Option<Trace>,
}

impl<'a> Entry<'a> {
    /// Something of our own that happens now and is about no secret.
    fn own(operation: &'a str, detail: &'a str) -> Self {
        let (outcome, subject) = (Event::SUCCESS, Subject::default());
        Self { was: None, operation, outcome, subject, detail, trace: None }
    }
}

impl Transaction<'_> {
    /// Writes what was asked for and how it ended. It becomes durable with the transaction, or with a
    /// later one, where reads wait.
    pub(crate) fn record(
        &mut self,
        operation: &str,
        outcome: &str,
        subject: Subject,
    ) -> Result<(), Error> {
        if self.access == Access::Read {
            self.note_entry(operation, outcome, subject);
            return Ok(());
        }
        self.append(Entry { was: None, operation, outcome, subject, detail: "", trace: None })
    }

    /// Writes something that happened to a secret, with further details.
    pub(crate) fn record_event(
        &mut self,
        operation: &str,
        outcome: &str,
        subject: Subject,
        detail: &str,
    ) -> Result<(), Error> {
        self.append(Entry { was: None, operation, outcome, subject, detail, trace: None })
    }

    /// Writes what changed a secret, and what it did.
    pub(crate) fn record_change(
        &mut self,
        operation: &str,
        subject: Subject,
        trace: Trace,
    ) -> Result<(), Error> {
        let (outcome, trace) = (Event::SUCCESS, Some(trace));
        self.append(Entry { was: None, operation, outcome, subject, detail: "", trace })
    }

    /// Writes something that is not about one secret, with further details.
    pub(crate) fn record_own(&mut self, operation: &str, detail: &str) -> Result<(), Error> {
        self.append(Entry::own(operation, detail))
    }

    pub(super) fn append(&mut self, entry: Entry<'_>) -> Result<(), Error> {
        let stray = self.drop_strays()?;
        self.append_one(entry)?;
        if let Some(seq) = stray {
            self.append_one(Entry::own("AuditCut", &format!("entry {seq} was put in by hand")))?;
        }
        if let Some((first, last)) = self.prune()? {
            self.append_one(Entry::own("AuditPruned", &format!("entries {first} to {last}")))?;
        }
        Ok(())
    }

    /// Drops rows behind the newest entry if one is where the next must go: they belong to nothing,
    /// and would keep every command that is logged from working. Returns the first one's number.
    fn drop_strays(&mut self) -> Result<Option<u64>, Error> {
        let next = self.state.log.next;
        if self.rows.audit(next)?.is_none() {
            return Ok(None);
        }
        self.rows.delete_audit(next..=LAST_ROW)?;
        Ok(Some(next))
    }

    fn append_one(&mut self, entry: Entry<'_>) -> Result<(), Error> {
        let Entry { was, operation, outcome, subject, detail, trace } = entry;
        let seq = self.state.log.next;
        let (time, origin) = was.unwrap_or_else(|| (self.date(), self.context.origin));
        let event = Event {
            time,
            operation: operation.to_owned(),
            outcome: outcome.to_owned(),
            subject,
            actor: origin.actor.clone(),
            via: origin.via.clone(),
            generation: self.next_generation(),
            commit_id: self.next_commit_id,
            detail: detail.chars().take(MAX_DETAIL).collect(),
            came_from: self.beginning.state.filter(|_| seq == self.beginning.log.next),
            trace,
            unknown: Unknown::default(),
            unknown_of_actor: Unknown::default(),
        };
        let keyring = self.keyring;
        let data = event.encode();
        if Event::decode(&data).is_err() {
            let what = "an audit entry's number or time would be out of range";
            return Err(Error::Limit(what.to_owned()));
        }
        let sealed = keyring.keys.audit.seal(keyring.vault_id(), seq, &data, self.entropy())?;
        self.rows.insert(Table::Audit, seq, &sealed)?;
        self.state.log.head = history::link(&self.state.log.head, seq, &data);
        self.state.log.next = seq.saturating_add(1);
        self.is_changed = true;
        Ok(())
    }

    /// Drops blocks from the front when the log is too long or the blocks too old, and moves the
    /// chain's base over them. While the log is damaged all of it stays: nothing that a check would
    /// find may go, and a damaged log must not prevent operations that are logged.
    fn prune(&mut self) -> Result<Option<(u64, u64)>, Error> {
        match self.prune_blocks() {
            Err(error) if error.is_damage() => Ok(None),
            pruned => pruned,
        }
    }

    fn prune_blocks(&mut self) -> Result<Option<(u64, u64)>, Error> {
        let Log { first, mut base, .. } = self.state.log;
        let blocks = self.blocks_due()?;
        if blocks == 0 {
            return Ok(None);
        }
        let last = first + blocks * BLOCK - 1;
        walk(self.keyring, &self.rows, &self.state.log, &mut |link| {
            if link.seq == last {
                base = link.after;
            }
            Ok(())
        })?;
        self.rows.delete_audit(first..=last)?;
        self.state.log.base = base;
        self.state.log.first = last + 1;
        Ok(Some((first, last)))
    }

    /// Returns how many blocks are beyond what is kept. The newest entry never is.
    fn blocks_due(&self) -> Result<u64, Error> {
        let (log, settings) = (self.state.log, &self.state.settings);
        let count = log.next.saturating_sub(log.first);
        let most = count.saturating_sub(1) / BLOCK;
        let mut due = (count.saturating_sub(settings.audit_keep()) / BLOCK).min(most);
        let longest = settings.audit_keep_days().saturating_mul(DAY_MS);
        let oldest = self.due_time().0.saturating_sub(longest);
        while due < most {
            let last = log.first + (due + 1) * BLOCK - 1;
            if self.event(last)?.time.0 >= oldest {
                break;
            }
            due += 1;
        }
        Ok(due)
    }

    /// Calls `visit` with every entry, oldest first. Fails unless the chain over all of them ends
    /// where the state says, so nothing was cut out, put in or moved.
    pub(crate) fn events(
        &self,
        mut visit: impl FnMut(u64, Event) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.links(&mut |link| visit(link.seq, link.event()?))
    }

    /// Does the same, with what the chain says of each.
    pub(super) fn links(
        &self,
        visit: &mut dyn FnMut(&Link<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        walk(self.keyring, &self.rows, &self.state.log, visit)
    }

    fn event(&self, seq: u64) -> Result<Event, Error> {
        let what = || format!("audit entry {seq}");
        let missing = || tampered(format!("audit entry {seq} is missing"));
        let sealed = self.rows.audit(seq)?.ok_or_else(missing)?;
        let keyring = self.keyring;
        let data = opened(keyring.keys.audit.open(keyring.vault_id(), seq, &sealed), what)?;
        decoded(Event::decode(data.expose()), what)
    }
}
