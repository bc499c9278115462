//! The vaults of other accounts that a vault knows: member 18 of the state. docs/format.md has the
//! members' numbers.

use super::cbor::{MAX_COUNTED, Malformed, MapWriter, Reader, Unknown};
use crate::crypto::header::VaultId;

/// The most peers of a vault.
pub(crate) const MAX_PEERS: usize = 64;

/// The most bytes of a peer's name, and of a path.
const MAX_NAME: usize = 64;
const MAX_PATH: usize = 4_096;

/// Another vault, as this one knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// What the user calls it: member 0, text.
    pub(crate) name: String,
    /// Its account, twelve digits, by which it is known: member 1, text.
    pub(crate) account: String,
    /// Where its file is: member 2, bytes.
    pub(crate) path: Vec<u8>,
    /// Its id: member 3, bytes.
    pub(crate) vault: VaultId,
    /// The newest state that was seen of it: members 4 and 5, a number and bytes.
    pub(crate) seen: Seen,
    /// How many secrets of this vault have a replica in it that waits: member 6, a number.
    pub(crate) waiting: u64,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// A state of another vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) generation: u64,
    pub(crate) commit_id: [u8; 16],
}

/// Something that a peer has to be told: that a secret of this vault changed whose replica it has, or
/// that a replica in this vault follows its primary no more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owed {
    /// The peer's account.
    pub(crate) account: String,
    /// The primary's ARN.
    pub(crate) arn: String,
}

/// Whether a text is an account.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Peer {
    /// A peer that nothing waits for.
    pub(crate) fn new(name: String, account: String, path: Vec<u8>, vault: VaultId) -> Self {
        let seen = Seen { generation: 0, commit_id: [0; 16] };
        Self { name, account, path, vault, seen, waiting: 0, unknown: Unknown::default() }
    }

    /// Whether it is one that a state can have: what another vault says of itself may be anything.
    pub(super) fn is_within_limits(&self) -> bool {
        (1..=MAX_NAME).contains(&self.name.len())
            && is_account(&self.account)
            && self.path.len() <= MAX_PATH
            && self.seen.generation.max(self.waiting) <= MAX_COUNTED
    }

    pub(super) fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(&self.name);
        map.member(1).text(&self.account);
        map.member(2).bytes(&self.path);
        map.member(3).bytes(&self.vault.0);
        map.member(4).number(self.seen.generation);
        map.member(5).bytes(&self.seen.commit_id);
        map.member(6).number(self.waiting);
        map
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut name, mut account, mut path, mut vault) = (None, None, None, None);
        let (mut generation, mut commit_id, mut waiting) = (None, None, None);
        let unknown = reader.map(|r, key| {
            match key {
                0 => name = Some(r.text()?),
                1 => account = Some(r.text()?),
                2 => path = Some(r.bytes()?.to_vec()),
                3 => vault = Some(VaultId(r.array()?)),
                4 => generation = Some(r.count()?),
                5 => commit_id = Some(r.array()?),
                6 => waiting = Some(r.count()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let seen = Seen {
            generation: generation.ok_or(Malformed)?,
            commit_id: commit_id.ok_or(Malformed)?,
        };
        let peer = Self {
            name: name.ok_or(Malformed)?,
            account: account.ok_or(Malformed)?,
            path: path.ok_or(Malformed)?,
            vault: vault.ok_or(Malformed)?,
            seen,
            waiting: waiting.ok_or(Malformed)?,
            unknown,
        };
        if peer.is_within_limits() { Ok(peer) } else { Err(Malformed) }
    }
}
