//! `batch-get-secret-value`: reads the current values of several secrets.

use super::get_secret_value;
use super::list_secrets::{self, Search};
use crate::model::types::{Count, Filter, Listed, NextToken, SecretId};
use crate::model::value::Value;
use crate::service::access;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::{Effect, Group, Operation};
use crate::service::rules::arn::arn_of;
use crate::service::rules::paging;
use crate::service::rules::sort::Order;
use crate::vault::audit::Event;

/// Reads several values.
pub(crate) struct BatchGetSecretValue;

structure! {
    /// Which secrets to read.
    pub(crate) struct Request {
        /// The names or ARNs of the secrets. Not together with `Filters`.
        secret_id_list: Option<Listed<SecretId, 1, 20>> => "SecretIdList",
        /// Which secrets to read: those that match every filter, by any of its values. Not together
        /// with `SecretIdList`.
        filters: Option<Vec<Filter>> => "Filters",
        /// How many secrets a page has. Only together with `Filters`.
        max_results: Option<Count<1, 20>> => "MaxResults",
        /// Where the page starts, from the answer before.
        next_token: Option<NextToken> => "NextToken",
    }
}

structure! {
    /// What was read, and what could not be.
    pub(crate) struct Response {
        /// The values.
        secret_values: Vec<get_secret_value::Response> => "SecretValues",
        /// Where the next page starts; absent on the last.
        next_token: Option<NextToken> => "NextToken",
        /// The secrets that could not be read.
        errors: Vec<Refused> => "Errors",
    }
}

structure! {
    /// A secret that could not be read.
    pub(crate) struct Refused {
        /// The secret as it was asked for; its ARN if a filter found it.
        secret_id: String => "SecretId",
        /// The error's code.
        error_code: String => "ErrorCode",
        /// The error's message.
        message: String => "Message",
    }
}

impl Operation for BatchGetSecretValue {
    const ACTION: Action = Action::BatchGetSecretValue;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Read the values of several secrets at once.";
    const EXAMPLE: &'static str =
        "strongroom batch-get-secret-value --secret-id-list app/db app/cache";
    const EFFECT: Effect = Effect::Reads;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InvalidRequest,
        Code::DecryptionFailure,
        Code::InternalService,
        Code::InvalidNextToken,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let ids = request.secret_id_list.map(|ids| ids.0).unwrap_or_default();
        let filters = request.filters.unwrap_or_default();
        let neither = ids.is_empty() && filters.is_empty();
        // A page wants filters; who gives its size without them is told so before anything else.
        if !(ids.is_empty() || filters.is_empty()) || neither && request.max_results.is_none() {
            return Err(neither_or_both().into());
        }
        let mut next_token = None;
        let ids = if filters.is_empty() {
            require_no_page(request.max_results, request.next_token.as_ref())?;
            ids
        } else {
            let search = Search {
                operation: Self::ACTION,
                filters: list_secrets::read_filters(Some(filters))?,
                order: Order::default(),
                shows_planned: false,
                size: request.max_results.map_or(PAGE, |size| size.0),
                token: request.next_token,
            };
            let (found, next) = search.page(cx)?;
            next_token = next;
            found.iter().map(|record| SecretId(arn_of(record))).collect()
        };
        let mut response = Response { secret_values: Vec::new(), next_token, errors: Vec::new() };
        for id in ids {
            read_one(cx, id, &mut response)?;
        }
        Ok(response)
    }
}

/// Reads one secret as `get-secret-value` does, and logs it so. What the service refuses of one is
/// no refusal of the whole.
fn read_one(
    cx: &mut Context<'_, '_>,
    id: SecretId,
    response: &mut Response,
) -> Result<(), Failure> {
    cx.about_name(&id.0);
    let part = Value::Map(vec![("SecretId".to_owned(), Value::Text(id.0.clone()))]);
    let allowed = access::check(cx, get_secret_value::GetSecretValue::ENTRY, &part);
    match allowed.and_then(|()| get_secret_value::read(cx, &id, None, None)) {
        Ok(value) => {
            response.secret_values.push(value);
            cx.log_part(Action::GetSecretValue, Event::SUCCESS)
        }
        Err(Failure::Fault(Fault { code, message, .. })) => {
            let error_code = code.as_str().to_owned();
            response.errors.push(Refused { secret_id: id.0, error_code, message });
            cx.log_part(Action::GetSecretValue, code.as_str())
        }
        Err(failure) => Err(failure),
    }
}

/// Pages are of what filters find; ids are answered all at once.
fn require_no_page(
    max_results: Option<Count<1, 20>>,
    next_token: Option<&NextToken>,
) -> Result<(), Fault> {
    if max_results.is_some() {
        return Err(Fault::invalid_parameter(
            "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is \
             provided.",
        ));
    }
    match next_token {
        None => Ok(()),
        Some(_) => Err(paging::invalid_token()),
    }
}

fn neither_or_both() -> Fault {
    Fault::invalid_parameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.")
}

/// How many secrets a page has unless the request says; AWS's own number is not known.
const PAGE: i64 = 20;

#[cfg(test)]
mod tests {
    use crate::service::testing::ServiceFixture;

    #[test]
    fn every_secret_stands_in_the_log() {
        let mut service = ServiceFixture::new();
        let token = "t".repeat(32);
        for (name, value) in [("a", r#","SecretString":"x""#), ("b", "")] {
            let request = format!(r#"{{"Name":"{name}","ClientRequestToken":"{token}"{value}}}"#);
            service.call("CreateSecret", &request).unwrap();
        }
        let before = service.events().len();
        let ids = r#"{"SecretIdList":["b","none","a"]}"#;
        service.call("BatchGetSecretValue", ids).unwrap();
        let filters = r#"{"Filters":[{"Key":"name","Values":["a"]}]}"#;
        service.call("BatchGetSecretValue", filters).unwrap();
        let events = service.events();
        let shown: Vec<String> = events[before..]
            .iter()
            .map(|event| format!("{} {} {}", event.operation, event.subject.name, event.outcome))
            .collect();
        assert_eq!(
            shown,
            [
                "GetSecretValue b ResourceNotFoundException",
                "GetSecretValue none ResourceNotFoundException",
                "GetSecretValue a Success",
                "BatchGetSecretValue  Success",
                "GetSecretValue a Success",
                "BatchGetSecretValue  Success",
            ]
        );
        // Neither is a refusal of the whole.
        let refused = service.call("BatchGetSecretValue", "{}").unwrap_err();
        let last = service.events().pop().map(|event| (event.operation, event.outcome));
        assert_eq!(last, Some(("BatchGetSecretValue".to_owned(), refused.0)));
    }

    #[test]
    fn a_vault_that_logs_no_reads_answers_the_same() {
        let mut service = ServiceFixture::new();
        let token = "t".repeat(32);
        let request =
            format!(r#"{{"Name":"a","ClientRequestToken":"{token}","SecretString":"x"}}"#);
        service.call("CreateSecret", &request).unwrap();
        let response =
            service.call_silently("BatchGetSecretValue", r#"{"SecretIdList":["a","b"]}"#);
        assert_eq!(response["SecretValues"][0]["SecretString"], "x");
        assert_eq!(response["Errors"][0]["SecretId"], "b");
    }
}
