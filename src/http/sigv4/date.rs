//! Dates as signed requests spell them, `20260301T123045Z`, which AWS calls the basic format.

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::model::time::Timestamp;

/// Reads a date; `None` for any other spelling, and for what is not in the calendar.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let (day, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let number = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    let is_spelled = |text: &str, length| {
        text.len() == length && text.bytes().all(|digit| digit.is_ascii_digit())
    };
    if !is_spelled(day, 8) || !is_spelled(clock, 6) {
        return None;
    }
    let year = day.get(..4)?.parse().ok()?;
    let (month, day) = (number(day, 4, 6)?, number(day, 6, 8)?);
    let (hour, minute, second) = (number(clock, 0, 2)?, number(clock, 2, 4)?, number(clock, 4, 6)?);
    let at = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    Some(Timestamp(Offset::UTC.to_timestamp(at).ok()?.as_millisecond()))
}

/// Spells a point in time; one that is outside the calendar is its nearer end.
pub(super) fn write(at: Timestamp) -> String {
    let end = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    let at = Offset::UTC.to_datetime(jiff::Timestamp::from_millisecond(at.0).unwrap_or(end));
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    format!("{:04}{:02}{:02}T{hour:02}{minute:02}{second:02}Z", at.year(), at.month(), at.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_one_spelling() {
        for (text, seconds) in [
            ("19700101T000000Z", 0),
            ("20260301T123045Z", 1_772_368_245),
            ("20240229T235959Z", 1_709_251_199),
            ("00010101T000000Z", -62_135_596_800),
        ] {
            let at = Timestamp(seconds * 1000);
            assert_eq!(read(text), Some(at));
            assert_eq!(write(at), text);
            assert_eq!(write(Timestamp(at.0 + 999)), text);
        }
        for text in [
            "",
            "201",
            "2026",
            "20260301",
            "20260301T123045",
            "20260301t123045Z",
            "20260301T123045z",
            "20260301T1230Z",
            "2026-03-01T12:30:45Z",
            "20260301T12304 Z",
            "+2260301T123045Z",
            "20260301T+23045Z",
            "20260301T123045ZZ",
            "20260301T123045.5Z",
            "20230229T000000Z",
            "20261301T000000Z",
            "20260301T240000Z",
            "20260301T000060Z",
            "Sun, 01 Mar 2026 12:30:45 GMT",
            "２０２６０３０１T123045Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn no_time_is_too_far_to_be_spelled() {
        assert_eq!(write(Timestamp(i64::MAX)).get(..4), Some("9999"));
        assert!(write(Timestamp(i64::MIN)).ends_with('Z'));
    }
}
