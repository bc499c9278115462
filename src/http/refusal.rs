//! What a client is told whose request is not carried out, in each of the protocols.

use serde_json::json;

use super::answer::{Answer, Kind};
use super::back::Trouble;
use super::sigv4::refusal::{self, Dialect};
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};

/// A refusal in AWS's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    text: Option<String>,
    /// The name under which JSON has the text.
    key: &'static str,
    /// What a person can do to learn more.
    hint: Option<String>,
    /// Whether the connection ends with it.
    is_last: bool,
}

impl Refusal {
    /// There is no such operation. AWS has no text for it.
    pub(super) const UNKNOWN_OPERATION: Self = Self {
        status: 400,
        code: "UnknownOperationException",
        text: None,
        key: FRAMEWORK,
        hint: None,
        is_last: false,
    };

    /// The request is no JSON, or of no shape that it could have.
    pub(super) fn serialization(text: Option<String>) -> Self {
        let code = "SerializationException";
        Self { status: 400, code, text, key: MODELLED, hint: None, is_last: false }
    }

    /// The signature is refused. As in AWS, the connection ends with that.
    pub(super) fn of_signature(refusal: &refusal::Refusal, dialect: Dialect) -> Self {
        let refusal::Answer { status, code, message } = refusal.answer(dialect);
        Self { status, code, text: Some(message), key: FRAMEWORK, hint: None, is_last: true }
    }

    /// Something else than the one thing that the service does.
    pub(super) fn invalid_action(text: String) -> Self {
        let (status, code) = (400, "InvalidAction");
        Self { status, code, text: Some(text), key: FRAMEWORK, hint: None, is_last: false }
    }

    /// What went wrong is nobody's business outside of the process.
    fn internal() -> Self {
        let (status, code) = (500, "InternalFailure");
        Self { status, code, text: None, key: FRAMEWORK, hint: None, is_last: false }
    }

    /// In JSON of version 1.1.
    pub(super) fn to_json(&self) -> Answer {
        let body = match &self.text {
            Some(text) => json!({ "__type": self.code, self.key: text }),
            None => json!({ "__type": self.code }),
        };
        let answer = Answer::new(self.status, Kind::AwsJson, body.to_string());
        self.ending(answer.hinting(self.hint.clone()))
    }

    /// In the query protocol's XML, about the request of an id.
    pub(super) fn to_xml(&self, id: &str) -> Answer {
        let kind = if self.status < 500 { "Sender" } else { "Receiver" };
        let text = escaped(self.text.as_deref().unwrap_or_default());
        let body = format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{kind}</Type><Code>{}</Code>\
             <Message>{text}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
            self.code
        );
        self.ending(Answer::new(self.status, Kind::Xml, body))
    }

    /// As AWS's agent hands it on.
    pub(super) fn to_local(&self) -> Answer {
        let code = json!(self.code);
        let body = match &self.text {
            Some(text) => format!("{{\"__type\":{code}, \"message\":{}}}", json!(text)),
            None => format!("{{\"__type\":{code}}}"),
        };
        Answer::new(self.status, Kind::Untold, body).hinting(self.hint.clone())
    }

    fn ending(&self, answer: Answer) -> Answer {
        if self.is_last { answer.last() } else { answer }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        // The framework checks some things before the service does, and has another name for the text.
        let is_of_framework = matches!(fault.code, Code::Validation | Code::AccessDenied)
            || fault == Fault::no_token();
        let key = if is_of_framework { FRAMEWORK } else { MODELLED };
        let status = if fault.code == Code::InternalService { 500 } else { 400 };
        let Fault { code, message, hint, .. } = fault;
        Self { status, code: code.as_str(), text: Some(message), key, hint, is_last: false }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => fault.into(),
            Failure::Vault(_) => Self::internal(),
        }
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Failed(failure) => failure.into(),
            Trouble::Gone(text) => Self {
                status: 503,
                code: "ServiceUnavailable",
                text: Some(text.to_owned()),
                key: FRAMEWORK,
                hint: None,
                is_last: true,
            },
        }
    }
}

/// Writes a text between two marks of XML.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            // XML has no way to say these.
            _ if letter.is_control() => out.push('\u{fffd}'),
            _ => out.push(letter),
        }
    }
    out
}

pub(super) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

const FRAMEWORK: &str = "message";
const MODELLED: &str = "Message";
