//! A request's members out of JSON, and what AWS's framework says where they are of another type.
//!
//! What it does not know it leaves out, and `null` is the same as absence. What is missing, too long or
//! too many is said by `service::constraints`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value as Json};

use crate::model::shape::{Blob, Shape};
use crate::model::time::Timestamp;
use crate::model::value::Value;

/// Reads a value of a shape. The error is AWS's text.
pub(super) fn read(shape: &Shape, json: Json) -> Result<Value, String> {
    member("", shape, json)
}

/// Reads the member of a name, or one of the elements of it.
fn member(name: &str, shape: &Shape, json: Json) -> Result<Value, String> {
    match (shape, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Shape::Structure(members), Json::Object(mut given)) => {
            let mut out = Vec::new();
            for known in *members {
                let json = given.remove(known.name).filter(|json| !json.is_null());
                if let Some(json) = json {
                    out.push((known.name.to_owned(), member(known.name, known.shape, json)?));
                }
            }
            Ok(Value::Map(out))
        }
        (Shape::Map(element), Json::Object(given)) => {
            let read = |(key, json)| Ok((key, member(name, element, json)?));
            given.into_iter().map(read).collect::<Result<_, String>>().map(Value::Map)
        }
        (Shape::List(list), Json::Array(elements)) => {
            let read = |json| member(name, list.element, json);
            elements.into_iter().map(read).collect::<Result<_, String>>().map(Value::List)
        }
        (_, Json::Array(_)) => Err("Start of list found where not expected".to_owned()),
        (_, Json::Object(_)) => {
            Err("Start of structure or map found where not expected.".to_owned())
        }
        (Shape::Structure(_), _) => Err("Expected null".to_owned()),
        (Shape::Map(_), _) => Err("Expected map or null".to_owned()),
        (Shape::List(_), _) => Err("Expected list or null".to_owned()),
        (Shape::Text(_), Json::String(text)) => Ok(Value::Text(text)),
        (Shape::Text(_), json) => Err(no_such(&json, "an String")),
        (Shape::Integer(_), Json::Number(number)) => Ok(Value::Integer(whole(&number))),
        (Shape::Integer(_), json) => {
            // Only the largest page is an `Integer` in the model; all other numbers are each a `Long`.
            let kind = if name == "MaxResults" { "an Integer" } else { "an Long" };
            Err(no_such(&json, kind))
        }
        (Shape::Boolean, Json::Bool(is_true)) => Ok(Value::Boolean(is_true)),
        (Shape::Boolean, Json::String(text)) => truth(&text),
        (Shape::Boolean, json) => Err(no_such(&json, "an Boolean")),
        (Shape::Blob(blob), Json::String(text)) => bytes(blob, &text),
        (Shape::Blob(_), json) => Err(no_such(&json, "a Blob")),
        (Shape::Timestamp, Json::Number(number)) => {
            let seconds = number.as_f64().unwrap_or_default();
            Ok(Value::Timestamp(Timestamp(truncated(seconds * 1000.0))))
        }
        (Shape::Timestamp, json) => Err(no_such(&json, "milliseconds since epoch")),
    }
}

/// Says that a value is of another type than was wanted, in the words of the service's language.
fn no_such(json: &Json, wanted: &str) -> String {
    let class = match json {
        Json::Bool(_) => "java.lang.Boolean",
        Json::Number(_) => "com.amazon.coral.value.json.numbers.TruncatingBigNumber",
        Json::Null | Json::String(_) | Json::Array(_) | Json::Object(_) => "java.lang.String",
    };
    format!("class {class} can not be converted to {wanted}")
}

/// Reads a number without its fraction, as the name of the service's class says.
fn whole(number: &Number) -> i64 {
    number.as_i64().unwrap_or_else(|| truncated(number.as_f64().unwrap_or_default()))
}

fn truncated(number: f64) -> i64 {
    let furthest = if number < 0.0 { i64::MIN } else { i64::MAX };
    format!("{:.0}", number.trunc()).parse().unwrap_or(furthest)
}

/// Reads a truth that is spelled as text, which the framework lets through.
fn truth(text: &str) -> Result<Value, String> {
    let text = text.to_uppercase();
    match text.as_str() {
        "TRUE" | "1" | "YES" => Ok(Value::Boolean(true)),
        "FALSE" | "0" | "NO" => Ok(Value::Boolean(false)),
        _ => Err(format!("'{text}' can not be converted to an Boolean")),
    }
}

