//! What a shell completes a word with: the names of secrets, fields and labels of one, peers. Only an
//! agent that holds the vault open is asked; if anything is in the way, nobody is asked and nothing is
//! printed: no key is derived and no keyfile read because somebody pressed Tab.
//!
//! The shell hands over the line up to the word, because it says what is wanted, and may say which vault
//! and region.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::super::agent::{self, Asked, Session};
use super::super::environment::Environment;
use super::super::everyday::address::Address;
use super::super::failure::Failure;
use super::super::request::error::{Error, Form};
use super::super::request::globals::options::Globals;
use super::super::request::globals::{self, Command as Called, CommandLine, Names};
use super::super::request::paramfile::{self, Sources};
use super::super::stdout::print;
use super::super::unlock::CommandContext;
use super::options::{Argument, options};
use super::own::{Invocation, OwnCommand, Takes};
use crate::agent::chores::Chore;
use crate::model::value::Value;
use crate::service::names::{Wanted, Which};
use crate::service::operation::Entry;
use crate::service::operations;

options! {
    /// The options of `offer-names`.
    pub(super) struct OfferNames {
        /// The word that is completed, as far as it is there
        prefix: Option<String> = "TEXT",
        /// The line before it
        line: Line = "WORD",
    }
}

/// All words after `--`, whatever they look like.
pub(super) struct Line(Vec<String>);

impl Argument for Line {
    fn shape(argument: Arg) -> Arg {
        let argument = argument.last(true).action(ArgAction::Append);
        argument.num_args(0..).allow_hyphen_values(true)
    }

    fn read(matches: &ArgMatches, name: &str) -> Result<Self, Error> {
        Vec::read(matches, name).map(Self)
    }
}

impl OwnCommand for OfferNames {
    const NAME: &'static str = "offer-names";
    const TITLE: &'static str = "OfferNames";
    const SUMMARY: &'static str = "Print what a word can be completed with.";
    const EXAMPLE: &'static str = "strongroom offer-names --prefix app/";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let offered = self.offered(invocation).unwrap_or_default();
        print(offered.iter().flat_map(|word| [word, "\n"]).collect::<String>().as_bytes())
    }
}

impl OfferNames {
    fn offered(self, invocation: &Invocation<'_>) -> Option<Vec<String>> {
        let context = invocation.context;
        let environment = context.environment;
        let Line(line) = self.line;
        let prefix = self.prefix.unwrap_or_default();
        if agent::is_granted(environment) {
            return None;
        }
        if line.is_empty() {
            return Wish::name(Which::Active, &prefix).ask(context);
        }
        let (words, begun) = joined(line.iter().map(|word| unquoted(word)));
        let own = (invocation.manual.names)();
        let CommandLine { globals, command, .. } = split(&words, &own, environment)?;
        let context = CommandContext::new(&globals, environment, context.form).ok()?;
        let (Called::Own { name, words } | Called::Operation { name, words }) = command else {
            return None;
        };
        let known = (invocation.manual.command)(&name)?;
        let wish = Wish::of(&known, (invocation.manual.takes)(&name), &words, (&begun, &prefix))?;
        wish.ask(&context)
    }
}

/// What is wanted in place of a word.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    wanted: Wanted,
    /// What of it is there.
    prefix: String,
    /// What stands in the word before that.
    before: String,
    /// How many bytes of the word the shell takes for a word before it.
    apart: usize,
}

impl Wish {
    fn name(which: Which, prefix: &str) -> Self {
        let wanted = Wanted::Name(which);
        Self { wanted, prefix: prefix.to_owned(), before: String::new(), apart: 0 }
    }

    /// Finds out what is wanted by the words of a command before the one that is completed; of that the
    /// shell may take a beginning for a word of its own.
    fn of(
        command: &Command,
        takes: &[Takes],
        words: &[String],
        (begun, prefix): (&str, &str),
    ) -> Option<Self> {
        let word = [begun, prefix].concat();
        let places = Places::of(command, words);
        let which = if command.get_name() == RESTORE { Which::Scheduled } else { Which::Active };
        let given = word
            .strip_prefix("--")
            .map(|word| word.split_once('='))
            .or_else(|| places.open.as_deref().map(|option| Some((option, word.as_str()))));
        if let Some(given) = given {
            let (option, value) = given?;
            let apart = (begun.len() + value.len()).saturating_sub(word.len());
            return OPTIONS.contains(&option).then(|| Self { apart, ..Self::name(which, value) });
        }
        let (first, rest) = (places.plain.first(), takes.len().checked_sub(1)?);
        let secret = || Some(Address::parse(first?).ok()?.secret);
        let is_last_of_many = takes.last() == Some(&Takes::Fields);
        let place = places.plain.len();
        let kind = takes.get(if is_last_of_many { place.min(rest) } else { place })?;
        let (wanted, before) = match kind {
            Takes::Secret => (Wanted::Name(Which::Active), ""),
            Takes::Scheduled => (Wanted::Name(Which::Scheduled), ""),
            Takes::Folder => (Wanted::Folder, ""),
            Takes::Version => match word.split_once(':') {
                Some((secret, _)) => (Wanted::Label(secret.to_owned()), secret),
                None => (Wanted::Name(Which::Active), ""),
            },
            Takes::Field | Takes::Fields => (Wanted::Field(secret()?), ""),
            Takes::Label => (Wanted::Label(secret()?), ""),
            Takes::Peer if first.is_some_and(|action| PEER_ACTIONS.contains(&action.as_str())) => {
                (Wanted::Peer, "")
            }
            Takes::Peer | Takes::Other => return None,
        };
        let before = if before.is_empty() { String::new() } else { format!("{before}:") };
        let prefix = word.strip_prefix(&before)?.to_owned();
        Some(Self { wanted, prefix, before, apart: begun.len() })
    }

