//! Key slots: which credentials open the vault. Every change stands in the state, so a slot that
//! was altered, added or put back by hand is noticed.

use super::error::{Error, tampered};
use super::state::{SlotEntry, State};
use super::transaction::Transaction;
use crate::crypto::slot::{SlotBody, SlotKind};
use crate::store::Table;

/// The most slots a vault has.
const MOST_SLOTS: u8 = 16;

/// The most slots that need a passphrase: each wrong try derives a key for every one of them.
const MOST_DERIVED: usize = 4;

/// Whether the last slot that needs no file may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastPortable {
    /// It must stay: keyfiles get lost.
    Keep,
    /// The user insists.
    MayGo,
}

impl Transaction<'_> {
    /// Adds a slot under the lowest free number, and returns the number.
    pub(crate) fn add_slot(&mut self, body: &SlotBody, label: &str) -> Result<u8, Error> {
        let is_derived = body.kind().is_derived();
        if is_derived && self.count_slots(SlotKind::is_derived)? >= MOST_DERIVED {
            return Err(Error::SlotsFull);
        }
        let free = (0..MOST_SLOTS).find(|number| self.state.slot(*number).is_none());
        let number = free.ok_or(Error::SlotsFull)?;
        self.put_slot(number, body, label)?;
        Ok(number)
    }

    /// Replaces the body of a slot, and keeps its label: a changed passphrase.
    pub(crate) fn replace_slot(&mut self, number: u8, body: &SlotBody) -> Result<(), Error> {
        let slot = self.state.slot(number).ok_or(Error::NoSuchSlot(number))?;
        let label = slot.label.clone();
        self.put_slot(number, body, &label)
    }

    /// Removes a slot, damaged or not.
    pub(crate) fn remove_slot(&mut self, number: u8, last: LastPortable) -> Result<(), Error> {
        if self.state.slot(number).is_none() {
            return Err(Error::NoSuchSlot(number));
        }
        let is_portable = |kind| matches!(kind, SlotKind::Passphrase | SlotKind::RecoveryCode);
        let bodies = self.rows.slots()?;
        let left = bodies.iter().filter(|(n, _)| *n != number);
        let left: Vec<SlotKind> =
            left.filter_map(|(_, body)| Some(SlotBody::decode(body).ok()?.kind())).collect();
        let was_portable = bodies
            .iter()
            .filter(|(n, _)| *n == number)
            .filter_map(|(_, body)| SlotBody::decode(body).ok())
            .any(|body| is_portable(body.kind()));
        let strands = was_portable && !left.iter().copied().any(is_portable);
        if left.is_empty() || (strands && last == LastPortable::Keep) {
            return Err(Error::LastSlot(number));
        }
        // A slot whose row was deleted by hand has nothing left to delete.
        if bodies.iter().any(|(n, _)| *n == number) {
            self.rows.delete(Table::Slot, u64::from(number))?;
        }
        self.state.slots.retain(|slot| slot.number != number);
        self.is_changed = true;
        Ok(())
    }

    fn put_slot(&mut self, number: u8, body: &SlotBody, label: &str) -> Result<(), Error> {
        self.rows.put(Table::Slot, u64::from(number), body.as_bytes())?;
        let entry = SlotEntry {
            number,
            digest: digest(body.as_bytes()),
            label: label.to_owned(),
            created: self.now(),
        };
        self.state.slots.retain(|slot| slot.number != number);
        self.state.slots.push(entry);
        self.state.slots.sort_by_key(|slot| slot.number);
        self.is_changed = true;
        Ok(())
    }

    fn count_slots(&self, matches: impl Fn(SlotKind) -> bool) -> Result<usize, Error> {
        let bodies = self.rows.slots()?;
        let kinds = bodies.iter().filter_map(|(_, body)| Some(SlotBody::decode(body).ok()?.kind()));
        Ok(kinds.filter(|kind| matches(*kind)).count())
    }
}

/// Returns what the state keeps of a slot's body.
pub(super) fn digest(body: &[u8]) -> [u8; 32] {
    crate::crypto::slot::digest(body)
}

/// Requires the slots in the container to be those of the state.
pub(super) fn verify(state: &State, bodies: &[(u8, Vec<u8>)]) -> Result<(), Error> {
    match differences(state, bodies).first() {
        None => Ok(()),
        Some(number) => Err(tampered(format!("slot {number} is not the one that was stored"))),
    }
}

/// Returns the numbers of slots that are missing, added or altered.
pub(super) fn differences(state: &State, bodies: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let stored = |number| bodies.iter().find(|(n, _)| *n == number).map(|(_, body)| body);
    let numbers = 0..MOST_SLOTS;
    let differs = |number: &u8| match (state.slot(*number), stored(*number)) {
        (None, None) => false,
        (Some(entry), Some(body)) => entry.digest != digest(body),
        (Some(_), None) | (None, Some(_)) => true,
    };
    numbers.filter(differs).collect()
}

/// Names a kind of slot for a person.
pub(crate) fn in_words(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Passphrase => "passphrase",
        SlotKind::Keyfile => "keyfile",
        SlotKind::RecoveryCode => "recovery code",
        SlotKind::PassphraseAndKeyfile => "passphrase with keyfile",
    }
}
