//! The time of day, handed in so that no test waits for it and no release binary can be told it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where the time comes from.
pub(crate) trait Clock {
    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;
}

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        }
    }
}

/// A clock that stands still until a test moves it.
#[cfg(test)]
pub(crate) struct FixedClock(std::cell::Cell<i64>);

#[cfg(test)]
impl FixedClock {
    /// Stands at `ms` milliseconds since the epoch.
    pub(crate) fn at(ms: i64) -> Self {
        Self(std::cell::Cell::new(ms))
    }

    /// Moves the clock by `ms` milliseconds.
    pub(crate) fn advance(&self, ms: i64) {
        self.0.set(self.0.get() + ms);
    }
}

#[cfg(test)]
impl Clock for FixedClock {
    fn now_ms(&self) -> i64 {
        self.0.get()
    }
}
