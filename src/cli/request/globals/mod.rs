//! The global options and the command word: what a command line says before any operation is known.
//!
//! AWS's global options may stand anywhere and be abbreviated; ours must be spelled out, so that no
//! abbreviation of AWS's changes its meaning. Options that only make sense with a network are
//! accepted and have no effect. Does not know the options of an operation, nor reads any variable.

use super::argparse::{self, Abbreviation, Arity, Check, Flag, Grammar, Positional};
use super::argparse::{Separator, Sorted, Stopped};
use super::error::{Error, Form};
use crate::cli::python;
use crate::model::value::Value;

/// A command line, cut into what is global and the words of one command.
pub(crate) struct CommandLine {
    /// The global options.
    pub(crate) globals: Globals,
    /// Whose manners are asked for; `strongroom aws …` is `Aws`.
    pub(crate) form: Form,
    /// What is asked for.
    pub(crate) command: Command,
}

/// What is asked for, and the words that belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// The version.
    Version,
    /// Help, about the command named by these words; about everything where there are none.
    Help(Vec<String>),
    /// One of AWS's operations.
    Operation {
        /// Its name, such as `get-secret-value`.
        name: String,
        /// All but the global options.
        words: Vec<String>,
    },
    /// `sts get-caller-identity`, in AWS's form.
    Identity {
        /// All but the global options.
        words: Vec<String>,
    },
    /// `configure`, in AWS's form.
    Configure {
        /// The subcommand.
        name: String,
        /// All but the global options.
        words: Vec<String>,
    },
    /// One of our own commands.
    Own {
        /// Its name.
        name: String,
        /// All but the global options; a `--` stays.
        words: Vec<String>,
    },
}

/// The words that may stand as a command.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    /// AWS's operations.
    pub(crate) operations: &'a [&'a str],
    /// Our own commands.
    pub(crate) own: &'a [&'a str],
}

/// The global options; of one that is repeated the last counts.
#[derive(Default)]
pub(crate) struct Globals {
    /// `--no-paginate`.
    pub(crate) no_paginate: bool,
    /// `--no-cli-pager`.
    pub(crate) no_pager: bool,
    /// `--output`.
    pub(crate) output: Option<String>,
    /// `--query`, not yet read.
    pub(crate) query: Option<String>,
    /// `--profile`.
    pub(crate) profile: Option<String>,
    /// `--region`.
    pub(crate) region: Option<String>,
    /// `--cli-binary-format`.
    pub(crate) blob_format: BlobFormat,
    /// `--cli-error-format`.
    pub(crate) error_format: Option<String>,
    /// `--vault`.
    pub(crate) vault: Option<String>,
    /// `--passphrase-file`.
    pub(crate) passphrase_file: Option<String>,
    /// `--passphrase-fd`.
    pub(crate) passphrase_fd: Option<i32>,
    /// `--passphrase-command`.
    pub(crate) passphrase_command: Option<String>,
    /// `--keyfile`.
    pub(crate) keyfile: Option<String>,
    /// `--allow-costly-kdf`.
    pub(crate) allow_costly_kdf: bool,
    /// `--allow-weak-kdf`.
    pub(crate) allow_weak_kdf: bool,
    /// `--trust-file-modes`.
    pub(crate) trust_file_modes: bool,
    /// `--ask`.
    pub(crate) ask: bool,
    /// `--multi-line`.
    pub(crate) multi_line: bool,
    /// `--no-input`.
    pub(crate) no_input: bool,
    /// `--expect`, as `GEN:CODE`.
    pub(crate) expect: Option<String>,
}

/// How a blob stands in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BlobFormat {
    /// As base64.
    #[default]
    Base64,
    /// As it is.
    Raw,
}

/// PageBoundaries a command line, without the program's name.
pub(crate) fn split(argv: &[String], form: Form, names: Names<'_>) -> Result<CommandLine, Error> {
    let positional = match form {
        Form::Aws => Positional::Known { name: "command", known: KNOWN },
        Form::Plain => Positional::Required { name: "command" },
    };
    let grammar = Grammar { flags: flags(form), positional };
    let choices = commands(form, names);
    let sorted = argparse::sort(&grammar, argv, &choices)?;
    let globals = Globals::read(&grammar, &sorted)?;
    if sorted.stopped == Stopped::Early {
        let form = if sorted.positional.as_deref() == Some(AWS) { Form::Aws } else { form };
        let flag = sorted.found.last().and_then(|(index, _)| grammar.flags.get(*index));
        let command = match flag.map(|flag| flag.name.as_str()) {
            Some("--version") => Command::Version,
            _ => Command::Help(sorted.positional.into_iter().chain(sorted.rest).collect()),
        };
        return Ok(CommandLine { globals, form, command });
    }
    let (name, words) = (sorted.positional.unwrap_or_default(), sorted.rest);
    let (form, command) = match name.as_str() {
        AWS => {
            let line = split(&words, Form::Aws, names)?;
            (Form::Aws, line.command)
        }
        SERVICE => (form, operation(&words, names.operations)?),
        HELP => (form, Command::Help(words)),
        STS if form == Form::Aws => (form, identity(&words)?),
        CONFIGURE if form == Form::Aws => (form, configure(&words)?),
        _ if names.operations.contains(&name.as_str()) => {
            (form, Command::Operation { name, words })
        }
        _ => {
            let separator = sorted.separator == Separator::Taken;
            let separator = separator.then(|| "--".to_owned());
            let words = separator.into_iter().chain(words).collect();
            (form, Command::Own { name, words })
        }
    };
    Ok(CommandLine { globals, form, command })
}

