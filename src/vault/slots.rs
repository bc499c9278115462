//! Key slots: which credentials open the vault. Every change is recorded in the state, so a slot
//! that was altered, added or put back by hand is noticed.

use crate::model::order;
use std::borrow::Borrow;

use super::error::Error;
use super::state::{MAX_LABEL, SlotEntry, State};
use super::transaction::Transaction;
use crate::crypto::slot::{SlotBody, SlotKind};
use crate::store::{MAX_SLOTS, STRAY_SLOT, Table};

/// The most slots that need a passphrase: each wrong try derives a key for every one of them.
pub(super) const MAX_DERIVED: usize = 4;

/// A slot as the container has it, with what the state says of it.
pub(crate) struct StoredSlot {
    /// 0 to 15, or [`STRAY_SLOT`].
    pub(crate) number: u8,
    /// What the container has, if it is a slot.
    pub(crate) body: Option<SlotBody>,
    /// What the state says of it; `None` for a slot that somebody put in by hand.
    pub(crate) entry: Option<SlotEntry>,
    /// Whether the two agree.
    pub(crate) is_intact: bool,
}

/// Whether the last slot that needs no file may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastPortable {
    /// It must stay: keyfiles get lost.
    Keep,
    /// The user insists.
    MayGo,
}

impl Transaction<'_> {
    /// Returns all slots, even damaged ones, lowest number first.
    pub(crate) fn slots(&self) -> Result<Vec<StoredSlot>, Error> {
        let bodies = self.rows.slots()?;
        let damaged = differences(&self.state, &bodies);
        let slot = |number| {
            let body = bodies.iter().find(|(n, _)| *n == number).map(|(_, body)| body);
            let entry = self.state.slot(number).cloned();
            (body.is_some() || entry.is_some()).then(|| StoredSlot {
                number,
                body: body.and_then(|body| SlotBody::decode(body).ok()),
                entry,
                is_intact: !damaged.contains(&number),
            })
        };
        Ok((0..MAX_SLOTS).chain([STRAY_SLOT]).filter_map(slot).collect())
    }

    /// Adds a slot under the lowest free number, and returns the number.
    pub(crate) fn add_slot(&mut self, body: &SlotBody, label: &str) -> Result<u8, Error> {
        let free = (0..MAX_SLOTS).find(|number| self.state.slot(*number).is_none());
        let number = free.ok_or(Error::SlotsFull)?;
        self.put_slot(number, label, body)?;
        Ok(number)
    }

    /// Replaces the body of a slot, and keeps its label: a changed passphrase.
    pub(crate) fn replace_slot(&mut self, number: u8, body: &SlotBody) -> Result<(), Error> {
        let slot = self.state.slot(number).ok_or(Error::NoSuchSlot(number))?;
        let label = slot.label.clone();
        self.put_slot(number, &label, body)
    }

    /// Removes a slot, damaged or not. What is left must open the vault again.
    pub(crate) fn remove_slot(&mut self, number: u8, last: LastPortable) -> Result<(), Error> {
        let (gone, left): (Vec<StoredSlot>, Vec<StoredSlot>) =
            self.slots()?.into_iter().partition(|slot| slot.number == number);
        let gone = gone.into_iter().next().ok_or(Error::NoSuchSlot(number))?;
        let left: Vec<SlotKind> = left.iter().filter_map(StoredSlot::usable).collect();
        let is_portable = |kind| matches!(kind, SlotKind::Passphrase | SlotKind::RecoveryCode);
        let strands =
            gone.usable().is_some_and(is_portable) && !left.iter().copied().any(is_portable);
        if left.is_empty() || (strands && last == LastPortable::Keep) {
            return Err(Error::LastSlot(number));
        }
        self.drop_slot(number)
    }

    /// Takes a slot out of the container and the state. One whose row was deleted by hand has
    /// nothing left to delete.
    pub(super) fn drop_slot(&mut self, number: u8) -> Result<(), Error> {
        match number {
            STRAY_SLOT => self.rows.discard_stray_slots()?,
            number => self.rows.discard(Table::Slot, u64::from(number))?,
        }
        self.state.slots.retain(|slot| slot.number != number);
        self.is_changed = true;
        Ok(())
    }

    fn put_slot(&mut self, number: u8, label: &str, body: &SlotBody) -> Result<(), Error> {
        if label.len() > MAX_LABEL {
            return Err(Error::Limit(format!(
                "a label of {} bytes is too long: at most {MAX_LABEL} are possible",
                label.len()
            )));
        }
        let slots = self.slots()?;
        let others = slots.iter().filter(|slot| slot.number != number);
        let others = others.filter_map(|slot| slot.body.as_ref());
        if body.kind().is_derived() {
            check_derived(others.chain([body])).map_err(|_count| Error::SlotsFull)?;
        }
        self.rows.put(Table::Slot, u64::from(number), body.as_bytes())?;
        let entry = SlotEntry::new(number, body.as_bytes(), label.to_owned(), self.date());
        self.state.slots.retain(|slot| slot.number != number);
        self.state.slots.push(entry);
        order::sort_by_key(&mut self.state.slots, |slot| slot.number);
        self.is_changed = true;
        Ok(())
    }
}

impl StoredSlot {
    /// Returns the slot's kind, if it still opens the vault.
    pub(crate) fn usable(&self) -> Option<SlotKind> {
        self.body.as_ref().filter(|_| self.is_intact).map(SlotBody::kind)
    }
}

/// Requires that no more slots need a passphrase than a vault has.
///
/// # Errors
/// How many there are.
pub(super) fn check_derived(bodies: impl Iterator<Item: Borrow<SlotBody>>) -> Result<(), usize> {
    let count = bodies.filter(|body| body.borrow().kind().is_derived()).count();
    if count <= MAX_DERIVED { Ok(()) } else { Err(count) }
}

/// Returns what the state keeps of a slot's body.
pub(super) fn digest(body: &[u8]) -> [u8; 32] {
    crate::crypto::slot::digest(body)
}

/// Requires the slots in the container to be those of the state.
pub(super) fn verify(state: &State, bodies: &[(u8, Vec<u8>)]) -> Result<(), Error> {
    match differences(state, bodies).first() {
        None => Ok(()),
        Some(&number) => {
            Err(Error::TamperedSlot { number, problem: "is not the one that was stored" })
        }
    }
}

/// Returns the numbers of slots that are missing, added or altered.
pub(super) fn differences(state: &State, bodies: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let stored = |number| bodies.iter().find(|(n, _)| *n == number).map(|(_, body)| body);
    // A number that no slot has would be tried like any other when the vault is opened.
    let numbers = (0..MAX_SLOTS).chain([STRAY_SLOT]);
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
