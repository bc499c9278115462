//! The head of a request: httparse takes it apart; here is what it lets through and we do not.
//!
//! Whoever stands between a client and a server and reads a request in another way than the server
//! lets one client speak for another. So whatever can be read in two ways is refused: lines that do not
//! end with CR LF, lengths that are there twice or beside an encoding, no host or several.

use httparse::{EMPTY_HEADER, Error, Status};

use super::refused::Refused;

/// The head of a request, of which texts are as they were received.
#[derive(Debug)]
pub(super) struct Head<'h> {
    pub(super) method: &'h str,
    /// The path and the query.
    pub(super) target: &'h str,
    pub(super) headers: Vec<(&'h str, &'h [u8])>,
    /// How long the body is, in bytes.
    pub(super) length: usize,
    /// Whether the client waits for a word before it sends the body.
    pub(super) waits: bool,
    /// Whether another request may follow.
    pub(super) is_kept: bool,
}

impl<'h> Head<'h> {
    /// Takes a head apart, which ends with an empty line.
    pub(super) fn parse(bytes: &'h [u8]) -> Result<Self, Refused> {
        find_end(bytes, 0)?;
        let mut places = [EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut places);
        match request.parse(bytes) {
            Ok(Status::Complete(length)) if length == bytes.len() => {}
            Err(Error::TooManyHeaders) => return Err(Refused::HeadTooLarge),
            Err(Error::Version) => return Err(Refused::Version),
            Ok(_)
            | Err(
                Error::HeaderName
                | Error::HeaderValue
                | Error::NewLine
                | Error::Status
                | Error::Token,
            ) => return Err(Refused::Malformed),
        }
        let (Some(method), Some(target)) = (request.method, request.path) else {
            return Err(Refused::Malformed);
        };
        // An empty line before the request, which httparse skips, is none of the method.
        let is_sound = bytes.starts_with(method.as_bytes())
            && method.bytes().all(|byte| byte.is_ascii_uppercase())
            && target.starts_with('/')
            && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !is_sound {
            return Err(Refused::Malformed);
        }
        let headers: Vec<_> = request.headers.iter().map(|one| (one.name, one.value)).collect();
        let is_old = request.version == Some(0);
        let head = Self { method, target, headers, length: 0, waits: false, is_kept: !is_old };
        head.framed()
    }

    /// Reads how long the body is, and what comes before and after it.
    fn framed(self) -> Result<Self, Refused> {
        if self.values("transfer-encoding").next().is_some() {
            return Err(Refused::Encoded);
        }
        if self.values("host").count() != 1 {
            return Err(Refused::Malformed);
        }
        let is_plain = |value: &[u8]| value.eq_ignore_ascii_case(b"identity");
        if !self.values("content-encoding").all(is_plain) {
            return Err(Refused::Compressed);
        }
        let mut lengths = self.values("content-length");
        let length = match (lengths.next(), lengths.next()) {
            (None, _) => 0,
            (Some(length), None) => length_of(length)?,
            (Some(_), Some(_)) => return Err(Refused::Malformed),
        };
        let mut expected = self.values("expect");
        let is_known = |value: &[u8]| value.eq_ignore_ascii_case(b"100-continue");
        if !self.values("expect").all(is_known) {
            return Err(Refused::Expectation);
        }
        let waits = expected.next().is_some() && self.is_kept;
        let words = self.values("connection").flat_map(|value| value.split(|byte| *byte == b','));
        let is_closed =
            words.map(<[u8]>::trim_ascii).any(|word| word.eq_ignore_ascii_case(b"close"));
        let is_kept = self.is_kept && !is_closed;
        drop(lengths);
        drop(expected);
        Ok(Self { length, waits, is_kept, ..self })
    }

    /// Returns the values of a header.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        let named = self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| *value)
    }

    /// Returns a header's first value, if it is text.
    pub(super) fn text(&self, name: &str) -> Option<&'h str> {
        std::str::from_utf8(self.values(name).next()?).ok()
    }

    /// Splits the target into its path and its query.
    pub(super) fn path_and_query(&self) -> (&'h str, &'h str) {
        self.target.split_once('?').unwrap_or((self.target, ""))
    }

    /// Whether the body is of a media type, whatever its parameters are.
    pub(super) fn is_of_type(&self, media_type: &str) -> bool {
        let found = self.text("content-type").and_then(|text| text.split(';').next());
        found.is_some_and(|found| found.trim().eq_ignore_ascii_case(media_type))
    }
}

/// Finds where a head ends: behind the first empty line. What stands before `from` was looked at.
pub(super) fn find_end(bytes: &[u8], from: usize) -> Result<Option<usize>, Refused> {
    let new = bytes.get(from..).unwrap_or_default().iter().enumerate();
    for (index, _) in new.filter(|(_, byte)| **byte == b'\n') {
        let line = bytes.get(..=from.saturating_add(index)).unwrap_or_default();
        if !line.ends_with(b"\r\n") {
            return Err(Refused::Malformed);
        }
        if line.ends_with(b"\r\n\r\n") {
            return Ok(Some(line.len()));
        }
    }
    Ok(None)
}

/// Reads a length: digits alone.
fn length_of(value: &[u8]) -> Result<usize, Refused> {
    let digits = std::str::from_utf8(value).ok().filter(|text| !text.is_empty());
    let digits = digits.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = digits.ok_or(Refused::Malformed)?;
    // What has too many digits for a number is too long for a body, too.
    let length = digits.parse().ok().filter(|length| *length <= LONGEST_BODY);
    length.ok_or(Refused::BodyTooLarge)
}

