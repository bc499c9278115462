//! What a program is told of a step on stdin: the event of a Lambda function, or, in the one-shot
//! protocol, the values themselves; and what it answers there.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use crate::model::secret_value::SecretValue;
use crate::service::caller::Step;
use crate::service::jobs::KnownValues;
use crate::service::rotation::Job;
use crate::sys::secret::Secret;

/// Returns the event that AWS hands to a Lambda function.
pub(super) fn lambda(job: &Job, step: Step, token: &str) -> Secret<Vec<u8>> {
    let event = json!({
        "ClientRequestToken": job.token,
        "RotationToken": token,
        "SecretId": job.arn,
        "Step": step.name(),
    });
    Secret::new(event.to_string().into_bytes())
}

/// Returns what the one-shot protocol says.
pub(super) fn one_shot(job: &Job, step: Step, known: &KnownValues) -> Secret<Vec<u8>> {
    let value = |value: &Option<SecretValue>| value.as_ref().map_or(Json::Null, shown);
    let linked: Map<String, Json> =
        known.linked.iter().map(|(arn, value)| (arn.clone(), shown(value))).collect();
    let metadata: Vec<Json> =
        known.metadata.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    let event = json!({
        "version": 1,
        "step": step.name(),
        "secret": { "ARN": job.arn, "Name": job.name },
        "token": job.token,
        "current": value(&known.current),
        "previous": value(&known.previous),
        "pending": value(&known.pending),
        "linked": linked,
        "metadata": metadata,
    });
    Secret::new(event.to_string().into_bytes())
}

fn shown(value: &SecretValue) -> Json {
    match value {
        SecretValue::Text(text) => json!({ "SecretString": text.expose() }),
        SecretValue::Binary(bytes) => json!({ "SecretBinary": STANDARD.encode(bytes.expose()) }),
    }
}

/// Reads the new value out of what createSecret wrote.
pub(super) fn new_value(stdout: &[u8]) -> Result<SecretValue, &'static str> {
    let json: Json =
        serde_json::from_slice(stdout).map_err(|_not_json| "its stdout is not JSON")?;
    let members = json.as_object().ok_or("its stdout is not a JSON object")?;
    let mut members = members.iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else {
        return Err("its stdout must have SecretString or SecretBinary, and nothing else");
    };
    let text = value
        .as_str()
        .filter(|text| !text.is_empty())
        .ok_or("the value it wrote is empty, or no text")?;
    match name.as_str() {
        "SecretString" => Ok(SecretValue::Text(Secret::new(text.to_owned()))),
        "SecretBinary" => {
            let bytes =
                STANDARD.decode(text).map_err(|_not_base64| "its SecretBinary is not base64")?;
            Ok(SecretValue::Binary(Secret::new(bytes)))
        }
        _ => Err("its stdout must have SecretString or SecretBinary, and nothing else"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_value_is_one_of_two() {
        for (stdout, expected) in [
            (r#"{"SecretString":"new"}"#, Some("new")),
            ("{\"SecretBinary\":\"bmV3\"}\n", Some("new")),
            ("", None),
            ("{}", None),
            (r#"{"SecretString":""}"#, None),
            (r#"{"SecretString":7}"#, None),
            (r#"{"SecretBinary":"?"}"#, None),
            (r#"{"Secret":"new"}"#, None),
            (r#"{"SecretString":"a","SecretBinary":"bmV3"}"#, None),
        ] {
            let read = new_value(stdout.as_bytes()).ok();
            let read = read.as_ref().map(SecretValue::expose_bytes);
            assert_eq!(read, expected.map(str::as_bytes), "{stdout}");
        }
    }
}
