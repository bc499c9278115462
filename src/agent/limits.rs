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
}

/// How much time has passed: what the clock says that has come farther. A time of day that was set
/// back says nothing.
fn passed(from: Moment, to: Moment) -> i64 {
    let boot = to.boot_ms.saturating_sub(from.boot_ms);
    let wall = to.wall_ms.saturating_sub(from.wall_ms);
    boot.max(wall)
}

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
}