/// The longest head, in bytes. A session's token may take four thousand of them.
pub(super) const LONGEST_HEAD: usize = 32 << 10;
/// The longest body, in bytes. The largest value of a secret takes 393,216, with each letter escaped.
pub(super) const LONGEST_BODY: usize = 1 << 20;
/// The most headers. Clients send about twenty.
const MOST_HEADERS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Result<(usize, bool, bool), Refused> {
        let bytes = lines.replace('\n', "\r\n") + "\r\n";
        Head::parse(bytes.as_bytes()).map(|head| (head.length, head.waits, head.is_kept))
    }

    #[test]
    fn what_clients_send_is_read() {
        for (lines, expected) in [
            ("GET /ping HTTP/1.1\nHost: a\n", (0, false, true)),
            ("GET /ping HTTP/1.0\nHost: a\n", (0, false, false)),
            ("GET / HTTP/1.1\nhost:a\nConnection: keep-alive\n", (0, false, true)),
            ("GET / HTTP/1.1\nhost:a\nConnection: x, Close\n", (0, false, false)),
            ("POST / HTTP/1.1\nhost:a\ncontent-LENGTH: 17 \n", (17, false, true)),
            ("POST / HTTP/1.1\nhost:a\ncontent-length: 1048576\n", (1 << 20, false, true)),
            ("POST / HTTP/1.1\nhost:a\nExpect: 100-Continue\n", (0, true, true)),
            ("POST / HTTP/1.0\nhost:a\nExpect: 100-continue\n", (0, false, false)),
            ("POST /?a=%20&b HTTP/1.1\nhost:a\nContent-Encoding: identity\n", (0, false, true)),
        ] {
            assert_eq!(parse(lines), Ok(expected), "{lines}");
        }
        let many = "X: y\n".repeat(MOST_HEADERS - 1);
        assert!(parse(&format!("GET / HTTP/1.1\nHost: a\n{many}")).is_ok());
    }

    /// Each of them is read in one way by some, and in another by others.
    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let many = "X: y\n".repeat(MOST_HEADERS);
        for (lines, expected) in [
            ("\nGET / HTTP/1.1\nHost: a\n", Refused::Malformed),
            ("GET / HTTP/1.1\n", Refused::Malformed),
            ("GET / HTTP/1.1\nHost: a\nhost: a\n", Refused::Malformed),
            ("GET http://a/ HTTP/1.1\nHost: a\n", Refused::Malformed),
            ("CONNECT a:1 HTTP/1.1\nHost: a\n", Refused::Malformed),
            ("OPTIONS * HTTP/1.1\nHost: a\n", Refused::Malformed),
            ("GET /#a HTTP/1.1\nHost: a\n", Refused::Malformed),
            ("GET /\u{e9} HTTP/1.1\nHost: a\n", Refused::Malformed),
            ("get / HTTP/1.1\nHost: a\n", Refused::Malformed),
            ("GET  / HTTP/1.1\nHost: a\n", Refused::Malformed),
            ("GET / HTTP/1.1 \nHost: a\n", Refused::Malformed),
            ("GET /\nHost: a\n", Refused::Malformed),
            ("GET / HTTP/2.0\nHost: a\n", Refused::Version),
            ("GET / HTTP/1.1\nHost : a\n", Refused::Malformed),
            ("GET / HTTP/1.1\nHost: a\n b\n", Refused::Malformed),
            ("GET / HTTP/1.1\nHost: a\n: b\n", Refused::Malformed),
            ("GET / HTTP/1.1\nHost: a\nX: a\rb\n", Refused::Malformed),
            ("GET / HTTP/1.1\nHost: a\nX: \0\n", Refused::Malformed),
            (
                "POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 1\n",
                Refused::Malformed,
            ),
            (
                "POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 2\n",
                Refused::Malformed,
            ),
            ("POST / HTTP/1.1\nHost: a\nContent-Length: 1, 1\n", Refused::Malformed),
            ("POST / HTTP/1.1\nHost: a\nContent-Length: +1\n", Refused::Malformed),
            ("POST / HTTP/1.1\nHost: a\nContent-Length: -1\n", Refused::Malformed),
            ("POST / HTTP/1.1\nHost: a\nContent-Length: 0x1\n", Refused::Malformed),
            ("POST / HTTP/1.1\nHost: a\nContent-Length:\n", Refused::Malformed),
            ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n", Refused::Encoded),
            ("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: identity\n", Refused::Encoded),
            (
                "POST / HTTP/1.1\nHost: a\nContent-Length: 1\ntransfer-encoding: chunked\n",
                Refused::Encoded,
            ),
            ("POST / HTTP/1.1\nHost: a\nContent-Encoding: gzip\n", Refused::Compressed),
            ("POST / HTTP/1.1\nHost: a\nExpect: 200-ok\n", Refused::Expectation),
            ("POST / HTTP/1.1\nHost: a\nContent-Length: 1048577\n", Refused::BodyTooLarge),
            ("POST / HTTP/1.1\nHost: a\nContent-Length: 2147483648\n", Refused::BodyTooLarge),
            (
                "POST / HTTP/1.1\nHost: a\nContent-Length: 99999999999999999999999\n",
                Refused::BodyTooLarge,
            ),
            (&format!("GET / HTTP/1.1\nHost: a\n{many}"), Refused::HeadTooLarge),
        ] {
            assert_eq!(parse(lines), Err(expected), "{lines}");
        }
        for bytes in [
            &b"GET / HTTP/1.1\nHost: a\n\n"[..],
            b"GET / HTTP/1.1\r\nHost: a\n\r\n",
            b"\r\n\r\n",
            b"",
        ] {
            assert_eq!(Head::parse(bytes).err(), Some(Refused::Malformed), "{bytes:?}");
        }
    }
}
