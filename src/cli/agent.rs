//! The agent as commands use it: whether it holds the vault open that a command is about, and what it
//! answers.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde_json::Value as Json;

use super::environment::Environment;
use super::failure::{self, Failure};
use super::handing::{self, found, good_token, other_version, place};
use super::progress::Bar;
use super::serving::{Handed, Serving};
use super::terminal;
use super::unlock::{self, CommandContext};
use crate::agent::chores::Chore;
use crate::agent::client::{Line, Silence};
use crate::agent::long_work::Said;
use crate::agent::messages::{self, Ask, At, Check, Granting, Refused, Reply, Rotate, Rotated};
use crate::agent::place::Place;
use crate::gateway::json::{from_json, tagged, to_json, untagged};
use crate::gateway::refusal::Explained;
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::rotation::machine::Machine;
use crate::rotation::remote::{self, Explain};
use crate::service::elsewhere::Found;
use crate::service::failure::Failure as Refusal;
use crate::service::grants::GrantSpec;
use crate::service::operation::{Effect, Entry, Pages};
use crate::service::peers::task::Task;
use crate::service::rules::paging::{self, PageBoundaries};
use crate::sys::interrupts;
use crate::sys::secret::Secret;
use crate::vault::peers::Owed;

/// A vault that the agent holds open, and the right to use it.
pub(crate) struct Session {
    line: Line,
    token: Secret<String>,
    right: Right,
    /// What peers have to be told of what was done.
    owed: RefCell<BTreeSet<Owed>>,
}

/// With which right this process asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    Owner,
    /// It was granted a part of what the owner may do, and asks for nothing else.
    Granted,
}

/// What came of asking the agent.
pub(crate) enum Asked<T> {
    Answered(T),
    /// It does not have the vault open any more: the command goes on without it.
    Gone,
}

impl Session {
    /// Finds out whether the vault is open in the agent, for this process. A credential on the command
    /// line goes past the agent, and so does `--expect`.
    pub(crate) fn find(context: &CommandContext<'_>) -> Option<Self> {
        Self::find_by(Line::connect, context)
    }

    /// The same, to ask once for what must get through whoever else is being heard.
    pub(crate) fn find_for_control(context: &CommandContext<'_>) -> Option<Self> {
        Self::find_by(Line::connect_to_control, context)
    }

    fn find_by(connect: fn(&Place) -> Option<Line>, context: &CommandContext<'_>) -> Option<Self> {
        if context.offer().is_on_the_line() || context.globals.expect.is_some() {
            return None;
        }
        let place = place(context.environment)?;
        let line = connect(&place)?;
        let (token, _) = good_token(&place, &context.location().ok()?.path.canonicalize().ok()?)?;
        Some(Self { line, token, right: Right::Owner, owed: RefCell::default() })
    }

    /// Finds out whether another vault is open in the agent, for this process.
    pub(crate) fn of(vault: &Path, environment: &Environment) -> Option<Self> {
        let place = place(environment)?;
        let line = Line::connect(&place)?;
        let (token, _) = good_token(&place, &vault.canonicalize().ok()?)?;
        Some(Self { line, token, right: Right::Owner, owed: RefCell::default() })
    }

    /// Returns what peers have to be told of what was done since this was asked last.
    pub(crate) fn take_owed(&self) -> BTreeSet<Owed> {
        self.owed.take()
    }

    /// Has a part done of what two vaults do together.
    pub(crate) fn task(&self, task: Task) -> Result<Asked<Value>, Failure> {
        let is_repeatable = !task.changes();
        let task = tagged(&task.into_value());
        let ask = Ask::Peer { token: self.token(), task };
        let Asked::Answered(answer) = self.ask(&ask, "SyncReplica", is_repeatable)? else {
            return Ok(Asked::Gone);
        };
        untagged(&answer).map(Asked::Answered).ok_or_else(unintelligible)
    }

