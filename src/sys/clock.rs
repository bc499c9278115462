//! The time of day, handed in so that no test waits for it and no release binary can be told it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{Timespec, poll};

pub(crate) trait Clock {
    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;
}

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

/// How long something takes, whatever happens to the time of day meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns how long ago that was.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Lets a moment pass, where there is no event to wait for: another process's lock.
pub(crate) fn pause(moment: Duration) {
    let moment = Timespec {
        tv_sec: i64::try_from(moment.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(moment.subsec_nanos()),
    };
    // A signal ends it early, which is as good.
    let _early = poll(&mut [], Some(&moment));
}

/// A clock that only tests move.
#[cfg(test)]
pub(crate) struct FixedClock(std::cell::Cell<i64>);

#[cfg(test)]
impl FixedClock {
    /// Stopped at `ms` milliseconds since the epoch.
    pub(crate) fn at(ms: i64) -> Self {
        Self(std::cell::Cell::new(ms))
    }

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
