//! How long a vault stays unlocked: for so long without being used, and for so long in all.
//!
//! Both are held by two clocks. The one that counts from the system's start goes on while it is
//! suspended and is set by nobody; the time of day goes on while a virtual machine is paused. Whichever
//! has come farther counts.

use crate::sys::clock::Moment;

/// The two limits, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Without being used.
    pub(crate) idle_ms: i64,
    /// In all.
    pub(crate) age_ms: i64,
}

/// When a vault was unlocked, and when it was used last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) opened: Moment,
    pub(crate) used: Moment,
}

impl Limits {
    /// Whether the time of a vault is over.
    pub(crate) fn are_over(self, times: Times, now: Moment) -> bool {
        passed(times.used, now) >= self.idle_ms || passed(times.opened, now) >= self.age_ms
    }

    /// Returns the limit in all, in seconds.
    pub(crate) fn age_s(self) -> u32 {
        u32::try_from(self.age_ms / 1000).unwrap_or(u32::MAX)
    }

    /// Returns how long it may stay unlocked from now on if nobody uses it.
    pub(crate) fn left_ms(self, times: Times, now: Moment) -> i64 {
        let idle = self.idle_ms.saturating_sub(passed(times.used, now));
        let age = self.age_ms.saturating_sub(passed(times.opened, now));
        idle.min(age).max(0)
    }

    /// Returns the time of day at which it is over if nobody uses it.
    pub(crate) fn until_ms(self, times: Times, now: Moment) -> i64 {
        let until = now.wall_ms.saturating_add(self.left_ms(times, now));
        let idle = times.used.wall_ms.saturating_add(self.idle_ms);
        let age = times.opened.wall_ms.saturating_add(self.age_ms);
        let by_day = idle.min(age);
        // Clocks that go on together seldom reach their next millisecond together.
        if by_day.abs_diff(until) <= APART_MS { by_day } else { until }
    }
}

/// How much time has passed: what the clock says that has come farther. A time of day that was set
/// back says nothing.
fn passed(from: Moment, to: Moment) -> i64 {
    let boot = to.boot_ms.saturating_sub(from.boot_ms);
    let wall = to.wall_ms.saturating_sub(from.wall_ms);
    boot.max(wall)
}

/// How far two clocks seem to be apart because one is read after the other, in milliseconds.
const APART_MS: u64 = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whichever_clock_has_come_farther_counts() {
        let at = |boot_ms, wall_ms| Moment { boot_ms, wall_ms };
        let limits = Limits { idle_ms: 100, age_ms: 1_000 };
        let times = Times { opened: at(0, 5_000), used: at(900, 5_900) };
        for (now, left) in [
            (at(900, 5_900), 100),
            (at(950, 5_950), 50),
            (at(1_000, 6_000), 0),
            // Set forward, and back.
            (at(901, 9_000), 0),
            (at(901, 0), 99),
            (at(999, 0), 1),
            (at(1_000, 0), 0),
            // A virtual machine that was paused.
            (at(901, 5_990), 10),
        ] {
            assert_eq!(limits.left_ms(times, now), left, "{now:?}");
            assert_eq!(limits.are_over(times, now), left == 0, "{now:?}");
        }
        let used = Times { used: at(950, 5_950), ..times };
        assert_eq!(limits.left_ms(used, at(960, 5_960)), 40, "its age counts too");
    }

    /// It was a millisecond less whenever one clock was about to count the next and the other was not.
    #[test]
    fn what_is_said_of_the_end_does_not_waver() {
        let at = |boot_ms, wall_ms| Moment { boot_ms, wall_ms };
        let limits = Limits { idle_ms: 100, age_ms: 1_000 };
        let times = Times { opened: at(0, 5_000), used: at(10, 5_010) };
        for (now, until) in [
            (at(10, 5_010), 5_110),
            (at(61, 5_060), 5_110),
            (at(60, 5_061), 5_110),
            (at(120, 5_110), 5_110),
            // Set forward, back, and by a machine that slept.
            (at(11, 9_000), 9_000),
            (at(11, 1_000), 1_099),
            (at(100, 5_011), 5_021),
        ] {
            assert_eq!(limits.until_ms(times, now), until, "{now:?}");
        }
        let old = Times { used: at(980, 5_980), ..times };
        assert_eq!(limits.until_ms(old, at(991, 5_990)), 6_000, "its age counts too");
    }
}
