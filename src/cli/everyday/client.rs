//! Several of AWS's operations for one command: answered by the agent that holds the vault open, or by
//! the vault, which is opened once.

use super::super::agent::{Asked, Session, not_granted};
use super::super::chore::unlock_first;
use super::super::failure::Failure;
use super::super::unlock::CommandContext;
use super::super::{creation, elsewhere, peers};
use crate::agent::chores::Chore;
use crate::model::secret_value::SecretValue;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::caller::Caller;
use crate::service::dispatch;
use crate::service::elsewhere as regions;
use crate::service::operation::{Effect, Entry};
use crate::service::operations;
use crate::service::rules::paging::LIMIT;
use crate::sys::entropy::{self, SystemEntropy};
use crate::sys::secret::Secret;
use crate::vault::Vault;

/// Who answers, found out once.
pub(crate) struct Client<'a> {
    context: &'a CommandContext<'a>,
    session: Option<Session>,
    opened: Option<Vault>,
}

impl<'a> Client<'a> {
    /// Finds out who answers; nothing is opened yet.
    pub(crate) fn new(context: &'a CommandContext<'a>) -> Result<Self, Failure> {
        context.check_region()?;
        let session = match Session::granted(context.environment)? {
            Some(granted) => Some(granted),
            None => Session::find(context),
        };
        Ok(Self { context, session, opened: None })
    }

    /// Has an agent answer.
    pub(crate) fn asking(
        context: &'a CommandContext<'a>,
        session: Session,
    ) -> Result<Self, Failure> {
        context.check_region()?;
        Ok(Self { context, session: Some(session), opened: None })
    }

    /// Carries an operation out. A request that makes a version gets a token of its own.
    pub(crate) fn call(
        &mut self,
        action: Action,
        members: Vec<(&str, Value)>,
    ) -> Result<Value, Failure> {
        self.carry_out(action, members, None)
    }

    /// Lists everything in one answer, however few a page of AWS's has: all of it is of one moment, and
    /// one look through the vault. (A page each would be one look each.)
    pub(crate) fn whole(
        &mut self,
        action: Action,
        members: Vec<(&str, Value)>,
    ) -> Result<Value, Failure> {
        self.carry_out(action, members, Some(i64::MAX))
    }

    fn carry_out(
        &mut self,
        action: Action,
        members: Vec<(&str, Value)>,
        most: Option<i64>,
    ) -> Result<Value, Failure> {
        let entry = entry_of(action)?;
        let failed = |failure| Failure::of_operation(entry.name, failure);
        let mut request: Vec<(String, Value)> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let takes_token =
            entry.input.members().iter().any(|member| member.name == "ClientRequestToken");
        if takes_token && !request.iter().any(|(name, _)| name == "ClientRequestToken") {
            let token = entropy::random_uuid(&SystemEntropy);
            let token =
                token.map_err(|none| Failure::environment("NoEntropy", none.to_string()))?;
            request.push(("ClientRequestToken".to_owned(), Value::Text(token)));
        }
        let mut request = Value::Map(request);
        dispatch::admit(entry, &request).map_err(failed)?;
        if let (Some(most), Value::Map(members)) = (most, &mut request) {
            // More than the service lets through.
            members.push((LIMIT.to_owned(), Value::Integer(most)));
        }
        if entry.effect == Effect::Nothing {
            return dispatch::answer(entry, request, &SystemEntropy).map_err(failed);
        }
        let id = match request.get("SecretId") {
            Some(Value::Text(id)) => Some(id.clone()),
            Some(_) | None => None,
        };
        let answer = self.answer(entry, request);
        if entry.effect == Effect::Writes && answer.is_ok() {
            peers::tell_peers(&mut self.opened, self.session.as_ref(), self.context);
        }
        match (answer, id) {
            (Err(failure), Some(id)) => Err(self.hinted(failure, &id)),
            (answer, _) => answer,
        }
    }

    fn answer(&mut self, entry: &'static Entry, request: Value) -> Result<Value, Failure> {
        let region = self.context.region();
        if let Some(session) = &self.session {
            match session.call(entry, &request, region, None)? {
                Asked::Answered(answer) => return Ok(answer),
                Asked::Gone => self.session = None,
            }
        }
        let context = self.context;
        let is_first = creation::is_first(entry, context);
        let vault =
            if is_first { self.opened.insert(creation::make(context)?) } else { self.vault()? };
        let call =
            dispatch::Call { entry, request, region, caller: &Caller::Owner, boundaries: None };
        dispatch::dispatch(vault, call, context.request_context())
            .map_err(|failure| Failure::of_operation(entry.name, failure))
    }

