//! Values as AWS's JSON has them: dates are seconds since 1970, bytes are base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value as Json, json};

use crate::model::shape::{Member, Shape};
use crate::model::time::Timestamp;
use crate::model::value::Value;

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

/// Writes a value of no declared shape so that [`untagged`] finds it as it was: what JSON does not have
/// is an object of one member that names its kind.
pub(crate) fn tagged(value: &Value) -> Json {
    match value {
        Value::Bytes(bytes) => json!({ "bytes": STANDARD.encode(bytes) }),
        Value::Timestamp(Timestamp(ms)) => json!({ "time": ms }),
        Value::List(elements) => Json::Array(elements.iter().map(tagged).collect()),
        Value::Map(members) => {
            let members = members.iter().map(|(name, v)| (name.clone(), tagged(v)));
            json!({ "map": Json::Object(members.collect()) })
        }
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => {
            to_json(value)
        }
    }
}

/// Reads what [`tagged`] wrote; `None` if that is something else.
pub(crate) fn untagged(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(is_true) => Value::Boolean(*is_true),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Integer(number),
            None => Value::Float(number.as_f64()?),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(elements) => Value::List(elements.iter().map(untagged).collect::<Option<_>>()?),
        Json::Object(members) => match members.iter().next()? {
            (kind, Json::String(text)) if kind == "bytes" => {
                Value::Bytes(STANDARD.decode(text).ok()?)
            }
            (kind, Json::Number(ms)) if kind == "time" => Value::Timestamp(Timestamp(ms.as_i64()?)),
            (kind, Json::Object(members)) if kind == "map" => {
                let member = |(name, json): (&String, &Json)| Some((name.clone(), untagged(json)?));
                Value::Map(members.iter().map(member).collect::<Option<_>>()?)
            }
            _ => return None,
        },
    })
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
        // Only a member may be left out.
        (Shape::List(_), Json::Array(elements)) if elements.iter().any(Json::is_null) => {
            Err(wrong("a list without null"))
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
    fn values_of_no_shape_come_back_as_they_were() {
        let member = |name: &str, value| (name.to_owned(), value);
        let value = Value::Map(vec![
            member("b", Value::Timestamp(Timestamp(-1_500))),
            member("a", Value::List(vec![Value::Null, Value::Boolean(true), Value::Integer(7)])),
            member("time", Value::Bytes(vec![0, 255])),
            member("map", Value::Map(Vec::new())),
            member("f", Value::Float(0.5)),
        ]);
        let text = tagged(&value).to_string();
        let json: Json = serde_json::from_str(&text).unwrap();
        assert!(untagged(&json) == Some(value), "{text}");
        assert!(untagged(&json!({ "time": "x" })).is_none() && untagged(&json!({})).is_none());
    }

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
            (
                r#"{"SecretId":"a","VersionStages":[null]}"#,
                Err("VersionStages must be a list without null"),
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
}
