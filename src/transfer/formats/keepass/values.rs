//! How KeePass writes what is neither text nor file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::super::reading::Error;
use super::super::super::xml::Element;
use crate::model::time::Timestamp;

/// Refuses a value from the inside of a database, which is encrypted once more.
pub(super) fn refuse_sealed(value: Element<'_>) -> Result<(), Error> {
    if is_true(value.attribute("Protected")) {
        return Err(Error::Unreadable {
            why: format!("line {}: the value is encrypted", value.line()),
            remedy: "export it with: keepassxc-cli export --format xml DATABASE.kdbx",
        });
    }
    Ok(())
}

/// Reads a truth value; any other word is none.
pub(super) fn is_true(word: Option<&str>) -> bool {
    word.is_some_and(|word| word.eq_ignore_ascii_case("true"))
}

/// Reads a date: ISO 8601, or, as in a database, base64 of the seconds since the year 1.
pub(super) fn time(written: &str) -> Option<Timestamp> {
    let written = written.trim();
    if let Ok(time) = written.parse::<jiff::Timestamp>() {
        return Some(Timestamp(time.as_millisecond()));
    }
    let bytes: [u8; 8] = STANDARD.decode(written).ok()?.try_into().ok()?;
    let seconds = i64::from_le_bytes(bytes).checked_sub(EPOCH)?;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// The seconds from the beginning of the year 1 to that of 1970.
const EPOCH: i64 = 62_135_596_800;

/// Returns the words of an entry or a group.
pub(super) fn labels(node: Element<'_>) -> Vec<String> {
    let words = node.text_of("Tags").split([',', ';', '\t']).map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Reads an id, and writes it as references have it; all zeros is none.
pub(super) fn uuid(text: &str) -> Option<String> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    let is_one = bytes.len() == 16 && bytes.iter().any(|byte| *byte != 0);
    is_one.then(|| {
        let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
        digits.map(|digit| digit.to_ascii_uppercase()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_both_kinds_of_file_have_them() {
        let known = Some(Timestamp(1_489_500_773_000));
        assert_eq!(time("2017-03-14T14:12:53Z"), known);
        assert_eq!(time("ZfFZ0A4AAAA="), known);
        for none in ["", "yesterday", "AAAAAAAAAIA=", "/////////38=", "AAAA"] {
            assert_eq!(time(none), None, "{none}");
        }
    }
}
