//! All operations of the service through the endpoint, with a vault behind it.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value as Json, json};

use super::*;
use crate::http::back::{Call, Trouble};
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::dispatch;
use crate::service::operations;
use crate::service::testing::ServiceFixture;

/// Asks one thing after the other of a vault in memory.
struct Client {
    service: Mutex<ServiceFixture>,
}

impl Client {
    fn new() -> Self {
        Self { service: Mutex::new(ServiceFixture::new()) }
    }

    fn raw(&self, operation: &str, body: &str) -> Heard {
        let respond = |_: &str, call: Call<'_>| -> Result<Value, Trouble> {
            let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
            let Call { entry, request, region, .. } = call;
            assert_eq!(region, Some("eu-west-1"), "that of the signature");
            Ok(service.with(|vault, context| {
                let caller = &Caller::Owner;
                let call = dispatch::Call { entry, request, region, caller, boundaries: None };
                dispatch::dispatch(vault, call, context)
            })?)
        };
        let sample = Sample::new(&respond);
        let target = format!("secretsmanager.{operation}");
        let headers = [JSON, ("x-amz-target", target.as_str())];
        let asking = Asking { headers: &headers, body: body.as_bytes(), ..Asking::USUAL };
        let mut heard = heard(&Pieces::of(&asking.write(), 100).converse(&sample, SITE));
        assert_eq!(heard.len(), 1);
        heard.remove(0)
    }

    /// Has an operation carried out, and returns its answer.
    fn call(&self, operation: &str, request: &Json) -> Json {
        let Heard { status, body, .. } = self.raw(operation, &request.to_string());
        assert_eq!(status, 200, "{operation}: {body}");
        if body.is_empty() { Json::Null } else { serde_json::from_str(&body).unwrap() }
    }
}

fn token(number: u8) -> String {
    format!("{number:032}")
}

#[test]
fn values_come_and_go() {
    let client = Client::new();
    let made = client.call(
        "CreateSecret",
        &json!({"Name": "app/db", "SecretString": "hünter\u{1}2", "ClientRequestToken": token(1)}),
    );
    assert_eq!(made["VersionId"], token(1));
    let arn = made["ARN"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-west-1:000000000000:secret:app/db-"));
    let read = client.call("GetSecretValue", &json!({"SecretId": arn}));
    assert_eq!(read["SecretString"], "hünter\u{1}2");
    assert_eq!(read["CreatedDate"], 1_700_000_000.123, "seconds, as a number");
    let binary =
        json!({"SecretId": "app/db", "SecretBinary": "AP8=", "ClientRequestToken": token(2)});
    assert_eq!(client.call("PutSecretValue", &binary)["VersionStages"], json!(["AWSCURRENT"]));
    let read = client.call("GetSecretValue", &json!({"SecretId": "app/db"}));
    assert_eq!(read["SecretBinary"], "AP8=");
    assert!(read.get("SecretString").is_none(), "what is absent is not there");
    let tags = json!({"SecretId": "app/db", "Tags": [{"Key": "a", "Value": "b"}]});
    assert_eq!(client.call("TagResource", &tags), Json::Null);
    let tags = json!({"SecretId": "app/db", "TagKeys": ["a"]});
    assert_eq!(client.call("UntagResource", &tags), Json::Null);
    let described = client.call("DescribeSecret", &json!({"SecretId": "app/db"}));
    assert_eq!(described["VersionIdsToStages"][token(1)], json!(["AWSPREVIOUS"]));
    let list = client.call("ListSecrets", &json!({"MaxResults": 1, "NextToken": null}));
    assert_eq!(list["SecretList"].as_array().unwrap().len(), 1);
    let got = client.call("BatchGetSecretValue", &json!({"SecretIdList": ["app/db", "x"]}));
    assert_eq!(got["Errors"][0]["ErrorCode"], "ResourceNotFoundException");
    let deleted = client.call("DeleteSecret", &json!({"SecretId": "app/db"}));
    assert!(deleted["DeletionDate"].is_f64());
    let password = client.call("GetRandomPassword", &json!({"PasswordLength": 20}));
    assert_eq!(password["RandomPassword"].as_str().unwrap().len(), 20);
}

/// A request without a member gets as far as what checks members, whatever the operation.
#[test]
fn every_operation_is_there() {
    let client = Client::new();
    for entry in operations::ALL {
        let Heard { status, body, .. } = client.raw(entry.name, "{}");
        let body: Json = serde_json::from_str(&body).unwrap();
        let code = body["__type"].as_str().unwrap_or_default();
        let has_required = entry.input.members().iter().any(|member| member.required);
        if has_required {
            assert_eq!((status, code), (400, "ValidationException"), "{}: {body}", entry.name);
            assert!(body["message"].as_str().unwrap().contains("Member must not be null"));
        } else {
            assert!(status == 200 || code == "InvalidParameterException", "{}: {body}", entry.name);
        }
    }
}

/// The names of the text: the framework's is in lower case, the service's is not.
#[test]
fn faults_have_the_key_of_who_found_them() {
    let client = Client::new();
    let create = json!({"Name": "db", "ClientRequestToken": token(1)});
    client.call("CreateSecret", &create);
    for (operation, request, expected) in [
        (
            "CreateSecret",
            json!({"Name": "db", "ClientRequestToken": token(2)}),
            json!({
                "__type": "ResourceExistsException",
                "Message": "The operation failed because the secret db already exists.",
            }),
        ),
        (
            "CreateSecret",
            json!({"Name": "other"}),
            json!({
                "__type": "InvalidRequestException",
                "message": "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
            }),
        ),
        (
            "RotateSecret",
            json!({"SecretId": "db"}),
            json!({
                "__type": "InvalidParameterException",
                "Message": "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
            }),
        ),
        (
            "UntagResource",
            json!({"SecretId": "db", "TagKeys": [null]}),
            json!({
                "__type": "ValidationException",
                "message": "1 validation error detected: Value null at 'tagKeys.1.member' failed to satisfy constraint: Member must not be null",
            }),
        ),
        (
            "TagResource",
            json!({"SecretId": "db", "Tags": [{"Key": "a"}, null]}),
            json!({
                "__type": "ValidationException",
                "message": "1 validation error detected: Value null at 'tags.2.member' failed to satisfy constraint: Member must not be null",
            }),
        ),
    ] {
        let Heard { status, body, .. } = client.raw(operation, &request.to_string());
        assert_eq!((status, serde_json::from_str::<Json>(&body).unwrap()), (400, expected));
    }
}
