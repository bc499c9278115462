//! Checkpoints: a state's generation and a code, to be written down. Somebody who keeps one can tell
//! anywhere whether a vault is that state, came out of it, or is something else.
//!
//! docs/format.md, "Checkpoint". Does not know where they are kept.

use std::fmt;

use super::error::Error;
use super::state::State;
use super::transaction::Transaction;

/// A state by the name that only it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The state's generation.
    pub(crate) generation: u64,
    code: String,
}

/// How a vault stands to a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is that very state.
    There,
    /// It came out of that state, as its audit log proves.
    Later,
    /// It is an older one.
    Earlier,
    /// Nothing proves that it ever was in that state: it is another vault, was changed apart, was
    /// given new keys since, or has dropped that part of its log.
    Apart,
}

impl Checkpoint {
    /// Reads what [`Checkpoint`] prints, in any case, with or without dashes; `None` for anything
    /// else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (generation, code) = text.trim().split_once(':')?;
        let is_number = !generation.is_empty() && generation.bytes().all(|b| b.is_ascii_digit());
        let generation = generation.parse().ok().filter(|_| is_number)?;
        let code: String = code.chars().filter(|c| *c != '-').collect();
        let is_code = code.len() == CODE && code.bytes().all(|b| b.is_ascii_alphanumeric());
        is_code.then(|| Self { generation, code: code.to_ascii_uppercase() })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.generation, self.code)
    }
}

impl Transaction<'_> {
    /// Returns the checkpoint of this state.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let State { generation, commit_id, log, .. } = &self.state;
        self.checkpoint_of(*generation, commit_id, &log.head)
    }

    /// Says how this state stands to a checkpoint.
    pub(crate) fn standing(&self, checkpoint: &Checkpoint) -> Result<Standing, Error> {
        if checkpoint.generation > self.state.generation {
            return Ok(Standing::Earlier);
        }
        if checkpoint.generation == self.state.generation {
            let is_there = self.checkpoint() == *checkpoint;
            return Ok(if is_there { Standing::There } else { Standing::Apart });
        }
        // The last entry of a commit is what its checkpoint was made over.
        let mut last = None;
        self.chained_events(|_seq, event, chain| {
            if event.generation == checkpoint.generation {
                last = Some((event.commit_id, *chain));
            }
            Ok(())
        })?;
        let found =
            last.map(|(commit, head)| self.checkpoint_of(checkpoint.generation, &commit, &head));
        let is_later = found.as_ref() == Some(checkpoint);
        Ok(if is_later { Standing::Later } else { Standing::Apart })
    }

    fn checkpoint_of(&self, generation: u64, commit: &[u8; 16], head: &[u8; 32]) -> Checkpoint {
        let code = self.unlocked.keys.anchor.checkpoint(generation, commit, head);
        Checkpoint { generation, code }
    }
}

/// Characters of a code.
const CODE: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::sys::entropy::CountingEntropy;
    use crate::vault::transaction::{Access, Occasion};
    use crate::vault::{Origin, Vault};

    const CODE: &str = "0123456789ABCDEFGHJK";

    #[test]
    fn a_checkpoint_is_read_back_as_printed() {
        let read = |text: &str| Checkpoint::parse(text).map(|checkpoint| checkpoint.to_string());
        let printed = format!("42:{CODE}");
        assert_eq!(read(&printed), Some(printed.clone()));
        assert_eq!(read(&format!(" {} \n", printed.to_lowercase())), Some(printed.clone()));
        assert_eq!(read("42:01234-56789-ABCDE-FGHJK"), Some(printed));
        for text in ["", ":", "42", "42:", ":0123456789ABCDEFGHJK", "+4:0123456789ABCDEFGHJK"] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in [format!("-1:{CODE}"), format!("42:{CODE}0"), format!("{}:{CODE}", u128::MAX)] {
            assert_eq!(read(&text), None, "{text}");
        }
        assert_eq!(read("42:ééééé"), None);
    }

    #[test]
    fn a_vault_proves_which_states_it_came_out_of() {
        let (entropy, origin) = (CountingEntropy::default(), Origin::default());
        let occasion = Occasion { now: Timestamp(1_000), entropy: &entropy, origin: &origin };
        let mut vault = Vault::testing(occasion);
        let mut other = Vault::testing(occasion);
        let mut checkpoints = Vec::new();
        let mut work = |vault: &mut Vault| {
            let mut transaction = vault.begin(Access::Write, occasion).unwrap();
            transaction.record_own("One", "").unwrap();
            transaction.record_own("Two", "").unwrap();
            transaction.commit().unwrap();
            let transaction = vault.begin(Access::Read, occasion).unwrap();
            checkpoints.push(transaction.checkpoint());
        };
        for _ in 0..3 {
            work(&mut vault);
        }
        work(&mut other);
        let transaction = vault.begin(Access::Read, occasion).unwrap();
        let standing = |checkpoint: &Checkpoint| transaction.standing(checkpoint).unwrap();
        assert_eq!(standing(&checkpoints[0]), Standing::Later);
        assert_eq!(standing(&checkpoints[1]), Standing::Later);
        assert_eq!(standing(&checkpoints[2]), Standing::There);
        assert_eq!(standing(&checkpoints[3]), Standing::Apart, "of another vault");
        let at = |generation| Checkpoint { generation, code: CODE.to_owned() };
        assert_eq!(standing(&at(9)), Standing::Earlier);
        assert_eq!(standing(&at(4)), Standing::Apart);
        assert_eq!(standing(&at(2)), Standing::Apart);
        assert_eq!(standing(&at(0)), Standing::Apart);
    }
}
