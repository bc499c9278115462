//! What goes over a socket: one line of JSON each way, in AWS's names.
//!
//! `{"v":1,"token":…,"op":"GetSecretValue","params":{…}}`, and back `{"ok":true,"result":{…}}` or
//! `{"ok":false,"error":{"Code":…,"Message":…}}`.

use serde_json::{Value as Json, json};

use super::json::{from_json, to_json};
use super::refusal::Refusal;
use crate::model::shape::Shape;
use crate::model::value::Value;

/// A request as it came in. Has no `Debug`: it may hold a secret.
pub(crate) struct Request {
    /// Who asks.
    pub(crate) token: String,
    /// AWS's name of the operation.
    pub(crate) operation: String,
    /// Its members.
    pub(crate) parameters: Json,
}

/// Reads a request. The error says what is wrong with it.
pub(crate) fn request(line: &[u8]) -> Result<Request, String> {
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

pub(crate) fn ask(token: &str, operation: &str, parameters: &Value) -> Vec<u8> {
    let parameters = to_json(parameters);
    line(&json!({ "v": 1, "token": token, "op": operation, "params": parameters }))
}

pub(crate) fn answer(answer: &Result<Value, Refusal>) -> Vec<u8> {
    line(&match answer {
        Ok(result) => json!({ "ok": true, "result": to_json(result) }),
        Err(Refusal { code, message }) => {
            json!({ "ok": false, "error": { "Code": code, "Message": message } })
        }
    })
}

/// Reads an answer of this shape; `None` if it does not fit.
pub(crate) fn answered(line: &[u8], shape: &Shape) -> Option<Result<Value, Refusal>> {
    let json: Json = serde_json::from_slice(line).ok()?;
    if json.get("ok")?.as_bool()? {
        return from_json(shape, json.get("result")?).ok().map(Ok);
    }
    let error = json.get("error")?;
    let text = |name: &str| error.get(name)?.as_str().map(str::to_owned);
    Some(Err(Refusal { code: text("Code")?, message: text("Message")? }))
}

fn line(json: &Json) -> Vec<u8> {
    json.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::service::operations;

    #[test]
    fn answers_come_back_as_they_were() {
        let shape = operations::find("get-secret-value").unwrap().output;
        for ms in [0, 1, 1_700_000_000_123, 1_700_000_000_000, -1, -1_500, 4_102_444_800_999] {
            let value = Value::Map(vec![
                ("Name".to_owned(), Value::Text("é\n\"".to_owned())),
                ("CreatedDate".to_owned(), Value::Timestamp(Timestamp(ms))),
            ]);
            let line = answer(&Ok(value));
            assert!(line.ends_with(b"}}"));
            let json: Json = serde_json::from_slice(&line).unwrap();
            let date = from_json(&Shape::Timestamp, &json["result"]["CreatedDate"]).unwrap();
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