/// Returns the form that a command line asks for, be it right or wrong: an error of [`split`] is to
/// be told in it. Takes the first word that is a command for the command.
pub(crate) fn form(argv: &[String], form: Form, names: Names<'_>) -> Form {
    let choices = commands(form, names);
    let command = argv.iter().find(|word| choices.contains(&word.as_str()));
    if command.is_some_and(|word| word == AWS) { Form::Aws } else { form }
}

/// Returns the `--cli-error-format` of a command line, be it right or wrong. AWS's rule for a line
/// whose global options cannot be read is not known.
pub(crate) fn error_format(argv: &[String]) -> Option<&str> {
    let mut words = argv.iter().map(String::as_str).take_while(|word| *word != "--").peekable();
    let mut found = None;
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, words.peek().copied()),
        };
        if ERROR_FORMAT.starts_with(name) && name.len() > "--cli-".len() {
            found = value.or(found);
        }
    }
    found
}

fn commands(form: Form, names: Names<'_>) -> Vec<&str> {
    let mut choices = vec![SERVICE, HELP];
    match form {
        Form::Aws => choices.extend([STS, CONFIGURE]),
        Form::Plain => {
            choices.push(AWS);
            choices.extend(names.operations);
            choices.extend(names.own);
        }
    }
    choices
}

