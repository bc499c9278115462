//! The state: one sealed box that every commit writes anew, and from which every row is checked.
//!
//! docs/format.md has the members' numbers.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::access_key::{MAX_ACCESS_KEYS, is_id};
use super::cbor::{Malformed, MapWriter, Reader, Unknown};
use super::peers::{MAX_PEERS, Peer};
use super::tree::Branch;
use crate::model::time::Timestamp;
use crate::store::MAX_SLOTS;

/// The version of the content of state, records and entries that this program writes.
pub(crate) const CONTENT_VERSION: u64 = 1;

/// The state of the whole vault at one commit.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// Counts the commits.
    pub(crate) generation: u64,
    /// Names this commit; random.
    pub(crate) commit_id: [u8; 16],
    /// Names the commit before.
    pub(crate) previous_commit_id: [u8; 16],
    /// When this commit was made.
    pub(crate) time: Timestamp,
    /// How many secrets there are, access keys not counted.
    pub(crate) secrets: u64,
    /// How many values there are.
    pub(crate) values: u64,
    /// The bytes of all values, before sealing.
    pub(crate) value_bytes: u64,
    /// The root of the tree.
    pub(crate) root: Branch,
    /// The audit log's bounds and chain.
    pub(crate) log: Log,
    /// The key slots.
    pub(crate) slots: Vec<SlotEntry>,
    /// The earliest end of a recovery window.
    pub(crate) next_purge: Option<Timestamp>,
    /// Reserved: nobody writes it, and what is there is kept. What is due is found in the records.
    pub(crate) next_rotation: Option<Timestamp>,
    pub(crate) settings: Settings,
    /// The vaults of other accounts that it knows, by account.
    pub(crate) peers: Vec<Peer>,
    /// The ids of the access keys, ascending. All else about them is in their records: this is written
    /// with every commit.
    pub(super) access_keys: Vec<String>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// Where the audit log begins and ends, and the chain over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Log {
    /// The number of the oldest entry that is kept.
    pub(crate) first: u64,
    /// The number the next entry gets.
    pub(crate) next: u64,
    /// The chain's value before the oldest entry.
    pub(crate) base: [u8; 32],
    /// The chain's value after the newest.
    pub(crate) head: [u8; 32],
}

/// What the state knows of one key slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotEntry {
    /// 0 to 15.
    pub(crate) number: u8,
    /// SHA-256 of the slot's body.
    pub(crate) digest: [u8; 32],
    /// The user's name for it.
    pub(crate) label: String,
    /// When it was made.
    pub(crate) created: Timestamp,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// Choices that belong to the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The setting for the twelve digits in every ARN.
    pub(crate) const ACCOUNT: &'static str = "account";
    /// The setting for the region of commands that name no region.
    pub(crate) const REGION: &'static str = "region";
    /// The setting for whether reads are written to the audit log.
    pub(crate) const AUDIT_READS: &'static str = "audit.reads";
    /// The setting for how many entries the audit log keeps at least.
    pub(crate) const AUDIT_KEEP: &'static str = "audit.keep";
    /// The setting for how many days it keeps them.
    pub(crate) const AUDIT_KEEP_DAYS: &'static str = "audit.keep-days";
    /// What the first of these can be.
    pub(crate) const KEEP: RangeInclusive<u64> =
        if cfg!(test) { 50..=500 } else { 1_000..=1_000_000 };
    /// What the second can be.
    pub(crate) const KEEP_DAYS: RangeInclusive<i64> = 1..=36_500;
    /// The setting for the id of the damaged vault that this one was salvaged from.
    pub(crate) const SALVAGED: &'static str = "salvaged.from";

    /// The settings of a new vault.
    pub(crate) fn new(account: &str, region: &str) -> Self {
        let pairs = [(Self::ACCOUNT, account), (Self::REGION, region)];
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, Malformed> {
        let is_ascending = pairs.is_sorted_by(|(a, _), (b, _)| a < b);
        if is_ascending { Ok(Self(pairs.into_iter().collect())) } else { Err(Malformed) }
    }

    /// Returns the account id.
    pub(crate) fn account(&self) -> &str {
        self.get(Self::ACCOUNT).unwrap_or("000000000000")
    }

    /// Returns the home region.
    pub(crate) fn region(&self) -> &str {
        self.get(Self::REGION).unwrap_or("local-1")
    }

    /// Whether reads are audited; they are, unless the setting says `off`.
    pub(crate) fn audits_reads(&self) -> bool {
        self.get(Self::AUDIT_READS) != Some("off")
    }

    /// Returns how many entries the audit log keeps at least, if none of them is too old.
    pub(crate) fn audit_keep(&self) -> u64 {
        let most = if cfg!(test) { 500 } else { 50_000 };
        self.number(Self::AUDIT_KEEP, &Self::KEEP).unwrap_or(most)
    }

    /// Returns how many days the audit log keeps entries.
    pub(crate) fn audit_keep_days(&self) -> i64 {
        self.number(Self::AUDIT_KEEP_DAYS, &Self::KEEP_DAYS).unwrap_or(400)
    }

    /// Returns a setting's number. An impossible one counts as not set: a setting must not keep
    /// anybody from working.
    fn number<N: FromStr + PartialOrd>(&self, name: &str, range: &RangeInclusive<N>) -> Option<N> {
        self.get(name)?.parse().ok().filter(|number| range.contains(number))
    }

    /// Returns a setting.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Changes a setting.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }
}

