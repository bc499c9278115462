//! Bytes as text: UTF-8, or UTF-16 where a byte order mark says so.

use super::reading::Error;
use crate::model::time::Timestamp;

/// Reads text, without a byte order mark at its beginning.
///
/// # Errors
/// What is neither, with the byte where it stops being text.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, Error> {
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return utf8(rest);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        return utf16(rest, u16::from_be_bytes);
    }
    utf8(bytes)
}

fn utf8(bytes: &[u8]) -> Result<String, Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(Error::malformed(
            format_args!("byte {}", error.valid_up_to()),
            "is no UTF-8; save the file as UTF-8",
        )),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Error> {
    let malformed = || Error::malformed("the file", "begins as UTF-16 and is none");
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(malformed());
    }
    let units = units.iter().map(|pair| unit(*pair));
    char::decode_utf16(units).collect::<Result<String, _>>().map_err(|_half| malformed())
}

/// Writes a time as RFC 3339 in UTC, to the second; `None` for the epoch itself, which programs write for
/// "not known", and for what no calendar has.
pub(crate) fn date(time: Timestamp) -> Option<String> {
    let time = jiff::Timestamp::from_second(time.0.div_euclid(1000)).ok()?;
    (time != jiff::Timestamp::UNIX_EPOCH).then(|| time.to_string())
}

/// Reads a time as ISO 8601 has it, with a zone.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// Reads seconds since 1970; a number so large that it would be beyond the year 5138 is milliseconds.
/// `None` for what no calendar has.
pub(crate) fn seconds(number: i64) -> Option<Timestamp> {
    let is_milliseconds = number >= 100_000_000_000;
    let milliseconds = if is_milliseconds { number } else { number.checked_mul(1000)? };
    jiff::Timestamp::from_millisecond(milliseconds).ok().map(|_time| Timestamp(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_say_what_bytes_are() {
        assert_eq!(decode("aé".as_bytes()).unwrap(), "aé");
        assert_eq!(decode(b"\xEF\xBB\xBFa").unwrap(), "a");
        assert_eq!(decode(b"\xFF\xFEa\0\x3D\xD8\x00\xDE").unwrap(), "a😀");
        assert_eq!(decode(b"\xFE\xFF\0a").unwrap(), "a");
        for bytes in [&b"a\xFF"[..], b"\xFF\xFEa", b"\xFF\xFE\x00\xD8"] {
            assert!(decode(bytes).is_err());
        }
        assert!(decode(b"abc\xFF").unwrap_err().to_string().starts_with("byte 3:"));
    }

    #[test]
    fn times_are_read() {
        let read = |text| time(text).and_then(date);
        assert_eq!(read("2024-05-01T08:00:00.123Z").unwrap(), "2024-05-01T08:00:00Z");
        assert_eq!(read("2024-05-01T08:00:00+02:00").unwrap(), "2024-05-01T06:00:00Z");
        for text in ["", "2024-05-01", "yesterday"] {
            assert_eq!(time(text), None, "{text}");
        }
        assert_eq!(seconds(1_700_000_000), Some(Timestamp(1_700_000_000_000)));
        assert_eq!(seconds(1_700_000_000_123), Some(Timestamp(1_700_000_000_123)));
        assert_eq!([seconds(i64::MAX), seconds(i64::MIN)], [None, None]);
    }
}
