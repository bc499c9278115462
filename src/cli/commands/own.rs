//! What a command of our own is, and what it is given to run.
//!
//! clap reads its options. Its answer is printed like any operation's, by `--output` and `--query`.

use std::cell::Cell;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::super::answer::Answer;
use super::super::failure::Failure;
use super::super::pages::Fetched;
use super::super::request::error as request;
use super::super::stdout::print;
use super::super::unlock::CommandContext;
use super::options::Options;
use crate::model::value::Value;
use crate::sys::secret::Secret;

/// A command of our own: what is declared of it, and its options as fields.
pub(super) trait OwnCommand: Options {
    /// What it is called.
    const NAME: &'static str;
    /// The title of its answer as a table.
    const TITLE: &'static str;
    /// What it does, in a line.
    const SUMMARY: &'static str;
    /// A command line that a person would type.
    const EXAMPLE: &'static str;
    /// Whether it looks at the vault's state, which `--expect` is about. Some make a vault, work without
    /// one, or take it in whatever state it is.
    const LOOKS_AT_STATE: bool = true;
    /// Whether a rotation's program may call it: it needs no vault.
    const RUNS_IN_ROTATION: bool = false;
    /// Whether it is made of nothing but AWS's operations, so that the holder of a grant may call it.
    const IS_OF_OPERATIONS: bool = false;
    /// What its words are that are no option's, in their order, for whoever completes one.
    const TAKES: &'static [Takes] = &[];

    /// Does it.
    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure>;
}

/// What a word of a command line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// The name of a secret.
    Secret,
    /// The name of one that is scheduled for deletion.
    Scheduled,
    /// The name of a secret, or of a version of it.
    Version,
    /// A beginning of names.
    Folder,
    /// A field of the secret that the first word names.
    Field,
    /// So many of them as there are words.
    Fields,
    /// A label on a version of the secret that the first word names.
    Label,
    /// A vault of another account, after what is done with it.
    Peer,
    /// Something that only the user knows.
    Other,
}

/// A command of our own, as the list of all has it.
pub(super) struct CommandSpec {
    /// What it is called.
    pub(super) name: &'static str,
    /// What it does, in a line.
    pub(super) summary: &'static str,
    /// Whether a rotation's program may call it.
    pub(super) runs_in_rotation: bool,
    /// Whether the holder of a grant may call it.
    pub(super) is_of_operations: bool,
    /// What its words are.
    pub(super) takes: &'static [Takes],
    title: &'static str,
    example: &'static str,
    looks_at_state: bool,
    declare: fn(Command) -> Command,
    run: fn(&Invocation<'_>) -> Result<(), Failure>,
}

/// What is known of all commands. It is made from their declarations, so that it is handed to those
/// that need it.
#[derive(Clone, Copy)]
pub(crate) struct Manual {
    /// Returns every word that is taken for one of our commands.
    pub(crate) names: fn() -> Vec<&'static str>,
    /// Returns a command or an operation as clap knows it.
    pub(crate) command: fn(&str) -> Option<Command>,
    /// Returns the program with all its commands.
    pub(crate) program: fn() -> Command,
    /// Returns a command's help.
    pub(crate) help: fn(Command) -> String,
    /// Returns what a command's words are that are no option's.
    pub(crate) takes: fn(&str) -> &'static [Takes],
}

/// A command that was asked for.
pub(super) struct Invocation<'a> {
    /// What every command has at hand.
    pub(super) context: &'a CommandContext<'a>,
    /// What is known of all commands.
    pub(super) manual: Manual,
    matches: ArgMatches,
    answer: Answer,
    answered: Cell<Option<Secret<Vec<u8>>>>,
}

