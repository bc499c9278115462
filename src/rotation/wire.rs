//! What goes over a rotation's socket: one line of JSON each way, in AWS's names.
//!
//! `{"v":1,"token":…,"op":"GetSecretValue","params":{…}}`, and back `{"ok":true,"result":{…}}` or
//! `{"ok":false,"error":{"Code":…,"Message":…}}`. Dates are seconds since 1970, bytes are base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value as Json, json};

use crate::model::shape::{Member, Shape};
use crate::model::time::Timestamp;
use crate::model::value::Value;

/// A request as it came in. Has no `Debug`: it may hold a secret.
pub(super) struct Request {
    /// Who asks.
    pub(super) token: String,
    /// AWS's name of the operation.
    pub(super) operation: String,
    /// Its members.
    pub(super) parameters: Json,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The code.
    pub(crate) code: String,
    /// The message.
    pub(crate) message: String,
}

/// Reads a request. The error says what is wrong with it.
pub(super) fn request(line: &[u8]) -> Result<Request, String> {
    let json: Json = serde_json::from_slice(line).map_err(|_not_json| "the request is not JSON")?;
    if json.get("v") != Some(&json!(1)) {
        return Err("the request is not of version 1".to_owned());
    }
    let text = |name: &str| {
        let text = json.get(name).and_then(Json::as_str).map(str::to_owned);
        text.ok_or_else(|| format!("the request has no {name}"))
    };
    let parameters = json.get("params").cloned().unwrap_or_else(|| json!({}));
    Ok(Request { token: text("token")?, operation: text("op")?, parameters })
}

/// Writes a request.
pub(super) fn ask(token: &str, operation: &str, parameters: &Value) -> Vec<u8> {
    let parameters = to_json(parameters);
    line(&json!({ "v": 1, "token": token, "op": operation, "params": parameters }))
}

/// Writes an answer.
pub(super) fn answer(answer: &Result<Value, Refusal>) -> Vec<u8> {
    line(&match answer {
        Ok(result) => json!({ "ok": true, "result": to_json(result) }),
        Err(Refusal { code, message }) => {
            json!({ "ok": false, "error": { "Code": code, "Message": message } })
        }
    })
}

/// Reads an answer of a shape. `None` if it is none.
pub(super) fn answered(line: &[u8], shape: &Shape) -> Option<Result<Value, Refusal>> {
    let json: Json = serde_json::from_slice(line).ok()?;
    if json.get("ok")?.as_bool()? {
        return from_json(shape, json.get("result")?).ok().map(Ok);
    }
    let error = json.get("error")?;
    let text = |name: &str| error.get(name)?.as_str().map(str::to_owned);
    Some(Err(Refusal { code: text("Code")?, message: text("Message")? }))
}

fn line(json: &Json) -> Vec<u8> {
    let mut line = json.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Writes a value as AWS's JSON does.
pub(crate) fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(is_true) => Json::Bool(*is_true),
        Value::Integer(number) => json!(number),
        Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::Text(text) => Json::String(text.clone()),
        Value::Bytes(bytes) => Json::String(STANDARD.encode(bytes)),
        Value::Timestamp(time) => seconds(*time),
        Value::List(elements) => Json::Array(elements.iter().map(to_json).collect()),
        Value::Map(members) => {
            Json::Object(members.iter().map(|(name, v)| (name.clone(), to_json(v))).collect())
        }
    }
}

/// Reads a value of a shape, as AWS's JSON has it. The error names the member.
pub(crate) fn from_json(shape: &Shape, json: &Json) -> Result<Value, String> {
    read(shape, json, "")
}

fn read(shape: &Shape, json: &Json, path: &str) -> Result<Value, String> {
    let wrong = |wanted: &str| format!("{path} must be {wanted}");
    match (shape, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Shape::Structure(members), Json::Object(given)) => structure(members, given, path),
        (Shape::Structure(_) | Shape::Map(_), _) if !json.is_object() => Err(wrong("an object")),
        (Shape::Map(element), Json::Object(given)) => {
            let read = |(name, json)| Ok((String::clone(name), read(element, json, name)?));
            given.iter().map(read).collect::<Result<_, String>>().map(Value::Map)
        }
        (Shape::List(list), Json::Array(elements)) => {
            let read = |json| read(list.element, json, path);
            elements.iter().map(read).collect::<Result<_, String>>().map(Value::List)
        }
        (Shape::List(_), _) => Err(wrong("a list")),
        (Shape::Text(_), Json::String(text)) => Ok(Value::Text(text.clone())),
        (Shape::Text(_), _) => Err(wrong("text")),
        (Shape::Integer(_), _) => {
            json.as_i64().map(Value::Integer).ok_or_else(|| wrong("a number"))
        }
        (Shape::Boolean, _) => json.as_bool().map(Value::Boolean).ok_or_else(|| wrong("a boolean")),
        (Shape::Blob(_), _) => {
            let bytes = json.as_str().and_then(|text| STANDARD.decode(text).ok());
            bytes.map(Value::Bytes).ok_or_else(|| wrong("base64"))
        }
        (Shape::Timestamp, _) => {
            let number = json.as_number().map(ToString::to_string);
            let time = number.and_then(|number| milliseconds(&number));
            time.map(|ms| Value::Timestamp(Timestamp(ms))).ok_or_else(|| wrong("a number"))
        }
        (Shape::Structure(_) | Shape::Map(_), _) => Err(wrong("an object")),
    }
}

