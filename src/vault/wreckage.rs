//! What authenticates of the rows that are found in a damaged file is put into a container in memory,
//! which is then a vault like any other.

use crate::model::order;
use std::collections::BTreeMap;

use super::error::Error;
use super::keyring::Keyring;
use super::record::{Record, StoredValue, Version};
use super::slots;
use super::state::State;
use super::tree::{self, Branch, FANOUT};
use crate::crypto::keys::ValueAddress;
use crate::crypto::sealed::pin;
use crate::crypto::slot::SlotBody;
use crate::store::{self, Found, MAX_SLOTS, Store, Table, Wreck};

/// Finds all that may be a slot; sometimes several for one number.
pub(super) fn slots_in(wreck: &Wreck) -> Result<Vec<(u8, Vec<u8>)>, Error> {
    let mut slots = Vec::new();
    for row in wreck.rows().iter().filter(|row| row.lengths == (SlotBody::LENGTH, None)) {
        let number = u8::try_from(row.key).ok().filter(|number| *number < MAX_SLOTS);
        let (Some(number), Some(body)) = (number, wreck.read(row)?) else { continue };
        slots.push((number, body));
    }
    order::sort_by_key(&mut slots, |(number, _)| *number);
    Ok(slots)
}

/// Puts every row of a wreck that authenticates into an empty container; of several in one place
/// the newest.
pub(super) fn fill(store: &mut Store, wreck: &Wreck, keyring: &Keyring) -> Result<(), Error> {
    let rows = store.write()?;
    let mut salver = RowRecovery { wreck, keyring, rows: &rows, records: BTreeMap::new() };
    let state = salver.put_state()?;
    let others = salver.put_records_and_log(state.as_ref())?;
    salver.put_values(&others)?;
    if let Some(state) = state {
        salver.put_slots(&state)?;
        salver.put_tree(&state, &others)?;
    }
    Ok(rows.commit()?)
}

/// A value that a record expects.
struct ExpectedValue {
    rid: u64,
    version_id: String,
    stored: StoredValue,
}

/// Looks for rows, and has what it found of records so far: by row, the revision and the values.
struct RowRecovery<'a> {
    wreck: &'a Wreck,
    keyring: &'a Keyring,
    rows: &'a store::Transaction<'a>,
    records: BTreeMap<u64, (u64, Vec<ExpectedValue>)>,
}

impl<'a> RowRecovery<'a> {
    fn put_state(&self) -> Result<Option<State>, Error> {
        let mut newest: Option<(State, Vec<u8>)> = None;
        let pairs = self.wreck.rows().iter().filter(|row| row.lengths.1.is_some());
        for row in pairs {
            let Some(content) = self.wreck.read(row)? else { continue };
            let Some((public, sealed)) = content.split_at_checked(row.lengths.0) else { continue };
            let data = self.keyring.keys.state.open(self.keyring.header_bytes(), sealed);
            let state = data.ok().and_then(|data| State::decode(data.expose()).ok()?.ok());
            let is_ours = public == self.keyring.header_bytes();
            let Some(state) = state.filter(|_| is_ours) else { continue };
            if newest.as_ref().is_none_or(|(other, _)| other.generation < state.generation) {
                newest = Some((state, sealed.to_vec()));
            }
        }
        let Some((state, sealed)) = newest else { return Ok(None) };
        self.rows.put_vault(self.keyring.header_bytes(), &sealed)?;
        Ok(Some(state))
    }