    /// Returns how to ask with a grant, where this process has one: it uses nothing else.
    pub(crate) fn granted(environment: &Environment) -> Result<Option<Self>, Failure> {
        let Some(token) = environment.text(GRANT) else { return Ok(None) };
        let place = match environment.path(GRANT_PLACE) {
            Some(own) => Place::find(Some(own)),
            None => place(environment),
        };
        let line = place.and_then(|place| Line::connect(&place));
        let line = line.ok_or_else(over)?;
        let token = Secret::new(token.to_owned());
        Ok(Some(Self { line, token, right: Right::Granted, owed: RefCell::default() }))
    }

    /// Returns another way to ask the same agent, which is at a place.
    pub(crate) fn another(&self, place: &Place) -> Option<Self> {
        Self::at(place, self.token())
    }

    /// Asks the agent at a place, with the token that it gave out.
    pub(crate) fn at(place: &Place, token: Secret<String>) -> Option<Self> {
        let line = Line::connect(place)?;
        Some(Self { line, token, right: Right::Owner, owed: RefCell::default() })
    }

    /// Whether this process asks with a grant.
    pub(crate) fn is_granted(&self) -> bool {
        self.right == Right::Granted
    }

    /// Has an operation carried out.
    pub(crate) fn call(
        &self,
        entry: &'static Entry,
        request: &Value,
        region: Option<&str>,
        boundaries: Option<&PageBoundaries>,
    ) -> Result<Asked<Value>, Failure> {
        let mut parameters = to_json(request);
        // The service has let the request through with a page's size.
        let most = match (entry.pages, &mut parameters) {
            (Pages::Gathered(_), Json::Object(members)) => members.shift_remove(paging::LIMIT),
            _ => None,
        };
        let ask = Ask::Call {
            token: self.token(),
            operation: entry.name.to_owned(),
            parameters,
            region: region.map(str::to_owned),
            pages: messages::Pages {
                most: most.and_then(|most| most.as_i64()),
                size: boundaries.map(PageBoundaries::size),
            },
        };
        let is_repeatable = entry.effect != Effect::Writes;
        let Asked::Answered(reply) = self.ask(&ask, entry.name, is_repeatable)? else {
            return Ok(Asked::Gone);
        };
        if let Some(boundaries) = boundaries {
            let tokens = reply.get("tokens").and_then(Json::as_array).cloned().unwrap_or_default();
            let text = |token: &Json| token.as_str().map(str::to_owned);
            boundaries.note(tokens.iter().filter_map(text).collect());
        }
        self.note_owed(&reply);
        let answer = reply.get("answer").and_then(|answer| from_json(entry.output, answer).ok());
        answer.map(Asked::Answered).ok_or_else(unintelligible)
    }

    /// Notes what peers have to be told of what was done.
    fn note_owed(&self, reply: &Json) {
        let owed = reply.get("owed").and_then(Json::as_array).into_iter().flatten();
        let text = |json: Option<&Json>| json.and_then(Json::as_str).map(str::to_owned);
        let owed = owed
            .filter_map(|owed| Some(Owed { account: text(owed.get(0))?, arn: text(owed.get(1))? }));
        self.owed.borrow_mut().extend(owed);
    }

    /// Has work of our own done.
    pub(crate) fn chore(&self, chore: Chore, name: &'static str) -> Result<Asked<Value>, Failure> {
        let is_repeatable = !chore.changes();
        let ask = Ask::Do { token: self.token(), chore };
        let Asked::Answered(reply) = self.ask(&ask, name, is_repeatable)? else {
            return Ok(Asked::Gone);
        };
        self.note_owed(&reply);
        let answer = reply.get("answer").and_then(untagged);
        answer.map(Asked::Answered).ok_or_else(unintelligible)
    }

