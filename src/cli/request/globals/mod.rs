//! The global options and the command word: what a command line says before any operation is known.
//!
//! AWS's global options may stand anywhere and be abbreviated; ours must be spelled out, so that no
//! abbreviation of AWS's changes its meaning. Options that only make sense with a network are
//! accepted and have no effect. Does not know the options of an operation, nor reads any variable.

pub(crate) mod options;

use super::argparse::{self, Abbreviation, Flag, Grammar, Positional, Separator, Stopped};
use super::error::{Error, Form};
use options::{ERROR_FORMAT, Given, GlobalOption, Globals, OPTIONS, Owner};

/// A command line, cut into what is global and the words of one command.
pub(crate) struct CommandLine {
    pub(crate) globals: Globals,
    /// `Aws` for `strongroom aws …` too.
    pub(crate) form: Form,
    pub(crate) command: Command,
}

/// What is asked for, and the words that belong to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Version,
    /// Help about the command that these words name; about everything if there are none.
    Help(Vec<String>),
    /// One of AWS's operations.
    Operation {
        /// Such as `get-secret-value`.
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
        name: String,
        /// All but the global options.
        words: Vec<String>,
    },
    /// One of our own commands.
    Own {
        name: String,
        /// All but the global options; a `--` stays.
        words: Vec<String>,
    },
}

/// The words that are commands.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) operations: &'a [&'a str],
    pub(crate) own: &'a [&'a str],
}

/// Cuts a command line, without the program's name.
pub(crate) fn split(argv: &[String], form: Form, names: Names<'_>) -> Result<CommandLine, Error> {
    let positional = match form {
        Form::Aws => Positional::Known { name: "command", known: KNOWN },
        Form::Plain => Positional::Required { name: "command" },
    };
    let mut grammar = Grammar { flags: flags(form), positional };
    let choices = commands(form, names);
    let command = argv.iter().find(|word| choices.contains(&word.as_str()));
    for flag in &mut grammar.flags {
        let is_ours = |(owner, name): &(&str, &str)| {
            command.is_some_and(|command| command == owner) && flag.name == *name
        };
        if SPELLED_OUT.iter().any(is_ours) {
            flag.abbreviation = Abbreviation::Refused;
        }
    }
    let sorted = argparse::sort(&grammar, argv, &choices)?;
    let globals = Globals::read(&Given { grammar: &grammar, sorted: &sorted })?;
    if sorted.stopped == Stopped::Early {
        let form = if sorted.positional.as_deref() == Some(AWS) { Form::Aws } else { form };
        let command = if globals.version {
            Command::Version
        } else {
            Command::Help(sorted.positional.into_iter().chain(sorted.rest).collect())
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

/// Returns the form that a command line asks for, even if it is wrong: errors of [`split`] are
/// shown in it. The first word that is a command counts as the command.
pub(crate) fn form(argv: &[String], form: Form, names: Names<'_>) -> Form {
    let choices = commands(form, names);
    let command = argv.iter().find(|word| choices.contains(&word.as_str()));
    if command.is_some_and(|word| word == AWS) { Form::Aws } else { form }
}

/// Returns the `--cli-error-format` of a command line, even if it is wrong. AWS's rule for a line
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

/// Turns the words a process was started with into text. The error does not show the word. What comes
/// after `--` may be another program's, and need not be text ([`as_given`]).
pub(crate) fn text(
    argv: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<Vec<String>, Error> {
    let mut is_others = false;
    let word = |(index, word): (usize, std::ffi::OsString)| match word.into_string() {
        Ok(word) => {
            is_others |= word == "--";
            Ok(word)
        }
        Err(word) if is_others => {
            let letters = word.as_encoded_bytes().iter().copied().map(char::from);
            Ok(std::iter::once(NO_TEXT).chain(letters).collect())
        }
        Err(_not_text) => Err(not_text(index)),
    };
    argv.into_iter().enumerate().map(word).collect()
}

/// Refuses words that are no text, for a command that passes none on.
pub(crate) fn must_be_text(words: &[String]) -> Result<(), Error> {
    let found = words.iter().position(|word| word.starts_with(NO_TEXT));
    found.map_or(Ok(()), |index| Err(not_text(index)))
}

/// Returns a word as it was given, for a program that it is passed on to.
pub(crate) fn as_given(word: String) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    match word.strip_prefix(NO_TEXT) {
        Some(letters) => {
            let bytes = letters.chars().filter_map(|letter| u8::try_from(letter).ok());
            std::ffi::OsString::from_vec(bytes.collect())
        }
        None => word.into(),
    }
}

fn not_text(index: usize) -> Error {
    Error::usage(format!("argument {} of the command line is not UTF-8", index + 1))
}

/// What a word begins with that is no text, a letter for each byte: nobody can give one that does.
const NO_TEXT: char = '\0';

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

/// Returns the global options of a form.
pub(super) fn flags(form: Form) -> Vec<Flag> {
    let is_there = |option: &&GlobalOption| form == Form::Plain || option.owner != Owner::Help;
    OPTIONS.iter().filter(is_there).map(GlobalOption::flag).collect()
}

pub(super) const AWS: &str = "aws";
pub(super) const SERVICE: &str = "secretsmanager";
pub(super) const HELP: &str = "help";
pub(super) const STS: &str = "sts";
pub(super) const IDENTITY: &str = "get-caller-identity";
pub(super) const CONFIGURE: &str = "configure";
pub(super) const SETTINGS: [&str; 4] = ["list", "get", "set", HELP];
/// Global options that begin as an option of one of our commands does: of that command they are spelled
/// out.
const SPELLED_OUT: &[(&str, &str)] = &[
    ("env", "--output"),
    ("export", "--output"),
    ("inject", "--output"),
    ("run", "--endpoint-url"),
];
const KNOWN: &str = "secretsmanager, sts get-caller-identity and configure";
#[cfg(test)]
mod tests;
