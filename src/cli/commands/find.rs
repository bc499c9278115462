//! `find`: secrets by words that somebody half remembers.

use std::io::{self, IsTerminal};

use super::super::everyday::candidates::{self, Candidate};
use super::super::everyday::client::Client;
use super::super::everyday::fuzzy;
use super::super::everyday::login::Login;
use super::super::failure::Failure;
use super::super::progress::Bar;
use super::super::request::error::Error;
use super::super::stdout::print;
use super::super::terminal;
use super::options::options;
use super::own::{Invocation, OwnCommand};
use crate::model::order;
use crate::model::value::Value;
use crate::service::action::Action;

/// How many values are read in one request, which is AWS's limit.
const AT_ONCE: usize = 20;

options! {
    /// The options of `find`.
    pub(super) struct Find {
        /// Parts of what you remember of the name, the description or the tags
        words: Words = "WORDS",
        /// Look at the fields of values too that are not secret, such as user names and URLs. That
        /// reads every value, and the log says so
        in_values: bool
    }
}

/// What is looked for.
pub(super) struct Words(Vec<String>);

impl super::options::Argument for Words {
    fn shape(argument: clap::Arg) -> clap::Arg {
        argument.required(true).num_args(1..).action(clap::ArgAction::Append)
    }

    fn read(matches: &clap::ArgMatches, name: &str) -> Result<Self, Error> {
        Vec::read(matches, name).map(Self)
    }
}

impl OwnCommand for Find {
    const NAME: &'static str = "find";
    const TITLE: &'static str = "Find";
    const SUMMARY: &'static str = "Find secrets by parts of what you remember of them.";
    const EXAMPLE: &'static str = "strongroom find bank giro";
    const IS_OF_OPERATIONS: bool = true;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let words = fuzzy::words(&self.words.0);
        let mut client = Client::new(invocation.context)?;
        let mut candidates = candidates::all(&mut client)?;
        if self.in_values {
            terminal::note(&format!(
                "reading {} values, each of which is logged",
                candidates.len()
            ));
            read_values(&mut client, &mut candidates)?;
        }
        let mut found: Vec<(u32, &Candidate)> =
            candidates.iter().filter_map(|one| Some((one.looked().score(&words)?, one))).collect();
        order::sort_by_key(&mut found, |(score, one)| (u32::MAX - score, one.name.clone()));
        if found.is_empty() {
            let message = "nothing fits these words";
            let hint = if self.in_values {
                "`strongroom ls` names all secrets"
            } else {
                "--in-values looks at user names and URLs too; `strongroom ls` names all secrets"
            };
            return Err(Failure::environment("NotFound", message).hinted(hint));
        }
        let is_shown = io::stdout().is_terminal();
        let mut out = String::new();
        for (_, one) in found {
            out.push_str(&one.name);
            if is_shown && !one.description.is_empty() {
                out.push_str("  ");
                out.push_str(one.description.lines().next().unwrap_or_default());
            }
            out.push('\n');
        }
        print(out.as_bytes())
    }
}

/// Reads the fields of values that are not secret.
fn read_values(client: &mut Client<'_>, candidates: &mut [Candidate]) -> Result<(), Failure> {
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let (mut bar, mut done, total) = (Bar::default(), 0, count(candidates.len()));
    for part in candidates.chunks_mut(AT_ONCE) {
        bar.tell("values", done, total);
        done += count(part.len());
        let names = part.iter().map(|one| Value::Text(one.name.clone())).collect();
        let request = vec![("SecretIdList", Value::List(names))];
        let answer = client.call(Action::BatchGetSecretValue, request)?;
        let Some(Value::List(values)) = answer.get("SecretValues") else { continue };
        for value in values {
            let (Some(Value::Text(name)), Some(Value::Text(text))) =
                (value.get("Name"), value.get("SecretString"))
            else {
                continue;
            };
            let Some(login) = Login::read(text) else { continue };
            let Some(one) = part.iter_mut().find(|one| one.name == *name) else { continue };
            for member in login.members().iter().filter(|member| !member.is_secret()) {
                one.open.push_str(member.value().expose());
                one.open.push(' ');
            }
        }
    }
    terminal::finish();
    Ok(())
}
