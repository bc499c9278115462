//! Days of the Gregorian calendar in UTC, counted from 1970-01-01.
//!
//! jiff knows the years from -9999 to 9999; a time that is kept lies well within them
//! (`model::time::FURTHEST_MS`).

use jiff::civil::Date;
use jiff::tz::Offset;

use crate::model::time::Timestamp;

/// Returns the date on which a point in time falls; `None` outside the calendar.
pub(super) fn date_of(at: Timestamp) -> Option<Date> {
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(Offset::UTC.to_datetime(at).date())
}

/// Returns the days from 1970-01-01 to a date.
pub(super) fn days(date: Date) -> i64 {
    date.duration_since(EPOCH).as_hours() / 24
}

const EPOCH: Date = Date::constant(1970, 1, 1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::{DAY_MS, FURTHEST_MS};

    #[test]
    fn days_have_dates() {
        for (day, date, weekday) in [
            (0, "1970-01-01", 5),
            (-1, "1969-12-31", 4),
            (11_016, "2000-02-29", 3),
            (11_017, "2000-03-01", 4),
            (19_782, "2024-02-29", 5),
            (19_783, "2024-03-01", 6),
            (47_540, "2100-02-28", 1),
            (47_541, "2100-03-01", 2),
            (-719_468, "0000-03-01", 4),
        ] {
            for ms in [0, DAY_MS - 1] {
                let found = date_of(Timestamp(day * DAY_MS + ms)).unwrap();
                assert_eq!(found.to_string(), date);
                assert_eq!(found.weekday().to_sunday_one_offset(), weekday, "{date}");
                assert_eq!(days(found), day, "{date}");
            }
        }
    }

    #[test]
    fn whatever_is_kept_has_a_date() {
        for at in [-FURTHEST_MS, FURTHEST_MS] {
            let date = date_of(Timestamp(at)).unwrap();
            assert_eq!(days(date), at.div_euclid(DAY_MS));
        }
        assert_eq!(date_of(Timestamp(i64::MIN)), None);
        assert_eq!(date_of(Timestamp(i64::MAX)), None);
    }
}