    /// Returns the rows that are neither records nor entries of the log.
    fn put_records_and_log(&mut self, state: Option<&State>) -> Result<Vec<&'a Found>, Error> {
        let mut others = Vec::new();
        for row in self.wreck.rows().iter().filter(|row| row.lengths.1.is_none()) {
            let Some(sealed) = self.wreck.read(row)? else { continue };
            if let Some(record) = open_record(self.keyring, row.key, &sealed) {
                self.put_record(&record, &sealed)?;
            } else if self.is_entry(row.key, &sealed) {
                let is_kept = |state: &State| (state.log.first..state.log.next).contains(&row.key);
                if state.is_none_or(is_kept) {
                    self.rows.put(Table::Audit, row.key, &sealed)?;
                }
            } else {
                others.push(row);
            }
        }
        Ok(others)
    }

    fn put_record(&mut self, record: &Record, sealed: &[u8]) -> Result<(), Error> {
        let held = self.records.get(&record.rid);
        if held.is_some_and(|(revision, _)| *revision >= record.revision) {
            return Ok(());
        }
        let expected = |version: &Version| {
            let (rid, version_id) = (record.rid, version.id.clone());
            version.value.map(|stored| ExpectedValue { rid, version_id, stored })
        };
        let expected = record.versions.iter().filter_map(expected).collect();
        self.records.insert(record.rid, (record.revision, expected));
        Ok(self.rows.put(Table::Secret, record.rid, sealed)?)
    }

    fn is_entry(&self, seq: u64, sealed: &[u8]) -> bool {
        self.keyring.keys.audit.open(self.keyring.vault_id(), seq, sealed).is_ok()
    }

    fn put_values(&self, others: &[&Found]) -> Result<(), Error> {
        let expected = self.records.values().flat_map(|(_revision, expected)| expected);
        let expected = order::map_of(expected.map(|value| (value.stored.vid, value)));
        for row in others {
            let Some(value) = expected.get(&row.key) else { continue };
            let Some(sealed) = self.wreck.read(row)? else { continue };
            let ExpectedValue { rid, version_id, stored } = value;
            let address = ValueAddress { rid: *rid, vid: stored.vid, version_id };
            let key = &self.keyring.keys.value;
            let opens = || key.open(self.keyring.vault_id(), address, &sealed).is_ok();
            if pin(&sealed).ok() == Some(stored.pin) && opens() {
                self.rows.put(Table::Value, stored.vid, &sealed)?;
            }
        }
        Ok(())
    }

    fn put_slots(&self, state: &State) -> Result<(), Error> {
        for (number, body) in slots_in(self.wreck)? {
            if state.slot(number).is_some_and(|slot| slot.digest == slots::digest(&body)) {
                self.rows.put(Table::Slot, number.into(), &body)?;
            }
        }
        Ok(())
    }

    fn put_tree(&self, state: &State, others: &[&Found]) -> Result<(), Error> {
        let key = &self.keyring.keys.tree;
        let numbered = |most: u16| {
            others.iter().filter_map(move |row| {
                let number = u16::try_from(row.key).ok().filter(|number| *number < most)?;
                Some((number, *row))
            })
        };
        let mut nodes = BTreeMap::new();
        for (number, row) in numbered(FANOUT) {
            let Some(digest) = state.root.get(number) else { continue };
            let Some(body) = self.wreck.read(row)? else { continue };
            let branch = Branch::decode(&body).filter(|_| key.is_node(number, &body, digest));
            if let Some(branch) = branch {
                self.rows.put(Table::Node, number.into(), &body)?;
                nodes.insert(number, branch);
            }
        }
        for (number, row) in numbered(tree::BUCKETS) {
            let node: Option<&Branch> = nodes.get(&(number / FANOUT));
            let Some(digest) = node.and_then(|node| node.get(number % FANOUT)) else { continue };
            let Some(body) = self.wreck.read(row)? else { continue };
            if key.is_bucket(number, &body, digest) {
                self.rows.put(Table::Bucket, number.into(), &body)?;
            }
        }
        Ok(())
    }
}

/// Opens a record that authenticates under its row's number.
pub(super) fn open_record(keyring: &Keyring, rid: u64, sealed: &[u8]) -> Option<Record> {
    let data = keyring.keys.record.open(keyring.vault_id(), rid, sealed).ok()?;
    Record::decode(rid, data.expose()).ok()
}
