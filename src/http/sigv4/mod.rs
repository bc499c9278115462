//! AWS's Signature Version 4, verified: a request is from whoever has the secret of its key, is as it
//! was made, and is of now.
//!
//! Knows no socket, no clock and no key: all is handed in. The checks are made in the order in which
//! AWS makes them, since each has an answer of its own; none before the last says that a key's secret
//! is known. Stricter than AWS is known to be, and the reason is the same throughout: what we act on
//! must be what was signed, and have one meaning.
//!
//! * `Content-Type` and every `X-Amz-…` header must be signed, and be there once. (A session's token
//!   may be unsigned, as AWS has it; it is compared.)
//! * A query has no name twice, and a path is in its normal form.
//! * The body is always hashed: there is no `UNSIGNED-PAYLOAD`, and nothing is streamed.

pub(crate) mod canonical;
mod claim;
pub(crate) mod date;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod scope;
#[cfg(any(test, feature = "workbench"))]
pub(crate) mod signer;

use std::collections::BTreeSet;

use canonical::{ALGORITHM, Parameter, Signed};
use claim::{Claim, Place};
use refusal::Refusal;
use request::Request;
use scope::{Scope, Service};

use crate::crypto::fingerprint;
use crate::crypto::signing::signature;
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// What is known of an access key that may be used.
pub(crate) struct Credential {
    pub(crate) secret: Secret<String>,
    /// The session's token, which must come with each request.
    pub(crate) token: Option<Secret<String>>,
    /// When the key ends.
    pub(crate) until: Option<Timestamp>,
}

/// What a request is held against.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) service: Service,
    pub(crate) now: Timestamp,
    /// Whether requests may be for a region, whose name is one.
    pub(crate) allows_region: &'a dyn Fn(&str) -> bool,
}

/// What a signature proves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) access_key_id: String,
    pub(crate) region: String,
}

/// Verifies a request. `find` returns what is known of a key, and nothing of one that is unknown or
/// inactive.
pub(crate) fn verify(
    request: &Request<'_>,
    expected: &Expected<'_>,
    find: impl FnOnce(&str) -> Option<Credential>,
) -> Result<Verified, Refusal> {
    if request.is_ambiguous() {
        return Err(Refusal::Mismatch);
    }
    let query = canonical::parameters(request.path_and_query().1);
    let claim = Claim::read(request, &query)?;
    check_date(&claim.date, expected)?;
    if !claim.signed_headers.split(';').any(|name| name.eq_ignore_ascii_case("host")) {
        return Err(Refusal::HeaderNotSigned { name: "Host".to_owned() });
    }
    if claim.algorithm != ALGORITHM {
        return Err(Refusal::Algorithm { found: claim.algorithm });
    }
    let scope = Scope::parse(&claim.credential)?;
    scope.check(expected.service, &claim.date, expected.allows_region)?;
    let credential = find(scope.access_key_id).ok_or(Refusal::UnknownKey)?;
    check_form(request, &claim, &query)?;
    if !is_signed_by(&credential.secret, request, &claim, &scope, &query) {
        return Err(Refusal::Mismatch);
    }
    check_token(&credential, &claim)?;
    if credential.until.is_some_and(|until| until <= expected.now) {
        return Err(Refusal::KeyExpired);
    }
    Ok(Verified {
        access_key_id: scope.access_key_id.to_owned(),
        region: scope.purpose.region.to_owned(),
    })
}

/// Refuses what is too old, so that a request which somebody saw is good for minutes only, and what
/// was made for later. What `X-Amz-Expires` says changes nothing, as at STS.
fn check_date(found: &str, expected: &Expected<'_>) -> Result<(), Refusal> {
    let at = date::read(found).ok_or_else(|| Refusal::NotADate { found: found.to_owned() })?;
    let minutes = expected.service.minutes;
    let span = minutes.saturating_mul(60_000);
    // A date has whole seconds, and so have both ends of what it may be.
    let now = expected.now.0.saturating_sub(expected.now.0.rem_euclid(1000));
    let (first, last) = (now.saturating_sub(span), now.saturating_add(span));
    let told =
        |limit| (found.to_owned(), date::write(Timestamp(limit)), date::write(Timestamp(now)));
    if at.0 < first {
        let (date, limit, now) = told(first);
        return Err(Refusal::Expired { date, limit, now, minutes });
    }
    if at.0 > last {
        let (date, limit, now) = told(last);
        return Err(Refusal::NotYet { date, limit, now, minutes });
    }
    Ok(())
}

/// Refuses what could be read in two ways, or be changed without the signature's noticing.
fn check_form(request: &Request<'_>, claim: &Claim, query: &[Parameter]) -> Result<(), Refusal> {
    let names = || claim.signed_headers.split(';');
    for (name, _) in request.headers {
        let is_token = name.eq_ignore_ascii_case(claim::TOKEN_HEADER);
        let may_be_bare = is_token && claim.place == Place::Header;
        let is_signed = names().any(|signed| signed.eq_ignore_ascii_case(name));
        if request::is_weighty(name) && !is_signed && !may_be_bare {
            return Err(Refusal::HeaderNotSigned { name: (*name).to_owned() });
        }
    }
    let distinct: BTreeSet<&[u8]> = query.iter().map(|(name, _)| name.as_slice()).collect();
    let is_sound = canonical::is_list_of_names(&claim.signed_headers)
        && canonical::is_plain_path(request.path_and_query().0)
        && distinct.len() == query.len()
        && request.method.bytes().all(|byte| byte.is_ascii_graphic());
    if is_sound { Ok(()) } else { Err(Refusal::Mismatch) }
}

/// Whether this secret made the signature of this request.
fn is_signed_by(
    secret: &Secret<String>,
    request: &Request<'_>,
    claim: &Claim,
    scope: &Scope<'_>,
    query: &[Parameter],
) -> bool {
    let payload = fingerprint::hex(&fingerprint::of_bytes(request.body));
    let said = request.value("x-amz-content-sha256");
    if said.is_some_and(|said| said != payload.as_bytes()) {
        return false;
    }
    let is_signed_with = |left_out: &[&str]| {
        let query = canonical::query(query, left_out);
        let signed = Signed { names: &claim.signed_headers, query: &query, payload: &payload };
        let Some(text) = canonical::request(request, &signed) else { return false };
        let text = canonical::string_to_sign(&claim.date, scope.purpose, &text);
        let right = signature(secret, scope.purpose, text.as_bytes());
        fingerprint::is_same(&right, &claim.signature)
    };
    match claim.place {
        Place::Header => is_signed_with(&[]),
        Place::Query => {
            is_signed_with(&[claim::SIGNATURE])
                || claim.token.is_some() && is_signed_with(&[claim::SIGNATURE, claim::TOKEN])
        }
    }
}

/// A session's key is nothing without its token, and no other key has one.
fn check_token(credential: &Credential, claim: &Claim) -> Result<(), Refusal> {
    let said = claim.token.as_deref().map(str::from_utf8);
    match (&credential.token, said) {
        (None, None) => Ok(()),
        (Some(token), Some(Ok(said))) if fingerprint::is_same(token.expose(), said) => Ok(()),
        (Some(_), None) => Err(Refusal::UnknownKey),
        (Some(_) | None, Some(_)) => Err(Refusal::WrongToken),
    }
}

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