/// Makes text of the words a process was started with. The error does not show the word.
pub(crate) fn text(
    argv: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<Vec<String>, Error> {
    let word = |(index, word): (usize, std::ffi::OsString)| {
        word.into_string().map_err(|_not_text| {
            Error::usage(format!("argument {} of the command line is not UTF-8", index + 1))
        })
    };
    argv.into_iter().enumerate().map(word).collect()
}

fn operation(words: &[String], operations: &[&str]) -> Result<Command, Error> {
    let positional = Positional::Required { name: "operation" };
    let grammar = Grammar { flags: Vec::new(), positional };
    let choices: Vec<&str> = operations.iter().copied().chain([HELP]).collect();
    let sorted = argparse::sort(&grammar, words, &choices)?;
    let (name, words) = (sorted.positional.unwrap_or_default(), sorted.rest);
    Ok(if name == HELP { Command::Help(words) } else { Command::Operation { name, words } })
}

fn identity(words: &[String]) -> Result<Command, Error> {
    let known = "its get-caller-identity";
    let positional = Positional::Known { name: "operation", known };
    let grammar = Grammar { flags: Vec::new(), positional };
    let sorted = argparse::sort(&grammar, words, &[IDENTITY, HELP])?;
    let name = sorted.positional.unwrap_or_default();
    let words = if name == HELP { vec![name] } else { sorted.rest };
    Ok(Command::Identity { words })
}

fn configure(words: &[String]) -> Result<Command, Error> {
    let known = "configure get, list and set";
    let positional = Positional::Known { name: "subcommand", known };
    let grammar = Grammar { flags: Vec::new(), positional };
    let sorted = argparse::sort(&grammar, words, &SETTINGS)?;
    let name = sorted.positional.unwrap_or_default();
    Ok(Command::Configure { name, words: sorted.rest })
}

impl Globals {
    fn read(grammar: &Grammar, sorted: &Sorted) -> Result<Self, Error> {
        let last = |name: &str| {
            let is_named = |index: usize| grammar.flags.get(index).is_some_and(|f| f.name == name);
            sorted.found.iter().rev().find(|(index, _)| is_named(*index)).map(|(_, words)| words)
        };
        let given = |name: &str| last(name).is_some();
        let word = |name: &str| last(name).and_then(|words| words.first()).cloned();
        // What a script makes of a variable that is not set.
        let unless_empty = |name: &str| word(name).filter(|word| !word.is_empty());
        if given("--cli-auto-prompt") && given("--no-cli-auto-prompt") {
            return Err(Error::parameters(BOTH_PROMPTS));
        }
        for timeout in ["--cli-read-timeout", "--cli-connect-timeout"] {
            let given = word(timeout).map(|word| python::to_integer(&Value::Text(word)));
            given.transpose().map_err(Error::plain)?;
        }
        Ok(Self {
            no_paginate: given("--no-paginate"),
            no_pager: given("--no-cli-pager"),
            output: unless_empty("--output"),
            query: word("--query"),
            profile: unless_empty("--profile"),
            region: unless_empty("--region"),
            blob_format: match word("--cli-binary-format").as_deref() {
                Some("raw-in-base64-out") => BlobFormat::Raw,
                Some(_) | None => BlobFormat::Base64,
            },
            error_format: word(ERROR_FORMAT),
            vault: word("--vault"),
            passphrase_file: word("--passphrase-file"),
            passphrase_fd: word("--passphrase-fd").map(|word| descriptor(&word)).transpose()?,
            passphrase_command: word("--passphrase-command"),
            keyfile: word("--keyfile"),
            allow_costly_kdf: given("--allow-costly-kdf"),
            allow_weak_kdf: given("--allow-weak-kdf"),
            trust_file_modes: given("--trust-file-modes"),
            no_input: given("--no-input"),
            ask: given("--ask"),
            multi_line: given("--multi-line"),
            expect: word("--expect"),
        })
    }
}

const BOTH_PROMPTS: &str =
    "Both --cli-auto-prompt and --no-cli-auto-prompt cannot be specified at the same time.";

fn descriptor(word: &str) -> Result<i32, Error> {
    let number = python::integer(word).and_then(|number| i32::try_from(number).ok());
    number.filter(|number| *number >= 0).ok_or_else(|| {
        let word = python::repr_text(word);
        Error::argument("--passphrase-fd", format!("invalid file descriptor: {word}"))
    })
}

/// Returns the global options there are.
pub(crate) fn flags(form: Form) -> Vec<Flag> {
    let flag = |abbreviation| {
        move |&(name, arity, check): &(&str, Arity, Check)| Flag {
            name: name.to_owned(),
            arity,
            check,
            abbreviation,
        }
    };
    let aws = AWS_FLAGS.iter().map(flag(Abbreviation::Allowed));
    let own = OWN_FLAGS.iter().map(flag(Abbreviation::Refused));
    let help: &[_] = if form == Form::Plain { &HELP_FLAGS } else { &[] };
    aws.chain(own).chain(help.iter().map(flag(Abbreviation::Refused))).collect()
}

pub(super) const AWS: &str = "aws";
pub(super) const SERVICE: &str = "secretsmanager";
pub(super) const HELP: &str = "help";
pub(super) const STS: &str = "sts";
pub(super) const IDENTITY: &str = "get-caller-identity";
pub(super) const CONFIGURE: &str = "configure";
pub(super) const SETTINGS: [&str; 4] = ["list", "get", "set", HELP];
const KNOWN: &str = "secretsmanager, sts get-caller-identity and configure";
const ERROR_FORMAT: &str = "--cli-error-format";

/// AWS's, in the order in which its messages name them.
const AWS_FLAGS: [(&str, Arity, Check); 19] = [
    ("--debug", Arity::None, Check::Nothing),
    ("--endpoint-url", Arity::One, Check::Nothing),
    ("--no-verify-ssl", Arity::None, Check::Nothing),
    ("--no-paginate", Arity::None, Check::Nothing),
    (
        "--output",
        Arity::One,
        Check::ChoiceOrEmpty(&["json", "text", "table", "yaml", "yaml-stream", "off"]),
    ),
    ("--query", Arity::One, Check::Nothing),
    ("--profile", Arity::One, Check::Nothing),
    ("--region", Arity::One, Check::Nothing),
    ("--version", Arity::Stop, Check::Nothing),
    ("--color", Arity::One, Check::Choice(&["on", "off", "auto"])),
    ("--no-sign-request", Arity::None, Check::Nothing),
    ("--ca-bundle", Arity::One, Check::Nothing),
    ("--cli-read-timeout", Arity::One, Check::Nothing),
    ("--cli-connect-timeout", Arity::One, Check::Nothing),
    ("--cli-binary-format", Arity::One, Check::Choice(&["base64", "raw-in-base64-out"])),
    ("--no-cli-pager", Arity::None, Check::Nothing),
    ("--cli-auto-prompt", Arity::None, Check::Nothing),
    ("--no-cli-auto-prompt", Arity::None, Check::Nothing),
    (
        ERROR_FORMAT,
        Arity::One,
        Check::Choice(&["legacy", "json", "yaml", "text", "table", "enhanced"]),
    ),
];

/// Ours, in either form.
const OWN_FLAGS: [(&str, Arity, Check); 12] = [
    ("--vault", Arity::One, Check::Nothing),
    ("--passphrase-file", Arity::One, Check::Nothing),
    ("--passphrase-fd", Arity::One, Check::Integer),
    ("--passphrase-command", Arity::One, Check::Nothing),
    ("--keyfile", Arity::One, Check::Nothing),
    ("--allow-costly-kdf", Arity::None, Check::Nothing),
    ("--allow-weak-kdf", Arity::None, Check::Nothing),
    ("--trust-file-modes", Arity::None, Check::Nothing),
    ("--ask", Arity::None, Check::Nothing),
    ("--multi-line", Arity::None, Check::Nothing),
    ("--no-input", Arity::None, Check::Nothing),
    ("--expect", Arity::One, Check::Nothing),
];

/// What people type who do not know that `help` is a word; `aws` does not take it.
const HELP_FLAGS: [(&str, Arity, Check); 2] =
    [("--help", Arity::Stop, Check::Nothing), ("-h", Arity::Stop, Check::Nothing)];

#[cfg(test)]
mod tests;
