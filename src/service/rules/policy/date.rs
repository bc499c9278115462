//! Points in time as conditions spell them: W3C's profile of ISO 8601, or seconds since the epoch.

use std::str::FromStr;

use jiff::civil::Date;

use crate::model::time::Timestamp;
use crate::service::rules::calendar;

/// A point in time: seconds since 1970-01-01T00:00:00Z, then nanoseconds.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant(i64, u32);

impl Instant {
    /// Reads `2026`, `2026-03`, `2026-03-01`, `2026-03-01T12:30Z`, `…T12:30:45.5+01:00` or
    /// `1772368245`. Four digits alone are a year; a time of day without a zone is UTC.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.len() != 4 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Self(text.parse().ok()?, 0));
        }
        let (date, time) = match text.split_once(['T', 't']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        // A time of day belongs to a whole date.
        let (date, parts) = read_date(date)?;
        let (seconds, nanoseconds) = match time {
            Some(time) if parts == 3 => read_time(time)?,
            Some(_) => return None,
            None => (0, 0),
        };
        Some(Self(calendar::days(date) * SECONDS_A_DAY + seconds, nanoseconds))
    }
}

/// Spells a point in time as `aws:CurrentTime` does: `2026-03-01T12:30:45Z`.
pub(super) fn spell(at: Timestamp) -> String {
    // A clock outside the calendar shows the end of it that is nearer.
    let end = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_second(at.0.div_euclid(1000)).unwrap_or(end).to_string()
}

/// Returns the date, and how many of year, month and day were there.
fn read_date(text: &str) -> Option<(Date, usize)> {
    let parts: Vec<&str> = text.split('-').collect();
    let (year, month, day) = match *parts.as_slice() {
        [year] => (digits(year, 4)?, 1, 1),
        [year, month] => (digits(year, 4)?, digits(month, 2)?, 1),
        [year, month, day] => (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?),
        _ => return None,
    };
    Some((Date::new(year, month, day).ok()?, parts.len()))
}

/// Returns the seconds since midnight UTC, which may lie outside the day, and the nanoseconds.
fn read_time(text: &str) -> Option<(i64, u32)> {
    let (clock, zone) = match text.find(['Z', 'z', '+', '-']) {
        Some(at) => text.split_at_checked(at)?,
        None => (text, "Z"),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hour, minute, second) = match *parts.as_slice() {
        [hour, minute] => (hour, minute, "00"),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let (hour, minute, second): (i64, i64, i64) =
        (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = hour * 3600 + minute * 60 + second - read_zone(zone)?;
    Some((seconds, read_fraction(fraction)?))
}

fn read_zone(text: &str) -> Option<i64> {
    let (ahead, clock) = match text.strip_prefix('+') {
        Some(clock) => (1, clock),
        None => match text.strip_prefix('-') {
            Some(clock) => (-1, clock),
            None => return text.eq_ignore_ascii_case("z").then_some(0),
        },
    };
    let (hours, minutes) = clock.split_once(':')?;
    let (hours, minutes): (i64, i64) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours <= 23 && minutes <= 59).then_some(ahead * (hours * 3600 + minutes * 60))
}

fn read_fraction(text: &str) -> Option<u32> {
    let is_fraction = (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_fraction { format!("{text:0<9}").parse().ok() } else { None }
}

fn digits<T: FromStr>(text: &str, count: usize) -> Option<T> {
    let is_number = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

const SECONDS_A_DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling() {
        for (text, seconds, nanoseconds) in [
            ("1970", 0, 0),
            ("1970-01", 0, 0),
            ("1970-01-01", 0, 0),
            ("1970-01-01T00:00Z", 0, 0),
            ("1970-01-01T00:00:00Z", 0, 0),
            ("1970-01-01T00:00:01", 1, 0),
            ("1970-01-01t01:00:00+01:00", 0, 0),
            ("1969-12-31T23:30:00-00:30", 0, 0),
            ("1970-01-01T00:00:00.5Z", 0, 500_000_000),
            ("1970-01-01T00:00:00.123456789z", 0, 123_456_789),
            ("1969-12-31", -86_400, 0),
            ("2020-01-01T00:00:01Z", 1_577_836_801, 0),
            ("2024-02-29", 1_709_164_800, 0),
            ("2000-02-29T23:59:59Z", 951_868_799, 0),
            ("2026-03-01T12:30:45Z", 1_772_368_245, 0),
            ("0000-03-01", -62_162_035_200, 0),
            ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
            ("1772368245", 1_772_368_245, 0),
            ("0", 0, 0),
            ("9223372036854775807", i64::MAX, 0),
        ] {
            assert_eq!(Instant::read(text), Some(Instant(seconds, nanoseconds)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "T",
            "-1",
            "+1",
            "9223372036854775808",
            "1.5",
            "yesterday",
            "2026-3-1",
            "2026-00-01",
            "2026-13-01",
            "2026-02-29",
            "1900-02-29",
            "2026-04-31",
            "2026-01-00",
            "2026-01-01-01",
            "20260101T00:00Z",
            "2026-01T00:00Z",
            "2026T00:00Z",
            "2026-01-01T",
            "2026-01-01T00Z",
            "2026-01-01T24:00Z",
            "2026-01-01T00:60Z",
            "2026-01-01T00:00:60Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1234567890Z",
            "2026-01-01T00:00+1:00",
            "2026-01-01T00:00+0100",
            "2026-01-01T00:00+24:00",
            "2026-01-01T00:00ZZ",
            "2026-01-01 00:00Z",
            "２０２６",
            "*",
        ] {
            assert_eq!(Instant::read(text), None, "{text}");
        }
    }

    #[test]
    fn spells_what_it_reads() {
        for text in ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-12-31T00:00:01Z"] {
            let Instant(seconds, _) = Instant::read(text).unwrap();
            assert_eq!(spell(Timestamp(seconds * 1000 + 999)), text);
        }
        assert_eq!(spell(Timestamp(-1)), "1969-12-31T23:59:59Z");
        // Far outside the calendar, but not out of bounds.
        assert!(spell(Timestamp(i64::MAX)).starts_with("9999-12-30T"));
        assert!(spell(Timestamp(i64::MIN)).starts_with('-'));
    }

    #[test]
    fn counts_days_without_a_gap() {
        let (mut date, mut at) =
            ("1599-12-31T00:00:00Z".to_owned(), Timestamp(-11_676_182_400_000));
        while date != "2100-12-31T00:00:00Z" {
            assert_eq!(Instant::read(&date), Some(Instant(at.0 / 1000, 0)));
            let numbers: Vec<i64> =
                date.split(['-', 'T']).filter_map(|part| part.parse().ok()).collect();
            let [year, month, day] = numbers[..] else { panic!("{date}") };
            at = at.plus_days(1);
            let next = spell(at);
            let follows = [(year, month, day + 1), (year, month + 1, 1), (year + 1, 1, 1)]
                .map(|(year, month, day)| format!("{year}-{month:02}-{day:02}T00:00:00Z"))
                .contains(&next);
            assert!(follows, "{next} after {date}");
            date = next;
        }
    }
}
