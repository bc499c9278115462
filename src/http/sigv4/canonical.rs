//! The one text that all spellings of a request share, of which a signature is made.
//!
//! Each part takes what was received and is exact about it: nothing that changes a request's meaning
//! may be the same here.

use std::fmt::Write as _;

use super::request::Request;
use super::scope::Scope;
use crate::crypto::fingerprint;
use crate::crypto::signing::Purpose;
use crate::model::order;

/// A name and a value of a query, decoded.
pub(crate) type Parameter = (Vec<u8>, Vec<u8>);

/// Writes a path without `.`, `..` and empty segments, and encodes it, also what was encoded before.
pub(super) fn path(received: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in received.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let mut path = String::from("/");
    for (place, segment) in segments.iter().enumerate() {
        if place > 0 {
            path.push('/');
        }
        encode(segment.as_bytes(), &mut path);
    }
    if received.ends_with('/') && !segments.is_empty() {
        path.push('/');
    }
    path
}

/// Whether a path has only one spelling that is signed alike: its own.
pub(super) fn is_plain_path(received: &str) -> bool {
    let mut segments = received.split('/');
    let is_absolute = segments.next() == Some("");
    let count = segments.clone().count();
    let is_plain = |(place, segment): (usize, &str)| {
        let is_last = place.checked_add(1) == Some(count);
        !matches!(segment, "." | "..") && (is_last || !segment.is_empty())
    };
    is_absolute && count > 0 && segments.enumerate().all(is_plain)
}

/// Takes a query apart and decodes it, in the order received.
pub(crate) fn parameters(query: &str) -> Vec<Parameter> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let split = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    pairs.map(split).collect()
}

/// Writes a query: encoded in the one way, sorted by name and value, without some parameters.
pub(crate) fn query(parameters: &[Parameter], left_out: &[&str]) -> String {
    let is_in = |name: &[u8]| !left_out.iter().any(|other| name == other.as_bytes());
    let encoded = |bytes: &[u8]| {
        let mut text = String::with_capacity(bytes.len());
        encode(bytes, &mut text);
        text
    };
    let parameters = parameters.iter().filter(|(name, _)| is_in(name));
    let mut pairs: Vec<(String, String)> =
        parameters.map(|(name, value)| (encoded(name), encoded(value))).collect();
    order::sort_all(&mut pairs);
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend([&name, "=", &value]);
    }
    query
}

/// What is signed beside a request's method and its path.
pub(super) struct Signed<'a> {
    /// The names of headers in lower case, in the order in which they are signed.
    pub(super) names: &'a str,
    /// The query as [`query`] writes it.
    pub(super) query: &'a str,
    /// SHA-256 of the body, in hexadecimal digits.
    pub(super) payload: &'a str,
}

/// Writes the whole; `None` where a header that is said to be signed is not there.
pub(super) fn request(request: &Request<'_>, signed: &Signed<'_>) -> Option<Vec<u8>> {
    let (path_received, _) = request.path_and_query();
    let mut text = Vec::with_capacity(1024);
    for line in [request.method, &path(path_received), signed.query] {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    for name in signed.names.split(';') {
        let mut values = request.values(name);
        let first = values.next()?;
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        collapse(first, &mut text);
        for value in values {
            text.push(b',');
            collapse(value, &mut text);
        }
        text.push(b'\n');
    }
    for line in ["", signed.names] {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(signed.payload.as_bytes());
    Some(text)
}

/// Writes the text that is signed in the end.
pub(super) fn string_to_sign(date: &str, purpose: Purpose<'_>, canonical: &[u8]) -> String {
    let hash = fingerprint::hex(&fingerprint::of_bytes(canonical));
    [ALGORITHM, date, &Scope::write(purpose), &hash].join("\n")
}

/// Whether a list of signed headers is one as it must be: lower case, in order, none twice.
pub(super) fn is_list_of_names(list: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| is_part(byte) && !b":,=".contains(&byte))
    };
    list.split(';').all(is_name) && list.split(';').is_sorted_by(|one, next| one < next)
}

/// Takes the space around a value away, and of space within leaves one blank. A folded line, or
/// anything else that would look like the end of one, is space.
fn collapse(value: &[u8], text: &mut Vec<u8>) {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'\x0b';
    let words = value.split(is_space).filter(|word| !word.is_empty());
    for (place, word) in words.enumerate() {
        if place > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(word);
    }
}