impl State {
    /// The state of a vault with nothing in it.
    pub(crate) fn new(settings: Settings, time: Timestamp) -> Self {
        Self {
            generation: 0,
            commit_id: [0; 16],
            previous_commit_id: [0; 16],
            time,
            secrets: 0,
            values: 0,
            value_bytes: 0,
            root: Branch::default(),
            log: Log { first: 0, next: 0, base: [0; 32], head: [0; 32] },
            slots: Vec::new(),
            next_purge: None,
            next_rotation: None,
            settings,
            peers: Vec::new(),
            access_keys: Vec::new(),
            unknown: Unknown::default(),
        }
    }

    /// Finds a slot's entry.
    pub(crate) fn slot(&self, number: u8) -> Option<&SlotEntry> {
        self.slots.iter().find(|slot| slot.number == number)
    }

    /// Finds the peer of an account.
    pub(crate) fn peer(&self, account: &str) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.account == account)
    }

    /// Whether there is an access key of this id.
    pub(super) fn has_access_key(&self, id: &str) -> bool {
        self.access_keys.binary_search_by(|other| other.as_str().cmp(id)).is_ok()
    }

    /// Notes that there is an access key of this id.
    pub(super) fn add_access_key(&mut self, id: &str) {
        let place = self.access_keys.partition_point(|other| other.as_str() < id);
        self.access_keys.insert(place, id.to_owned());
    }

    /// Writes the state.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).number(self.generation);
        map.member(1).bytes(&self.commit_id);
        map.member(2).bytes(&self.previous_commit_id);
        map.member(3).signed(self.time.0);
        map.member(4).number(self.secrets);
        map.member(5).number(self.values);
        map.member(6).number(self.value_bytes);
        map.member(7).number(self.root.bitmap);
        map.member(8).bytes(self.root.digests.as_flattened());
        map.member(9).number(self.log.first);
        map.member(10).number(self.log.next);
        map.member(11).bytes(&self.log.base);
        map.member(12).bytes(&self.log.head);
        let writer = map.member(13).list(self.slots.len());
        for slot in &self.slots {
            writer.map(slot.encode());
        }
        map.optional(14, self.next_purge, |w, at| w.signed(at.0));
        map.optional(15, self.next_rotation, |w, at| w.signed(at.0));
        let writer = map.member(16).list(self.settings.0.len());
        for (name, value) in &self.settings.0 {
            writer.list(2).text(name).text(value);
        }
        map.member(17).number(CONTENT_VERSION);
        if !self.peers.is_empty() {
            let writer = map.member(18).list(self.peers.len());
            for peer in &self.peers {
                writer.map(peer.encode());
            }
        }
        if !self.access_keys.is_empty() {
            let writer = map.member(19).list(self.access_keys.len());
            for id in &self.access_keys {
                writer.text(id);
            }
        }
        map.finish()
    }

    /// Reads a state. `Ok(Err(version))` is the content version of a later program.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Result<Self, u64>, Malformed> {
        let mut state = Self::new(Settings(BTreeMap::new()), Timestamp(0));
        let (mut version, mut bitmap, mut digests) = (None, None, None);
        let mut known = 0_u32;
        let mut reader = Reader::new(bytes);
        state.unknown = reader.map(|r, key| {
            match key {
                0 => state.generation = r.count()?,
                1 => state.commit_id = r.array()?,
                2 => state.previous_commit_id = r.array()?,
                3 => state.time = r.time()?,
                4 => state.secrets = r.count()?,
                5 => state.values = r.count()?,
                6 => state.value_bytes = r.count()?,
                7 => bitmap = Some(r.number()?),
                8 => digests = Some(r.bytes()?),
                9 => state.log.first = r.count()?,
                10 => state.log.next = r.count()?,
                11 => state.log.base = r.array()?,
                12 => state.log.head = r.array()?,
                13 => state.slots = r.list(SlotEntry::decode)?,
                14 => state.next_purge = Some(r.time()?),
                15 => state.next_rotation = Some(r.time()?),
                16 => state.settings = Settings::from_pairs(r.list(setting)?)?,
                17 => version = Some(r.number()?),
                18 => state.peers = r.list(Peer::decode)?,
                19 => state.access_keys = r.list(Reader::text)?,
                _ => return Ok(false),
            }
            known |= 1 << key;
            Ok(true)
        })?;
        reader.finish()?;
        let version = version.ok_or(Malformed)?;
        if version > CONTENT_VERSION {
            return Ok(Err(version));
        }
        state.root =
            Branch::new(bitmap.ok_or(Malformed)?, digests.ok_or(Malformed)?).ok_or(Malformed)?;
        let is_whole = known & ALWAYS_THERE == ALWAYS_THERE;
        let is_ascending = state.slots.is_sorted_by(|a, b| a.number < b.number);
        let are_peers = state.peers.len() <= MAX_PEERS
            && state.peers.is_sorted_by(|a, b| a.account < b.account);
        let are_keys = state.access_keys.len() <= MAX_ACCESS_KEYS
            && state.access_keys.is_sorted_by(|a, b| a < b)
            && state.access_keys.iter().all(|id| is_id(id));
        if is_whole
            && is_ascending
            && are_peers
            && are_keys
            && version != 0
            && state.log.first <= state.log.next
        {
            Ok(Ok(state))
        } else {
            Err(Malformed)
        }
    }
}