    /// Has a chore done, which is about a secret or the vault.
    pub(crate) fn chore(
        &mut self,
        chore: impl Fn() -> Chore,
        name: &'static str,
        about: Option<&str>,
    ) -> Result<Value, Failure> {
        let answer = self.done(chore, name);
        if answer.is_ok() {
            peers::tell_peers(&mut self.opened, self.session.as_ref(), self.context);
        }
        match (answer, about) {
            (Err(failure), Some(id)) => Err(self.hinted(failure, id)),
            (answer, _) => answer,
        }
    }

    fn done(&mut self, chore: impl Fn() -> Chore, name: &'static str) -> Result<Value, Failure> {
        if self.is_granted() {
            return Err(not_granted());
        }
        if let Some(session) = &self.session {
            match session.chore(chore(), name)? {
                Asked::Answered(answer) => return Ok(answer),
                Asked::Gone => self.session = None,
            }
        }
        let context = self.context;
        let done = chore().run(self.vault()?, context.request_context());
        done.map_err(|failure| Failure::of_operation(name, failure))
    }

    /// Returns what is granted of the vault, where the agent holds it open.
    pub(crate) fn grants(&self) -> Option<Value> {
        self.session.as_ref().filter(|session| !session.is_granted())?.grants().ok()
    }

    /// Returns what a secret is called now that had this name in the region that is asked for.
    pub(crate) fn renamed(&mut self, name: &str) -> Option<String> {
        let context = self.context;
        let found = match (&mut self.opened, &self.session) {
            (Some(vault), _) => regions::find(vault, name, context.request_context()).ok(),
            (None, session) => session.as_ref()?.elsewhere(name),
        }?;
        let here = context.region().unwrap_or(&found.home);
        let now = found.renamed.iter().find(|(region, _)| region == here);
        now.map(|(_, now)| now.clone())
    }

    /// Returns the region that is asked for, if it is not the vault's home.
    pub(crate) fn region(&self) -> Option<String> {
        self.context.region().map(str::to_owned)
    }

    /// Whether this process may do no more than what was granted to it.
    pub(crate) fn is_granted(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_granted)
    }

    fn vault(&mut self) -> Result<&mut Vault, Failure> {
        let context = self.context;
        match &mut self.opened {
            Some(vault) => Ok(vault),
            none => {
                let vault = context.unlock();
                Ok(none.insert(vault.map_err(|failure| unlock_first(failure, context))?))
            }
        }
    }

    /// Says where the secret is that was not found.
    fn hinted(&mut self, failure: Failure, id: &str) -> Failure {
        let (context, session) = (self.context, self.session.as_ref());
        let opened = &mut self.opened;
        elsewhere::hinted(failure, id, context, |name| match (opened, session) {
            (Some(vault), _) => regions::find(vault, name, context.request_context()).ok(),
            (None, session) => session?.elsewhere(name),
        })
    }
}

/// A member of a request that is a text.
pub(crate) fn text<'m>(name: &'m str, text: &str) -> (&'m str, Value) {
    (name, Value::Text(text.to_owned()))
}

/// Takes the value of a version, and its id, out of an answer that has them.
pub(crate) fn value_of(answer: &Value) -> Result<(SecretValue, String), Failure> {
    let value = match (answer.get("SecretString"), answer.get("SecretBinary")) {
        (Some(Value::Text(text)), _) => SecretValue::Text(Secret::new(text.clone())),
        (_, Some(Value::Bytes(bytes))) => SecretValue::Binary(Secret::new(bytes.clone())),
        (_, _) => return Err(Failure::environment("FieldError", "the secret has no value")),
    };
    let id = match answer.get("VersionId") {
        Some(Value::Text(id)) => id.clone(),
        Some(_) | None => String::new(),
    };
    Ok((value, id))
}

/// Finds the operation of an action.
fn entry_of(action: Action) -> Result<&'static Entry, Failure> {
    let found = operations::ALL.iter().find(|entry| entry.action == action);
    found.ok_or_else(|| Failure::environment("InternalError", "there is no such operation"))
}