/// Reads base64, in its one spelling.
fn bytes(blob: &Blob, text: &str) -> Result<Value, String> {
    if let Ok(bytes) = STANDARD.decode(text) {
        return Ok(Value::Bytes(bytes));
    }
    let length = text.chars().count();
    // The padding ends the text, and takes two of its letters at most.
    let core = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    let why = if !length.is_multiple_of(4) {
        format!("Base64 encoded length is expected a multiple of 4 bytes but found: {length}")
    } else if let Some(wrong) = core.chars().find(|c| !is_letter(*c)) {
        // Of a value that nobody may see, no letter is shown.
        let wrong = if blob.sensitive { '?' } else { wrong };
        format!("Invalid Base64 character: '{wrong}'")
    } else {
        "Invalid last non-pad Base64 character dectected".to_owned()
    };
    let shown = if blob.sensitive { "Value".to_owned() } else { format!("'{text}'") };
    Err(format!("{shown} can not be converted to a Blob: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::json::to_json;
    use crate::model::shape::Bounds;
    use crate::service::operations;

    fn check(command: &str, given: &str, expected: Result<&str, &str>) {
        let input = operations::find(command).unwrap().input;
        let read = read(input, serde_json::from_str(given).unwrap());
        let read = read.map(|value| to_json(&value).to_string());
        assert_eq!(read.as_deref().map_err(String::as_str), expected, "{given}");
    }

    #[test]
    fn members_are_read_by_their_shape() {
        for (command, given, expected) in [
            ("get-secret-value", r#"{"SecretId":"a","VersionId":null}"#, r#"{"SecretId":"a"}"#),
            ("get-secret-value", r#"{"secretId":"a","X":[{}]}"#, "{}"),
            ("put-secret-value", r#"{"SecretBinary":"AAE="}"#, r#"{"SecretBinary":"AAE="}"#),
            ("put-secret-value", r#"{"VersionStages":[null]}"#, r#"{"VersionStages":[null]}"#),
            ("list-secrets", r#"{"MaxResults":7.9}"#, r#"{"MaxResults":7}"#),
            ("list-secrets", r#"{"MaxResults":1e400}"#, r#"{"MaxResults":9223372036854775807}"#),
            ("list-secrets", r#"{"MaxResults":-1e30}"#, r#"{"MaxResults":-9223372036854775808}"#),
            (
                "list-secrets",
                r#"{"IncludePlannedDeletion":"Yes","Filters":[{"Key":"name","X":1}]}"#,
                r#"{"IncludePlannedDeletion":true,"Filters":[{"Key":"name"}]}"#,
            ),
        ] {
            if given.contains("1e400") {
                // JSON has no number that large.
                assert!(serde_json::from_str::<Json>(given).is_err());
                continue;
            }
            check(command, given, Ok(expected));
        }
    }

    #[test]
    fn other_types_are_refused_in_the_words_of_the_framework() {
        let number = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be \
                      converted to an String";
        for (command, given, expected) in [
            (
                "get-secret-value",
                r#"{"SecretId":true}"#,
                "class java.lang.Boolean can not be converted to an String",
            ),
            ("get-secret-value", r#"{"SecretId":1.5}"#, number),
            ("get-secret-value", r#"{"SecretId":["a"]}"#, "Start of list found where not expected"),
            (
                "get-secret-value",
                r#"{"SecretId":{}}"#,
                "Start of structure or map found where not expected.",
            ),
            (
                "list-secrets",
                r#"{"MaxResults":"7"}"#,
                "class java.lang.String can not be converted to an Integer",
            ),
            (
                "delete-secret",
                r#"{"RecoveryWindowInDays":"7"}"#,
                "class java.lang.String can not be converted to an Long",
            ),
            (
                "delete-secret",
                r#"{"RecoveryWindowInDays":false}"#,
                "class java.lang.Boolean can not be converted to an Long",
            ),
            (
                "delete-secret",
                r#"{"ForceDeleteWithoutRecovery":"23"}"#,
                "'23' can not be converted to an Boolean",
            ),
            ("put-secret-value", r#"{"VersionStages":"x"}"#, "Expected list or null"),
            ("put-secret-value", r#"{"VersionStages":[7]}"#, number),
            (
                "put-secret-value",
                r#"{"VersionStages":{}}"#,
                "Start of structure or map found where not expected.",
            ),
            ("rotate-secret", r#"{"RotationRules":"x"}"#, "Expected null"),
            ("rotate-secret", r#"{"RotationRules":[]}"#, "Start of list found where not expected"),
            (
                "put-secret-value",
                r#"{"SecretBinary":true}"#,
                "class java.lang.Boolean can not be converted to a Blob",
            ),
            (
                "put-secret-value",
                r#"{"SecretBinary":"23456"}"#,
                "Value can not be converted to a Blob: Base64 encoded length is expected a \
                 multiple of 4 bytes but found: 5",
            ),
        ] {
            check(command, given, Err(expected));
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        let blob = |sensitive| Blob { bounds: Bounds::NONE, sensitive };
        for (text, expected) in [
            (
                "23456",
                "'23456' can not be converted to a Blob: Base64 encoded length is expected a \
                 multiple of 4 bytes but found: 5",
            ),
            ("=+/=", "'=+/=' can not be converted to a Blob: Invalid Base64 character: '='"),
            (
                "+/+=",
                "'+/+=' can not be converted to a Blob: Invalid last non-pad Base64 character \
                 dectected",
            ),
            (
                "ab\ncde==",
                "'ab\ncde==' can not be converted to a Blob: Invalid Base64 character: '\n'",
            ),
        ] {
            assert_eq!(bytes(&blob(false), text).err().as_deref(), Some(expected));
            let shown = bytes(&blob(true), text).err().unwrap();
            assert!(!shown.contains(text) && shown.starts_with("Value can not be"), "{shown}");
        }
    }
}
