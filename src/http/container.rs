//! The credentials of a container's process, which a client fetches by itself where
//! `AWS_CONTAINER_CREDENTIALS_FULL_URI` says so.

use serde_json::json;

use super::answer::{Answer, Kind};
use super::back::{Back, Lent};
use super::head::Head;
use super::local;
use super::refusal::Refusal;
use super::request::Request;

/// The path of the address.
pub(crate) const PATH: &str = "/credentials";

/// Whether a request is for credentials.
pub(super) fn is_meant(head: &Head<'_>) -> bool {
    head.path_and_query().0 == PATH
}

pub(super) fn answer(back: &dyn Back, request: &Request<'_>) -> Answer {
    let head = request.head;
    if local::is_forwarded(head) {
        return refused(400, "Forwarded");
    }
    if head.method != "GET" {
        return refused(405, "Not allowed");
    }
    // The token stands there as it is, without the name of a scheme.
    let lent = match head.text("authorization").map(|token| back.lend(token)).transpose() {
        Ok(lent) => lent.flatten(),
        Err(trouble) => return Refusal::from(trouble).to_json(),
    };
    let Some(Lent { access_key_id, secret, session_token, until }) = lent else {
        return refused(403, "Bad Token");
    };
    let Ok(until) = jiff::Timestamp::from_millisecond(until.0) else {
        return refused(500, "the key has no end that has a date");
    };
    let body = json!({
        "AccessKeyId": access_key_id,
        "SecretAccessKey": secret.expose(),
        "Token": session_token.expose(),
        "Expiration": format!("{until:.0}"),
    });
    Answer::new(200, Kind::Json, body.to_string())
}

/// Clients read neither, but they show both.
fn refused(status: u16, text: &str) -> Answer {
    let body = json!({ "code": "CredentialsNotAvailable", "message": text });
    Answer::new(status, Kind::Json, body.to_string())
}
