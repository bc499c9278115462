//! One of AWS's operations, from its words to what is fetched of its answer.

use super::agent::{self, Asked, Session};
use super::answer::{self, Answer};
use super::failure::Failure;
use super::manual::help;
use super::pages::{Fetched, Paginator};
use super::request::arguments::{self, Arguments, Paging, Parsed, Picking, Signature};
use super::request::build::{self, Built};
use super::request::error as request;
use super::request::paramfile::{self, Sources};
use super::stdout::print;
use super::terminal::{self, Lines};
use super::unlock::{self, CommandContext};
use super::{creation, elsewhere, field, pager, peers, rotate, suggest};
use crate::gateway::client::Line;
use crate::model::case::kebab;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::caller::Caller;
use crate::service::dispatch;
use crate::service::elsewhere as regions;
use crate::service::operation::{Effect, Entry, Pages};
use crate::sys::entropy::SystemEntropy;

/// Who answers an operation.
pub(super) enum Backend {
    /// The vault, which this process opens.
    Vault,
    /// The rotation whose program runs this process.
    RotationSocket(Line),
    /// The agent, which holds the vault open.
    Agent(Session),
}

impl Backend {
    /// Finds out who answers: the one place that decides it.
    pub(super) fn of(inside: Option<Line>, context: &CommandContext<'_>) -> Result<Self, Failure> {
        if let Some(line) = inside {
            return Ok(Self::RotationSocket(line));
        }
        let session = match Session::granted(context.environment)? {
            Some(granted) => Some(granted),
            None => Session::find(context),
        };
        Ok(session.map_or(Self::Vault, Self::Agent))
    }
}

/// Carries out one of AWS's operations.
pub(super) fn operate(
    entry: &'static Entry,
    words: &[String],
    context: &CommandContext<'_>,
    backend: &Backend,
) -> Result<(), Failure> {
    let signature = signature(entry);
    // As in AWS, a wrong query is reported before any other wrong option.
    let query = answer::read_query(context.globals)?;
    let (words, own) = rotate::take_own(entry, words, context)?;
    let mut arguments = match arguments::parse(&signature, &words)? {
        Parsed::Help => return print(help::text(&[entry.command()])?.as_bytes()),
        Parsed::Call(arguments) => arguments,
    };
    let answer = Answer::with_query(context, entry.name, query)?;
    let picked = field::take(&mut arguments, context.globals)?;
    context.check_region()?;
    let arguments = ask_for_value(arguments, entry, context, backend)?;
    let call = match build(&signature, arguments, context)? {
        Built::Text(text) => return print(text.as_bytes()),
        Built::Sample(value) => return answer.print(Fetched::One(value)),
        Built::Call(call) => call,
    };
    for warning in &call.notes {
        // AWS's own, which AWS CLI prints to scripts too.
        terminal::report(warning.trim_end());
    }
    let pages = match backend {
        Backend::Vault | Backend::Agent(_) => call.pages,
        // Nothing that a step may ask for has pages.
        Backend::RotationSocket(_) => build::PagesWanted::One,
    };
    let token = call.token;
    let paginator = Paginator::new(entry, build::Call { pages, ..call })?.showing(answer.tokens());
    let failed = |failure| Failure::of_operation(entry.name, failure);
    dispatch::admit(entry, &paginator.request).map_err(failed)?;
    let fetched = match (backend, own) {
        (Backend::RotationSocket(line), _) => rotate::inside::respond(line, entry, &paginator)?,
        (Backend::Agent(session), Some(_)) if session.is_granted() => {
            return Err(agent::not_granted());
        }
        (Backend::Vault, Some(own)) => {
            Fetched::One(rotate::respond(paginator.request, token, own, context, None)?)
        }
        (Backend::Agent(session), Some(own)) => {
            Fetched::One(rotate::respond(paginator.request, token, own, context, Some(session))?)
        }
        (Backend::Vault, None) => respond(entry, paginator, context, None)?,
        (Backend::Agent(session), None) => respond(entry, paginator, context, Some(session))?,
    };
    match (fetched, picked) {
        (Fetched::One(value), Some(wanted)) => print(field::pick(&wanted, &value)?.expose()),
        (fetched, _) => pager::print(&answer.rendered(fetched)?, context),
    }
}

/// Asks the person for the value, where `--ask` says so.
fn ask_for_value(
    mut arguments: Arguments,
    entry: &Entry,
    context: &CommandContext<'_>,
    backend: &Backend,
) -> Result<Arguments, Failure> {
    let globals = context.globals;
    if globals.ask {
        if globals.no_input {
            let message = "--ask needs a terminal to ask at, and --no-input says not to ask: give \
                           the value as file:///dev/stdin";
            return Err(Failure::environment("NoTerminal", message));
        }
        let place = arguments.place_for_secret(entry.input.members())?;
        if !terminal::is_there() {
            let message = "--ask needs a terminal to ask at";
            return Err(Failure::environment("NoTerminal", message)
                .hinted("give the value as file:///dev/stdin instead"));
        }
        // Nobody types a secret for a vault that is not there, or cannot be opened.
        match backend {
            Backend::Vault if creation::is_first(entry, context) => {}
            Backend::Vault => drop(context.open_locked()?),
            Backend::RotationSocket(_) | Backend::Agent(_) => {}
        }
        let typed = if globals.multi_line {
            terminal::ask_secret("Secret value, up to Ctrl-D: ", Lines::Many)
        } else {
            terminal::ask_secret("Secret value: ", Lines::Single)
        };
        let typed = typed.map_err(|error| {
            Failure::environment("NoAnswer", format!("a value is needed: {error}"))
        })?;
        arguments.give_secret(place, typed.expose().clone());
    } else if globals.multi_line {
        return Err(request::Error::argument("--multi-line", "it belongs to --ask").into());
    } else if gives_literal_value(&arguments) {
        terminal::note(
            "note: a value on the command line is seen by every process while this one runs, and \
             kept by the shell's history; --ask and file:///dev/stdin are not",
        );
    }
    Ok(arguments)
}

