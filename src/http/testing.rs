//! An endpoint without a vault, and connections without sockets: for tests and for fuzzing.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Instant;

use super::back::{Back, Call, Credential, Lent, Principal, Trouble};
use super::endpoint::Endpoint;
use super::exchange::{Wire, converse};
use super::rules::Rules;
use super::sigv4::request::Request;
use super::sigv4::signer::Signer;
use super::site::Site;
use crate::model::time::{HOUR_MS, Timestamp};
use crate::model::value::Value;
use crate::service::fault::Fault;
use crate::service::identity::CallerIdentity;
use crate::sys::entropy::{Entropy, SystemEntropy};
use crate::sys::secret::Secret;

/// What becomes of the calls of somebody.
pub(crate) type Respond<'a> = &'a (dyn Fn(&str, Call<'_>) -> Result<Value, Trouble> + Sync);

/// Knows two keys and two tokens, and answers as it was told to.
pub(crate) struct Sample<'a> {
    now_ms: AtomicI64,
    respond: Respond<'a>,
    pub(crate) panics: AtomicUsize,
}

/// Somebody who has one of the keys or tokens.
struct Named<'a> {
    name: &'static str,
    sample: &'a Sample<'a>,
}

impl<'a> Sample<'a> {
    pub(crate) fn new(respond: Respond<'a>) -> Self {
        let now_ms = AtomicI64::new(NOW.0);
        Self { now_ms, respond, panics: AtomicUsize::new(0) }
    }

    #[cfg(test)]
    pub(crate) fn advance(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    fn named(&self, name: &'static str) -> Box<dyn Principal + '_> {
        Box::new(Named { name, sample: self })
    }
}

impl Back for Sample<'_> {
    fn now(&self) -> Timestamp {
        Timestamp(self.now_ms.load(Ordering::SeqCst))
    }

    fn entropy(&self) -> &dyn Entropy {
        &SystemEntropy
    }

    fn credential(&self, access_key_id: &str) -> Result<Option<Credential<'_>>, Trouble> {
        let is_session = access_key_id == SESSION_KEY;
        if access_key_id == GONE_KEY {
            return Err(Trouble::Gone("the vault is locked"));
        }
        if !is_session && access_key_id != KEY {
            return Ok(None);
        }
        Ok(Some(Credential {
            secret: Secret::new(SECRET.to_owned()),
            session_token: is_session.then(|| Secret::new(SESSION_TOKEN.to_owned())),
            until: is_session.then_some(Timestamp(NOW.0 + HOUR_MS)),
            principal: self.named(if is_session { "session" } else { "user" }),
        }))
    }

    fn lend(&self, token: &str) -> Result<Option<Lent>, Trouble> {
        Ok((token == CONTAINER_TOKEN).then(|| Lent {
            access_key_id: SESSION_KEY.to_owned(),
            secret: Secret::new(SECRET.to_owned()),
            session_token: Secret::new(SESSION_TOKEN.to_owned()),
            until: Timestamp(NOW.0 + HOUR_MS),
        }))
    }

    fn local(&self, token: &str) -> Result<Option<Box<dyn Principal + '_>>, Trouble> {
        Ok((token == LOCAL_TOKEN).then(|| self.named("local")))
    }

    fn panicked(&self) {
        self.panics.fetch_add(1, Ordering::SeqCst);
    }
}

impl Principal for Named<'_> {
    fn call(&self, call: Call<'_>) -> Result<Value, Trouble> {
        (self.sample.respond)(self.name, call)
    }

    fn identity(&self, _region: &str) -> Result<CallerIdentity, Trouble> {
        let account = "123456789012".to_owned();
        let arn = format!("arn:aws:iam::{account}:user/<{}>", self.name);
        Ok(CallerIdentity { user_id: "AIDASTRONGROOMSAMPLE1".to_owned(), account, arn })
    }
}

/// Has one secret, `plain`, for those who read.
pub(crate) fn one_secret(_who: &str, call: Call<'_>) -> Result<Value, Trouble> {
    let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
    let Call { entry, request, .. } = call;
    let is_plain = request.get("SecretId") == Some(&Value::Text("plain".to_owned()));
    match entry.name {
        "GetSecretValue" if is_plain => Ok(Value::Map(vec![
            text("ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:plain-AbCdEf"),
            text("Name", "plain"),
            text("SecretString", VALUE),
            ("CreatedDate".to_owned(), Value::Timestamp(Timestamp(1_569_534_789_046))),
        ])),
        "TagResource" | "ListSecrets" => Ok(Value::Map(Vec::new())),
        _ => Err(Trouble::Failed(Fault::secret_not_found().into())),
    }
}

