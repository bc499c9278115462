//! The time of day, handed in so that no test waits for it and no release binary can be told it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{Timespec, poll};
use rustix::time::{ClockId, clock_gettime};

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

/// A moment by two clocks, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Since the system's start, suspended or not (`CLOCK_BOOTTIME`): nobody sets it.
    pub(crate) boot_ms: i64,
    /// Since 1970-01-01T00:00:00Z.
    pub(crate) wall_ms: i64,
}

/// Both clocks, handed in like the time of day.
pub(crate) trait Moments {
    /// Returns what they say.
    fn moment(&self) -> Moment;
}

pub(crate) struct SystemMoments;

impl Moments for SystemMoments {
    fn moment(&self) -> Moment {
        let boot = clock_gettime(SINCE_START);
        let seconds = boot.tv_sec.saturating_mul(1000);
        let boot_ms = seconds.saturating_add(boot.tv_nsec / 1_000_000);
        Moment { boot_ms, wall_ms: SystemClock.now_ms() }
    }
}

#[cfg(target_os = "linux")]
const SINCE_START: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const SINCE_START: ClockId = ClockId::Monotonic;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_by_both_clocks() {
        let first = SystemMoments.moment();
        let wall = SystemClock.now_ms();
        let second = SystemMoments.moment();
        assert!(first.boot_ms > 0 && first.boot_ms <= second.boot_ms);
        // Nobody has run a system since 1970: the clocks are not mixed up.
        assert!(first.boot_ms < first.wall_ms);
        assert!((wall - first.wall_ms).abs() < 3_600_000, "both tell the same time of day");
    }

    /// The clock that stands still while the system is suspended is never ahead.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_moment_counts_what_the_system_slept() {
        let awake = clock_gettime(ClockId::Monotonic);
        let moment = SystemMoments.moment();
        assert!(moment.boot_ms >= awake.tv_sec * 1000);
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        // Seconds with two digits after the point.
        let hundredths = uptime.split(' ').next().unwrap().replace('.', "");
        let uptime = 10 * hundredths.parse::<i64>().unwrap();
        let since = SystemMoments.moment().boot_ms;
        assert!((moment.boot_ms - 20..=since + 20).contains(&uptime), "{uptime} {since}");
    }
}
