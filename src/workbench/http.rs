//! The fuzz target for what comes to the endpoint: bytes of a connection, in pieces, and requests that
//! are signed as they should be. Whoever signs nothing reads nothing.

use std::sync::atomic::Ordering;

use crate::http::back::{Call, Trouble};
use crate::http::testing::{Asking, Pieces, SITE, Sample, VALUE, one_secret};
use crate::model::value::Value;

/// Bytes that come to an endpoint. The first says in which pieces. Where the second is `s`, what follows
/// is signed: the headers, a line each, as far as an empty line, and then the body; the first line is
/// the method and the target.
///
/// # Panics
/// If an answer is none, or holds what is for others.
pub fn http_connections(bytes: &[u8]) {
    let [size, bytes @ ..] = bytes else { return };
    let size = match usize::from(*size) {
        0 => usize::MAX,
        size => size,
    };
    if let [b's', request @ ..] = bytes {
        if let Some(signed) = signed(request) {
            answers(&signed, size);
        }
        return;
    }
    let answered = answers(bytes, size);
    // What is known already may be said again.
    let is_known = contains(bytes, VALUE.as_bytes()) || contains(bytes, b"Signature");
    let reads = !is_known && contains(&answered, VALUE.as_bytes());
    assert!(!reads || contains(bytes, b"the token of"), "who signs nothing reads");
}

/// Signs a request that is written as the target's input has it.
fn signed(input: &[u8]) -> Option<Vec<u8>> {
    let end = input.windows(2).position(|two| two == b"\n\n")?;
    let (head, body) = input.split_at_checked(end)?;
    let head = std::str::from_utf8(head).ok()?;
    let body = body.get(2..)?;
    let mut lines = head.split('\n');
    let (method, target) = lines.next()?.split_once(' ')?;
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
    let service = if method == "GET" { "sts" } else { "secretsmanager" };
    let asking = Asking { method, target, headers: &headers, body, service, ..Asking::USUAL };
    Some(asking.write())
}

/// Has bytes answered, and requires that what comes is answers.
fn answers(bytes: &[u8], size: usize) -> Vec<u8> {
    let sample = Sample::new(&whole);
    let answered = Pieces::of(bytes, size).converse(&sample, SITE);
    let most = bytes.len().saturating_mul(MOST_PER_BYTE).saturating_add(LONGEST);
    assert!(answered.len() <= most, "{} bytes for {}", answered.len(), bytes.len());
    assert_eq!(sample.panics.load(Ordering::SeqCst), 0, "a thread has panicked");
    let mut rest = answered.as_slice();
    while !rest.is_empty() {
        rest = after_answer(rest);
    }
    answered
}

/// A request's members have the shape of its operation.
fn whole(who: &str, call: Call<'_>) -> Result<Value, Trouble> {
    for member in call.entry.input.members().iter().filter(|member| member.required) {
        assert!(call.request.get(member.name).is_some(), "{} is missing", member.name);
    }
    one_secret(who, call)
}

/// Requires that an answer begins here, and returns what follows it.
fn after_answer(bytes: &[u8]) -> &[u8] {
    assert!(bytes.starts_with(b"HTTP/1.1 "), "no answer begins here");
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end.saturating_add(4)));
    let head = std::str::from_utf8(head).unwrap_or_default();
    assert!(head.ends_with("\r\n\r\n"), "the head of an answer does not end");
    if head.starts_with("HTTP/1.1 100 ") {
        return rest;
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length: Option<usize> = length.and_then(|length| length.parse().ok());
    let rest = length.and_then(|length| rest.get(length..));
    assert!(rest.is_some(), "the body of an answer is short");
    rest.unwrap_or_default()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// How much longer than a request its answer can be: the shortest has a hundred bytes, and a letter may be
/// written as six.
const MOST_PER_BYTE: usize = 16;
/// What an answer has besides, in bytes.
const LONGEST: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// If the requests were refused, nothing would be tried.
    #[test]
    fn what_the_corpus_asks_is_answered() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/http");
        for (name, statuses) in [
            ("ping", &["200"][..]),
            ("pings", &["200", "200", "200"]),
            ("pipelined", &["400"]),
            ("bytes", &["200"]),
            ("local", &["200"]),
            ("local-path", &["403"]),
            ("container", &["200"]),
            ("unsigned", &["400"]),
            ("claimed", &["400"]),
            ("chunked", &["501"]),
            ("two-lengths", &["400"]),
            ("expect", &["100", "403"]),
            ("page", &["403"]),
            ("old", &["200"]),
            ("form", &["403"]),
            ("presigned", &["403"]),
            ("signed-get", &["200"]),
            ("signed-put", &["400"]),
            ("signed-create", &["400"]),
            ("signed-list", &["200"]),
            ("signed-types", &["400"]),
            ("signed-nulls", &["400"]),
            ("signed-nothing", &["400"]),
            ("signed-identity", &["200"]),
        ] {
            let bytes = fs::read(corpus.join(name)).unwrap();
            let request = bytes[1..].strip_prefix(b"s").and_then(signed);
            let request = request.unwrap_or_else(|| bytes[1..].to_vec());
            let size = if bytes[0] == 0 { usize::MAX } else { bytes[0].into() };
            let answered = String::from_utf8(answers(&request, size)).unwrap();
            let found: Vec<String> = answered
                .split("HTTP/1.1 ")
                .skip(1)
                .map(|rest| rest.chars().take(3).collect())
                .collect();
            assert_eq!(found, statuses, "{name}: {answered}");
        }
    }
}
