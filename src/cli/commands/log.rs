//! `log`: what became of a secret, newest first.

use super::super::everyday::address::Address;
use super::super::everyday::client::Client;
use super::super::everyday::times;
use super::super::failure::Failure;
use super::super::stdout::print;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use super::rename::{list, text};
use crate::agent::chores::Chore;
use crate::model::case::kebab;
use crate::model::value::Value;

options! {
    /// The options of `log`.
    pub(super) struct Log {
        /// The secret
        secret: Word = "NAME"
    }
}

impl OwnCommand for Log {
    const NAME: &'static str = "log";
    const TITLE: &'static str = "Log";
    const SUMMARY: &'static str = "Show what became of a secret: its versions and other changes.";
    const EXAMPLE: &'static str = "strongroom log example/login";
    const TAKES: &'static [Takes] = &[Takes::Secret];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let secret = Address::whole_secret(&self.secret.0, "log")?;
        let answer = history(&mut Client::new(invocation.context)?, &secret)?;
        let globals = invocation.context.globals;
        if globals.output.is_some() || globals.query.is_some() {
            return invocation.answer_with(answer);
        }
        print(lines(list(&answer, "History")).as_bytes())
    }
}

/// Returns what became of a secret.
pub(super) fn history(client: &mut Client<'_>, secret: &str) -> Result<Value, Failure> {
    let region = client.region();
    let chore = || Chore::History { region: region.clone(), id: secret.to_owned() };
    client.chore(chore, Log::TITLE, Some(secret))
}

/// Draws the history as columns: when, which version, by what, by whom, and what of it.
pub(super) fn lines(history: &[Value]) -> String {
    let rows: Vec<[String; 5]> = history.iter().map(|entry| row(entry, history)).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let pad = width.saturating_sub(cell.chars().count()) + 2;
            line.push_str(cell);
            line.push_str(&" ".repeat(pad));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn row(entry: &Value, history: &[Value]) -> [String; 5] {
    let when = match entry.get("Time") {
        Some(Value::Timestamp(time)) => times::minute(*time),
        Some(_) | None => String::new(),
    };
    let version = match (entry.get("Back"), entry.get("VersionId")) {
        (Some(Value::Integer(back)), _) => format!("~{back}"),
        (_, Some(_)) => "new".to_owned(),
        (_, None) => String::new(),
    };
    let by = match text(entry, "EventName") {
        "" => "-".to_owned(),
        "Undo" => "undo".to_owned(),
        operation => kebab(operation),
    };
    let via = text(entry, "Via");
    let is_by_hand = via.is_empty() || via == "direct" || via == "agent";
    let user = text(entry, "User");
    let who = if is_by_hand { user.to_owned() } else { format!("{user} ({via})") };
    [when, version, by, who, what(entry, history)]
}

/// Says what of it: labels, fields that changed, and what happened to the secret as a whole.
fn what(entry: &Value, history: &[Value]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let texts = |name: &str| -> Vec<&str> {
        let text = |value: &'_ Value| matches!(value, Value::Text(_));
        let list = list(entry, name).iter().filter(|value| text(value));
        list.map(|value| if let Value::Text(text) = value { text.as_str() } else { "" }).collect()
    };
    if entry.get("VersionId").is_some() {
        let stages = texts("VersionStages");
        if !stages.is_empty() {
            parts.push(stages.join(" "));
        }
        match (entry.get("Changed"), texts("Changed").as_slice()) {
            (None, _) => {}
            (Some(_), []) => parts.push("same value".to_owned()),
            (Some(_), changed) => parts.push(format!("changed {}", changed.join(", "))),
        }
        return parts.join("; ");
    }
    match text(entry, "Fate") {
        "Made" => parts.push("made".to_owned()),
        "Scheduled" => parts.push("deleted, with a way back".to_owned()),
        "Restored" => parts.push("restored".to_owned()),
        _ => {}
    }
    if !text(entry, "OldName").is_empty() {
        parts.push(format!("{} became {}", text(entry, "OldName"), text(entry, "Name")));
    }
    if parts.is_empty() {
        parts.extend(list(entry, "Moved").iter().map(|moved| {
            let to = text(moved, "To");
            let label = text(moved, "Label");
            if to.is_empty() {
                format!("{label} gone")
            } else {
                format!("{label} to {}", short(to, history))
            }
        }));
    }
    parts.join("; ")
}

/// Names a version as it is addressed: how far back it is, or its id.
fn short(id: &str, history: &[Value]) -> String {
    let entry = history.iter().find(|entry| text(entry, "VersionId") == id);
    match entry.and_then(|entry| entry.get("Back")) {
        Some(Value::Integer(back)) => format!("~{back}"),
        Some(_) | None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn map(members: Vec<(&str, Value)>) -> Value {
        Value::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn a_history_is_drawn_in_columns() {
        let history = [
            map(vec![
                ("Time", Value::Timestamp(Timestamp(1))),
                ("EventName", text("Rename")),
                ("User", text("ada")),
                ("OldName", text("a")),
                ("Name", text("b")),
            ]),
            map(vec![
                ("VersionId", text("v1")),
                ("Back", Value::Integer(0)),
                ("VersionStages", Value::List(vec![text("AWSCURRENT")])),
                ("EventName", text("PutSecretValue")),
                ("User", text("ada")),
                ("Via", text("rotation:set")),
                ("Changed", Value::List(vec![text("password")])),
            ]),
            map(vec![
                ("EventName", text("UpdateSecretVersionStage")),
                ("Moved", Value::List(vec![map(vec![("Label", text("x")), ("To", text("v1"))])])),
            ]),
        ];
        let drawn = lines(&history);
        let drawn: Vec<&str> = drawn.lines().map(|line| line.get(16..).unwrap_or(line)).collect();
        assert_eq!(
            drawn,
            [
                "      rename                       ada                 a became b",
                "  ~0  put-secret-value             ada (rotation:set)  AWSCURRENT; changed password",
                "      update-secret-version-stage                      x to ~0",
            ]
        );
    }
}