/// A request for Secrets Manager, or for STS, signed with a key at a time.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) key: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) service: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

impl Asking<'_> {
    pub(crate) const USUAL: Self = Self {
        key: KEY,
        token: None,
        service: "secretsmanager",
        at: NOW,
        method: "POST",
        target: "/",
        headers: &[],
        body: b"{}",
    };

    /// Writes it as a client sends it.
    pub(crate) fn write(&self) -> Vec<u8> {
        let secret = Secret::new(SECRET.to_owned());
        let headers = self.given();
        let Self { method, target, body, .. } = *self;
        let added = self.signer(&secret).sign(&Request { method, target, headers: &headers, body });
        let added = added.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        self.written(target, &headers.iter().copied().chain(added).collect::<Vec<_>>())
    }

    /// Writes it with the signature in its target.
    #[cfg(test)]
    pub(crate) fn presigned(&self) -> Vec<u8> {
        let secret = Secret::new(SECRET.to_owned());
        let headers = self.given();
        let Self { method, target, body, .. } = *self;
        let target =
            self.signer(&secret).presign(&Request { method, target, headers: &headers, body });
        self.written(&target, &headers)
    }

    fn signer<'s>(&'s self, secret: &'s Secret<String>) -> Signer<'s> {
        Signer {
            access_key_id: self.key,
            secret,
            token: self.token,
            region: "eu-west-1",
            service: self.service,
            at: self.at,
        }
    }

    /// Returns the headers that are there before it is signed.
    fn given(&self) -> Vec<(&str, &[u8])> {
        let given = self.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        std::iter::once(("host", HOST.as_bytes())).chain(given).collect()
    }

    fn written(&self, target: &str, headers: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = format!("{} {target} HTTP/1.1\r\n", self.method).into_bytes();
        for (name, value) in headers {
            out.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        out.extend(format!("content-length: {}\r\n\r\n", self.body.len()).bytes());
        out.extend_from_slice(self.body);
        out
    }
}

/// A connection whose bytes come in pieces, and then end.
pub(crate) struct Pieces<'a> {
    coming: Vec<&'a [u8]>,
    /// What was answered.
    pub(crate) answered: Vec<u8>,
    pub(crate) address: Option<IpAddr>,
}

impl<'a> Pieces<'a> {
    /// Bytes that come so many at once.
    pub(crate) fn of(bytes: &'a [u8], size: usize) -> Self {
        let mut coming: Vec<&[u8]> = bytes.chunks(size.max(1)).collect();
        coming.reverse();
        Self { coming, answered: Vec::new(), address: None }
    }

    /// Has all of it answered.
    pub(crate) fn converse(mut self, back: &dyn Back, site: Site) -> Vec<u8> {
        let ended = converse(&mut self, &Endpoint::new(back, site), &Rules::USUAL);
        debug_assert!(ended.is_ok(), "nobody goes away here");
        self.answered
    }
}

impl Wire for Pieces<'_> {
    fn read(&mut self, place: &mut [u8], _until: Instant) -> io::Result<usize> {
        let Some(piece) = self.coming.pop() else { return Ok(0) };
        let (now, later) = piece.split_at(piece.len().min(place.len()));
        for (to, from) in place.iter_mut().zip(now) {
            *to = *from;
        }
        if !later.is_empty() {
            self.coming.push(later);
        }
        Ok(now.len())
    }

    fn write(&mut self, bytes: &[u8], _until: Instant) -> io::Result<()> {
        self.answered.extend_from_slice(bytes);
        Ok(())
    }

    fn has_more(&mut self) -> bool {
        // What is left is as if it came later.
        false
    }

    fn drain(&mut self) {
        self.coming.clear();
    }

    fn listens(&mut self) {}

    fn answers(&mut self) -> bool {
        true
    }

    fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// 2026-12-01T13:40:33Z.
pub(crate) const NOW: Timestamp = Timestamp(1_796_132_433_000);
pub(crate) const SITE: Site = Site::Loopback(18777);
pub(crate) const HOST: &str = "127.0.0.1:18777";
pub(crate) const KEY: &str = "AKIASTRONGROOM000001";
pub(crate) const SESSION_KEY: &str = "ASIASTRONGROOM000002";
/// The key of a vault that was locked.
pub(crate) const GONE_KEY: &str = "AKIASTRONGROOM000003";
pub(crate) const SESSION_TOKEN: &str = "a/session+token=";
pub(crate) const CONTAINER_TOKEN: &str = "the token of a container";
pub(crate) const LOCAL_TOKEN: &str = "the token of the agent";
pub(crate) const VALUE: &str = "the value of plain";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