impl CommandSpec {
    /// Returns what is declared of a command.
    pub(super) const fn of<C: OwnCommand>() -> Self {
        Self {
            name: C::NAME,
            summary: C::SUMMARY,
            runs_in_rotation: C::RUNS_IN_ROTATION,
            is_of_operations: C::IS_OF_OPERATIONS,
            takes: C::TAKES,
            title: C::TITLE,
            example: C::EXAMPLE,
            looks_at_state: C::LOOKS_AT_STATE,
            declare: C::declare,
            run: |invocation| C::read(&invocation.matches)?.run(invocation),
        }
    }

    /// Returns the command as clap knows it.
    pub(super) fn command(&self) -> Command {
        let command = Command::new(self.name)
            .bin_name(format!("strongroom {}", self.name))
            .about(self.summary)
            .after_help(format!("Example:\n  {}", self.example))
            .infer_long_args(true)
            .max_term_width(100);
        (self.declare)(command)
    }

    /// Runs the command.
    pub(super) fn run(
        &self,
        words: &[String],
        context: &CommandContext<'_>,
        manual: Manual,
    ) -> Result<(), Failure> {
        self.run_words(words, context, manual).map_err(|failure| {
            let Failure::Request(error) = failure else { return failure };
            error.of_command(|| self.usage()).into()
        })
    }

    /// Returns how it is used, in the form of the program's usage.
    fn usage(&self) -> String {
        let usage = self.command().render_usage().to_string();
        let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
        let name = self.name;
        format!("usage: {usage}\nTo see help text, you can run:\n\n  strongroom help {name}\n")
    }

    fn run_words(
        &self,
        words: &[String],
        context: &CommandContext<'_>,
        manual: Manual,
    ) -> Result<(), Failure> {
        if words.iter().map(String::as_str).eq(["help"]) {
            return print((manual.help)(self.command()).as_bytes());
        }
        let argv = std::iter::once(self.name).chain(words.iter().map(String::as_str));
        let matches = match self.command().try_get_matches_from(argv) {
            Ok(matches) => matches,
            Err(error) if error.kind() == ErrorKind::DisplayHelp => {
                return print(error.render().to_string().as_bytes());
            }
            Err(error) => return Err(wrong(&error)),
        };
        if context.globals.expect.is_some() && !self.looks_at_state {
            let what = format!("{} does not look at the state of the vault", self.name);
            return Err(request::Error::argument("--expect", what).into());
        }
        let answer = Answer::new(context, self.title)?;
        let answered = Cell::default();
        let invocation = Invocation { context, manual, matches, answer, answered };
        // A reader may take its time: by now the vault is closed and its keys are wiped.
        let outcome = (self.run)(&invocation);
        let printed = invocation.answered.take().map_or(Ok(()), |answer| print(answer.expose()));
        printed.and(outcome)
    }
}

impl Invocation<'_> {
    /// Returns the name of the first of these options that the command line has.
    pub(super) fn first_given<O: Options>(&self) -> Option<String> {
        let is_given =
            |name: &String| self.matches.value_source(name) == Some(ValueSource::CommandLine);
        O::names().into_iter().find(is_given)
    }

    /// Answers with some members.
    pub(super) fn print(&self, members: Vec<(String, Value)>) -> Result<(), Failure> {
        self.answer_with(Value::Map(members))
    }

    /// Answers with some members before the command is over.
    pub(super) fn print_now(&self, members: Vec<(String, Value)>) -> Result<(), Failure> {
        print(self.answer.rendered(Fetched::One(Value::Map(members)))?.expose())
    }

    /// Gives the answer, which is printed when the command is over.
    pub(super) fn answer_with(&self, value: Value) -> Result<(), Failure> {
        self.answered.set(Some(self.answer.rendered(Fetched::One(value))?));
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

/// A member of an answer that is a text.
pub(super) fn text(name: &str, text: impl Into<String>) -> (String, Value) {
    (name.to_owned(), Value::Text(text.into()))
}

/// A member of an answer that is a count.
pub(super) fn count(name: &str, count: u64) -> (String, Value) {
    (name.to_owned(), Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
}
