//! The global options: each is declared once, in the table below. From its row come its place on a
//! command line, its field in [`Globals`], and what the help says about it.

use crate::cli::python;
use crate::cli::request::argparse::{Abbreviation, Arity, Check, Flag, Grammar, Sorted};
use crate::cli::request::error::Error;
use crate::model::order;
use crate::model::value::Value;

/// A global option, and all that is said about it anywhere.
pub(crate) struct GlobalOption {
    /// With its dashes.
    pub(crate) name: &'static str,
    pub(crate) arity: Arity,
    pub(crate) check: Check,
    pub(crate) owner: Owner,
    /// `None` for an option without effect.
    pub(crate) help: Option<OptionHelp>,
}

/// Whose a global option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// AWS's: its first letters are enough.
    Aws,
    /// Strongroom's, in either form.
    Strongroom,
    /// What people type who do not know that `help` is a word; `aws` does not take it.
    Help,
}

/// What the help says about an option.
pub(crate) struct OptionHelp {
    /// Its place in the list.
    rank: u8,
    /// What its value is called; empty where it takes none.
    pub(crate) value: &'static str,
    pub(crate) about: &'static str,
}

impl GlobalOption {
    /// Whether an option of AWS's is taken and has no effect.
    pub(crate) fn is_idle(&self) -> bool {
        self.help.is_none() && self.owner != Owner::Help
    }

    /// Returns the option as it is found among words.
    pub(super) fn flag(&self) -> Flag {
        let abbreviation = match self.owner {
            Owner::Aws => Abbreviation::Allowed,
            Owner::Strongroom | Owner::Help => Abbreviation::Refused,
        };
        Flag { name: self.name.to_owned(), arity: self.arity, check: self.check, abbreviation }
    }
}

/// Returns the options that have an effect, with their help, in the order of the help.
pub(crate) fn described() -> Vec<(&'static GlobalOption, &'static OptionHelp)> {
    let described = OPTIONS.iter().filter_map(|option| Some((option, option.help.as_ref()?)));
    let mut described: Vec<_> = described.collect();
    order::sort_by_key(&mut described, |(_, help)| help.rank);
    described
}

