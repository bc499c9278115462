//! Plain hashes that tell one history of a vault from every other. They hold even against someone
//! who has all the keys: unlike an authentication tag, nobody can make two contents that share one.
//!
//! docs/format.md, "The audit log" and "Outside the file".

use sha2::{Digest, Sha256};

use crate::crypto::header::Header;
use crate::crypto::keys::domain;

/// Links entry `seq` of the audit log, by its data, to the chain before it.
pub(crate) fn link(previous: &[u8; 32], seq: u64, data: &[u8]) -> [u8; 32] {
    hash(&[&CHAIN, previous, &seq.to_be_bytes(), data])
}

/// Returns what no other state has: the hash of the public header and the sealed state.
pub(crate) fn state_digest(header: &[u8; Header::LENGTH], sealed: &[u8]) -> [u8; 32] {
    hash(&[&STATE, header, sealed])
}

/// Returns the code to write down for the state of this digest, at which the audit log ends in
/// `head`.
pub(crate) fn checkpoint(state: &[u8; 32], head: &[u8; 32]) -> [u8; 32] {
    hash(&[&CHECKPOINT, state, head])
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

const CHAIN: [u8; 8] = domain(8);
const CHECKPOINT: [u8; 8] = domain(10);
const STATE: [u8; 8] = domain(12);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::crockford;
    use crate::crypto::testing::{text_vector, vector};

    #[test]
    fn the_chain_and_the_checkpoint_are_the_known_ones() {
        let chain = link(&[0; 32], 0, &vector("event"));
        assert_eq!(chain[..], vector("audit chain"));
        let header = vector("header").try_into().unwrap();
        let state = state_digest(&header, &vector("value box"));
        assert_eq!(state[..], vector("state digest"));
        let code = crockford::encode(&checkpoint(&state, &chain));
        let printed = text_vector("checkpoint").replace('-', "");
        assert_eq!(format!("42:{code}"), printed);
    }
}
