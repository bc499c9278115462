//! `ls`: the names of secrets, as a tree at a terminal and one a line in a pipe.

use std::fmt::Write;
use std::io::{self, IsTerminal};

use super::super::everyday::client::Client;
use super::super::failure::Failure;
use super::super::stdout::print;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use crate::model::order;
use crate::model::value::Value;
use crate::service::action::Action;

options! {
    /// The options of `ls`.
    pub(super) struct Ls {
        /// Only names that begin so
        prefix: Option<Word> = "PREFIX",
        /// Those that are scheduled for deletion too
        deleted: bool,
        /// One name a line at a terminal too
        flat: bool
    }
}

impl OwnCommand for Ls {
    const NAME: &'static str = "ls";
    const TITLE: &'static str = "Ls";
    const SUMMARY: &'static str = "List the names of secrets.";
    const EXAMPLE: &'static str = "strongroom ls app/";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Folder];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let prefix = self.prefix.map(|Word(prefix)| prefix).unwrap_or_default();
        let mut client = Client::new(invocation.context)?;
        let mut names = names(&mut client, self.deleted)?;
        names.retain(|name| name.starts_with(&prefix));
        let is_tree = io::stdout().is_terminal() && !self.flat;
        print(if is_tree { tree(&names) } else { flat(&names) }.as_bytes())
    }
}

/// Returns the names of all secrets of the region, in order.
pub(super) fn names(client: &mut Client<'_>, with_deleted: bool) -> Result<Vec<String>, Failure> {
    let mut request = Vec::new();
    if with_deleted {
        request.push(("IncludePlannedDeletion", Value::Boolean(true)));
    }
    let answer = client.whole(Action::ListSecrets, request)?;
    let name = |secret: &Value| match secret.get("Name") {
        Some(Value::Text(name)) => Some(name.clone()),
        Some(_) | None => None,
    };
    let mut names: Vec<String> = match answer.get("SecretList") {
        Some(Value::List(listed)) => listed.iter().filter_map(name).collect(),
        Some(_) | None => Vec::new(),
    };
    order::sort_all(&mut names);
    Ok(names)
}

fn flat(names: &[String]) -> String {
    names.iter().fold(String::new(), |mut out, name| {
        out.push_str(name);
        out.push('\n');
        out
    })
}

/// Draws names as a tree: what they have in common up to a slash stands once.
fn tree(names: &[String]) -> String {
    let mut out = String::new();
    let mut above: Vec<&str> = Vec::new();
    for name in names {
        let parts: Vec<&str> = name.split_inclusive('/').collect();
        let common = parts.iter().zip(&above).take_while(|(part, above)| part == above).count();
        // The last part is the secret itself, even where others begin with all of its name.
        let common = common.min(parts.len().saturating_sub(1));
        for (depth, part) in parts.iter().enumerate().skip(common) {
            // Writing to a text does not fail.
            let _written = writeln!(out, "{}{part}", "    ".repeat(depth));
        }
        above = parts;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_drawn_as_a_tree() {
        let names = ["a", "app/db", "app/web/key", "app/web/pin", "zoo/", "zoo/x"];
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let expected = "a\napp/\n    db\n    web/\n        key\n        pin\nzoo/\n    x\n";
        assert_eq!(tree(&names), expected);
        assert_eq!(flat(&names).lines().count(), 6);
        assert_eq!(tree(&[]), "");
    }
}
