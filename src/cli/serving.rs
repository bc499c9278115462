//! An endpoint that the agent has for a command, and what is handed out for it.

use serde_json::Value as Json;

use super::failure::Failure;
use crate::agent::client::Line;
use crate::gateway::json::untagged;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::sys::secret::Secret;

/// AWS's endpoint for a vault: it ends when this is dropped, or with the vault's lock.
pub(crate) struct Serving {
    line: Line,
    /// Where clients find it.
    pub(crate) endpoint: String,
    /// The vault's home.
    pub(crate) region: String,
    pub(crate) account: String,
}

/// A grant that was handed out.
pub(crate) struct Handed {
    pub(crate) token: Secret<String>,
    /// What it is, as a person is shown it.
    pub(crate) grant: Value,
    pub(crate) key: Option<AccessKey>,
}

/// A key that is good as long as its grant.
pub(crate) struct AccessKey {
    pub(crate) id: String,
    /// The secret access key.
    pub(crate) secret: Secret<String>,
    pub(crate) session_token: Secret<String>,
    pub(crate) until: Timestamp,
}

impl Serving {
    /// Reads what the agent says of it, over the connection that it lasts as long as.
    pub(super) fn begun(line: Line, told: &Json) -> Option<Self> {
        let text = |name: &str| told.get(name).and_then(Json::as_str).map(str::to_owned);
        Some(Self {
            line,
            endpoint: text("endpoint")?,
            region: text("region")?,
            account: text("account")?,
        })
    }

    /// Waits until it ends.
    pub(crate) fn wait(&self) {
        self.line.wait_for_end();
    }

    /// Returns a way to end it, from another thread.
    pub(crate) fn ending(&self) -> Result<impl Fn() + Send + use<>, Failure> {
        let ending = self.line.ending();
        ending.map_err(|error| Failure::environment("AgentError", error.to_string()))
    }
}

impl Handed {
    /// Reads what the agent says of it.
    pub(super) fn read(answer: &Json) -> Option<Self> {
        let token = answer.get("token")?.as_str()?;
        let key = answer.get("key").filter(|key| !key.is_null());
        let key = match key {
            Some(key) => Some(AccessKey::read(key)?),
            None => None,
        };
        let grant = answer.get("grant").and_then(untagged)?;
        Some(Self { token: Secret::new(token.to_owned()), grant, key })
    }
}

impl AccessKey {
    fn read(json: &Json) -> Option<Self> {
        let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            id: text("id")?,
            secret: Secret::new(text("secret")?),
            session_token: Secret::new(text("token")?),
            until: Timestamp(json.get("until")?.as_i64()?),
        })
    }

    /// Returns it as STS does.
    pub(crate) fn shown(&self) -> Vec<(String, Value)> {
        let text = |text: &str| Value::Text(text.to_owned());
        [
            ("AccessKeyId", text(&self.id)),
            ("SecretAccessKey", text(self.secret.expose())),
            ("SessionToken", text(self.session_token.expose())),
            ("Expiration", Value::Timestamp(self.until)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