    /// Asks the agent, and only that.
    fn ask(self, context: &CommandContext<'_>) -> Option<Vec<String>> {
        let Self { wanted, prefix, before, apart } = self;
        let session = Session::of(&context.location().ok()?.path, context.environment)?;
        let region = context.region().map(str::to_owned);
        let chore = Chore::Offer { region, wanted, prefix };
        let Asked::Answered(Value::List(offered)) = session.chore(chore, OfferNames::TITLE).ok()?
        else {
            return None;
        };
        let text = |word| if let Value::Text(word) = word { Some(word) } else { None };
        let words = offered.into_iter().filter_map(text).filter(|word| is_harmless(word));
        let words = words.map(|word| [before.as_str(), &word].concat());
        words.map(|word| word.get(apart..).map(str::to_owned)).collect()
    }
}

/// The words of a command, sorted.
struct Places {
    /// Those that are no option's.
    plain: Vec<String>,
    /// The option whose value is to follow.
    open: Option<String>,
}

impl Places {
    fn of(command: &Command, words: &[String]) -> Self {
        let mut places = Self { plain: Vec::new(), open: None };
        let mut takes_many = false;
        for word in words {
            if let Some(option) = word.strip_prefix("--") {
                let found = command.get_arguments().find(|known| known.get_long() == Some(option));
                let found = found.filter(|known| known.get_action().takes_values());
                takes_many = found.and_then(Arg::get_num_args).is_some_and(|n| n.max_values() > 1);
                places.open = found.map(|_| option.to_owned());
            } else if places.open.is_none() {
                places.plain.push(word.clone());
            } else if !takes_many {
                places.open = None;
            }
        }
        places
    }
}

/// The options that take the names of secrets.
const OPTIONS: [&str; 3] = ["secret-id", "secret-id-list", "secrets"];
/// The operation that takes those which are scheduled for deletion.
const RESTORE: &str = "restore-secret";
/// What is done with a peer that is known.
const PEER_ACTIONS: [&str; 3] = ["remove", "status", "sync"];

/// Whether a shell sees nothing in a name that it puts on the line: a vault from elsewhere may have
/// names that no `create-secret` takes, such as a command after a semicolon.
fn is_harmless(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-:".contains(&byte))
}

/// Reads the line before the word.
fn split(words: &[String], own: &[&str], environment: &Environment) -> Option<CommandLine> {
    let operations: Vec<String> = operations::ALL.iter().map(Entry::command).collect();
    let operations: Vec<&str> = operations.iter().map(String::as_str).collect();
    let known = Names { operations: &operations, own };
    let mut line = globals::split(words, Form::Plain, known).ok()?;
    let variable = |name: &str| environment.text(name).map(str::to_owned);
    let sources = Sources { read: &paramfile::read_file, variable: &variable, encoding: None };
    let Globals { vault, keyfile, .. } = &mut line.globals;
    for path in [vault, keyfile].into_iter().flatten() {
        *path = sources.expand(path);
    }
    Some(line)
}

/// Puts `--option`, `=` and a value together again, and `NAME`, `:` and a label: bash takes them for three
/// words. Returns the last apart if its value is still to come.
fn joined(words: impl Iterator<Item = String>) -> (Vec<String>, String) {
    let mut out: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in words {
        let is_sign = match word.as_str() {
            "=" => out.last().is_some_and(|last| last.starts_with("--")),
            ":" => true,
            _ => false,
        };
        match out.last_mut() {
            Some(last) if is_sign || is_open => last.push_str(&word),
            Some(_) | None => out.push(word),
        }
        is_open = is_sign;
    }
    let begun = if is_open { out.pop() } else { None };
    (out, begun.unwrap_or_default())
}

