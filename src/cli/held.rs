//! What the agent says of the vault that a command is about.

use serde_json::Value as Json;

use super::handing::{good_token, other_version, place, times};
use super::terminal;
use super::unlock::CommandContext;
use crate::agent::client::Line;
use crate::agent::messages::{Ask, Refused};
use crate::agent::paths;
use crate::agent::place::Scope;
use crate::model::value::Value;

/// What the agent says of a vault that it holds open, whoever may use it.
pub(crate) struct Held {
    session: Json,
    scope: Option<Scope>,
}

impl Held {
    /// Finds out whether the agent holds the vault open. That is not using it.
    pub(crate) fn find(context: &CommandContext<'_>) -> Option<Self> {
        let place = place(context.environment)?;
        let vault = context.location().ok()?.path.canonicalize().ok()?;
        let reply = Line::connect_to_control(&place)?.ask(&Ask::Status).ok()?;
        let answer = match reply.outcome {
            Ok(answer) => answer,
            Err(Refused::Version(version)) => {
                terminal::note(&format!("note: {}", other_version(&version)));
                return None;
            }
            Err(_) => return None,
        };
        let is_it = |session: &&Json| {
            session.get("vault").and_then(Json::as_str) == Some(&paths::encoded(&vault))
        };
        let session = answer.get("sessions")?.as_array()?.iter().find(is_it)?.clone();
        Some(Self { session, scope: good_token(&place, &vault).map(|(_, scope)| scope) })
    }

    /// Whether this process may use it.
    pub(crate) fn is_for_us(&self) -> bool {
        self.scope.is_some()
    }

    /// Returns what a person is shown of it.
    pub(crate) fn shown(&self) -> Vec<(String, Value)> {
        let mut members = times(&self.session);
        let token = self.scope.map_or("in another login session", Scope::name);
        members.push(("Token".to_owned(), Value::Text(token.to_owned())));
        members
    }
}
