//! `rename` and `mv`: secrets under other names, with all that belongs to them.

use super::super::everyday::address::Address;
use super::super::everyday::client::Client;
use super::super::failure::Failure;
use super::super::request::error::Error;
use super::super::terminal;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use crate::agent::chores::Chore;
use crate::model::value::Value;
use crate::service::rename::Renaming;

options! {
    /// The options of `rename`.
    pub(super) struct Rename {
        /// The secret
        old: Word = "OLD",
        /// Its new name
        new: Word = "NEW"
    }
}

options! {
    /// The options of `mv`.
    pub(super) struct Mv {
        /// What the names begin with, up to a slash
        prefix: Word = "PREFIX/",
        /// What they are to begin with instead
        new: Word = "NEW/"
    }
}

impl OwnCommand for Rename {
    const NAME: &'static str = "rename";
    const TITLE: &'static str = "Rename";
    const SUMMARY: &'static str = "Give a secret another name; versions, labels and history stay.";
    const EXAMPLE: &'static str = "strongroom rename example/login web/login";
    const TAKES: &'static [Takes] = &[Takes::Secret];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let old = Address::whole_secret(&self.old.0, "rename")?;
        tell(&rename(&mut Client::new(invocation.context)?, &old, self.new.0)?);
        Ok(())
    }
}

impl OwnCommand for Mv {
    const NAME: &'static str = "mv";
    const TITLE: &'static str = "Mv";
    const SUMMARY: &'static str = "Rename all secrets whose names begin alike, in one go.";
    const EXAMPLE: &'static str = "strongroom mv staging/ test/";
    const TAKES: &'static [Takes] = &[Takes::Folder];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let (Word(prefix), Word(to)) = (self.prefix, self.new);
        for (name, given) in [("PREFIX/", &prefix), ("NEW/", &to)] {
            if !given.ends_with('/') {
                let what = "it must end with a slash; `strongroom rename` is for a single secret";
                return Err(Error::argument(name, what).into());
            }
        }
        if prefix == to {
            return Err(Error::argument("NEW/", "that is what the names begin with already").into());
        }
        let renaming = Renaming::All { prefix, to };
        tell(&renamed(&mut Client::new(invocation.context)?, &renaming, None, Self::TITLE)?);
        Ok(())
    }
}

/// What a renaming did, in words.
pub(super) struct Told {
    /// For a person, who has just asked for it.
    pub(super) done: Vec<String>,
    /// What did not change with the names, for scripts too.
    pub(super) left: Vec<String>,
}

/// Gives a secret another name.
pub(super) fn rename(client: &mut Client<'_>, old: &str, new: String) -> Result<Told, Failure> {
    let renaming = Renaming::One { id: old.to_owned(), to: new };
    renamed(client, &renaming, Some(old), Rename::TITLE)
}

fn renamed(
    client: &mut Client<'_>,
    renaming: &Renaming,
    about: Option<&str>,
    title: &'static str,
) -> Result<Told, Failure> {
    let region = client.region();
    let chore = || Chore::Rename { region: region.clone(), renaming: renaming.clone() };
    let answer = client.chore(chore, title, about)?;
    let renamed = list(&answer, "Renamed");
    let now = |pair| format!("{} is {} now", text(pair, "OldName"), text(pair, "Name"));
    let mut done: Vec<String> = renamed.iter().map(now).collect();
    done.push("`strongroom undo` takes that back".to_owned());
    let mut left = Vec::new();
    for one in list(&answer, "Left") {
        if let Value::Text(name) = one {
            left.push(format!(
                "note: {name} is scheduled for deletion and keeps its name; `strongroom restore \
                 {name}` brings it back"
            ));
        }
    }
    for mention in list(&answer, "Mentions") {
        let (name, old) = (text(mention, "Name"), text(mention, "OldName"));
        let what = match text(mention, "In") {
            "RotationReads" => "the rotation of",
            _ => "the resource policy of",
        };
        left.push(format!(
            "note: {what} {name} (in {}) still names {old} by its old ARN; change it there",
            text(mention, "Region")
        ));
    }
    if let Some(Value::List(grants)) = client.grants() {
        left.extend(grants.iter().flat_map(|grant| mentioned(grant, renamed)));
    }
    Ok(Told { done, left })
}

fn tell(told: &Told) {
    told.done.iter().for_each(|text| terminal::note(text));
    told.left.iter().for_each(|text| terminal::report(text));
}

/// Says of a grant that it names a secret by its old name, which it no longer reaches.
fn mentioned(grant: &Value, renamed: &[Value]) -> Vec<String> {
    let names = list(grant, "Secrets");
    let is_it = |given: &Value, old: &str| {
        let Value::Text(given) = given else { return false };
        let tail = given.rsplit_once(":secret:").map(|(_, tail)| tail);
        let rest = tail.and_then(|tail| tail.strip_prefix(old));
        given == old || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let is_named = |old: &str| names.iter().any(|given| is_it(given, old));
    let old_names = renamed.iter().map(|pair| text(pair, "OldName"));
    old_names
        .filter(|old| is_named(old))
        .map(|old| {
            let id = text(grant, "Id");
            format!("note: grant {id} still names {old}, which it no longer reaches; revoke it, or grant anew")
        })
        .collect()
}

/// Returns a member that is a list.
pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    if let Some(Value::List(list)) = value.get(name) { list } else { &[] }
}

/// Returns a member that is a text; an empty one where there is none.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    if let Some(Value::Text(text)) = value.get(name) { text } else { "" }
}