/// Takes a word as the shell would, where it hands over what was typed.
fn unquoted(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let (mut quote, mut is_escaped) = (None, false);
    for letter in word.chars() {
        let is_quote = matches!(letter, '\'' | '"');
        if is_escaped {
            out.push(letter);
            is_escaped = false;
        } else if letter == '\\' && quote != Some('\'') {
            is_escaped = true;
        } else if is_quote && quote.is_none() {
            quote = Some(letter);
        } else if quote == Some(letter) {
            quote = None;
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::manual::MANUAL;
    use super::*;

    /// Completed by a shell, such a name became a command.
    #[test]
    fn no_name_is_a_command() {
        for (name, offered) in [
            ("app/db_1+2=3.a@b-c", true),
            ("app;id", false),
            ("$(id)", false),
            ("`id`", false),
            ("a b", false),
            ("a\nb", false),
            ("a!b", false),
            ("caf\u{e9}\u{202e}", false),
        ] {
            assert_eq!(is_harmless(name), offered, "{name:?}");
        }
    }

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_line_is_read_as_it_was_typed() {
        let environment = Environment::testing(&[("HOME", "/home/ada"), ("V", "/v")]);
        for (line, vault, region) in [
            (&["get-secret-value", "--secret-id"][..], None, None),
            (&["--vault", "x", "get-secret-value", "--secret-id", "a"], Some("x"), None),
            (&["get-secret-value", "--vault=x", "--secret-id"], Some("x"), None),
            (&["get-secret-value", "--vault", "=", "x", "--reg", "eu"], Some("x"), Some("eu")),
            (&["aws", "secretsmanager", "--region", "eu", "tag-resource"], None, Some("eu")),
            (&["get-secret-value", "--vault", "'my vault'"], Some("my vault"), None),
            (&["get-secret-value", "--vault", r"my\ vault"], Some("my vault"), None),
            (&["get-secret-value", "--vault", "\"a'b\""], Some("a'b"), None),
            (&["get-secret-value", "--vault", "~/x"], Some("/home/ada/x"), None),
            (&["get-secret-value", "--vault", "\"$V/x\""], Some("/v/x"), None),
            (&["rotate-secret", "--", "program", "--region", "eu"], None, None),
        ] {
            let (words, _) = joined(words(line).iter().map(|word| unquoted(word)));
            let globals = split(&words, &[], &environment).unwrap().globals;
            assert_eq!(globals.vault.as_deref(), vault, "{line:?}");
            assert_eq!(globals.region.as_deref(), region, "{line:?}");
        }
    }

    #[test]
    fn what_is_wanted_depends_on_the_words_before() {
        let environment = Environment::testing(&[]);
        let active = || Wanted::Name(Which::Active);
        let label = || Wanted::Label("a".to_owned());
        let field = || Wanted::Field("a".to_owned());
        for (line, prefix, expected) in [
            (&["get-secret-value", "--secret-id"][..], "p", Some((active(), "p"))),
            (&["get-secret-value"], "--secret-id=p", Some((active(), "p"))),
            (&["get-secret-value", "--secret-id", "="], "p", Some((active(), "p"))),
            (&["get-secret-value"], "p", None),
            (&["get-secret-value", "--version-id"], "p", None),
            (&["get-secret-value"], "--sec", None),
            (&["batch-get-secret-value", "--secret-id-list", "a"], "", Some((active(), ""))),
            (&["restore-secret", "--secret-id"], "", Some((Wanted::Name(Which::Scheduled), ""))),
            (&["restore"], "", Some((Wanted::Name(Which::Scheduled), ""))),
            (&["get"], "p", Some((active(), "p"))),
            (&["get", "--at", "x"], "p", Some((active(), "p"))),
            (&["get"], "a:AW", Some((label(), "AW"))),
            (&["get", "a", ":"], "AW", Some((label(), "AW"))),
            (&["get", "a"], "p", Some((field(), "p"))),
            (&["get", "a~1"], "p", Some((field(), "p"))),
            (&["get", "a", "b"], "", None),
            (&["set", "a", "b", "c"], "p", Some((field(), "p"))),
            (&["rm", "a"], "", None),
            (&["diff", "a"], "", Some((label(), ""))),
            (&["mv"], "p", Some((Wanted::Folder, "p"))),
            (&["peer", "remove"], "p", Some((Wanted::Peer, "p"))),
            (&["peer", "add"], "p", None),
            (&["--vault", "x", "get"], "p", Some((active(), "p"))),
            (&["get", "--vault"], "p", None),
            (&["generate"], "p", None),
            (&["completions"], "", None),
            (&[], "g", None),
        ] {
            let (words, begun) = joined(words(line).into_iter());
            let line_read = split(&words, &super::super::accepted(), &environment);
            let wish = line_read.and_then(|line| match line.command {
                Called::Own { name, words } | Called::Operation { name, words } => {
                    let known = (MANUAL.command)(&name).unwrap();
                    Wish::of(&known, (MANUAL.takes)(&name), &words, (&begun, prefix))
                }
                Called::Version
                | Called::Help(_)
                | Called::Identity { .. }
                | Called::Configure { .. } => None,
            });
            let wish = wish.as_ref().map(|wish| (wish.wanted.clone(), wish.prefix.as_str()));
            assert_eq!(wish, expected, "{line:?} {prefix}");
        }
    }

    /// What bash takes for a word of its own is not said again.
    #[test]
    fn the_shell_is_told_what_follows_its_own_word() {
        let get = (MANUAL.command)("get").unwrap();
        let wish = |begun, prefix| {
            let wish = Wish::of(&get, (MANUAL.takes)("get"), &[], (begun, prefix)).unwrap();
            (wish.before, wish.apart)
        };
        assert_eq!(wish("", "a:AW"), ("a:".to_owned(), 0));
        assert_eq!(wish("a:", "AW"), ("a:".to_owned(), 2));
    }
}