fn structure(members: &[Member], given: &Map<String, Json>, path: &str) -> Result<Value, String> {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let unknown = given.keys().find(|name| !members.iter().any(|member| member.name == **name));
    if let Some(unknown) = unknown {
        return Err(format!("there is no member {}", below(unknown)));
    }
    let mut out = Vec::new();
    for member in members {
        match given.get(member.name) {
            Some(Json::Null) | None if member.required => {
                return Err(format!("{} is required", below(member.name)));
            }
            Some(Json::Null) | None => {}
            Some(json) => {
                let value = read(member.shape, json, &below(member.name))?;
                out.push((member.name.to_owned(), value));
            }
        }
    }
    Ok(Value::Map(out))
}

/// Seconds with three decimals. A number in binary holds those of any date that is near.
fn seconds(Timestamp(ms): Timestamp) -> Json {
    let text = format!(
        "{}{}.{:03}",
        if ms < 0 { "-" } else { "" },
        ms.unsigned_abs() / 1000,
        ms.unsigned_abs() % 1000
    );
    text.parse::<f64>().ok().and_then(Number::from_f64).map_or(Json::Null, Json::Number)
}

fn milliseconds(number: &str) -> Option<i64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let is_negative = whole.starts_with('-');
    let whole: i64 = whole.parse().ok()?;
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    let part: i64 = digits.parse().ok()?;
    whole.checked_mul(1000)?.checked_add(if is_negative { part.checked_neg()? } else { part })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::operations;

    #[test]
    fn requests_are_read_by_their_shape() {
        let put = operations::find("put-secret-value").unwrap().input;
        for (text, expected) in [
            (
                r#"{"SecretId":"a","SecretBinary":"AAE="}"#,
                Ok(r#"{"SecretId":"a","SecretBinary":"AAE="}"#),
            ),
            (
                r#"{"SecretId":"a","VersionStages":["x"]}"#,
                Ok(r#"{"SecretId":"a","VersionStages":["x"]}"#),
            ),
            (r#"{"SecretId":"a","SecretString":null}"#, Ok(r#"{"SecretId":"a"}"#)),
            (r#"{"SecretString":"a"}"#, Err("SecretId is required")),
            (r#"{"SecretId":1}"#, Err("SecretId must be text")),
            (r#"{"SecretId":"a","VersionStages":"x"}"#, Err("VersionStages must be a list")),
            (r#"{"SecretId":"a","SecretBinary":"?"}"#, Err("SecretBinary must be base64")),
            (r#"{"SecretId":"a","Secret":"?"}"#, Err("there is no member Secret")),
            ("[]", Err(" must be an object")),
        ] {
            let json: Json = serde_json::from_str(text).unwrap();
            let read = from_json(put, &json).map(|value| to_json(&value).to_string());
            assert_eq!(read.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn answers_come_back_as_they_were() {
        let shape = operations::find("get-secret-value").unwrap().output;
        for ms in [0, 1, 1_700_000_000_123, 1_700_000_000_000, -1, -1_500, 4_102_444_800_999] {
            let value = Value::Map(vec![
                ("Name".to_owned(), Value::Text("é\n\"".to_owned())),
                ("CreatedDate".to_owned(), Value::Timestamp(Timestamp(ms))),
            ]);
            let line = answer(&Ok(value));
            assert!(line.ends_with(b"}}\n"));
            let json: Json = serde_json::from_slice(&line).unwrap();
            let date = read(&Shape::Timestamp, &json["result"]["CreatedDate"], "").ok().unwrap();
            assert!(date == Value::Timestamp(Timestamp(ms)), "{ms}: {json}");
        }
        let refusal = Refusal { code: "C".to_owned(), message: "m".to_owned() };
        let line = answer(&Err(refusal.clone()));
        assert!(answered(&line, shape).unwrap() == Err(refusal));
        assert!(answered(b"{}", shape).is_none());
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for line in
            ["", "{", "[]", "null", r#"{"v":2,"token":"t","op":"x"}"#, r#"{"v":1,"op":"x"}"#]
        {
            assert!(request(line.as_bytes()).is_err(), "{line}");
        }
        let line = r#"{"v":1,"token":"t","op":"GetRandomPassword"}"#;
        let request = request(line.as_bytes()).unwrap();
        assert_eq!((request.token.as_str(), request.parameters), ("t", json!({})));
    }
}
