//! What a paging token says: after which item the next page begins, and of which request; and where
//! a long answer would have been cut into pages.
//!
//! A `NextToken` is these bytes, sealed; sealing them, and making text of that, is done elsewhere.
//! The bytes are `1`, the request's fingerprint (32), the kind of position (`0`, or `1` and the
//! date in milliseconds, 8 bytes, high byte first), the length of the name (2), and the name.

use std::cell::RefCell;

use super::sort::Position;
use crate::model::time::Timestamp;
use crate::service::fault::{Code, Fault};

/// The member that says how many items an answer has at the most.
pub(crate) const LIMIT: &str = "MaxResults";

/// Identifies what a token belongs to: the operation, its filters, its order. A hash of them.
pub(crate) type Fingerprint = [u8; 32];

/// Where a long answer would have been cut, had it been asked for page by page.
#[derive(Debug)]
pub(crate) struct PageBoundaries {
    size: usize,
    tokens: RefCell<Vec<String>>,
}

impl PageBoundaries {
    /// Pages of so many items.
    pub(crate) fn of(size: usize) -> Self {
        Self { size: size.max(1), tokens: RefCell::default() }
    }

    /// Returns how many items a page has.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Returns the last item of each page but the last.
    pub(crate) fn lasts<'i, T>(&self, items: &'i [T]) -> impl Iterator<Item = &'i T> {
        let ends = (self.size..items.len()).step_by(self.size);
        ends.filter_map(|end| items.get(end.checked_sub(1)?))
    }

    /// Notes the tokens that the pages would have had.
    pub(crate) fn note(&self, tokens: Vec<String>) {
        self.tokens.replace(tokens);
    }

    /// Returns the token that each page but the last would have had.
    pub(crate) fn into_tokens(self) -> Vec<String> {
        self.tokens.into_inner()
    }
}

/// Writes the content of a token that goes on after `last`.
///
/// `None` for a name longer than any secret's or version's.
pub(crate) fn encode(request: &Fingerprint, last: &Position<'_>) -> Option<Vec<u8>> {
    let name = last.name.as_bytes();
    let length = u16::try_from(name.len()).ok().filter(|length| *length <= MAX_NAME)?;
    let mut bytes = vec![FORMAT];
    bytes.extend(request);
    match last.at {
        None => bytes.push(WITHOUT_DATE),
        Some(at) => {
            bytes.push(WITH_DATE);
            bytes.extend(at.0.to_be_bytes());
        }
    }
    bytes.extend(length.to_be_bytes());
    bytes.extend(name);
    Some(bytes)
}

/// Reads the content of a token, and refuses one of another request.
pub(crate) fn decode<'a>(bytes: &'a [u8], request: &Fingerprint) -> Result<Position<'a>, Fault> {
    let (fingerprint, position) = parse(bytes).ok_or_else(invalid_token)?;
    if fingerprint == request { Ok(position) } else { Err(invalid_token()) }
}

/// A token that was not handed out, or belongs to another request.
///
/// The words of the API reference; what AWS prints is not known.
pub(crate) fn invalid_token() -> Fault {
    Fault::new(Code::InvalidNextToken, "The NextToken value is invalid.")
}

fn parse(bytes: &[u8]) -> Option<(&Fingerprint, Position<'_>)> {
    let (&[format], rest) = bytes.split_first_chunk()?;
    let (fingerprint, rest) = rest.split_first_chunk::<32>()?;
    let (&[kind], rest) = rest.split_first_chunk()?;
    let (at, rest) = match (format, kind) {
        (FORMAT, WITHOUT_DATE) => (None, rest),
        (FORMAT, WITH_DATE) => {
            let (at, rest) = rest.split_first_chunk::<8>()?;
            (Some(Timestamp(i64::from_be_bytes(*at))), rest)
        }
        _ => return None,
    };
    let (length, name) = rest.split_first_chunk::<2>()?;
    let length = u16::from_be_bytes(*length);
    if length > MAX_NAME || usize::from(length) != name.len() {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    Some((fingerprint, Position { at, name }))
}

const FORMAT: u8 = 1;
const WITHOUT_DATE: u8 = 0;
const WITH_DATE: u8 = 1;
/// The longest name of a secret, in bytes; ids of versions are shorter.
const MAX_NAME: u16 = 512;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REQUEST: Fingerprint = [7; 32];

    #[test]
    fn a_token_is_written_as_documented() {
        let at = Some(Timestamp(0x0102));
        let mut expected = vec![1];
        expected.extend([7; 32]);
        expected.extend([1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 2, b'd', b'b']);
        assert_eq!(encode(&REQUEST, &Position { at, name: "db" }), Some(expected));
        let mut expected = vec![1];
        expected.extend([7; 32]);
        expected.extend([0, 0, 2, b'd', b'b']);
        assert_eq!(encode(&REQUEST, &Position { at: None, name: "db" }), Some(expected));
    }

    #[test]
    fn a_token_of_another_request_is_refused() {
        let bytes = encode(&REQUEST, &Position { at: None, name: "db" }).unwrap();
        assert!(decode(&bytes, &REQUEST).is_ok());
        let fault = decode(&bytes, &[8; 32]).unwrap_err();
        assert_eq!(fault.code, Code::InvalidNextToken);
    }

    #[test]
    fn damaged_tokens_are_refused() {
        for at in [None, Some(Timestamp(-5))] {
            let whole = encode(&REQUEST, &Position { at, name: "db" }).unwrap();
            for length in 0..whole.len() {
                assert!(decode(&whole[..length], &REQUEST).is_err(), "cut to {length}");
            }
            let longer = [&whole[..], b"x"].concat();
            assert!(decode(&longer, &REQUEST).is_err());
            let mut newer = whole.clone();
            newer[0] = 2;
            assert!(decode(&newer, &REQUEST).is_err());
            let mut strange = whole.clone();
            strange[33] = 2;
            assert!(decode(&strange, &REQUEST).is_err());
            let mut not_text = whole;
            *not_text.last_mut().unwrap() = 0xff;
            assert!(decode(&not_text, &REQUEST).is_err());
        }
    }

    #[test]
    fn names_are_bounded() {
        let longest = "x".repeat(512);
        let bytes = encode(&REQUEST, &Position { at: None, name: &longest }).unwrap();
        assert_eq!(decode(&bytes, &REQUEST).unwrap().name, longest);
        let longer = "x".repeat(513);
        assert_eq!(encode(&REQUEST, &Position { at: None, name: &longer }), None);
        // One that claims a longer name is refused as well.
        let mut forged = bytes;
        forged[34..36].copy_from_slice(&513_u16.to_be_bytes());
        forged.push(b'x');
        assert!(decode(&forged, &REQUEST).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(at in proptest::option::of(any::<i64>()), name in ".{0,64}") {
            let position = Position { at: at.map(Timestamp), name: &name };
            let bytes = encode(&REQUEST, &position).unwrap();
            prop_assert_eq!(decode(&bytes, &REQUEST), Ok(position));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let request = bytes.get(1..33).map_or(REQUEST, |b| b.try_into().unwrap());
            if let Ok(position) = decode(&bytes, &request) {
                prop_assert_eq!(encode(&request, &position), Some(bytes.clone()));
            }
        }
    }
}