    /// Has all of the vault, or of a copy of it, read and verified, and says at a terminal how far that is.
    /// Returns what was found as `upkeep::check` shows it.
    pub(crate) fn check(&self, copy: Option<&Path>) -> Result<Asked<Value>, Failure> {
        let copy = copy.map(Path::to_owned);
        let ask = Ask::Check(Check { token: self.token(), copy, tells: terminal::is_watched() });
        let mut bar = Bar::default();
        let mut hear = |said| match said {
            Said::Done { step, done, total } => bar.tell(&step, done, total),
            Said::Told(_) | Said::Shown(_) => {}
        };
        let reply = self.line.ask_hearing(&ask, &mut hear);
        terminal::finish();
        let Asked::Answered(answer) = self.outcome(reply, "Check", true)? else {
            return Ok(Asked::Gone);
        };
        untagged(&answer).map(Asked::Answered).ok_or_else(unintelligible)
    }

    /// Has the agent rotate something, and passes on what it says meanwhile, and signals of this process.
    pub(crate) fn rotate(
        &self,
        asked: Json,
        what: Rotated,
        machine: &Machine,
        words: (bool, &dyn Fn(&str)),
    ) -> Result<Asked<Json>, Failure> {
        let (shows, show) = words;
        let machine = remote::machine_to_json(machine);
        let ask = Ask::Rotate(Rotate { token: self.token(), asked, what, machine, shows });
        terminal::end_silence();
        let system = |error: io::Error| Failure::environment("RotationError", error.to_string());
        let stop = self.line.stopping().map_err(system)?;
        interrupts::listen(stop).map_err(system)?;
        let mut hear = |said| match said {
            Said::Told(text) => terminal::note(&format!("note: {text}")),
            Said::Shown(text) => show(&text),
            // A rotation does not say how far it is.
            Said::Done { .. } => {}
        };
        let reply = self.line.ask_hearing(&ask, &mut hear);
        self.outcome(reply, "RotateSecret", false)
    }

    /// Returns who the holder of a grant is, as of a region, and which one that is: the vault's home,
    /// unless another is asked for.
    pub(crate) fn identity(&self, region: Option<&str>) -> Result<(Value, String), Failure> {
        let ask = Ask::Identity { token: self.token(), region: region.map(str::to_owned) };
        let Asked::Answered(answer) = self.ask(&ask, "GetCallerIdentity", true)? else {
            return Err(over());
        };
        let region = answer.get("region").and_then(Json::as_str).map(str::to_owned);
        let identity = answer.get("identity").and_then(untagged);
        identity.zip(region).ok_or_else(unintelligible)
    }

    /// Grants somebody a part of what the owner may do.
    pub(crate) fn grant(&self, spec: GrantSpec, how: Granting) -> Result<Handed, Failure> {
        let spec = to_json(&spec.into_value().unwrap_or(Value::Null));
        let answer = self.of_grants(&Ask::Grant { token: self.token(), spec, how })?;
        Handed::read(&answer).ok_or_else(unintelligible)
    }

    /// Has the agent be AWS's endpoint for the vault, as long as what is returned lives.
    pub(crate) fn serve(self, at: At) -> Result<Serving, Failure> {
        let ask = Ask::Serve { token: self.token(), at };
        let told = self.of_grants(&ask)?;
        Serving::begun(self.line, &told).ok_or_else(unintelligible)
    }

    /// Returns what is granted.
    pub(crate) fn grants(&self) -> Result<Value, Failure> {
        let answer = self.of_grants(&Ask::Grants { token: self.token() })?;
        untagged(&answer).ok_or_else(unintelligible)
    }

    /// Takes a grant back. Returns whether there was one.
    pub(crate) fn revoke(&self, id: &str) -> Result<bool, Failure> {
        let answer = self.of_grants(&Ask::Revoke { token: self.token(), id: id.to_owned() })?;
        answer.get("revoked").and_then(Json::as_bool).ok_or_else(unintelligible)
    }

    /// Asks about grants, which only a vault has that is held open.
    fn of_grants(&self, ask: &Ask) -> Result<Json, Failure> {
        match self.ask(ask, "Grant", false)? {
            Asked::Answered(answer) => Ok(answer),
            Asked::Gone => Err(Failure::environment("VaultLocked", "the vault is locked")),
        }
    }

