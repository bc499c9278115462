//! A vault handed to the agent, which is started if none runs.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::environment::Environment;
use super::failure::Failure;
use crate::agent::client::{Line, Silence};
use crate::agent::limits::Limits;
use crate::agent::messages::{Ask, Refused, Reply};
use crate::agent::place::{Place, Scope};
use crate::agent::process::{self, NotStarted};
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::elsewhere::Found;
use crate::sys::files::FileFault;
use crate::sys::lock;
use crate::sys::login;
use crate::sys::secret::Secret;

/// Hands a vault to the agent, which is started if none runs. Two who do so at once end with one agent:
/// each waits for the other's to answer.
pub(super) fn hand_over(place: &Place, ask: &Ask) -> Result<Json, Failure> {
    let starting = lock::wait(&place.start())?;
    if let Some(line) = Line::connect(place) {
        match line.ask(ask) {
            Ok(reply) => return answered(reply),
            // It was just ending.
            Err(Silence::Unsent(_) | Silence::Unanswered(_)) => {}
        }
    }
    let started =
        process::start(place).map_err(NotStarted::System).map_err(|why| not_started(&why))?;
    let answer = Line::of(started).ask(ask).map_err(silent)?;
    drop(starting);
    answered(answer)
}

/// Connects to the agent, if one runs. One that lost its socket still holds vaults, and nobody is told
/// that all is locked.
pub(super) fn connect(place: &Place) -> Result<Option<Line>, Failure> {
    if let Some(line) = Line::connect_to_control(place) {
        return Ok(Some(line));
    }
    // One that is being started is heard by then.
    let starting = lock::wait(&place.start())?;
    let line = Line::connect_to_control(place);
    if line.is_none() {
        let held = process::hold(place).map_err(|why| not_started(&why))?;
        // None runs.
        place.forget_files();
        drop(held);
    }
    drop(starting);
    Ok(line)
}

/// Keeps the token of a vault that was handed over for this session, and says what is unlocked until when.
/// One that nobody could use is locked again.
pub(super) fn kept(
    answer: &Json,
    place: &Place,
    path: &Path,
    limits: Limits,
) -> Result<Vec<(String, Value)>, Failure> {
    let scope = place.keep_token(path, &token_in(answer), limits.age_s());
    let scope = scope.inspect_err(|_told| {
        let ask = Ask::Lock { vault: Some(path.to_owned()) };
        drop(Line::connect_to_control(place).map(|line| line.ask(&ask)));
    });
    Ok(unlocked(answer, path, scope?))
}

/// Returns the token that the agent gave out.
pub(super) fn token_in(answer: &Json) -> Secret<String> {
    let token = answer.get("token").and_then(Json::as_str).unwrap_or_default();
    Secret::new(token.to_owned())
}

/// Says what is unlocked until when.
pub(super) fn unlocked(answer: &Json, path: &Path, scope: Scope) -> Vec<(String, Value)> {
    let session = answer.get("session").cloned().unwrap_or_default();
    let mut members = vec![("VaultPath".to_owned(), Value::Text(path.display().to_string()))];
    members.extend(times(&session));
    members.push(("Token".to_owned(), Value::Text(scope.name().to_owned())));
    members
}

/// Returns the token by which this process may use a vault. One that is left of an earlier agent does
/// not stand in the way of one that is good.
pub(super) fn good_token(place: &Place, vault: &Path) -> Option<(Secret<String>, Scope)> {
    let mut tokens = place.tokens(vault);
    if let [(first, _), (second, _)] = tokens.as_slice()
        && first.expose() != second.expose()
    {
        let ask = Ask::Grants { token: Secret::new(first.expose().clone()) };
        let reply = Line::connect_to_control(place)?.ask(&ask);
        if let Ok(Reply { outcome: Err(Refused::Locked(_)), .. }) = reply {
            tokens.remove(0);
        }
    }
    tokens.into_iter().next()
}

/// Takes what the agent answers to a request about itself.
pub(super) fn answered(reply: Reply) -> Result<Json, Failure> {
    match reply.outcome {
        Ok(answer) => Ok(answer),
        Err(Refused::Vault(explained)) => Err(Failure::Explained(explained)),
        Err(Refused::Version(version)) => {
            Err(Failure::environment("AgentError", other_version(&version)))
        }
        Err(Refused::Fault(fault)) => Err(Failure::environment("AgentError", fault.message)),
        Err(Refused::Unheard(why)) => Err(unheard(why)),
        Err(Refused::Locked(what) | Refused::Malformed(what)) => {
            Err(Failure::environment("AgentError", what))
        }
    }
}

/// Says that there can be no endpoint where there was to be one.
pub(super) fn unheard(why: String) -> Failure {
    Failure::environment("EndpointError", why)
        .hinted("--port 0 takes any port that is free, and `strongroom status` shows endpoints")
}

/// Returns where a vault is, as the agent calls it.
pub(super) fn resolved(path: &Path) -> Result<PathBuf, Failure> {
    let resolved = path.canonicalize();
    resolved.map_err(|error| FileFault::from_io(path, error).into())
}

