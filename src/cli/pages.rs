//! How the AWS CLI gathers pages: all of them unless told otherwise, cut to `--max-items`, and a
//! token of its own to go on from.
//!
//! One transaction fetches everything, so that the list is of one moment; it is cut afterwards.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::answer::{Gathered, Pages};
use super::failure::Failure;
use super::request::build;
use crate::model::value::Value;
use crate::service::operation::{self, Entry};

/// How many elements AWS's pages have.
const PAGE: usize = 100;

/// Fetches what the call asks for.
pub(crate) fn fetch(
    entry: &'static Entry,
    call: build::Call,
    mut ask: impl FnMut(Value) -> Result<Value, Failure>,
) -> Result<Pages, Failure> {
    let build::Pages::All { starting_token, max_items } = call.pages else {
        return Ok(Pages::One(ask(call.request)?));
    };
    let operation::Pages::Gathered(member) = entry.pages else {
        return Ok(Pages::One(ask(call.request)?));
    };
    let mut request = call.request;
    let size = match request.get("MaxResults") {
        Some(Value::Integer(size)) => usize::try_from(*size).unwrap_or(PAGE),
        Some(_) | None => PAGE,
    };
    let start = starting_token.as_deref().map_or_else(Start::default, Start::read);
    // The service has let the request through with a page's size; here it gives all at once.
    put(&mut request, "MaxResults", Value::Integer(i64::MAX));
    if let Some(token) = start.token {
        put(&mut request, "NextToken", Value::Text(token));
    }
    let mut whole = ask(request)?;
    if let Some(Value::List(elements)) = whole.get_mut(member) {
        let skipped = start.skip.min(elements.len());
        elements.drain(..skipped);
        let most = max_items.map(|items| usize::try_from(items).unwrap_or(0));
        if let Some(most) = most.filter(|most| *most < elements.len()) {
            elements.truncate(most);
            put(&mut whole, "NextToken", Value::Text(token(start.skip.saturating_add(most))));
        }
    }
    Ok(Pages::Gathered(Gathered { whole, member, size }))
}

/// Where `--starting-token` starts: after a token of the service's, and so many elements on.
#[derive(Debug, Default, PartialEq, Eq)]
struct Start {
    token: Option<String>,
    skip: usize,
}

impl Start {
    /// Reads botocore's token: base64 of JSON. Anything else is the service's own.
    fn read(text: &str) -> Self {
        Self::decode(text).unwrap_or_else(|| Self { token: Some(text.to_owned()), skip: 0 })
    }

    fn decode(text: &str) -> Option<Self> {
        let json: Json = serde_json::from_slice(&STANDARD.decode(text).ok()?).ok()?;
        let members = json.as_object()?;
        let token = members.get("NextToken")?;
        let skip = members.get("boto_truncate_amount").map_or(Some(0), Json::as_u64)?;
        let token = if token.is_null() { None } else { Some(token.as_str()?.to_owned()) };
        Some(Self { token, skip: usize::try_from(skip).ok()? })
    }
}

fn token(skip: usize) -> String {
    let json = json!({ "NextToken": null, "boto_truncate_amount": skip });
    // Python puts a space after each colon and comma; a token that is compared should not differ.
    let text = json.to_string().replace("\":", "\": ").replace(",\"", ", \"");
    STANDARD.encode(text)
}

fn put(map: &mut Value, name: &str, value: Value) {
    let Value::Map(members) = map else { return };
    match members.iter_mut().find(|(known, _)| known == name) {
        Some((_, place)) => *place = value,
        None => members.push((name.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_botocores() {
        // AWS.md §3.6.
        let aws = "eyJOZXh0VG9rZW4iOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAxfQ==";
        assert_eq!(token(1), aws);
        assert_eq!(Start::read(aws), Start { token: None, skip: 1 });
        assert_eq!(Start::read("abc"), Start { token: Some("abc".into()), skip: 0 });
    }
}
