//! What a caller is told whose request was not carried out.

use serde_json::{Value as Json, json};

use crate::service::failure::Failure;
use crate::service::fault::{Cause, Code, Fault};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    /// Refuses somebody who may not ask.
    pub(crate) fn denied(what: &str) -> Self {
        Self { code: "AccessDeniedException".to_owned(), message: what.to_owned() }
    }

    /// Refuses a request that does not fit its operation's shape.
    pub(crate) fn invalid(what: String) -> Self {
        Self { code: "ValidationException".to_owned(), message: what }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => {
                Self { code: fault.code.as_str().to_owned(), message: fault.message }
            }
            Failure::Vault(error) => {
                Self { code: "InternalServiceError".to_owned(), message: error.to_string() }
            }
        }
    }
}

/// A failure of the vault, in words: what another process of this program prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explained {
    /// The stable name of its kind.
    pub(crate) name: String,
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
    pub(crate) exit_code: u8,
}

impl Explained {
    pub(crate) fn to_json(&self) -> Json {
        let Self { name, message, hint, exit_code } = self;
        json!({ "name": name, "message": message, "hint": hint, "exit": exit_code })
    }

    pub(crate) fn from_json(json: &Json) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        let exit_code = u8::try_from(json.get("exit")?.as_u64()?).ok()?;
        Some(Self { name: text("name")?, message: text("message")?, hint: text("hint"), exit_code })
    }
}

/// Writes a fault so that another process of this program has all of it.
pub(crate) fn fault_to_json(fault: &Fault) -> Json {
    let Fault { code, message, cause, hint } = fault;
    json!({ "code": code.as_str(), "message": message, "cause": cause.name(), "hint": hint })
}

/// Reads what [`fault_to_json`] wrote.
pub(crate) fn fault_from_json(json: &Json) -> Option<Fault> {
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    let fault = Fault::new(Code::named(text("code")?)?, text("message")?);
    let hint = text("hint").map(str::to_owned);
    Some(Fault { cause: Cause::named(text("cause")?)?, hint, ..fault })
}
