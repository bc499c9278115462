//! The requests of tests/conformance/sigv4.json, and ways to verify them.

use serde_json::Value as Json;

use super::refusal::{Dialect, Refusal};
use super::request::Request;
use super::scope::Service;
use super::{Credential, Expected, Verified, date, verify};
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// A request that can be changed.
#[derive(Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

impl Sample {
    /// Reads a request as it is sent, where a line may be folded, and a path may have a blank.
    pub(super) fn parse(text: &str, body: &str) -> Self {
        let folded = text.replace("\n ", " ");
        let mut lines = folded.lines();
        let first = lines.next().unwrap().strip_suffix(" HTTP/1.1").unwrap();
        let (method, target) = first.split_once(' ').unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_owned(), value.as_bytes().to_vec())
        });
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: headers.collect(),
            body: body.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
        }
    }

    pub(super) fn with<T>(&self, use_it: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let headers: Vec<(&str, &[u8])> = headers.collect();
        let Self { method, target, body, .. } = self;
        use_it(&Request { method, target, headers: &headers, body })
    }

    /// Returns a header, to be changed.
    pub(super) fn header(&mut self, name: &str) -> &mut Vec<u8> {
        let found = self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name));
        &mut found.unwrap().1
    }

    pub(super) fn without(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        other
    }

    pub(super) fn and(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name.to_owned(), value.as_bytes().to_vec()));
        other
    }

    /// Whether it has such a header.
    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// Under which circumstances a request is good.
#[derive(Clone)]
pub(super) struct Circumstances {
    pub(super) service: Service,
    pub(super) now: Timestamp,
    pub(super) secret: String,
    pub(super) token: Option<String>,
    pub(super) until: Option<Timestamp>,
}

impl Circumstances {
    pub(super) fn at(service: &str, date: &str, token: Option<&str>) -> Self {
        Self {
            service: service_of(service),
            now: date::read(date).unwrap(),
            secret: SECRET.to_owned(),
            token: token.map(str::to_owned),
            until: None,
        }
    }

    pub(super) fn verify(&self, sample: &Sample) -> Result<Verified, Refusal> {
        let allows_region = |name: &str| name != "us-east-2";
        let Self { service, now, .. } = *self;
        let expected = Expected { service, now, allows_region: &allows_region };
        let find = |id: &str| {
            (id == KEY).then(|| Credential {
                secret: Secret::new(self.secret.clone()),
                token: self.token.clone().map(Secret::new),
                until: self.until,
            })
        };
        sample.with(|request| verify(request, &expected, find))
    }
}

fn service_of(name: &str) -> Service {
    match name {
        "secretsmanager" => Service::SECRETS_MANAGER,
        "sts" => Service::STS,
        "kms" => Service { name: "kms", minutes: 5, dialect: Dialect::Json },
        "service" => Service { name: "service", minutes: 5, dialect: Dialect::Json },
        _ => panic!("{name}"),
    }
}

/// The file.
pub(super) fn vectors() -> Json {
    serde_json::from_str(include_str!("../../../tests/conformance/sigv4.json")).unwrap()
}

/// The requests that clients sent, each with when it is good.
pub(super) fn recorded() -> Vec<(Sample, Circumstances)> {
    let file = vectors();
    let one = |case: &Json| {
        let lines: Vec<&str> = case["request_lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap())
            .collect();
        let mut sample = Sample::parse(&lines.join("\n"), case["body_latin1"].as_str().unwrap());
        let token = sample.has("x-amz-security-token").then(|| {
            String::from_utf8(sample.header("x-amz-security-token").trim_ascii().to_vec()).unwrap()
        });
        let [service, date] = ["service", "date"].map(|name| case[name].as_str().unwrap());
        (sample, Circumstances::at(service, date, token.as_deref()))
    };
    file["recorded"].as_array().unwrap().iter().map(one).collect()
}

pub(super) const KEY: &str = "AKIDEXAMPLE";
pub(super) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