    /// Finds the regions that have a secret of this name.
    pub(crate) fn elsewhere(&self, name: &str) -> Option<Found> {
        let ask = Ask::Elsewhere { token: self.token(), name: name.to_owned() };
        let Ok(Asked::Answered(reply)) = self.ask(&ask, "", true) else { return None };
        found(&reply)
    }

    fn token(&self) -> Secret<String> {
        Secret::new(self.token.expose().clone())
    }

    fn ask(
        &self,
        ask: &Ask,
        operation: &'static str,
        is_repeatable: bool,
    ) -> Result<Asked<Json>, Failure> {
        self.outcome(self.line.ask(ask), operation, is_repeatable)
    }

    fn outcome(
        &self,
        reply: Result<Reply, Silence>,
        operation: &'static str,
        is_repeatable: bool,
    ) -> Result<Asked<Json>, Failure> {
        let is_granted = self.is_granted();
        let reply = match reply {
            Ok(reply) => reply,
            // There is nothing else that it could go on with.
            Err(Silence::Unsent(_)) if is_granted => return Err(over()),
            Err(Silence::Unanswered(_)) if is_granted && is_repeatable => return Err(over()),
            Err(Silence::Unsent(_)) => return Ok(Asked::Gone),
            Err(Silence::Unanswered(_)) if is_repeatable => return Ok(Asked::Gone),
            Err(Silence::Unanswered(error)) => {
                let message = format!(
                    "the agent did not answer ({error}); what was asked for may have \
                     been done"
                );
                return Err(Failure::environment("AgentError", message));
            }
        };
        reply.notices.into_iter().for_each(unlock::tell);
        match reply.outcome {
            Ok(answer) => Ok(Asked::Answered(answer)),
            Err(Refused::Fault(fault)) => {
                Err(Failure::of_operation(operation, Refusal::Fault(fault)))
            }
            Err(Refused::Vault(explained)) => Err(Failure::Explained(explained)),
            Err(Refused::Locked(_)) if is_granted => Err(over()),
            Err(Refused::Locked(why)) => {
                terminal::note(&format!("note: {why}"));
                Ok(Asked::Gone)
            }
            Err(Refused::Version(version)) if is_granted => {
                Err(Failure::environment("GrantError", other_version(&version)))
            }
            Err(Refused::Version(version)) => {
                terminal::note(&format!("note: {}", other_version(&version)));
                Ok(Asked::Gone)
            }
            Err(Refused::Unheard(why)) => Err(handing::unheard(why)),
            Err(Refused::Malformed(what)) => Err(Failure::environment("AgentError", what)),
        }
    }
}

/// Says what failures are, for the agent to pass on.
pub(crate) fn explain() -> Explain {
    Explain {
        vault: |error| Explained {
            name: error.name().to_owned(),
            message: error.to_string(),
            hint: failure::vault_hint(error),
            exit_code: failure::vault_exit_code(error),
        },
        file: |fault| Explained {
            name: fault.name().to_owned(),
            message: fault.to_string(),
            hint: fault.remedy(),
            exit_code: failure::file_exit_code(fault),
        },
    }
}

/// Whether this process has a grant.
pub(crate) fn is_granted(environment: &Environment) -> bool {
    environment.text(GRANT).is_some()
}

/// What is said where a grant is not enough.
pub(crate) fn not_granted() -> Failure {
    let message = format!("this command is not for the holder of a grant, which {GRANT} names");
    Failure::environment("GrantError", message)
}

fn over() -> Failure {
    let message = format!(
        "the grant that {GRANT} names is over or was revoked, or the vault it is of was locked"
    );
    Failure::environment("GrantError", message)
}

/// The variable that has the token of a grant.
pub(crate) const GRANT: &str = "STRONGROOM_GRANT";
/// The variable that says where it is good, if that is not the agent of the user.
pub(crate) const GRANT_PLACE: &str = "STRONGROOM_GRANT_PLACE";

/// The agent said something that is no answer.
pub(crate) fn unintelligible() -> Failure {
    Failure::environment("AgentError", "the agent's answer is not one")
}
