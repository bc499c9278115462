//! Checkpoints: a state's generation and a code, to be written down. Somebody who keeps one can tell
//! anywhere whether a vault is that state, came out of it, or is something else.
//!
//! docs/format.md, "Checkpoint". Does not know where they are kept.

use std::fmt;

use super::error::Error;
use super::transaction::Transaction;
use crate::crypto::{crockford, history};

/// A state by the name that only it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The state's generation.
    pub(crate) generation: u64,
    code: [u8; 32],
}

/// How a vault relates to a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It is that very state.
    Same,
    /// It came out of that state, as its audit log proves.
    Descendant,
    /// It is an older one.
    Older,
    /// Nothing proves that it ever was in that state: it is another vault, was changed apart, had its
    /// log repaired since, or has dropped that part of it.
    Unproven,
}

impl Checkpoint {
    /// Reads what [`Checkpoint`] prints, in any case, with or without dashes; `None` for anything
    /// else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (generation, code) = text.trim().split_once(':')?;
        let is_number = !generation.is_empty() && generation.bytes().all(|b| b.is_ascii_digit());
        let generation = generation.parse().ok().filter(|_| is_number)?;
        let code = crockford::decode(code.chars().filter(|c| *c != '-'))?;
        let code = code.expose().as_slice().try_into().ok()?;
        Some(Self { generation, code })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.generation)?;
        for (place, character) in crockford::encode(&self.code).chars().enumerate() {
            let dash = if place > 0 && place.is_multiple_of(GROUP) { "-" } else { "" };
            write!(f, "{dash}{character}")?;
        }
        Ok(())
    }
}

impl Transaction<'_> {
    /// Returns the checkpoint of the state that this transaction began with.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let state = self.beginning.state.unwrap_or_default();
        let code = history::checkpoint(&state, &self.beginning.log.head);
        Checkpoint { generation: self.state.generation, code }
    }

    /// Says how that state relates to a checkpoint.
    ///
    /// # Errors
    /// [`Error::Tampered`] if the audit log, which has to tell, is not the one the state vouches for.
    pub(crate) fn relation_to(&self, checkpoint: &Checkpoint) -> Result<Relation, Error> {
        if checkpoint.generation > self.state.generation {
            return Ok(Relation::Older);
        }
        if checkpoint.generation == self.state.generation {
            if self.checkpoint() != *checkpoint {
                return Ok(Relation::Unproven);
            }
            // The log belongs to the state; an entry that was exchanged must not pass for one of it.
            self.links(&mut |_link| Ok(()))?;
            return Ok(Relation::Same);
        }
        // The commit after that state says in its first entry what state it was made on. With the
        // chain before that entry, which nobody can rewrite, this must be what was written down.
        let mut next = None;
        self.links(&mut |link| {
            let event = link.event()?;
            if next.is_none() && event.generation > checkpoint.generation {
                next = Some((event.came_from, link.before));
            }
            Ok(())
        })?;
        let came_from = next.and_then(|(state, chain)| Some(history::checkpoint(&state?, &chain)));
        let is_later = came_from == Some(checkpoint.code);
        Ok(if is_later { Relation::Descendant } else { Relation::Unproven })
    }
}

/// Characters between two dashes of a code.
const GROUP: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::sys::entropy::CountingEntropy;
    use crate::vault::transaction::{Access, RequestContext};
    use crate::vault::{Origin, Vault};

    const CODE: &str = "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ-0123-4567-89AB-CDEF-GHJ0";

    #[test]
    fn a_checkpoint_is_read_back_as_printed() {
        let read = |text: &str| Checkpoint::parse(text).map(|checkpoint| checkpoint.to_string());
        let printed = format!("42:{CODE}");
        let plain = printed.replace('-', "");
        assert_eq!(read(&printed), Some(printed.clone()));
        assert_eq!(read(&format!(" {} \n", printed.to_lowercase())), Some(printed.clone()));
        assert_eq!(read(&plain), Some(printed.clone()));
        assert_eq!(read(&plain.replace('1', "I").replace(":0", ":o")), Some(printed.clone()));
        for text in ["", ":", "42", "42:", ":0", "42:ééééé", "42:----"] {
            assert_eq!(read(text), None, "{text}");
        }
        for text in [
            printed.replacen("42", "+42", 1),
            printed.replacen("42", "-1", 1),
            format!("{}:{CODE}", u128::MAX),
            format!("{printed}0"),
            printed.replacen("9AB", "9AU", 1),
            // Bits behind the last of the hash, and a code that is cut short.
            format!("{}1", plain.strip_suffix('0').unwrap()),
            plain.strip_suffix('0').unwrap().to_owned(),
            "42:0123456789ABCDEFGHJK".to_owned(),
        ] {
            assert_eq!(read(&text), None, "{text}");
        }
    }

    #[test]
    fn a_vault_proves_which_states_it_came_out_of() {
        let (entropy, origin) = (CountingEntropy::default(), Origin::default());
        let context = RequestContext { now: Timestamp(1_000), entropy: &entropy, origin: &origin };
        let mut vault = Vault::testing(context);
        let mut other = Vault::testing(context);
        let mut checkpoints = Vec::new();
        let mut work = |vault: &mut Vault| {
            let mut transaction = vault.begin(Access::Write, context).unwrap();
            transaction.record_own("One", "").unwrap();
            transaction.record_own("Two", "").unwrap();
            transaction.commit().unwrap();
            let transaction = vault.begin(Access::Read, context).unwrap();
            checkpoints.push(transaction.checkpoint());
        };
        for _ in 0..3 {
            work(&mut vault);
        }
        work(&mut other);
        let transaction = vault.begin(Access::Read, context).unwrap();
        let relation = |checkpoint: &Checkpoint| transaction.relation_to(checkpoint).unwrap();
        assert_eq!(relation(&checkpoints[0]), Relation::Descendant);
        assert_eq!(relation(&checkpoints[1]), Relation::Descendant);
        assert_eq!(relation(&checkpoints[2]), Relation::Same);
        assert_eq!(relation(&checkpoints[3]), Relation::Unproven, "of another vault");
        let at = |generation| Checkpoint { generation, code: [7; 32] };
        assert_eq!(relation(&at(9)), Relation::Older);
        assert_eq!(relation(&at(4)), Relation::Unproven);
        assert_eq!(relation(&at(2)), Relation::Unproven);
        assert_eq!(relation(&at(0)), Relation::Unproven);
    }
}
