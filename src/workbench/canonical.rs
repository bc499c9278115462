//! Requests and their signatures: what somebody sends to the endpoint before it is known who he is.

use std::collections::BTreeSet;

use crate::http::sigv4::canonical::{parameters, query};
use crate::http::sigv4::request::Request;
use crate::http::sigv4::scope::Service;
use crate::http::sigv4::signer::Signer;
use crate::http::sigv4::{Credential, Expected, date, verify};
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// A request as it is sent, more or less. As it is, the secret that it was signed with verifies it or
/// none does; signed by us, in both forms, it is verified if it has one meaning, and never after a
/// change.
pub fn requests(bytes: &[u8]) {
    let Some(sent) = Sent::parse(bytes) else { return };
    let now = sent.date().unwrap_or(NOW);
    for service in [Service::SECRETS_MANAGER, Service::STS] {
        let is_good = |secret| sent.is_good(service, secret, now);
        assert!(!(is_good(SECRET) && is_good("another")), "two secrets have one signature");
    }
    let unsigned = sent.unsigned();
    let (_, received) = unsigned.target.split_once('?').unwrap_or_default();
    let once = query(&parameters(received), &[]);
    assert_eq!(query(&parameters(&once), &[]), once, "a canonical query changes");
    for signed in unsigned.signed() {
        let is_good = |sent: &Sent<'_>, secret| sent.is_good(Service::SECRETS_MANAGER, secret, NOW);
        assert_eq!(is_good(&signed, SECRET), unsigned.has_one_meaning(), "{}", signed.target);
        assert!(!is_good(&signed, "another"), "any secret will do");
        let longer = [signed.body, b" "].concat();
        let longer = Sent { body: &longer, ..signed.clone() };
        assert!(!is_good(&longer, SECRET), "the body can be changed");
        let mut more = signed.clone();
        more.headers.push(("X-Amz-More".to_owned(), b"1".to_vec()));
        assert!(!is_good(&more, SECRET), "a header can be added");
        for end in ["&x-more=1", "?x-more=1"] {
            let mut other = signed.clone();
            other.target.push_str(end);
            assert!(!is_good(&other, SECRET), "the target can be changed");
        }
    }
}

/// A request that was taken apart.
#[derive(Clone)]
struct Sent<'a> {
    method: &'a str,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: &'a [u8],
}

impl<'a> Sent<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let end = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
        let (head, rest) = bytes.split_at(end);
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = str::from_utf8(lines.next()?).ok()?;
        let (method, rest_of_line) = first.split_once(' ')?;
        let target = rest_of_line.rsplit_once(' ').map_or(rest_of_line, |(target, _)| target);
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        for line in lines {
            match (line.starts_with(b" "), headers.last_mut()) {
                // A line that goes on.
                (true, Some((_, value))) => value.extend_from_slice(line),
                (true, None) => return None,
                (false, _) => {
                    let mut parts = line.splitn(2, |byte| *byte == b':');
                    let name = str::from_utf8(parts.next()?).ok()?.to_owned();
                    headers.push((name, parts.next()?.to_vec()));
                }
            }
        }
        let body = rest.get(2..).unwrap_or_default();
        Some(Self { method, target: target.to_owned(), headers, body })
    }

    fn with<T>(&self, use_it: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let headers: Vec<(&str, &[u8])> = headers.collect();
        let Self { method, target, body, .. } = self;
        use_it(&Request { method, target, headers: &headers, body })
    }

    fn is_good(&self, service: Service, secret: &str, now: Timestamp) -> bool {
        let expected = Expected { service, now, allows_region: &|_name| true };
        let find = |id: &str| {
            let secret = Secret::new(secret.to_owned());
            (id == KEY).then_some(Credential { secret, token: None, until: None })
        };
        self.with(|request| verify(request, &expected, find)).is_ok()
    }

    /// When it says that it was signed.
    fn date(&self) -> Option<Timestamp> {
        let (_, query) = self.target.split_once('?').unwrap_or_default();
        let in_query = parameters(query).into_iter().find(|(name, _)| name == b"X-Amz-Date");
        let mut in_headers =
            self.headers.iter().filter(|(name, _)| is_one_of(name, &["x-amz-date"]));
        let value =
            in_query.or_else(|| in_headers.next().map(|(_, value)| (Vec::new(), value.clone())));
        date::read(str::from_utf8(value?.1.trim_ascii()).ok()?)
    }

    /// The request without what signing adds to it.
    fn unsigned(&self) -> Self {
        let added =
            ["authorization", "date", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];
        let mut other = self.clone();
        other.headers.retain(|(name, _)| !is_one_of(name, &added));
        if let Some((path, query)) = self.target.split_once('?') {
            let is_added = |pair: &&str| pair.starts_with("X-Amz-");
            let pairs: Vec<&str> = query.split('&').filter(|pair| !is_added(pair)).collect();
            other.target = format!("{path}?{}", pairs.join("&"));
        }
        other
    }

    /// Signs it in a header, and in its target.
    fn signed(&self) -> [Self; 2] {
        let secret = Secret::new(SECRET.to_owned());
        let signer = Signer {
            access_key_id: KEY,
            secret: &secret,
            token: None,
            region: "eu-west-1",
            service: "secretsmanager",
            at: NOW,
        };
        let mut in_header = self.clone();
        in_header.headers.extend(self.with(|request| signer.sign(request)));
        let mut in_query = self.clone();
        in_query.target = self.with(|request| signer.presign(request));
        [in_header, in_query]
    }

    /// Whether any two readers take it for the same, and it can be sent at all.
    fn has_one_meaning(&self) -> bool {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let is_plain_path = path.starts_with('/')
            && !path.contains("//")
            && !segments.contains(&".")
            && !segments.contains(&"..");
        let query = parameters(query);
        let names: BTreeSet<&[u8]> = query.iter().map(|(name, _)| name.as_slice()).collect();
        let is_our_own = |name: &&[u8]| name.starts_with(b"X-Amz-");
        let has_plain_query = names.len() == query.len() && !names.iter().any(is_our_own);
        let is_part = |byte: u8| byte.is_ascii_graphic() && !b";:,=".contains(&byte);
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(is_part);
        let count = |wanted: &str| {
            let is_it = |(name, _): &&(String, Vec<u8>)| name.eq_ignore_ascii_case(wanted);
            self.headers.iter().filter(is_it).count()
        };
        let is_once = |name: &str| {
            let matters = name.to_ascii_lowercase().starts_with("x-amz-");
            let matters = matters || is_one_of(name, &["host", "content-type"]);
            !matters || count(name) == 1
        };
        let has_plain_headers = self.headers.iter().all(|(name, _)| is_name(name) && is_once(name))
            && count("host") == 1;
        let is_method = self.method.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain_path && has_plain_query && has_plain_headers && is_method
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

const KEY: &str = "AKIDEXAMPLE";
/// The secret of the requests in the corpus.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const NOW: Timestamp = Timestamp(1_772_368_245_000);
