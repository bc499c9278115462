//! The vault's own commands: one table, and what they share.
//!
//! clap reads their options. Their answers are printed like any operation's, by `--output` and
//! `--query`.

mod care;
mod completions;
mod configure;
mod copies;
mod history;
pub(crate) mod init;
mod json;
mod keys;
mod man;
mod names;
mod new_credential;
mod rotate_due;
mod rotation;
mod slots;
mod status;

use std::cell::Cell;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::answer::Answer;
use super::failure::Failure;
use super::pages::Pages;
use super::request::error as request;
use super::stdout::print;
use super::terminal;
use super::unlock::CommandContext;
use crate::model::value::Value;
use crate::sys::secret::Secret;
use crate::vault::check::Progress;

/// One of our own commands.
struct Own {
    name: &'static str,
    /// The title of its answer as a table.
    title: &'static str,
    summary: &'static str,
    example: &'static str,
    options: fn(Command) -> Command,
    run: fn(&Asked<'_>) -> Result<(), Failure>,
}

/// A command that was asked for.
struct Asked<'a> {
    matches: ArgMatches,
    context: &'a CommandContext<'a>,
    answer: Answer,
    answered: Cell<Option<Secret<Vec<u8>>>>,
}

/// The commands, in the order of the help.
const ALL: &[Own] = &[
    init::INIT,
    status::STATUS,
    configure::CONFIGURE,
    keys::CHANGE_PASSPHRASE,
    slots::KEY_SLOT,
    keys::REKEY,
    care::CHECK,
    care::SALVAGE,
    care::PURGE,
    copies::BACKUP,
    copies::RESTORE_BACKUP,
    rotate_due::ROTATE_DUE,
    rotation::ROTATION,
    history::CHECKPOINT,
    history::ACCEPT_STATE,
    history::LIST_EVENTS,
    json::JSON,
    completions::COMPLETIONS,
    man::MAN,
];

/// What our own scripts call; nobody types them, and no help tells of them.
const HIDDEN: &[Own] = &[names::OFFER_NAMES];

/// Those that make a vault, work without one, or take what is there for what it is.
const LOOKS_AT_NO_STATE: &[&str] =
    &["init", "salvage", "backup", "restore-backup", "completions", "man", "offer-names"];

/// The names of the commands.
pub(crate) const NAMES: &[&str] = &names();

const fn names() -> [&'static str; ALL.len()] {
    let mut names = [""; ALL.len()];
    let mut index = 0;
    while index < ALL.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated when compiled, within bounds")]
        {
            names[index] = ALL[index].name;
        }
        index += 1;
    }
    names
}

/// Returns every word that is taken for a command of ours.
pub(crate) fn accepted() -> Vec<&'static str> {
    ALL.iter().chain(HIDDEN).map(|own| own.name).collect()
}

/// Returns a command as clap knows it.
pub(crate) fn command(name: &str) -> Option<Command> {
    ALL.iter().find(|own| own.name == name).map(Own::command)
}

/// Returns names and summaries, for the help.
pub(crate) fn summaries() -> Vec<(String, &'static str)> {
    ALL.iter().map(|own| (own.name.to_owned(), own.summary)).collect()
}

/// Runs a command.
pub(crate) fn run(
    name: &str,
    words: &[String],
    context: &CommandContext<'_>,
) -> Result<(), Failure> {
    let Some(own) = ALL.iter().chain(HIDDEN).find(|own| own.name == name) else {
        return Err(request::Error::usage(format!("there is no command {name}")).into());
    };
    if words.iter().map(String::as_str).eq(["help"]) {
        return print(super::help::rendered(own.command()).as_bytes());
    }
    let argv = std::iter::once(name).chain(words.iter().map(String::as_str));
    let matches = match own.command().try_get_matches_from(argv) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return print(error.render().to_string().as_bytes());
        }
        Err(error) => return Err(wrong(&error)),
    };
    if context.globals.expect.is_some() && LOOKS_AT_NO_STATE.contains(&name) {
        let what = format!("{name} does not look at the state of the vault");
        return Err(request::Error::argument("--expect", what).into());
    }
    let answer = Answer::new(context, own.title)?;
    let asked = Asked { matches, context, answer, answered: Cell::default() };
    // A reader may take its time: by now the vault is closed and its keys are wiped.
    let outcome = (own.run)(&asked);
    let printed = asked.answered.take().map_or(Ok(()), |answer| print(answer.expose()));
    printed.and(outcome)
}

impl Own {
    fn command(&self) -> Command {
        let command = Command::new(self.name)
            .bin_name(format!("strongroom {}", self.name))
            .about(self.summary)
            .after_help(format!("Example:\n  {}", self.example))
            .infer_long_args(true)
            .max_term_width(100);
        (self.options)(command)
    }
}

impl Asked<'_> {
    /// Whether a flag is set.
    fn flag(&self, name: &str) -> bool {
        self.matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or(false)
    }

    /// Whether an option stands on the command line.
    fn is_given(&self, name: &str) -> bool {
        self.matches.value_source(name) == Some(ValueSource::CommandLine)
    }

    /// Returns an option's text.
    fn text(&self, name: &str) -> Option<&str> {
        self.matches.try_get_one::<String>(name).ok().flatten().map(String::as_str)
    }

    /// Returns an option's number.
    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().map_err(|_not_a_number| {
            request::Error::argument(&format!("--{name}"), format!("invalid number: {text}"))
        })?;
        Ok(Some(number))
    }

    /// Answers with some members.
    fn print(&self, members: Vec<(String, Value)>) -> Result<(), Failure> {
        self.answer_with(Value::Map(members))
    }

    /// Gives the answer, which is printed when the command is over.
    fn answer_with(&self, value: Value) -> Result<(), Failure> {
        self.answered.set(Some(self.answer.rendered(Pages::One(value))?));
        Ok(())
    }
}

/// Turns clap's complaint into a wrong command line: what it says before usage and advice, without
/// its prefix. What is missing is told as for the operations.
fn wrong(error: &clap::Error) -> Failure {
    if let (ErrorKind::MissingRequiredArgument, Some(ContextValue::Strings(missing))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    {
        let message = format!("the following arguments are required: {}", missing.join(", "));
        return request::Error::usage(message).into();
    }
    let text = error.render().to_string();
    let message = text.split("\n\nUsage:").next().unwrap_or_default();
    let message = message.split("\n\nFor more information").next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message).trim();
    request::Error::usage(message).into()
}

/// An option that takes a value.
fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

/// An option that is there or not.
fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// A word that stands by itself.
fn word(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    let not_empty = clap::builder::NonEmptyStringValueParser::new();
    Arg::new(name).value_name(value).help(help).required(true).value_parser(not_empty)
}

fn text(name: &str, text: impl Into<String>) -> (String, Value) {
    (name.to_owned(), Value::Text(text.into()))
}

fn count(name: &str, count: u64) -> (String, Value) {
    (name.to_owned(), Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
}

/// Tells at the terminal how far long work is.
fn progress() -> impl FnMut(Progress) {
    let is_watched = terminal::is_watched();
    move |progress: Progress| {
        if is_watched && progress.total >= LONG_WORK {
            terminal::update(&format!(
                "{}: {} of {}",
                progress.step,
                progress.done.min(progress.total),
                progress.total
            ));
        }
    }
}

/// Work on fewer rows is over before anybody reads about it.
const LONG_WORK: u64 = 2_000;