/// Encodes all but what RFC 3986 calls unreserved.
fn encode(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else if write!(text, "%{byte:02X}").is_err() {
            // A text takes all that is written to it.
            return;
        }
    }
}

/// Undoes percent-encoding; `+` is a blank, and what is no encoding stays as it is.
fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        let code = digit(0).zip(digit(1)).filter(|_| *first == b'%');
        let code = code.and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        bytes.push(code.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes
}

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_normalised_and_encoded_once_more() {
        for (received, expected, plain) in [
            ("/", "/", true),
            ("//", "/", false),
            ("", "/", false),
            ("/.", "/", false),
            ("/a/..", "/", false),
            ("/../..", "/", false),
            ("/a/b", "/a/b", true),
            ("/a/b/", "/a/b/", true),
            ("//a//b//", "/a/b/", false),
            ("/a/./b", "/a/b", false),
            ("/a/../b/", "/b/", false),
            ("/.a/..b", "/.a/..b", true),
            ("/a b", "/a%20b", true),
            ("/a%20b", "/a%2520b", true),
            ("/a%2Fb", "/a%252Fb", true),
            ("/\u{1234}", "/%E1%88%B4", true),
            ("/-._~*", "/-._~%2A", true),
            ("*", "/%2A", false),
            ("http://host/", "/http%3A/host/", false),
        ] {
            assert_eq!(path(received), expected);
            assert_eq!(is_plain_path(received), plain, "{received}");
        }
    }

    #[test]
    fn queries_are_sorted_and_encoded_in_one_way() {
        for (received, expected) in [
            ("", ""),
            ("&&", ""),
            ("a", "a="),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&A=3", "A=3&a=1&a=2"),
            ("a=b=c", "a=b%3Dc"),
            ("a=b+c&d=e%20f&g=%2B", "a=b%20c&d=e%20f&g=%2B"),
            ("a=%2f%7e*~", "a=%2F~%2A~"),
            ("a=%zz%4&%=1", "%25=1&a=%25zz%254"),
            ("\u{1234}=\u{e9}&z=", "%E1%88%B4=%C3%A9&z="),
            ("a=1&a-b=2&a%21=3", "a=1&a%21=3&a-b=2"),
            ("=a", "=a"),
        ] {
            assert_eq!(query(&parameters(received), &[]), expected, "{received}");
        }
    }

    #[test]
    fn space_in_headers_is_one_blank() {
        for (value, expected) in [
            ("", ""),
            (" \t ", ""),
            ("a", "a"),
            ("  a \t b\r\n  c ", "a b c"),
            ("\"a   b\"", "\"a b\""),
            ("a\u{b}b", "a b"),
            ("a\u{a0}b", "a\u{a0}b"),
        ] {
            let mut text = Vec::new();
            collapse(value.as_bytes(), &mut text);
            assert_eq!(text, expected.as_bytes(), "{value:?}");
        }
    }

    #[test]
    fn a_list_of_names_has_one_form() {
        for (list, expected) in [
            ("host", true),
            ("content-type;host;x-amz-date", true),
            ("", false),
            ("host;", false),
            (";host", false),
            ("Host", false),
            ("host;content-type", false),
            ("host;host", false),
            ("a b;host", false),
            ("a:b;host", false),
            ("h\u{f6}st", false),
        ] {
            assert_eq!(is_list_of_names(list), expected, "{list}");
        }
    }

    proptest! {
        #[test]
        fn what_is_canonical_stays_so(text in "[ -~\u{80}-\u{10000}]{0,40}") {
            let once = query(&parameters(&text), &[]);
            prop_assert_eq!(query(&parameters(&once), &[]), once);
        }

        /// Two paths that are plain, and signed alike, are the same.
        #[test]
        fn a_plain_path_has_one_spelling(one in "/[a./%2 ]{0,6}", other in "/[a./%2 ]{0,6}") {
            let alike = path(&one) == path(&other);
            let plain = is_plain_path(&one) && is_plain_path(&other);
            prop_assert!(!alike || !plain || one == other);
        }
    }
}
