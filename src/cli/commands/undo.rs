//! `undo`: takes back the last change, and is itself taken back by `undo`.

use super::super::everyday::address::Address;
use super::super::everyday::client::Client;
use super::super::everyday::times;
use super::super::failure::Failure;
use super::super::stdout::print;
use super::super::terminal;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use super::rename::{list, text};
use crate::agent::chores::Chore;
use crate::model::case::kebab;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::undo::Reach;

options! {
    /// The options of `undo`.
    pub(super) struct Undo {
        /// The secret whose last change it is; by default the last change of the vault
        secret: Option<Word> = "NAME",
        /// Go further back: the last change that is not undone yet
        further: bool
    }
}

impl OwnCommand for Undo {
    const NAME: &'static str = "undo";
    const TITLE: &'static str = "Undo";
    const SUMMARY: &'static str = "Take back the last change; once more takes that back.";
    const EXAMPLE: &'static str = "strongroom undo";
    const TAKES: &'static [Takes] = &[Takes::Secret];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let secret = self.secret.map(|Word(secret)| Address::whole_secret(&secret, "undo"));
        let secret = secret.transpose()?;
        let reach = if self.further { Reach::Further } else { Reach::Last };
        let mut client = Client::new(invocation.context)?;
        let region = client.region();
        let chore = || Chore::Undo { region: region.clone(), id: secret.clone(), reach };
        let answer = client.chore(chore, Self::TITLE, secret.as_deref())?;
        let mut lines = String::new();
        for done in list(&answer, "Undone") {
            lines.push_str(&told(done));
            lines.push('\n');
        }
        print(lines.as_bytes())?;
        terminal::note("`strongroom undo` once more takes that back; --further goes further back");
        Ok(())
    }
}

/// Says what taking back one change did.
fn told(done: &Value) -> String {
    let name = text(done, "Name");
    let when = times::minute(time(done, "EventTime"));
    let change = match text(done, "EventName") {
        "Undo" => "undo".to_owned(),
        operation => kebab(operation),
    };
    let rest = match done.get("Rest") {
        Some(Value::Boolean(true)) => "; what else was changed stays: nobody kept what it was",
        _ => "",
    };
    let did = match text(done, "Did") {
        "Value" => format!("{name} has the value from before that, as a new version"),
        "Labels" => format!("the labels of {name} are back where they were"),
        "Renamed" => format!("{} is called {name} again", text(done, "OldName")),
        "Restored" => format!("{name} is back"),
        _ => {
            let until = times::day(time(done, "DeletionDate"));
            format!("{name} is scheduled for deletion, and can be restored until {until}")
        }
    };
    format!("undid {change} of {when}: {did}{rest}")
}

fn time(value: &Value, name: &str) -> Timestamp {
    if let Some(Value::Timestamp(time)) = value.get(name) { *time } else { Timestamp(0) }
}
