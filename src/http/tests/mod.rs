//! What an endpoint answers, request by request, and how it fares among those who come.

mod connections;
mod operations;
mod protocols;

use super::testing::{Asking, Pieces, SITE, Sample, one_secret};

/// An answer, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    status: u16,
    /// All but the id and the date.
    headers: Vec<(String, String)>,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Takes answers apart, and requires that each says which request it is of, and when.
fn heard(mut bytes: &[u8]) -> Vec<Heard> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        bytes = &bytes[end..];
        if status == 100 {
            continue;
        }
        let split = |line: &str| line.split_once(": ").map(|(a, b)| (a.to_owned(), b.to_owned()));
        let mut headers: Vec<(String, String)> = lines.map(|line| split(line).unwrap()).collect();
        let mut take = |name: &str| {
            let index = headers.iter().position(|(known, _)| known == name).unwrap();
            headers.remove(index).1
        };
        assert_eq!(take("x-amzn-RequestId").len(), 36);
        assert!(take("Date").ends_with(" GMT"));
        let length: usize = take("Content-Length").parse().unwrap();
        let body = String::from_utf8(bytes[..length].to_vec()).unwrap();
        bytes = &bytes[length..];
        out.push(Heard { status, headers, body });
    }
    out
}

/// Has bytes answered that come at once.
fn said(bytes: &[u8]) -> Vec<Heard> {
    let sample = Sample::new(&one_secret);
    heard(&Pieces::of(bytes, usize::MAX).converse(&sample, SITE))
}

/// Has one request answered.
fn asked(asking: &Asking<'_>) -> Heard {
    let mut heard = said(&asking.write());
    assert_eq!(heard.len(), 1);
    heard.remove(0)
}

const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");
const GET: (&str, &str) = ("x-amz-target", "secretsmanager.GetSecretValue");
