//! A value as it is printed: times become text in a time zone, bytes become base64, so that what
//! is left are the kinds that JSON has.
//!
//! Does not know of formats or queries; both look at values through it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;

use crate::model::time::Timestamp;
use crate::model::value::Value;

/// One look at a [`Value`]. Has no `Debug`: it may show a secret.
pub(crate) enum View<'a> {
    /// `null`.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text, a time or bytes.
    Text(Cow<'a, str>),
    /// A list.
    List(&'a [Value]),
    /// Members in order.
    Map(&'a [(String, Value)]),
}

impl<'a> View<'a> {
    /// Looks at a value; times are told in `zone`.
    pub(crate) fn of(value: &'a Value, zone: &TimeZone) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(flag) => Self::Boolean(*flag),
            Value::Integer(number) => Self::Integer(*number),
            Value::Float(number) => Self::Float(*number),
            Value::Text(text) => Self::Text(Cow::Borrowed(text)),
            Value::Bytes(bytes) => Self::Text(Cow::Owned(STANDARD.encode(bytes))),
            Value::Timestamp(at) => Self::Text(Cow::Owned(iso8601(*at, zone))),
            Value::List(elements) => Self::List(elements),
            Value::Map(members) => Self::Map(members),
        }
    }

    /// Whether it is neither a list nor a map.
    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Map(_))
    }
}

/// Spells a time as AWS CLI v2 does: with the zone's offset, with six digits of a second or none.
fn iso8601(at: Timestamp, zone: &TimeZone) -> String {
    // A time that no calendar has is shown as the calendar's end nearest to it.
    let end = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(end).to_zoned(zone.clone());
    let (date, time) = (at.date(), at.time());
    let fraction = match time.subsec_nanosecond() / 1_000 {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    let offset = at.offset().seconds();
    let sign = if offset < 0 { '-' } else { '+' };
    let offset = offset.unsigned_abs();
    // Only offsets of before standard time have seconds.
    let seconds = match offset % 60 {
        0 => String::new(),
        seconds => format!(":{seconds:02}"),
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}{sign}{:02}:{:02}{seconds}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        offset / 3_600,
        offset / 60 % 60,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::Offset;

    #[test]
    fn spells_times_in_the_zone() {
        let hours = |hours| TimeZone::fixed(Offset::constant(hours));
        let half = TimeZone::fixed(Offset::from_seconds(5 * 3_600 + 1_800).unwrap());
        let mean = TimeZone::fixed(Offset::from_seconds(-(53 * 60 + 28)).unwrap());
        for (ms, zone, expected) in [
            (1_523_477_145_713, hours(0), "2018-04-11T20:05:45.713000+00:00"),
            (1_523_923_200_000, hours(0), "2018-04-17T00:00:00+00:00"),
            (1_523_477_145_713, hours(2), "2018-04-11T22:05:45.713000+02:00"),
            (1_523_477_145_713, hours(-7), "2018-04-11T13:05:45.713000-07:00"),
            (1_523_477_145_000, half, "2018-04-12T01:35:45+05:30"),
            (0, mean, "1969-12-31T23:06:32-00:53:28"),
            (-1, hours(0), "1969-12-31T23:59:59.999000+00:00"),
            (i64::MAX, hours(0), "9999-12-30T22:00:00.999999+00:00"),
        ] {
            assert_eq!(iso8601(Timestamp(ms), &zone), expected);
        }
        // Summer time: the offset is that of the day, not of today.
        let rules = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(iso8601(Timestamp(1_700_000_000_000), &rules), "2023-11-14T23:13:20+01:00");
        assert_eq!(iso8601(Timestamp(1_690_000_000_000), &rules), "2023-07-22T06:26:40+02:00");
    }
}
