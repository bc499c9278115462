//! The options of a command as the fields of a structure. The structure is their only declaration:
//! what clap reads, the help and what the command gets are made from it.
//!
//! A command that names an option which is not declared does not compile. An option that no command
//! reads is dead code, which the lints refuse.

use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::super::request::error::Error;

/// Declares the options of a command, in the order of its help.
///
/// A field's name is the option's, its type says how it is read ([`Argument`]), its doc comment is
/// the help. `= "FILE"` names its value, `=> .requires("other")` says what else clap should know.
/// `..new: PassphraseOptions` takes in the options of another structure.
macro_rules! options {
    (
        $(#[$attribute:meta])*
        pub(super) struct $name:ident;
    ) => {
        $(#[$attribute])*
        pub(super) struct $name;

        impl $crate::cli::commands::options::Options for $name {
            fn declare(command: clap::Command) -> clap::Command {
                command
            }

            fn read(
                _: &clap::ArgMatches,
            ) -> Result<Self, $crate::cli::request::error::Error> {
                Ok(Self)
            }
        }
    };
    (
        $(#[$attribute:meta])*
        pub(super) struct $name:ident {
            $(
                $( ..$group:ident : $group_type:ident )?
                $(
                    $(#[doc = $doc:literal])+
                    $field:ident : $type:ty
                    $(= $value:literal)?
                    $(=> $(.$setter:ident($($with:expr),*))+)?
                )?
            ),+
        }
    ) => {
        $(#[$attribute])*
        pub(super) struct $name {
            $(
                $( pub(super) $group: $group_type, )?
                $( $(#[doc = $doc])+ pub(super) $field: $type, )?
            )+
        }

        impl $crate::cli::commands::options::Options for $name {
            fn declare(command: clap::Command) -> clap::Command {
                $(
                    $(
                        let command =
                            <$group_type as $crate::cli::commands::options::Options>::declare(command);
                    )?
                    $(
                        let lines = [$($doc),+];
                        let argument =
                            $crate::cli::commands::options::described(stringify!($field), &lines);
                        let argument =
                            <$type as $crate::cli::commands::options::Argument>::shape(argument)
                                $(.value_name($value))?
                                $($(.$setter($($with),*))+)?;
                        let command = command.arg(argument);
                    )?
                )+
                command
            }

            fn read(
                matches: &clap::ArgMatches,
            ) -> Result<Self, $crate::cli::request::error::Error> {
                Ok(Self {
                    $(
                        $( $group: $crate::cli::commands::options::Options::read(matches)?, )?
                        $( $field: $crate::cli::commands::options::Argument::read(
                            matches,
                            &$crate::cli::commands::options::name_of(stringify!($field)),
                        )?, )?
                    )+
                })
            }
        }
    };
}
pub(super) use options;

/// Declares the actions that a command begins with: each with its word, and what it does.
macro_rules! actions {
    (
        $(#[$attribute:meta])*
        pub(super) enum $name:ident {
            $( $(#[$doc:meta])* $action:ident = $word:literal ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name {
            $( $(#[$doc])* $action ),+
        }

        impl $crate::cli::commands::options::Choice for $name {
            const ALL: &'static [(&'static str, Self)] = &[$( ($word, Self::$action) ),+];
        }
    };
}
pub(super) use actions;

/// Says of an option that was given that it belongs to another action.
pub(super) fn belongs_to(option: &str, action: &str) -> Error {
    Error::argument(&format!("--{option}"), format!("it belongs to {action}"))
}

/// The options of a command, or some that several commands have.
pub(super) trait Options: Sized {
    /// Adds them to a command.
    fn declare(command: Command) -> Command;

    /// Takes them from a command line.
    fn read(matches: &ArgMatches) -> Result<Self, Error>;

    /// Returns their names.
    fn names() -> Vec<String> {
        let command = Self::declare(Command::new(""));
        command.get_arguments().map(|argument| argument.get_id().to_string()).collect()
    }
}

/// What an option can be.
pub(super) trait Argument: Sized {
    /// Says how clap reads it.
    fn shape(argument: Arg) -> Arg;

    /// Takes it from a command line.
    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error>;
}

/// A word that is not an option: required, and not empty. An `Option` of it may be left out, and it
/// may be empty.
pub(super) struct Word(pub(super) String);

/// Words that are not options, of which there may be none.
pub(super) struct Words(pub(super) Vec<String>);

/// The words after `--`, at least one: another command line.
pub(super) struct Rest(pub(super) Vec<String>);

/// Words of which clap knows all. By itself it is a required word; an `Option` of it is an option.
pub(super) trait Choice: Copy + 'static {
    /// The words, and what they mean.
    const ALL: &'static [(&'static str, Self)];
}

/// A number that may be left out. It is judged when the command asks for it, so that mistakes are
/// told in the order in which the command looks.
pub(super) struct Number<T> {
    option: String,
    text: Option<String>,
    of: PhantomData<T>,
}

impl<T: FromStr> Number<T> {
    /// Returns the number.
    pub(super) fn get(&self) -> Result<Option<T>, Error> {
        let Some(text) = &self.text else { return Ok(None) };
        let invalid = |_not_a_number| self.wrong(format!("invalid number: {text}"));
        text.parse().map(Some).map_err(invalid)
    }

    /// Returns the number, which must be in the range.
    pub(super) fn within(&self, range: &RangeInclusive<T>) -> Result<Option<T>, Error>
    where
        T: Display + PartialOrd,
    {
        match self.get()? {
            Some(number) if !range.contains(&number) => {
                Err(self.wrong(format!("it must be {} to {}", range.start(), range.end())))
            }
            number => Ok(number),
        }
    }

    fn wrong(&self, what: String) -> Error {
        Error::argument(&format!("--{}", self.option), what)
    }
}

/// An option that may be given without its number, which is then one that the command says.
pub(super) struct OptionalNumber<T>(Option<Number<T>>);

impl<T: FromStr> OptionalNumber<T> {
    /// Returns the number, if the option was given.
    pub(super) fn get(&self, usual: T) -> Result<Option<T>, Error> {
        match &self.0 {
            Some(number) => Ok(Some(number.get()?.unwrap_or(usual))),
            None => Ok(None),
        }
    }
}

impl Argument for bool {
    fn shape(argument: Arg) -> Arg {
        long(argument).action(ArgAction::SetTrue)
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        Ok(matches.try_get_one(name).ok().flatten().copied().unwrap_or(false))
    }
}

impl Argument for Option<String> {
    fn shape(argument: Arg) -> Arg {
        long(argument)
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        Ok(matches.try_get_one(name).ok().flatten().cloned())
    }
}

impl Argument for Vec<String> {
    fn shape(argument: Arg) -> Arg {
        long(argument).num_args(1..).action(ArgAction::Append)
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        Ok(matches.try_get_many(name).ok().flatten().unwrap_or_default().cloned().collect())
    }
}

impl Argument for Word {
    fn shape(argument: Arg) -> Arg {
        argument.required(true).value_parser(NonEmptyStringValueParser::new())
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        Option::<Self>::read(matches, name)?.ok_or_else(|| missing(name))
    }
}

impl Argument for Option<Word> {
    fn shape(argument: Arg) -> Arg {
        argument
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        Ok(Option::<String>::read(matches, name)?.map(Word))
    }
}

impl Argument for Words {
    fn shape(argument: Arg) -> Arg {
        argument.num_args(0..).action(ArgAction::Append)
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        Vec::read(matches, name).map(Self)
    }
}

impl Argument for Rest {
    fn shape(argument: Arg) -> Arg {
        argument.required(true).last(true).num_args(1..)
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        let words = matches.try_get_many(name).ok().flatten().unwrap_or_default().cloned();
        Some(words.collect())
            .filter(|words: &Vec<_>| !words.is_empty())
            .map(Self)
            .ok_or_else(|| missing(name))
    }
}

impl<C: Choice> Argument for C {
    fn shape(argument: Arg) -> Arg {
        argument.required(true).value_parser(words::<C>())
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        Option::<Self>::read(matches, name)?.ok_or_else(|| missing(name))
    }
}

impl<C: Choice> Argument for Option<C> {
    fn shape(argument: Arg) -> Arg {
        long(argument).value_parser(words::<C>())
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        let given = Option::<String>::read(matches, name)?;
        let chosen = C::ALL.iter().find(|(word, _)| given.as_deref() == Some(word));
        Ok(chosen.map(|(_, choice)| *choice))
    }
}

impl<T> Argument for Number<T> {
    fn shape(argument: Arg) -> Arg {
        long(argument)
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        let text = Option::<String>::read(matches, name)?;
        Ok(Self { option: name.to_owned(), text, of: PhantomData })
    }
}

impl<T> Argument for OptionalNumber<T> {
    fn shape(argument: Arg) -> Arg {
        long(argument).num_args(0..=1)
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        let is_given = matches.value_source(name) == Some(ValueSource::CommandLine);
        Ok(Self(is_given.then(|| Number::read(matches, name)).transpose()?))
    }
}

/// Returns an option's name, by its field's.
pub(super) fn name_of(field: &str) -> String {
    field.trim_start_matches("r#").replace('_', "-")
}

/// Begins an option: its name, and the lines of its doc comment as its help.
pub(super) fn described(field: &str, lines: &[&str]) -> Arg {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    Arg::new(name_of(field)).help(lines.join(" "))
}

fn long(argument: Arg) -> Arg {
    let name = argument.get_id().to_string();
    argument.long(name)
}

fn words<C: Choice>() -> PossibleValuesParser {
    PossibleValuesParser::new(C::ALL.iter().map(|(word, _)| *word))
}

/// Says what clap has said already.
fn missing(name: &str) -> Error {
    Error::usage(format!("the following arguments are required: {name}"))
}