/// The members that every state has: all that are known but 14, 15, 18 and 19.
const ALWAYS_THERE: u32 = 0b11_0011_1111_1111_1111;

/// The most bytes of the name that a user gives a slot.
pub(super) const MAX_LABEL: usize = 1_024;

impl SlotEntry {
    /// What a state says of a slot with this body.
    pub(super) fn new(number: u8, body: &[u8], label: String, created: Timestamp) -> Self {
        let digest = crate::crypto::slot::digest(body);
        Self { number, digest, label, created, unknown: Unknown::default() }
    }

    fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).number(u64::from(self.number));
        map.member(1).bytes(&self.digest);
        map.member(2).text(&self.label);
        map.member(3).signed(self.created.0);
        map
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut number, mut digest, mut label, mut created) = (None, None, None, None);
        let unknown = reader.map(|r, key| {
            match key {
                0 => number = Some(r.number()?),
                1 => digest = Some(r.array()?),
                2 => label = Some(r.text()?),
                3 => created = Some(r.time()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let number = number.and_then(|number| u8::try_from(number).ok());
        let label = label.filter(|label| label.len() <= MAX_LABEL);
        Ok(Self {
            number: number.filter(|number| *number < MAX_SLOTS).ok_or(Malformed)?,
            digest: digest.ok_or(Malformed)?,
            label: label.ok_or(Malformed)?,
            created: created.ok_or(Malformed)?,
            unknown,
        })
    }
}

fn setting(reader: &mut Reader<'_>) -> Result<(String, String), Malformed> {
    let pair = reader.list(Reader::text)?;
    <[String; 2]>::try_from(pair).map(|[name, value]| (name, value)).map_err(|_count| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_back_as_written() {
        let mut state = State::new(Settings::new("123456789012", "eu-west-1"), Timestamp(-5));
        state.generation = 9;
        state.commit_id = [7; 16];
        state.root.set(3, Some([8; 32]));
        state.log = Log { first: 2, next: 4, base: [1; 32], head: [2; 32] };
        state.next_purge = Some(Timestamp(77));
        let created = Timestamp(3);
        state.slots.push(SlotEntry::new(1, &[5; 168], "usb".into(), created));
        let bytes = state.encode();
        assert!(State::decode(&bytes).unwrap() == Ok(state));
        for end in 0..bytes.len() {
            assert!(State::decode(&bytes[..end]).is_err(), "{end} bytes");
        }
    }

    #[test]
    fn the_content_of_a_later_program_is_told_apart() {
        let none = Unknown::default();
        let mut map = MapWriter::with(&none);
        map.member(17).number(CONTENT_VERSION + 1);
        assert!(State::decode(&map.finish()).unwrap() == Err(CONTENT_VERSION + 1));
    }
}
