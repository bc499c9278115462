//! The names of secrets, for a shell that completes one. They are known only where the agent holds the
//! vault open or a keyfile alone opens it; if anything is in the way, nobody is asked and nothing is
//! printed.
//!
//! The shell hands over the unfinished line, because it may say which vault, key and region.

use clap::{Arg, ArgAction, ArgMatches};

use super::super::agent::{Asked, Session};
use super::super::environment::Environment;
use super::super::failure::Failure;
use super::super::request::error::{Error, Form};
use super::super::request::globals::options::Globals;
use super::super::request::globals::{self, Names};
use super::super::request::paramfile::{self, Sources};
use super::super::stdout::print;
use super::super::unlock::CommandContext;
use super::options::{Argument, options};
use super::own::{Invocation, OwnCommand};
use crate::agent::chores::Chore;
use crate::crypto::slot::Credential;
use crate::model::value::Value;
use crate::service::failure;
use crate::service::names::{self, Which};
use crate::service::operation::Entry;
use crate::service::operations;
use crate::vault::{LockedVault, OnDamagedSlot, OnRollback, UnlockPolicy};

options! {
    /// The options of `offer-names`.
    pub(super) struct OfferNames {
        /// Only those that begin so
        prefix: Option<String> = "TEXT",
        /// Those that are scheduled for deletion
        scheduled: bool,
        /// The line that is completed
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
    const SUMMARY: &'static str = "Print the names of secrets, for completions.";
    const EXAMPLE: &'static str = "strongroom offer-names --prefix app/";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let which = if self.scheduled { Which::Scheduled } else { Which::Active };
        let context = invocation.context;
        let Line(line) = self.line;
        let names = if line.is_empty() {
            names(which, context)
        } else {
            let own = (invocation.manual.names)();
            globals_of(&line, &own, context.environment).and_then(|globals| {
                let context = CommandContext::new(&globals, context.environment, context.form);
                names(which, &context.ok()?)
            })
        };
        let names = names.unwrap_or_default();
        let prefix = self.prefix.unwrap_or_default();
        let begun = names.iter().filter(|name| name.starts_with(&prefix) && is_harmless(name));
        print(begun.flat_map(|name| [name.as_str(), "\n"]).collect::<String>().as_bytes())
    }
}

/// Whether a shell sees nothing in a name that it puts on the line: a vault from elsewhere may have
/// names that no `create-secret` takes, such as a command after a semicolon.
fn is_harmless(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte))
}

/// Reads the global options of an unfinished line.
fn globals_of(line: &[String], own: &[&str], environment: &Environment) -> Option<Globals> {
    let operations: Vec<String> = operations::ALL.iter().map(Entry::command).collect();
    let operations: Vec<&str> = operations.iter().map(String::as_str).collect();
    let known = Names { operations: &operations, own };
    let words = joined(line.iter().map(|word| unquoted(word)));
    let mut globals = globals::split(&words, Form::Plain, known).ok()?.globals;
    let variable = |name: &str| environment.text(name).map(str::to_owned);
    let sources = Sources { read: &paramfile::read_file, variable: &variable, encoding: None };
    for path in [&mut globals.vault, &mut globals.keyfile].into_iter().flatten() {
        *path = sources.expand(path);
    }
    Some(globals)
}

/// Puts `--option`, `=` and a value together again: bash takes them for three words.
fn joined(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in words {
        let is_sign = word == "=" && out.last().is_some_and(|last| last.starts_with("--"));
        match out.last_mut() {
            Some(last) if is_sign || is_open => last.push_str(&word),
            Some(_) | None => out.push(word),
        }
        is_open = is_sign;
    }
    out
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

fn names(which: Which, context: &CommandContext<'_>) -> Option<Vec<String>> {
    let region = context.region().map(str::to_owned);
    if let Some(session) = Session::find(context)
        && let Asked::Answered(Value::List(names)) =
            session.chore(Chore::Names { region, which }, OfferNames::TITLE).ok()?
    {
        let text = |name| if let Value::Text(name) = name { Some(name) } else { None };
        return names.into_iter().map(text).collect();
    }
    let offer = context.offer();
    let credential = Credential::Keyfile(offer.keyfile().ok()??);
    let locked = LockedVault::glance_at(&context.location().ok()?.path).ok()?;
    let (_, master) = locked.try_credential(&credential, offer.limit()).ok()?;
    // Nothing is decided by a name, so what this machine remembers is not looked at.
    let unlock_policy = UnlockPolicy {
        anchors: None,
        on_rollback: OnRollback::Refuse,
        on_damaged_slot: OnDamagedSlot::Refuse,
    };
    let mut vault = locked.unlock(&master, &unlock_policy).ok()?;
    let request_context = context.request_context();
    let found: Result<_, failure::Failure> =
        names::of_region(&mut vault, context.region(), which, request_context);
    found.ok()
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_line_is_read_as_it_was_typed() {
        let environment = Environment::testing(&[("HOME", "/home/ada"), ("V", "/v")]);
        for (line, vault, region) in [
            (&["get-secret-value", "--secret-id", ""][..], None, None),
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
            let words: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
            let globals = globals_of(&words, &[], &environment).unwrap();
            assert_eq!(globals.vault.as_deref(), vault, "{line:?}");
            assert_eq!(globals.region.as_deref(), region, "{line:?}");
        }
    }
}
