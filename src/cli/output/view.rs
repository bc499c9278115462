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

/// A [`Value`] as it is printed. Has no `Debug`: it may show a secret.
pub(crate) enum View<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// Text, a time or bytes.
    Text(Cow<'a, str>),
    List(&'a [Value]),
    /// Members in order.
    Map(&'a [(String, Value)]),
}

impl<'a> View<'a> {
    /// Looks at a value; times are shown in `zone`.
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
///
/// A long list has millions of times, so this does without format strings.
fn iso8601(at: Timestamp, zone: &TimeZone) -> String {
    // A time that no calendar has is shown as the calendar's end nearest to it.
    let end = if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(end);
    let offset = zone.to_offset(at);
    let civil = offset.to_datetime(at);
    let mut text = String::with_capacity("2018-04-11T20:05:45.713000+00:00".len());
    digits(civil.year().unsigned_abs().into(), 4, &mut text);
    for (mark, part) in [
        ('-', civil.month()),
        ('-', civil.day()),
        ('T', civil.hour()),
        (':', civil.minute()),
        (':', civil.second()),
    ] {
        text.push(mark);
        digits(part.unsigned_abs().into(), 2, &mut text);
    }
    let micros = civil.subsec_nanosecond().unsigned_abs() / 1_000;
    if micros > 0 {
        text.push('.');
        digits(micros, 6, &mut text);
    }
    text.push(if offset.is_negative() { '-' } else { '+' });
    let offset = offset.seconds().unsigned_abs();
    digits(offset / 3_600, 2, &mut text);
    text.push(':');
    digits(offset / 60 % 60, 2, &mut text);
    // Only offsets from before standard time have seconds.
    let seconds = offset % 60;
    if seconds > 0 {
        text.push(':');
        digits(seconds, 2, &mut text);
    }
    text
}

/// Writes a number with so many digits.
fn digits(number: u32, places: u32, text: &mut String) {
    let mut unit = 10_u32.pow(places);
    for _ in 0..places {
        unit /= 10;
        let digit = number.checked_div(unit).unwrap_or(0) % 10;
        text.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
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
