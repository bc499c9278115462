//! Days of the Gregorian calendar in UTC, counted from 1970-01-01.

use crate::model::time::{DAY_MS, Timestamp};

/// A month of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Month {
    /// The year.
    pub(super) year: i64,
    /// 1 is January.
    pub(super) number: i64,
}

impl Month {
    /// Returns the month in which a day lies.
    pub(super) fn of_day(day: i64) -> Self {
        // Eras of 400 years, and years that begin in March, so that a leap day is a year's last.
        let shifted = day.saturating_add(ERA_START);
        let (era, of_era) = (shifted.div_euclid(ERA_DAYS), shifted.rem_euclid(ERA_DAYS));
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        Self::from_index((era * 400 + year) * 12 + from_march + 2)
    }

    /// Returns the month that comes `months` later.
    pub(super) fn plus(self, months: i64) -> Self {
        Self::from_index(self.year * 12 + self.number - 1 + months)
    }

    /// Returns how many days the month has.
    pub(super) fn length(self) -> i64 {
        self.plus(1).first_day() - self.first_day()
    }

    /// Returns the month's first day.
    pub(super) fn first_day(self) -> i64 {
        let index = self.year * 12 + self.number - 3;
        let (year, from_march) = (index.div_euclid(12), index.rem_euclid(12));
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * from_march + 2) / 5;
        era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - ERA_START
    }

    /// From months since January of the year 0.
    fn from_index(index: i64) -> Self {
        Self { year: index.div_euclid(12), number: index.rem_euclid(12) + 1 }
    }
}

/// Returns the day in which a point in time lies.
pub(super) fn day_of(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// Returns the weekday of a day: 1 is Sunday, as in AWS's schedules.
pub(super) fn weekday(day: i64) -> i64 {
    // 1970-01-01 was a Thursday.
    (day.rem_euclid(7) + 4) % 7 + 1
}

/// Returns the beginning of an hour of a day, or the end of time.
pub(super) fn hour_of_day(day: i64, hour: i64) -> Timestamp {
    Timestamp(day.saturating_mul(DAY_MS).saturating_add(hour.saturating_mul(HOUR_MS)))
}

/// Milliseconds in an hour.
pub(super) const HOUR_MS: i64 = 3_600_000;

const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01, where the first era begins, to 1970-01-01.
const ERA_START: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_fall_into_months() {
        for (day, year, number, of_month, on) in [
            (0, 1970, 1, 1, 5),
            (-1, 1969, 12, 31, 4),
            (11_016, 2000, 2, 29, 3),
            (11_017, 2000, 3, 1, 4),
            (19_782, 2024, 2, 29, 5),
            (19_783, 2024, 3, 1, 6),
            (47_540, 2100, 2, 28, 1),
            (47_541, 2100, 3, 1, 2),
            (-719_468, 0, 3, 1, 4),
        ] {
            let month = Month::of_day(day);
            assert_eq!(month, Month { year, number }, "{day}");
            assert_eq!(month.first_day() + of_month - 1, day);
            assert_eq!(weekday(day), on, "{day}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_is_in_its_month() {
        let mut month = Month { year: 1899, number: 12 };
        let mut next = month.plus(1).first_day();
        for day in month.first_day()..month.first_day() + ERA_DAYS {
            if day == next {
                month = month.plus(1);
                next = day + month.length();
                assert!((28..=31).contains(&month.length()), "{month:?}");
            }
            assert_eq!(Month::of_day(day), month, "{day}");
        }
    }

    #[test]
    fn the_ends_of_time_are_in_some_month() {
        for at in [Timestamp(i64::MIN), Timestamp(i64::MAX)] {
            let month = Month::of_day(day_of(at));
            assert!((1..=12).contains(&month.number));
            assert!((28..=31).contains(&month.length()));
        }
        assert_eq!(hour_of_day(i64::MAX, 23), Timestamp(i64::MAX));
    }
}
