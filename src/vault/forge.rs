//! Vaults for tests and the fuzzer: correctly sealed, with any content in their boxes, as somebody
//! could write them who has a credential and another program.

use crate::model::order;
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::error::{Error, opened, tampered};
use super::record::Record;
use super::transaction::{Access, RequestContext, Transaction};
use super::unlock::{LockedVault, Vault};
use crate::crypto::history;
use crate::crypto::sealed::pin;
use crate::store::Table;

/// Whose content a box holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    State,
    /// A record, by its place in the order of rows.
    Record(usize),
    /// An audit entry, by its place in the log.
    Entry(usize),
}

/// Takes the content of a box, and returns what to put there.
pub(crate) type Alter<'a> = &'a mut dyn FnMut(Part, Vec<u8>) -> Vec<u8>;

impl Vault {
    /// Seals the whole vault anew with altered contents: pins, tree, chain and state fit.
    pub(crate) fn forge(
        mut self,
        context: RequestContext<'_>,
        alter: Alter<'_>,
    ) -> Result<LockedVault, Error> {
        let mut transaction = self.begin(Access::Write, context)?;
        transaction.forge_records(alter)?;
        transaction.forge_log(alter)?;
        transaction.forge_state(alter)?;
        LockedVault::from_store(self.store)
    }
}

impl Transaction<'_> {
    fn forge_records(&mut self, alter: Alter<'_>) -> Result<(), Error> {
        let keyring = self.keyring;
        let mut entries = self.entries()?;
        order::sort_by_key(&mut entries, |entry| entry.rid);
        for (number, entry) in entries.iter_mut().enumerate() {
            let encoded = alter(Part::Record(number), self.record_of(entry)?.encode());
            let (key, id) = (&keyring.keys.record, keyring.vault_id());
            let sealed = key.seal(id, entry.rid, &encoded, self.entropy())?;
            self.rows.update(Table::Secret, entry.rid, &sealed)?;
            entry.pin = pin(&sealed)?;
            if let Ok(record) = Record::decode(entry.rid, &encoded) {
                entry.name_hash = self.name_hash(&record.namespace, &record.name);
            }
        }
        self.plant(keyring, entries)
    }

    fn forge_log(&mut self, alter: Alter<'_>) -> Result<(), Error> {
        let (keyring, log) = (self.keyring, self.state.log);
        let mut chain = log.base;
        for (number, seq) in (log.first..log.next).enumerate() {
            let sealed = self.rows.audit(seq)?.ok_or_else(|| tampered("no entry"))?;
            let (key, id) = (&keyring.keys.audit, keyring.vault_id());
            let data = opened(key.open(id, seq, &sealed), || "no entry".to_owned())?;
            let altered = alter(Part::Entry(number), data.expose().clone());
            let sealed = key.seal(id, seq, &altered, self.entropy())?;
            self.rows.update(Table::Audit, seq, &sealed)?;
            chain = history::link(&chain, seq, &altered);
        }
        self.state.log.head = chain;
        Ok(())
    }

    fn forge_state(mut self, alter: Alter<'_>) -> Result<(), Error> {
        self.advance_state();
        let encoded = alter(Part::State, self.state.encode());
        let header = self.keyring.header_bytes();
        let sealed = self.keyring.keys.state.seal(header, &encoded, self.entropy())?;
        self.rows.put_vault(header, &sealed)?;
        Ok(self.rows.commit()?)
    }
}

/// CBOR as the format uses it: maps and lists of anything else.
#[derive(Clone)]
pub(crate) enum Item {
    Map(Vec<(u64, Item)>),
    List(Vec<Item>),
    /// Anything else, even if it is not CBOR.
    Other(Vec<u8>),
}

impl Item {
    /// Reads what a program wrote that keeps to the format.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        Self::next(&mut Decoder::new(bytes))
    }

    fn next(decoder: &mut Decoder<'_>) -> Option<Self> {
        let kind = decoder.datatype().ok()?;
        if kind == Type::Map {
            let len = decoder.map().ok()??;
            let member = |_| Some((decoder.u64().ok()?, Self::next(decoder)?));
            (0..len).map(member).collect::<Option<_>>().map(Self::Map)
        } else if kind == Type::Array {
            let len = decoder.array().ok()??;
            (0..len).map(|_| Self::next(decoder)).collect::<Option<_>>().map(Self::List)
        } else {
            let start = decoder.position();
            decoder.skip().ok()?;
            let bytes = decoder.input().get(start..decoder.position())?;
            Some(Self::Other(bytes.to_vec()))
        }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Map(members) => {
                out.extend(head(|e| e.map(members.len().try_into().unwrap_or(u64::MAX)).is_ok()));
                for (key, value) in members {
                    out.extend(head(|e| e.u64(*key).is_ok()));
                    out.extend(value.write());
                }
            }
            Self::List(elements) => {
                let len = elements.len().try_into().unwrap_or(u64::MAX);
                out.extend(head(|e| e.array(len).is_ok()));
                out.extend(elements.iter().flat_map(Self::write));
            }
            Self::Other(bytes) => out.extend(bytes),
        }
        out
    }

    /// Counts the maps in it, itself too.
    pub(crate) fn maps(&self) -> usize {
        match self {
            Self::Map(members) => 1 + members.iter().map(|(_, item)| item.maps()).sum::<usize>(),
            Self::List(elements) => elements.iter().map(Self::maps).sum(),
            Self::Other(_) => 0,
        }
    }

    /// Hands out the map that comes `number` maps after the first.
    pub(crate) fn map(&mut self, number: usize) -> Option<&mut Vec<(u64, Self)>> {
        let (mut left, inner): (usize, Vec<&mut Self>) = match self {
            Self::Map(members) => {
                let Some(left) = number.checked_sub(1) else { return Some(members) };
                (left, members.iter_mut().map(|(_, item)| item).collect())
            }
            Self::List(elements) => (number, elements.iter_mut().collect()),
            Self::Other(_) => return None,
        };
        for item in inner {
            match left.checked_sub(item.maps()) {
                Some(rest) => left = rest,
                None => return item.map(left),
            }
        }
        None
    }
}

fn head(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> bool) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let written = write(&mut encoder);
    debug_assert!(written, "writing to memory does not fail");
    encoder.into_writer()
}

/// Puts a member into a map, or another value in its place; `None` takes it out.
pub(crate) fn put(members: &mut Vec<(u64, Item)>, key: u64, value: Option<Item>) {
    members.retain(|(other, _)| *other != key);
    let place = members.partition_point(|(other, _)| *other < key);
    members.splice(place..place, value.map(|value| (key, value)));
}
