//! Reads that are not in the log yet. A process that stays writes many of them in one commit, each
//! with the time, the actor and the door that it had (docs/decisions/0006).

use super::audit::{Origin, Subject};
use super::record::Namespace;
use super::state::State;
use crate::model::time::Timestamp;

/// The most entries that wait, and the most days. More come only while nothing can be written, and are
/// counted.
pub(super) const MOST: usize = if cfg!(test) { 20 } else { 10_000 };

/// What waits to be written with the next commit.
#[derive(Default)]
pub(crate) struct WaitingReads {
    /// Whether reads wait at all.
    pub(super) is_kept: bool,
    pub(super) entries: Vec<WaitingEntry>,
    pub(super) days: Vec<WaitingDay>,
    pub(super) dropped: Dropped,
    /// The commit that may have written some of them.
    in_doubt: Option<InDoubt>,
}

/// An entry of the log.
#[derive(Clone)]
pub(super) struct WaitingEntry {
    pub(super) time: Timestamp,
    pub(super) operation: String,
    pub(super) outcome: String,
    pub(super) subject: Subject,
    pub(super) origin: Origin,
}

/// The day on which a version of a secret was read.
#[derive(Clone)]
pub(super) struct WaitingDay {
    pub(super) place: (Namespace, String),
    pub(super) rid: u64,
    pub(super) version_id: String,
    pub(super) day: Timestamp,
}

/// How many there was no room for.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) entries: u64,
    pub(super) days: u64,
}

/// What a commit would have written of which nobody knows yet whether it was made.
struct InDoubt {
    commit_id: [u8; 16],
    entries: usize,
    dropped: Dropped,
}

impl WaitingReads {
    pub(super) fn add(&mut self, entries: Vec<WaitingEntry>, days: Vec<WaitingDay>) {
        for entry in entries {
            if self.entries.len() < MOST {
                self.entries.push(entry);
            } else {
                self.dropped.entries += 1;
            }
        }
        for new in days {
            let is_same =
                |old: &&mut WaitingDay| old.rid == new.rid && old.version_id == new.version_id;
            if let Some(old) = self.days.iter_mut().find(is_same) {
                old.day = old.day.max(new.day);
            } else if self.days.len() < MOST {
                self.days.push(new);
            } else {
                self.dropped.days += 1;
            }
        }
    }

    /// Forgets all: it is in the file.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.days.clear();
        self.dropped = Dropped::default();
    }

    /// Keeps all until the vault shows whether this commit was made.
    pub(super) fn doubt(&mut self, commit_id: [u8; 16]) {
        let (entries, dropped) = (self.entries.len(), self.dropped);
        self.in_doubt = Some(InDoubt { commit_id, entries, dropped });
    }

    /// Forgets what a commit in doubt has written after all. Where later commits hide whether it was
    /// made, its entries are written again: twice is better than never. A day is only ever set.
    pub(super) fn settle(&mut self, state: &State) {
        let Some(doubt) = self.in_doubt.take() else { return };
        if [state.commit_id, state.previous_commit_id].contains(&doubt.commit_id) {
            self.entries.drain(..doubt.entries);
            self.dropped.entries -= doubt.dropped.entries;
            self.dropped.days -= doubt.dropped.days;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.days.is_empty() && self.dropped == Dropped::default()
    }
}
