//! Requests that are refused before anybody looks what they are about.

use super::answer::{Answer, Kind};

/// Why a connection ends with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is no request, or one that can be read in two ways.
    Malformed,
    HeadTooLarge,
    BodyTooLarge,
    Version,
    /// It has a transfer encoding.
    Encoded,
    Compressed,
    Expectation,
    /// Another request follows before this one is answered.
    Pipelined,
    TooSlow,
    /// There is no room for its body.
    Full,
    /// It is for another host, or a page makes a browser send it.
    Foreign,
}

impl Refused {
    pub(super) fn answer(self) -> Answer {
        let (status, text) = match self {
            Self::Malformed => (400, "this is no request"),
            Self::HeadTooLarge => (431, "the request's headers are too large"),
            Self::BodyTooLarge => (413, "the request's body is too large"),
            Self::Version => (505, "the endpoint speaks HTTP/1.1"),
            Self::Encoded => (501, "the request's body must have a Content-Length"),
            Self::Compressed => (415, "the request's body must not be compressed"),
            Self::Expectation => (417, "the endpoint does not know what is expected"),
            Self::Pipelined => (400, "the next request came before this one was answered"),
            Self::TooSlow => (408, "the request took too long to come"),
            Self::Full => (503, "too many large requests come at once"),
            Self::Foreign => (403, "the endpoint answers programs at its own address alone"),
        };
        Answer::new(status, Kind::Text, text).last()
    }
}
