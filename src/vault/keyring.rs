//! The keys of an unlocked vault, and what they open first: the state.

use super::error::{Error, decoded, opened, tampered};
use super::state::State;
use crate::crypto::header::{Header, VaultId};
use crate::crypto::history;
use crate::crypto::keys::{Keys, MasterKey, VaultKey};
use crate::store;

/// The keys of a vault and the header they belong to.
pub(crate) struct Keyring {
    pub(super) header: Header,
    header_bytes: [u8; Header::LENGTH],
    pub(super) keys: Keys,
}

impl Keyring {
    pub(super) fn new(header: Header, master: &MasterKey) -> Result<Self, Error> {
        let key = master.vault_key(&header.vault_id);
        Self::of(header, &key)
    }

    /// Derives the keys of the vault with this header.
    pub(super) fn of(header: Header, key: &VaultKey) -> Result<Self, Error> {
        if key.commit() != header.mk_commit {
            return Err(tampered("the master key is not this vault's"));
        }
        let keys = key.keys();
        Ok(Self { header_bytes: header.encode(), header, keys })
    }

    pub(super) fn vault_id(&self) -> &VaultId {
        &self.header.vault_id
    }

    pub(super) fn header_bytes(&self) -> &[u8; Header::LENGTH] {
        &self.header_bytes
    }

    /// Opens the state row, which must be next to the very header the vault was unlocked with.
    pub(super) fn open_state(&self, rows: &store::Transaction<'_>) -> Result<State, Error> {
        self.read_state(rows).map(|(state, _digest)| state)
    }

    /// Does the same, and returns the digest that no other sealed state has.
    pub(super) fn read_state(
        &self,
        rows: &store::Transaction<'_>,
    ) -> Result<(State, [u8; 32]), Error> {
        let (public, sealed) = rows.vault()?;
        if public != self.header_bytes {
            let header = opened(Header::decode(&public), || "its public header".to_owned())?;
            let is_successor =
                header.vault_id == self.header.vault_id && header.key_epoch > self.header.key_epoch;
            return Err(if is_successor { Error::Rekeyed } else { tampered("its public header") });
        }
        let what = || "its state".to_owned();
        let data = opened(self.keys.state.open(&self.header_bytes, &sealed), what)?;
        let state = decoded(State::decode(data.expose()), what)?.map_err(Error::NewerContent)?;
        Ok((state, history::state_digest(&self.header_bytes, &sealed)))
    }
}