/// Makes each row an option and, if it has an effect, a field. An option without effect has neither
/// a field nor help.
macro_rules! global_options {
    ($($owner:ident {$(
        $name:expr, $arity:ident, $check:expr
        $(=> $field:ident: $type:ty = $read:ident, $rank:literal $value:literal $about:literal)?;
    )*})*) => {
        /// The global options; if one is repeated, the last counts.
        #[derive(Default)]
        pub(crate) struct Globals {
            $($($(#[doc = concat!("`", stringify!($name), "`.")] pub(crate) $field: $type,)?)*)*
        }

        impl Globals {
            fn of(given: &Given<'_>) -> Result<Self, Error> {
                Ok(Self { $($($($field: given.$read($name)?,)?)*)* })
            }
        }

        /// All of them; AWS's in the order in which its messages name them.
        pub(crate) const OPTIONS: &[GlobalOption] = &[$($(GlobalOption {
            name: $name,
            arity: Arity::$arity,
            check: $check,
            owner: Owner::$owner,
            help: global_options!(@help $($rank $value $about)?),
        },)*)*];
    };
    (@help) => { None };
    (@help $rank:literal $value:literal $about:literal) => {
        Some(OptionHelp { rank: $rank, value: $value, about: $about })
    };
}

global_options! {
    Aws {
        "--debug", None, Check::Nothing;
        "--endpoint-url", One, Check::Nothing;
        "--no-verify-ssl", None, Check::Nothing;
        "--no-paginate", None, Check::Nothing
            => no_paginate: bool = is_given, 17 ""
            "Print one page of a list, and the token of the next";
        "--output", One, Check::ChoiceOrEmpty(&["json", "text", "table", "yaml", "yaml-stream", "off"])
            => output: Option<String> = unless_empty, 10 "FORMAT"
            "json, text, table, yaml, yaml-stream or off";
        "--query", One, Check::Nothing
            => query: Option<String> = word, 11 "EXPRESSION"
            "Print only what a JMESPath expression selects";
        "--profile", One, Check::Nothing
            => profile: Option<String> = unless_empty, 2 "NAME"
            "The vault of this name in the data directory (STRONGROOM_PROFILE)";
        "--region", One, Check::Nothing
            => region: Option<String> = unless_empty, 3 "REGION"
            "The region within the vault (STRONGROOM_REGION)";
        "--version", Stop, Check::Nothing
            => version: bool = is_given, 24 ""
            "Print the version";
        "--color", One, Check::Choice(&["on", "off", "auto"])
            => color: Option<String> = word, 23 "WHEN"
            "on, off or auto: whether a QR code is in black and white\n(CLICOLOR_FORCE, NO_COLOR)";
        "--no-sign-request", None, Check::Nothing;
        "--ca-bundle", One, Check::Nothing;
        READ_TIMEOUT, One, Check::Nothing;
        CONNECT_TIMEOUT, One, Check::Nothing;
        "--cli-binary-format", One, Check::Choice(&["base64", "raw-in-base64-out"])
            => blob_format: BlobFormat = blob_format, 15 "FORMAT"
            "How binary values are given: base64, raw-in-base64-out";
        "--no-cli-pager", None, Check::Nothing
            => no_pager: bool = is_given, 18 ""
            "Print at a terminal too, without STRONGROOM_PAGER or AWS_PAGER";
        AUTO_PROMPT, None, Check::Nothing;
        NO_AUTO_PROMPT, None, Check::Nothing;
        ERROR_FORMAT, One, Check::Choice(&["legacy", "json", "yaml", "text", "table", "enhanced"])
            => error_format: Option<String> = word, 16 "FORMAT"
            "enhanced, legacy, json, yaml, text or table";
    }
    Strongroom {
        "--vault", One, Check::Nothing
            => vault: Option<String> = word, 1 "PATH"
            "The vault (or STRONGROOM_VAULT); by default the profile's";
        "--passphrase-file", One, Check::Nothing
            => passphrase_file: Option<String> = word, 5 "FILE"
            "Read the passphrase from a file (STRONGROOM_PASSPHRASE_FILE)";
        "--peer-keyfile", One, Check::Nothing
            => peer_keyfile: Option<String> = word, 8 "FILE"
            "Open peers, which are other vaults, with this keyfile";
        "--peer-passphrase-file", One, Check::Nothing
            => peer_passphrase_file: Option<String> = word, 9 "FILE"
            "Open peers with the passphrase in this file";
        "--passphrase-fd", One, Check::Integer
            => passphrase_fd: Option<i32> = descriptor, 6 "N"
            "Read the passphrase from an open descriptor";
        "--passphrase-command", One, Check::Nothing
            => passphrase_command: Option<String> = word, 7 "COMMAND"
            "Read the passphrase from what a command prints\n(STRONGROOM_PASSPHRASE_COMMAND)";
        "--keyfile", One, Check::Nothing
            => keyfile: Option<String> = word, 4 "FILE"
            "Unlock with a keyfile (STRONGROOM_KEYFILE)";
        "--allow-costly-kdf", None, Check::Nothing
            => allow_costly_kdf: bool = is_given, 19 ""
            "Unlock a vault whose key derivation needs very much memory";
        "--allow-weak-kdf", None, Check::Nothing
            => allow_weak_kdf: bool = is_given, 20 ""
            "Take a key derivation that costs an attacker too little";
        "--trust-file-modes", None, Check::Nothing
            => trust_file_modes: bool = is_given, 21 ""
            "Take a vault or a credential although others may read it\n(STRONGROOM_TRUST_FILE_MODES=1)";
        "--ask", None, Check::Nothing
            => ask: bool = is_given, 12 ""
            "Ask for the secret value at the terminal, without showing it";
        "--multi-line", None, Check::Nothing
            => multi_line: bool = is_given, 13 ""
            "With --ask: take all lines that are typed or pasted, up to Ctrl-D";
        "--no-input", None, Check::Nothing
            => no_input: bool = is_given, 22 ""
            "Ask nobody, as if there were no terminal";
        "--expect", One, Check::Nothing
            => expect: Option<String> = word, 14 "CHECKPOINT"
            "Fail unless the vault is at this checkpoint";
    }
    Help {
        "--help", Stop, Check::Nothing;
        "-h", Stop, Check::Nothing;
    }
}

/// The option that is looked for even if the line is wrong.
pub(super) const ERROR_FORMAT: &str = "--cli-error-format";
const READ_TIMEOUT: &str = "--cli-read-timeout";
const CONNECT_TIMEOUT: &str = "--cli-connect-timeout";
const AUTO_PROMPT: &str = "--cli-auto-prompt";
const NO_AUTO_PROMPT: &str = "--no-cli-auto-prompt";
const BOTH_PROMPTS: &str =
    "Both --cli-auto-prompt and --no-cli-auto-prompt cannot be specified at the same time.";

impl Globals {
    /// Reads the options that were found on a line.
    pub(super) fn read(given: &Given<'_>) -> Result<Self, Error> {
        if given.words(AUTO_PROMPT).is_some() && given.words(NO_AUTO_PROMPT).is_some() {
            return Err(Error::parameters(BOTH_PROMPTS));
        }
        for timeout in [READ_TIMEOUT, CONNECT_TIMEOUT] {
            let word = given.last(timeout).map(|word| Value::Text(word.to_owned()));
            word.map(|word| python::to_integer(&word)).transpose().map_err(Error::plain)?;
        }
        Self::of(given)
    }
}

/// How a blob is written in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BlobFormat {
    #[default]
    Base64,
    Raw,
}

/// The options that were found on a line.
pub(super) struct Given<'a> {
    pub(super) grammar: &'a Grammar,
    pub(super) sorted: &'a Sorted,
}

/// How a field is read; all in one form, for the table.
#[expect(clippy::unnecessary_wraps, reason = "the table reads every field in one form")]
impl Given<'_> {
    fn is_given(&self, name: &str) -> Result<bool, Error> {
        Ok(self.words(name).is_some())
    }

    fn word(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.last(name).map(str::to_owned))
    }

    /// An empty word, as a script gives for a variable that is not set, counts as not given.
    fn unless_empty(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.last(name).filter(|word| !word.is_empty()).map(str::to_owned))
    }

    fn blob_format(&self, name: &str) -> Result<BlobFormat, Error> {
        Ok(match self.last(name) {
            Some("raw-in-base64-out") => BlobFormat::Raw,
            Some(_) | None => BlobFormat::Base64,
        })
    }

    fn descriptor(&self, name: &str) -> Result<Option<i32>, Error> {
        let Some(word) = self.last(name) else { return Ok(None) };
        let number = python::integer(word).and_then(|number| i32::try_from(number).ok());
        if let Some(number) = number.filter(|number| *number >= 0) {
            return Ok(Some(number));
        }
        let word = python::repr_text(word);
        Err(Error::argument(name, format!("invalid file descriptor: {word}")))
    }

    fn last(&self, name: &str) -> Option<&str> {
        self.words(name)?.first().map(String::as_str)
    }

    fn words(&self, name: &str) -> Option<&[String]> {
        let flags = &self.grammar.flags;
        let is_named = |index: usize| flags.get(index).is_some_and(|flag| flag.name == name);
        let mut found = self.sorted.found.iter().rev();
        found.find(|(index, _)| is_named(*index)).map(|(_, words)| words.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_is_told_of_each_option_once() {
        let ranks: Vec<u8> = described().iter().map(|(_, help)| help.rank).collect();
        let count = u8::try_from(ranks.len()).unwrap();
        assert_eq!(ranks, (1..=count).collect::<Vec<_>>());
        for (option, help) in described() {
            let takes_none = matches!(option.arity, Arity::None | Arity::Stop);
            assert_eq!(help.value.is_empty(), takes_none, "{}", option.name);
        }
        // Ours all do something.
        let idle = OPTIONS.iter().filter(|option| option.is_idle());
        assert!(idle.clone().all(|option| option.owner == Owner::Aws));
        assert_eq!(idle.count(), 9);
    }
}
