//! AWS's JSON protocol, version 1.1, in which clients speak to Secrets Manager.
//!
//! The order of checks is that of AWS's framework: what a request is, before who sends it; who sends it,
//! before what its members are.

use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::answer::{Answer, Kind};
use super::back::{Back, Call};
use super::head::Head;
use super::members;
use super::refusal::Refusal;
use super::request::{Request, Signed};
use super::sigv4::scope::Service;
use crate::gateway::json::to_json;
use crate::service::dispatch;
use crate::service::operation::Entry;
use crate::service::operations;

/// The header that names the operation.
pub(super) const TARGET: &str = "x-amz-target";

/// Answers a request, whatever it is: what is none of another protocol is refused in this one's words.
pub(super) fn answer(back: &dyn Back, request: &Request<'_>) -> Answer {
    carry_out(back, request).unwrap_or_else(|refusal| refusal.to_json())
}

fn carry_out(back: &dyn Back, request: &Request<'_>) -> Result<Answer, Refusal> {
    let head = request.head;
    let is_json = head.is_of_type("application/x-amz-json-1.1");
    let names_operation = head.values(TARGET).next().is_some();
    if head.method != "POST" || !is_json && !names_operation {
        return Ok(Answer::new(403, Kind::Untold, NO_OPERATION));
    }
    if !is_json {
        return Ok(Answer::new(404, Kind::Untold, "<UnknownOperationException/>\n"));
    }
    // Nothing is made of it before it is known whose it is: a little text can take much memory.
    let raw: &RawValue = serde_json::from_slice(request.body).map_err(no_json)?;
    if !raw.get().starts_with('{') {
        return Err(Refusal::serialization(None));
    }
    let entry = operation(head).ok_or(Refusal::UNKNOWN_OPERATION)?;
    let Signed { principal, region } = request.signed(back, Service::SECRETS_MANAGER)?;
    let json: Json = serde_json::from_slice(request.body).map_err(no_json)?;
    let members = members::read(entry.input, json);
    let members = members.map_err(|text| Refusal::serialization(Some(text)))?;
    dispatch::admit(entry, &members)?;
    let (region, presented) = (Some(region.as_str()), request.presented());
    let answer = principal.call(Call { entry, request: members, region, presented })?;
    // What has no member to say has no body either.
    let body = match entry.output.members() {
        [] => Vec::new(),
        [_, ..] => to_json(&answer).to_string().into_bytes(),
    };
    Ok(Answer::new(200, Kind::AwsJson, body))
}

fn operation(head: &Head<'_>) -> Option<&'static Entry> {
    let name = head.text(TARGET)?.strip_prefix("secretsmanager.")?;
    operations::ALL.iter().find(|entry| entry.name == name)
}

fn no_json(_error: serde_json::Error) -> Refusal {
    Refusal::serialization(None)
}

const NO_OPERATION: &str = "<AccessDeniedException>\n  <Message>Unable to determine \
                            service/operation name to be authorized</Message>\n\
                            </AccessDeniedException>\n";