fn gives_literal_value(arguments: &Arguments) -> bool {
    use crate::model::shape::Shape;
    arguments.members.iter().any(|(member, given)| {
        let is_sensitive = matches!(member.shape, Shape::Text(text) if text.sensitive)
            || matches!(member.shape, Shape::Blob(_));
        is_sensitive
            && matches!(given, arguments::Given::Word(word)
                if !word.starts_with("file://") && !word.starts_with("fileb://"))
    })
}

/// Makes a request of the words of a command line.
pub(super) fn build(
    signature: &Signature,
    arguments: Arguments,
    context: &CommandContext<'_>,
) -> Result<Built, Failure> {
    let variable = |name: &str| context.environment.text(name).map(str::to_owned);
    let sources = Sources {
        read: &paramfile::read_file,
        variable: &variable,
        encoding: context.file_encoding(),
    };
    let options = build::BuildOptions {
        no_paginate: context.globals.no_paginate,
        blob_format: context.globals.blob_format,
        sources,
        entropy: &SystemEntropy,
    };
    Ok(build::build(signature, arguments, options)?)
}

/// Obtains the response, or the pages of it: from the agent, or else from the vault.
fn respond(
    entry: &'static Entry,
    paginator: Paginator,
    context: &CommandContext<'_>,
    session: Option<&Session>,
) -> Result<Fetched, Failure> {
    let failed = |failure| Failure::of_operation(entry.name, failure);
    if entry.effect == Effect::Nothing {
        let response =
            dispatch::answer(entry, paginator.request, &SystemEntropy).map_err(failed)?;
        return Ok(Fetched::One(response));
    }
    let id = match paginator.request.get("SecretId") {
        Some(Value::Text(id)) if terminal::is_watched() => Some(id.clone()),
        Some(_) | None => None,
    };
    let mut opened = None;
    if entry.action == Action::AssociateCrossAccountReplica
        && !session.is_some_and(Session::is_granted)
    {
        if session.is_none() {
            opened = Some(context.unlock_silently(&context.unlock_policy())?);
        }
        if let Some(mut near) = peers::near(&mut opened, session, context) {
            peers::require_waiting(&mut near, &paginator.request, context)?;
        }
    }
    let fetched = paginator.fetch(|request, boundaries| {
        let region = context.region();
        if let Some(session) = session
            && let Asked::Answered(answer) = session.call(entry, &request, region, boundaries)?
        {
            return Ok(answer);
        }
        let vault = match &mut opened {
            Some(vault) => vault,
            none if creation::is_first(entry, context) => none.insert(creation::make(context)?),
            none => none.insert(context.unlock_silently(&context.unlock_policy())?),
        };
        let call = dispatch::Call { entry, request, region, caller: &Caller::Owner, boundaries };
        dispatch::dispatch(vault, call, context.request_context()).map_err(failed)
    });
    if entry.effect == Effect::Writes && fetched.is_ok() {
        peers::tell_peers(&mut opened, session, context);
    }
    match (fetched, id) {
        (Err(failure), Some(id)) => {
            let find = |name: &str| match (&mut opened, session) {
                (Some(vault), _) => regions::find(vault, name, context.request_context()).ok(),
                (None, session) => session?.elsewhere(name),
            };
            Err(elsewhere::hinted(failure, &id, context, find))
        }
        (fetched, _) => {
            let fetched = fetched?;
            // Where the operation failed, its error says enough.
            opened.iter().for_each(unlock::warn);
            Ok(fetched)
        }
    }
}

/// Returns what the options of an operation are made of.
pub(crate) fn signature(entry: &'static Entry) -> Signature {
    let paging = match entry.pages {
        Pages::Single => Paging::Manual,
        Pages::Gathered(_) => Paging::Automatic,
    };
    let picking = if entry.holds_value() { Picking::Offered } else { Picking::Absent };
    Signature { input: entry.input.members(), output: entry.output, paging, picking }
}

/// Returns a hint about the first option that the operation does not have.
pub(super) fn meant(entry: &Entry, words: &[String]) -> Option<String> {
    let members = entry.input.members().iter();
    let known: Vec<String> = members.map(|member| format!("--{}", kebab(member.name))).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let names = words.iter().filter(|word| word.starts_with("--"));
    let unknown = names.map(|word| word.split('=').next().unwrap_or(word)).find(|name| {
        !known
            .iter()
            .any(|known| known.starts_with(name) || known.replacen("--", "--no-", 1) == **name)
    });
    suggest::hint(unknown?, &known)
}
