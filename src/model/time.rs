//! Points in time.

/// Milliseconds since 1970-01-01T00:00:00Z, the precision of AWS's own timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) i64);

/// Milliseconds in a day.
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
