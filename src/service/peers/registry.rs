//! The peers that a vault knows.

use super::link::{Identity, seen, signed, told};
use crate::crypto::header::VaultId;
use crate::model::value::Value;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::vault::audit::{Event, Subject};
use crate::vault::peers::{Peer, is_account};

structure! {
    /// A peer as its vault knows it.
    pub(crate) struct KnownPeer {
        name: String => "Name",
        account: String => "Account",
        /// Where its file is: the bytes of the path.
        path: Vec<i64> => "Path",
        /// Its id, hexadecimal.
        vault: String => "VaultId",
        /// The newest state that was seen of it.
        generation: i64 => "Generation",
        commit: Vec<i64> => "Commit",
        /// How many replicas wait for it.
        waiting: i64 => "Waiting",
    }
}

impl KnownPeer {
    fn of(peer: &Peer) -> Self {
        let (generation, commit) = told(peer.seen);
        Self {
            name: peer.name.clone(),
            account: peer.account.clone(),
            path: peer.path.iter().map(|byte| i64::from(*byte)).collect(),
            vault: peer.vault.to_string(),
            generation,
            commit,
            waiting: signed(peer.waiting),
        }
    }

    /// Returns the bytes of its path.
    pub(crate) fn path(&self) -> Vec<u8> {
        self.path.iter().filter_map(|byte| u8::try_from(*byte).ok()).collect()
    }

    /// Returns what it is expected to be.
    pub(crate) fn expected(&self) -> Identity {
        Identity {
            vault: self.vault.clone(),
            account: self.account.clone(),
            region: String::new(),
            generation: self.generation,
            commit: self.commit.clone(),
            is_read_only: false,
        }
    }
}

/// Returns all peers, by account.
pub(super) fn peers(cx: &mut Context<'_, '_>) -> Result<Vec<KnownPeer>, Failure> {
    Ok(cx.vault()?.state().peers.iter().map(KnownPeer::of).collect())
}

/// Makes a peer known as it shows itself, in the place of the one of its account.
///
/// # Errors
/// `InvalidParameterException` for this vault itself, its account, or a name that another peer has.
pub(super) fn add(
    cx: &mut Context<'_, '_>,
    known: &KnownPeer,
    waiting: u64,
) -> Result<Value, Failure> {
    let vault = cx.vault()?;
    let refused = |why: String| Err(Fault::invalid_parameter(why).into());
    if vault.vault_id().to_string() == known.vault {
        return refused("The file is this vault itself.".to_owned());
    }
    let account = vault.state().settings.account();
    if account == known.account {
        return refused(format!(
            "Both vaults have the account {account}. A peer has another: make its vault with \
             `strongroom init --account-id DIGITS`."
        ));
    }
    if !is_account(&known.account) {
        return refused(
            "The vault has no account of twelve digits, so it can be no peer.".to_owned(),
        );
    }
    // A peer is meant by either, its name or its account.
    if known.name != known.account && is_account(&known.name) {
        return refused(format!(
            "The name {} is the account of another vault; give --name another for this one.",
            known.name
        ));
    }
    let is_other = |peer: &&Peer| peer.name == known.name && peer.account != known.account;
    if let Some(other) = vault.state().peers.iter().find(is_other) {
        return refused(format!(
            "The peer of account {} has the name {}; give --name another for this one, or remove \
             that peer.",
            other.account, other.name
        ));
    }
    let (Some(id), Some(seen)) =
        (VaultId::parse(&known.vault), seen(known.generation, &known.commit))
    else {
        return refused("The vault does not say who it is.".to_owned());
    };
    let earlier = vault.state().peer(&known.account).map(|peer| peer.unknown.clone());
    let mut peer = Peer::new(known.name.clone(), known.account.clone(), known.path(), id);
    peer.seen = seen;
    peer.waiting = waiting;
    peer.unknown = earlier.unwrap_or_default();
    let shown = peer.name.clone();
    vault.put_peer(peer)?;
    vault.record("AddPeer", Event::SUCCESS, Subject { name: shown, ..Subject::default() })?;
    Ok(Value::Null)
}

/// Forgets the peer of this account.
pub(super) fn remove(cx: &mut Context<'_, '_>, account: &str) -> Result<Value, Failure> {
    let vault = cx.vault()?;
    if let Some(name) = vault.state().peer(account).map(|peer| peer.name.clone()) {
        vault.remove_peer(account);
        vault.record("RemovePeer", Event::SUCCESS, Subject { name, ..Subject::default() })?;
    }
    Ok(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::peers::Seen;

    #[test]
    fn a_peer_is_told_and_read() {
        let vault = VaultId(*b"0123456789abcdef");
        let mut peer = Peer::new("a".into(), "222222222222".into(), b"/x/\xff".to_vec(), vault);
        peer.seen = Seen { generation: 3, commit_id: [200; 16] };
        let known = KnownPeer::of(&peer);
        assert_eq!(known.path(), b"/x/\xff");
        assert_eq!(VaultId::parse(&known.vault), Some(vault));
        assert_eq!(known.expected().seen(), Some(peer.seen));
        assert_eq!(VaultId::parse("xyz"), None);
    }
}