pub(super) fn silent(silence: Silence) -> Failure {
    let (Silence::Unsent(error) | Silence::Unanswered(error)) = silence;
    Failure::environment("AgentError", format!("the agent does not answer: {error}"))
}

pub(super) fn not_started(why: &NotStarted) -> Failure {
    let failure = Failure::environment("AgentError", why.to_string());
    match why {
        NotStarted::Taken(Some(process)) => failure.hinted(format!("`kill {process}` ends it")),
        NotStarted::Taken(None) | NotStarted::System(_) => failure,
    }
}

/// Requires that this process can be the agent itself: before anybody is asked for anything.
pub(super) fn must_be_alone(environment: &Environment) -> Result<(), Failure> {
    if place(environment).and_then(|place| Line::connect(&place)).is_none() {
        return Ok(());
    }
    Err(Failure::environment("AgentError", "an agent runs already").hinted(
        "without --foreground it is handed the vault; `strongroom lock --all` ends it, and locks \
         what it holds",
    ))
}

/// Returns where the agent of this user is, if it may run there.
pub(crate) fn place(environment: &Environment) -> Option<Place> {
    Place::find(environment.path(RUNTIME))
}

/// Returns where the agent of this user is to be.
pub(crate) fn make_place(environment: &Environment) -> Result<Place, Failure> {
    Place::make(environment.path(RUNTIME)).map_err(refused)
}

/// Returns where the agent of this user may run. Where the directory is refused, an agent may have been
/// started before it was, and nobody is told that all is locked.
pub(super) fn place_to_lock(environment: &Environment) -> Result<Option<Place>, Failure> {
    let found = place(environment);
    if found.is_none()
        && let Err(
            fault @ (FileFault::InTheWay(_)
            | FileFault::TooOpen { .. }
            | FileFault::WrongOwner { .. }),
        ) = Place::make(environment.path(RUNTIME))
    {
        return Err(refused(fault));
    }
    Ok(found)
}

/// Says what is wrong with the directory.
fn refused(fault: FileFault) -> Failure {
    let (message, hint) = if let FileFault::TooOpen { path, mode } = &fault {
        let path = path.display();
        let wrong = format!("others may use the directory {path} (mode {mode:04o}, must be 0700)");
        (wrong, format!("chmod 700 {path}"))
    } else if let FileFault::WrongOwner { .. } = fault {
        // Whoever made it in /tmp may keep on doing so.
        (fault.to_string(), format!("{RUNTIME} may name another directory, of your own"))
    } else {
        return fault.into();
    };
    Failure::environment(fault.name(), message).hinted(hint)
}

/// Returns the login session whose end locks what is unlocked now, if there is one.
pub(super) fn login(environment: &Environment) -> Option<String> {
    login::own(environment.text(LOGIN))
}

/// Says that the agent is of another version.
pub(crate) fn other_version(version: &str) -> String {
    format!(
        "the agent is of version {version}, and this is another; `strongroom lock --all` ends it"
    )
}

/// Returns since when a vault is unlocked, until when, when its reads are logged, whether its keys are
/// never swapped out, and where it is AWS's endpoint until it is locked.
pub(crate) fn times(session: &Json) -> Vec<(String, Value)> {
    let names = [("UnlockedSince", "since"), ("LocksAt", "until"), ("LocksAtTheLatest", "latest")];
    let time = |(name, member): (&str, &str)| {
        let ms = session.get(member)?.as_i64()?;
        Some((name.to_owned(), Value::Timestamp(Timestamp(ms))))
    };
    let mut members: Vec<(String, Value)> = names.into_iter().filter_map(time).collect();
    let reads = session.get("reads").and_then(Json::as_str);
    members.extend(reads.map(|reads| ("ReadsWritten".to_owned(), Value::Text(reads.to_owned()))));
    let held = session.get("held").and_then(Json::as_bool);
    members.extend(held.map(|held| ("MemoryLocked".to_owned(), Value::Boolean(held))));
    let endpoints = session.get("endpoints").and_then(Json::as_array).into_iter().flatten();
    let text = |at: &Json| at.as_str().map(|at| Value::Text(at.to_owned()));
    let endpoints: Vec<Value> = endpoints.filter_map(text).collect();
    if !endpoints.is_empty() {
        members.push(("Endpoints".to_owned(), Value::List(endpoints)));
    }
    members
}

/// The number of the login session (pam_systemd(8)).
const LOGIN: &str = "XDG_SESSION_ID";
/// The user's runtime directory (the XDG base directory specification).
const RUNTIME: &str = "XDG_RUNTIME_DIR";

/// Reads the agent's answer about where a name is, or was.
pub(super) fn found(reply: &Json) -> Option<Found> {
    let text = |json: &Json| json.as_str().map(str::to_owned);
    let texts = |member| Some(reply.get(member)?.as_array()?.iter().filter_map(text).collect());
    let (regions, near) = (texts("regions")?, texts("near")?);
    let renamed = reply.get("renamed")?.as_array()?.iter();
    let renamed = renamed.filter_map(|one| Some((text(one.get(0)?)?, text(one.get(1)?)?)));
    Some(Found { home: text(reply.get("home")?)?, regions, near, renamed: renamed.collect() })
}
