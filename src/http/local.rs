//! The local protocol of AWS's Secrets Manager Agent, which the extension for Lambda speaks too: values
//! for those who have its token. (Its texts and statuses are those of the agent, version 2.0.0.)
//!
//! Nothing is cached: `refreshNow` is read, and asks for what happens anyway.

use serde_json::Value as Json;

use super::answer::{Answer, Kind};
use super::back::{Back, Call, Principal};
use super::head::Head;
use super::refusal::Refusal;
use super::request::Request;
use super::sigv4::canonical;
use crate::gateway::json::to_json;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::dispatch;
use crate::service::operations;

/// Whether a request is for the agent: at one of its paths, or with one of its headers.
pub(super) fn is_meant(head: &Head<'_>) -> bool {
    let (path, _) = head.path_and_query();
    path == PING
        || path == GET
        || path.starts_with(PREFIX)
        || TOKENS.iter().any(|name| head.values(name).next().is_some())
}

/// Answers as the agent does, in the order of its checks.
pub(super) fn answer(back: &dyn Back, request: &Request<'_>) -> Answer {
    let plain = |status, text: &str| Answer::new(status, Kind::Untold, text);
    let (head, (path, query)) = (request.head, request.head.path_and_query());
    if path == PING {
        return if head.method == "GET" { plain(200, "healthy") } else { plain(405, NOT_ALLOWED) };
    }
    if is_forwarded(head) {
        return plain(400, "Forwarded");
    }
    let token = TOKENS.iter().find_map(|name| head.text(name));
    let principal = match token.map(|token| back.local(token)).transpose() {
        Ok(principal) => principal.flatten(),
        Err(trouble) => return Refusal::from(trouble).to_local(),
    };
    let Some(principal) = principal else { return plain(403, "Bad Token") };
    if head.method != "GET" {
        return plain(405, NOT_ALLOWED);
    }
    let asked = if path == GET {
        asked(None, query)
    } else if let Some(id) = path.strip_prefix(PREFIX) {
        asked(Some(id), query)
    } else {
        return plain(404, "Not found");
    };
    let members = match asked {
        Ok(members) => members,
        Err(text) => return plain(400, &text),
    };
    let answer = get(&*principal, request, members);
    answer.map_or_else(|refusal| refusal.to_local(), |json| plain(200, &json.to_string()))
}

/// Whether something on the way handed a request on: nobody is to be made to do so for another.
pub(super) fn is_forwarded(head: &Head<'_>) -> bool {
    head.values("x-forwarded-for").next().is_some()
}

/// Reads what is asked for: of an id in the path, or else in the query. The error is the agent's text.
fn asked(id_in_path: Option<&str>, query: &str) -> Result<Value, String> {
    let mut id = id_in_path.unwrap_or_default().to_owned();
    let (mut version, mut stage) = (None, None);
    for (name, value) in canonical::parameters(query) {
        let value = String::from_utf8_lossy(&value).into_owned();
        match name.as_slice() {
            b"secretId" if id_in_path.is_none() => id = value,
            b"versionId" => version = Some(value),
            b"versionStage" => stage = Some(value),
            b"refreshNow" => {
                let value = value.to_lowercase();
                if !["true", "1", "false", "0"].contains(&value.as_str()) {
                    return Err("invalid refreshNow value".to_owned());
                }
            }
            name => return Err(format!("unknown parameter: {}", String::from_utf8_lossy(name))),
        }
    }
    if id.is_empty() {
        let text =
            if id_in_path.is_some() { "missing secret ID" } else { "missing parameter secretId" };
        return Err(text.to_owned());
    }
    let given = [("SecretId", Some(id)), ("VersionId", version), ("VersionStage", stage)];
    let member =
        |(name, value): (&str, Option<String>)| Some((name.to_owned(), Value::Text(value?)));
    Ok(Value::Map(given.into_iter().filter_map(member).collect()))
}

fn get(principal: &dyn Principal, request: &Request<'_>, members: Value) -> Result<Json, Refusal> {
    let entry = operations::find("get-secret-value").ok_or(Refusal::UNKNOWN_OPERATION)?;
    dispatch::admit(entry, &members)?;
    let presented = request.presented();
    let mut answer = principal.call(Call { entry, request: members, region: None, presented })?;
    if let Some(date) = answer.get_mut("CreatedDate")
        && let Value::Timestamp(at) = *date
    {
        *date = Value::Text(seconds(at));
    }
    Ok(to_json(&answer))
}

/// Spells seconds as the agent does: with no more decimals than they have.
fn seconds(Timestamp(ms): Timestamp) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:03}", ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

const PING: &str = "/ping";
const GET: &str = "/secretsmanager/get";
/// What comes before an id that stands in the path.
const PREFIX: &str = "/v1/";
/// The headers in which a token comes.
const TOKENS: [&str; 2] = ["x-aws-parameters-secrets-token", "x-vault-token"];
const NOT_ALLOWED: &str = "Not allowed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read() {
        for (id, query, expected) in [
            (None, "secretId=a%2Fb+c", Ok(r#"{"SecretId":"a/b c"}"#)),
            (
                None,
                "&versionStage=x&secretId=a&versionId=&refreshNow=TRUE",
                Ok(r#"{"SecretId":"a","VersionId":"","VersionStage":"x"}"#),
            ),
            (None, "secretId=a&secretId=b", Ok(r#"{"SecretId":"b"}"#)),
            (None, "", Err("missing parameter secretId")),
            (None, "secretId=&versionId=x", Err("missing parameter secretId")),
            (None, "secretid=a", Err("unknown parameter: secretid")),
            (None, "secretId=a&refreshNow=yes", Err("invalid refreshNow value")),
            (Some("a/b%2Fc"), "versionId=x", Ok(r#"{"SecretId":"a/b%2Fc","VersionId":"x"}"#)),
            (Some(""), "", Err("missing secret ID")),
            (Some("a"), "secretId=b", Err("unknown parameter: secretId")),
        ] {
            let asked = asked(id, query).map(|members| to_json(&members).to_string());
            assert_eq!(asked.as_deref().map_err(String::as_str), expected, "{query}");
        }
    }

    #[test]
    fn seconds_have_no_more_decimals_than_they_need() {
        for (ms, text) in [
            (1_569_534_789_046, "1569534789.046"),
            (1_000, "1"),
            (1_500, "1.5"),
            (0, "0"),
            (-1, "-0.001"),
        ] {
            assert_eq!(seconds(Timestamp(ms)), text);
        }
    }
}
