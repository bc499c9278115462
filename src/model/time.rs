//! Points in time.

/// Milliseconds since 1970-01-01T00:00:00Z, the precision of AWS's own timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) i64);

/// How far from 1970 a time can be that is kept, in milliseconds: into the year 6429, or as far back.
/// All that is reckoned with such times is far from the ends of an `i64`, and has a date.
pub(crate) const FURTHEST_MS: i64 = 1 << 47;

pub(crate) const HOUR_MS: i64 = 3_600_000;

pub(crate) const DAY_MS: i64 = 86_400_000;

impl Timestamp {
    /// Returns midnight UTC of the same day, which is all that `LastAccessedDate` tells.
    pub(crate) fn midnight(self) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(DAY_MS)))
    }

    /// Returns the point `days` later, or the end of time.
    pub(crate) fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(DAY_MS)))
    }
}
