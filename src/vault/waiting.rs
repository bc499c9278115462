//! Reads that are not in the log yet. A process that stays writes many of them in one commit, each
//! with the time, the actor and the door that it had (docs/decisions/0006).

use super::audit::{Origin, Subject};
use super::record::Namespace;
use crate::model::time::Timestamp;

/// The most that wait. More come only while nothing can be written, and are counted.
const MOST: usize = if cfg!(test) { 20 } else { 10_000 };

/// What waits to be written with the next commit.
#[derive(Default)]
pub(crate) struct WaitingReads {
    /// Whether reads wait at all.
    pub(super) is_kept: bool,
    pub(super) items: Vec<WaitingRead>,
    pub(super) dropped: u64,
}

/// One of them.
#[derive(Clone)]
pub(super) enum WaitingRead {
    /// An entry of the log.
    Entry { time: Timestamp, operation: String, outcome: String, subject: Subject, origin: Origin },
    /// The day on which a version of a secret was read.
    Access { place: (Namespace, String), rid: u64, version_id: String, day: Timestamp },
}

impl WaitingReads {
    pub(super) fn add(&mut self, items: Vec<WaitingRead>) {
        for item in items {
            if self.items.len() < MOST {
                self.items.push(item);
            } else if matches!(item, WaitingRead::Entry { .. }) {
                self.dropped = self.dropped.saturating_add(1);
            }
        }
    }

    /// Forgets all: it is in the file.
    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.dropped = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.dropped == 0
    }
}
