//! An answer, and how it is written.

use jiff::fmt::rfc2822::DateTimePrinter;

use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// An answer. Has no `Debug`: its body may be a secret.
pub(super) struct Answer {
    pub(super) status: u16,
    kind: Kind,
    pub(super) body: Secret<Vec<u8>>,
    /// Whether the connection ends with it.
    pub(super) is_last: bool,
    /// What a person can do to learn more, where whoever looks at headers finds it.
    hint: Option<String>,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// AWS's JSON.
    AwsJson,
    Json,
    Xml,
    Text,
    /// Not said.
    Untold,
}

impl Answer {
    pub(super) fn new(status: u16, kind: Kind, body: impl Into<Vec<u8>>) -> Self {
        Self { status, kind, body: Secret::new(body.into()), is_last: false, hint: None }
    }

    /// Has a hint, if it can be in a header.
    pub(super) fn hinting(self, hint: Option<String>) -> Self {
        let is_plain = |hint: &String| hint.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        Self { hint: hint.filter(is_plain), ..self }
    }

    /// Ends the connection.
    pub(super) fn last(self) -> Self {
        Self { is_last: true, ..self }
    }

    /// Writes the answer to a request, which has an id and is answered at a time.
    pub(super) fn write(&self, method: &str, id: &str, now: Timestamp) -> Secret<Vec<u8>> {
        let body = self.body.expose();
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        let mut field = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        field("x-amzn-RequestId", id);
        match self.kind {
            Kind::AwsJson => field("Content-Type", "application/x-amz-json-1.1"),
            Kind::Json => field("Content-Type", "application/json"),
            Kind::Xml => field("Content-Type", "text/xml"),
            Kind::Text => field("Content-Type", "text/plain"),
            Kind::Untold => {}
        }
        field("Content-Length", &body.len().to_string());
        if let Some(date) = date(now) {
            field("Date", &date);
        }
        if let Some(hint) = &self.hint {
            field("x-strongroom-hint", hint);
        }
        if self.is_last {
            field("Connection", "close");
        }
        head.push_str("\r\n");
        let body = if method == "HEAD" { &[] } else { body.as_slice() };
        let mut out = Secret::new(Vec::with_capacity(head.len().saturating_add(body.len())));
        out.expose_mut().extend_from_slice(head.as_bytes());
        out.expose_mut().extend_from_slice(body);
        out
    }
}

/// Spells a time as HTTP does (RFC 9110); `None` outside the calendar.
fn date(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_written() {
        let now = Timestamp(1_796_132_433_500);
        let written = |answer: &Answer, method| {
            String::from_utf8(answer.write(method, "id", now).expose().clone()).unwrap()
        };
        let answer = Answer::new(200, Kind::AwsJson, "{}");
        assert_eq!(
            written(&answer, "POST"),
            "HTTP/1.1 200 OK\r\nx-amzn-RequestId: id\r\nContent-Type: application/x-amz-json-1.1\r\n\
             Content-Length: 2\r\nDate: Tue, 01 Dec 2026 13:40:33 GMT\r\n\r\n{}"
        );
        let answer = Answer::new(400, Kind::Untold, "").hinting(Some("try it".to_owned()));
        assert!(written(&answer, "POST").contains("\r\nx-strongroom-hint: try it\r\n"));
        let answer = answer.hinting(Some("a\r\nb: c".to_owned()));
        assert!(!written(&answer, "POST").contains("hint"));
        let answer = Answer::new(405, Kind::Untold, "no").last();
        assert_eq!(
            written(&answer, "HEAD"),
            "HTTP/1.1 405 Method Not Allowed\r\nx-amzn-RequestId: id\r\nContent-Length: 2\r\n\
             Date: Tue, 01 Dec 2026 13:40:33 GMT\r\nConnection: close\r\n\r\n"
        );
        let answer = Answer::new(200, Kind::Untold, "");
        let written =
            String::from_utf8(answer.write("GET", "id", Timestamp(i64::MAX)).expose().clone());
        assert!(!written.unwrap().contains("Date"));
    }
}
