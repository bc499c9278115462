//! Room for the bodies of requests, of which many may come at once before anybody is known to be
//! allowed to send them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub(super) struct Room {
    /// How many bytes are left.
    left: Mutex<usize>,
    /// Rings when there are more.
    moved: Condvar,
}

/// Some of it, until it is dropped.
pub(super) struct Taken<'r> {
    room: &'r Room,
    bytes: usize,
}

impl Room {
    pub(super) fn of(bytes: usize) -> Self {
        Self { left: Mutex::new(bytes), moved: Condvar::new() }
    }

    /// Waits for room for a body; `None` if there is none by `until`.
    pub(super) fn take(&self, bytes: usize, until: Instant) -> Option<Taken<'_>> {
        // Most are small, and wait for nobody.
        let bytes = if bytes <= SMALL { 0 } else { bytes };
        let mut left = self.left();
        while *left < bytes {
            let time = until.saturating_duration_since(Instant::now());
            if time.is_zero() {
                return None;
            }
            left = self.moved.wait_timeout(left, time).unwrap_or_else(PoisonError::into_inner).0;
        }
        *left = left.saturating_sub(bytes);
        Some(Taken { room: self, bytes })
    }

    fn left(&self) -> MutexGuard<'_, usize> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut left = self.room.left();
        *left = left.saturating_add(self.bytes);
        self.room.moved.notify_all();
    }
}

/// What nobody counts, in bytes.
const SMALL: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn there_is_no_more_room_than_there_is() {
        let room = Room::of(100 << 10);
        let now = Instant::now();
        let first = room.take(60 << 10, now);
        assert!(first.is_some() && room.take(60 << 10, now).is_none());
        assert!(room.take(SMALL, now).is_some() && room.take(40 << 10, now).is_some());
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| room.take(60 << 10, now + Duration::from_mins(1)).is_some());
            drop(first);
            assert!(waits.join().unwrap());
        });
        assert_eq!(*room.left(), 100 << 10);
    }
}
