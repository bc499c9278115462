//! A new master key over everything, in one transaction: interrupted at any moment, the old vault
//! is intact.

use std::sync::Arc;

use super::check::{Meter, OnProgress};
use super::error::{Error, opened, tampered};
use super::keyring::Keyring;
use super::record::Record;
use super::slots;
use super::state::SlotEntry;
use super::transaction::{Access, RequestContext, Transaction};
use super::tree::{self, Branch, Entry, FANOUT};
use super::unlock::Vault;
use crate::crypto::header::Header;
use crate::crypto::history;
use crate::crypto::keys::{MasterKey, ValueAddress};
use crate::crypto::sealed::pin;
use crate::crypto::slot::SlotBody;
use crate::model::order;
use crate::store::{self, Spill, Table};
use crate::sys::secret::Secret;

/// The new keys and the slots that will open them: number, body, label.
pub(crate) struct Rekeying<'a> {
    /// The new master key.
    pub(crate) master: &'a MasterKey,
    /// The new slots, which replace all old ones.
    pub(crate) slots: Vec<(u8, SlotBody, String)>,
    /// What the audit log says of the reason; may be empty.
    pub(crate) reason: String,
}

impl Vault {
    /// Re-seals everything under a new master key. Anyone who holds the old key, or an old copy of
    /// the file with an old credential, cannot read what is written from then on.
    pub(crate) fn rekey(
        &mut self,
        rekeying: Rekeying<'_>,
        context: RequestContext<'_>,
        tell: OnProgress<'_>,
    ) -> Result<(), Error> {
        let epoch = self.keyring.header.key_epoch.checked_add(1);
        let header = Header {
            vault_id: self.keyring.header.vault_id,
            mk_commit: rekeying.master.commit(self.keyring.vault_id()),
            key_epoch: epoch.ok_or_else(|| {
                Error::Limit("the vault would have had more keys than can be counted".to_owned())
            })?,
        };
        let next = Keyring::new(header, rekeying.master)?;
        self.store.set_spill_for_all()?;
        let resealed = self
            .begin(Access::Write, context)
            .and_then(|transaction| transaction.reseal(&next, rekeying, &mut Meter::new(tell)));
        let unspilled = self.store.set_spill(Spill::Off);
        resealed?;
        self.keyring = Arc::new(next);
        Ok(unspilled.map_err(store::Error::after_commit)?)
    }
}

