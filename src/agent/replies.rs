//! What is answered at the agent's socket.

use serde_json::{Map, Value as Json, json};

use crate::gateway::refusal::{Explained, fault_from_json, fault_to_json};
use crate::service::fault::Fault;
use crate::sys::secret::Secret;
use crate::upkeep::notices::Notice;

/// Why the agent did not do what was asked.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The service refuses.
    Fault(Fault),
    /// The vault failed.
    Vault(Explained),
    /// It does not have this vault, or not any more, and why.
    Locked(String),
    /// It is of another version.
    Version(String),
    /// It cannot listen where it was to, and why.
    Unheard(String),
    /// It did not understand.
    Malformed(String),
}

/// What the agent answers: the outcome, and what a person should know besides.
pub(crate) struct Reply {
    pub(crate) outcome: Result<Json, Refused>,
    pub(crate) notices: Vec<Notice>,
}

impl Reply {
    /// Writes it.
    pub(crate) fn write(&self) -> Secret<Vec<u8>> {
        let mut members = Map::new();
        match &self.outcome {
            Ok(answer) => members.insert("ok".to_owned(), answer.clone()),
            Err(refused) => members.insert("refused".to_owned(), refused.to_json()),
        };
        if !self.notices.is_empty() {
            let notices = self.notices.iter().map(|notice| notice.to_string().into());
            members.insert("notices".to_owned(), Json::Array(notices.collect()));
        }
        Secret::new(Json::Object(members).to_string().into_bytes())
    }

    /// Reads it; `None` if that is no reply.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let mut json: Json = serde_json::from_slice(message).ok()?;
        let notices = json.get("notices").and_then(Json::as_array).cloned().unwrap_or_default();
        let notices = notices.iter().filter_map(|notice| Notice::parse(notice.as_str()?)).collect();
        let outcome = match (json.get_mut("ok").map(Json::take), json.get("refused")) {
            (Some(answer), None) => Ok(answer),
            (None, Some(refused)) => Err(Refused::from_json(refused)?),
            _ => return None,
        };
        Some(Self { outcome, notices })
    }
}

impl Refused {
    fn to_json(&self) -> Json {
        match self {
            Self::Fault(fault) => json!({ "kind": "fault", "fault": fault_to_json(fault) }),
            Self::Vault(explained) => json!({ "kind": "vault", "vault": explained.to_json() }),
            Self::Locked(why) => json!({ "kind": "locked", "message": why }),
            Self::Version(version) => json!({ "kind": "version", "version": version }),
            Self::Unheard(why) => json!({ "kind": "unheard", "message": why }),
            Self::Malformed(what) => json!({ "kind": "malformed", "message": what }),
        }
    }

    fn from_json(json: &Json) -> Option<Self> {
        let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        Some(match text("kind")?.as_str() {
            "fault" => Self::Fault(fault_from_json(json.get("fault")?)?),
            "vault" => Self::Vault(Explained::from_json(json.get("vault")?)?),
            "locked" => Self::Locked(text("message")?),
            "version" => Self::Version(text("version")?),
            "unheard" => Self::Unheard(text("message")?),
            "malformed" => Self::Malformed(text("message")?),
            _ => return None,
        })
    }
}