impl Transaction<'_> {
    fn reseal(
        mut self,
        next: &Keyring,
        rekeying: Rekeying<'_>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Error> {
        slots::verify(&self.state, &self.rows.slots()?)?;
        let epoch = format!("key epoch {}", next.header.key_epoch);
        let detail = match rekeying.reason {
            reason if reason.is_empty() => epoch,
            reason => format!("{epoch}, {reason}"),
        };
        self.record_own("Rekey", &detail)?;
        let entries = self.reseal_records(next, meter)?;
        self.plant(next, entries)?;
        self.reseal_log(next, meter)?;
        for number in self.state.slots.iter().map(|slot| slot.number) {
            self.rows.delete(Table::Slot, u64::from(number))?;
        }
        self.state.slots.clear();
        slots::check_derived(rekeying.slots.iter().map(|(_, body, _)| body))
            .map_err(|_count| Error::SlotsFull)?;
        for (number, body, label) in rekeying.slots {
            self.rows.put(Table::Slot, u64::from(number), body.as_bytes())?;
            self.state.slots.push(SlotEntry::new(number, body.as_bytes(), label, self.date()));
        }
        self.commit_under(next)
    }

    fn reseal_records(
        &mut self,
        next: &Keyring,
        meter: &mut Meter<'_>,
    ) -> Result<Vec<Entry>, Error> {
        let mut entries = self.entries()?;
        order::sort_by_key(&mut entries, |entry| entry.rid);
        meter.start("sealing under the new key", self.state.secrets);
        let (mut secrets, mut values) = (0_u64, 0_u64);
        for entry in &mut entries {
            let mut record = self.record_of(entry)?;
            values += self.reseal_values(&mut record, next)?;
            let vault_id = next.vault_id();
            let encoded = Secret::new(record.encode());
            let key = &next.keys.record;
            let sealed = key.seal(vault_id, record.rid, encoded.expose(), self.entropy())?;
            self.rows.update(Table::Secret, record.rid, &sealed)?;
            entry.name_hash = next.keys.name.hash(&record.namespace.key(), &record.name);
            entry.pin = pin(&sealed)?;
            secrets += 1;
            meter.advance();
        }
        // Rows that nothing leads to would stay behind under the old key.
        let keys = u64::try_from(self.state.access_keys.len()).unwrap_or(u64::MAX);
        let is_whole = secrets == self.state.secrets.saturating_add(keys)
            && values == self.state.values
            && secrets == self.rows.count(Table::Secret)?
            && values == self.rows.count(Table::Value)?;
        if is_whole {
            Ok(entries)
        } else {
            Err(tampered("the number of rows is not the one the state says"))
        }
    }

    fn reseal_values(&mut self, record: &mut Record, next: &Keyring) -> Result<u64, Error> {
        let mut values = 0;
        let copy = record.clone();
        for (version, old) in record.versions.iter_mut().zip(&copy.versions) {
            let Some(stored) = &mut version.value else { continue };
            let value = self
                .value(&copy, old)?
                .ok_or_else(|| tampered(format!("a value of secret {}", copy.name)))?;
            let address = ValueAddress { rid: copy.rid, vid: stored.vid, version_id: &version.id };
            let mut data = Secret::new(vec![stored.kind.byte()]);
            data.expose_mut().extend_from_slice(value.expose_bytes());
            let key = &next.keys.value;
            let sealed = key.seal(next.vault_id(), address, data.expose(), self.entropy())?;
            self.rows.update(Table::Value, stored.vid, &sealed)?;
            stored.pin = pin(&sealed)?;
            values += 1;
        }
        Ok(values)
    }

    /// Replaces the tree by one over `entries`, its digests made with the keys of `next`.
    pub(super) fn plant(&mut self, next: &Keyring, mut entries: Vec<Entry>) -> Result<(), Error> {
        self.rows.clear_tree()?;
        order::sort_by_key(&mut entries, |entry| entry.name_hash);
        let mut root = Branch::default();
        let mut node: Option<(u16, Branch)> = None;
        for bucket in
            entries.chunk_by(|a, b| tree::bucket_of(&a.name_hash) == tree::bucket_of(&b.name_hash))
        {
            let Some(first) = bucket.first() else { continue };
            let number = tree::bucket_of(&first.name_hash);
            let body = tree::encode_bucket(bucket);
            self.rows.put(Table::Bucket, u64::from(number), &body)?;
            if node.as_ref().is_some_and(|(open, _)| *open != number / FANOUT) {
                self.plant_node(next, node.take(), &mut root)?;
            }
            let (_, branch) = node.get_or_insert_with(|| (number / FANOUT, Branch::default()));
            branch.set(number % FANOUT, Some(next.keys.tree.bucket_digest(number, &body)));
        }
        self.plant_node(next, node, &mut root)?;
        self.state.root = root;
        self.is_changed = true;
        Ok(())
    }

    fn plant_node(
        &mut self,
        next: &Keyring,
        node: Option<(u16, Branch)>,
        root: &mut Branch,
    ) -> Result<(), Error> {
        let Some((number, branch)) = node else { return Ok(()) };
        let body = branch.encode();
        self.rows.put(Table::Node, u64::from(number), &body)?;
        root.set(number, Some(next.keys.tree.node_digest(number, &body)));
        Ok(())
    }

    /// Seals the entries anew. The chain over what they say stays as it was.
    fn reseal_log(&mut self, next: &Keyring, meter: &mut Meter<'_>) -> Result<(), Error> {
        let log = self.state.log;
        meter.start("sealing the audit log", log.next.saturating_sub(log.first));
        let mut chain = log.base;
        for seq in log.first..log.next {
            let what = || format!("audit entry {seq}");
            let sealed = self.rows.audit(seq)?.ok_or_else(|| tampered(what()))?;
            let keyring = self.keyring;
            let data = opened(keyring.keys.audit.open(keyring.vault_id(), seq, &sealed), what)?;
            chain = history::link(&chain, seq, data.expose());
            let key = &next.keys.audit;
            let sealed = key.seal(next.vault_id(), seq, data.expose(), self.entropy())?;
            self.rows.update(Table::Audit, seq, &sealed)?;
            meter.advance();
        }
        let entries = log.next.saturating_sub(log.first);
        if chain != log.head || entries != self.rows.count(Table::Audit)? {
            return Err(tampered("the audit log does not end where the state says"));
        }
        Ok(())
    }

    /// Seals the state under the keys of `next`, writes its header, and commits.
    fn commit_under(mut self, next: &Keyring) -> Result<(), Error> {
        self.advance_state();
        let header = next.header_bytes();
        let sealed = next.keys.state.seal(header, &self.encoded_state()?, self.entropy())?;
        self.rows.put_vault(header, &sealed)?;
        self.rows.commit()?;
        self.guard.note(&self.state, &next.keys.anchor);
        Ok(())
    }
}
