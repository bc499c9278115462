//! `show`: the fields of a secret, one a line, those that are secret only if asked for.

use super::super::everyday::address::Address;
use super::super::everyday::client::{Client, text};
use super::super::everyday::login::Login;
use super::super::failure::Failure;
use super::super::stdout::print;
use super::get;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use crate::model::secret_value::SecretValue;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::sys::secret::Secret;

/// What is shown of what is not.
const MASK: &str = "********";

options! {
    /// The options of `show`.
    pub(super) struct Show {
        /// The secret; NAME:LABEL, NAME:VERSION-ID and NAME~1 are older versions of it
        secret: Word = "NAME",
        /// Show what is secret too
        reveal: bool,
        /// The version that was current then: 2026-01-31T12:00:00Z, or a day
        at: Option<String> = "TIME"
    }
}

impl OwnCommand for Show {
    const NAME: &'static str = "show";
    const TITLE: &'static str = "Show";
    const SUMMARY: &'static str = "Show the fields of a secret, without those that are secret.";
    const EXAMPLE: &'static str = "strongroom show example/login";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Version];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let address = Address::parse(&self.secret.0)?;
        let mut client = Client::new(invocation.context)?;
        let address = address.at(self.at.as_deref(), &mut client)?;
        let value = get::value(&mut client, &address)?;
        let described =
            client.call(Action::DescribeSecret, vec![text("SecretId", &address.secret)]);
        let description = match described.as_ref().ok().and_then(|found| found.get("Description")) {
            Some(Value::Text(text)) => Some(text.clone()),
            Some(_) | None => None,
        };
        print(lines(&value, description.as_deref(), self.reveal).expose().as_bytes())
    }
}

/// Returns the lines that show a value.
pub(super) fn lines(
    value: &SecretValue,
    description: Option<&str>,
    reveals: bool,
) -> Secret<String> {
    let mut rows: Vec<(String, Secret<String>)> = Vec::new();
    if let Some(description) = description {
        rows.push(("description".to_owned(), Secret::new(description.to_owned())));
    }
    let shown = |secret: Secret<String>| {
        if reveals { secret } else { Secret::new(MASK.to_owned()) }
    };
    match value {
        SecretValue::Binary(bytes) => {
            let count = bytes.expose().len();
            rows.push(("value".to_owned(), Secret::new(format!("{count} bytes"))));
        }
        SecretValue::Text(text) => match Login::read(text.expose()) {
            None => rows.push(("value".to_owned(), shown(Secret::new(text.expose().clone())))),
            Some(login) => {
                for member in login.members().iter().filter(|member| !member.is_empty()) {
                    let value = member.value();
                    let value = if member.is_secret() { shown(value) } else { value };
                    rows.push((member.name.clone(), value));
                }
            }
        },
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let mut out = Secret::new(String::new());
    for (name, value) in &rows {
        let pad = " ".repeat(width.saturating_sub(name.chars().count()));
        let mut parts = value.expose().split('\n');
        let first = parts.next().unwrap_or_default();
        let lines = out.expose_mut();
        for part in [name, &pad, "  ", first, "\n"] {
            lines.push_str(part);
        }
        // What goes on over several lines stays under its beginning.
        for part in parts {
            lines.push_str(&" ".repeat(width + 2));
            lines.push_str(part);
            lines.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_masked() {
        let text = r#"{"username":"ada","password":"pw","notes":"a\nb","empty":""}"#;
        let value = SecretValue::Text(Secret::new(text.to_owned()));
        assert_eq!(
            lines(&value, Some("mail"), false).expose(),
            "description  mail\nusername     ada\npassword     ********\nnotes        ********\n"
        );
        assert_eq!(
            lines(&value, None, true).expose(),
            "username  ada\npassword  pw\nnotes     a\n          b\n"
        );
        let value = SecretValue::Text(Secret::new("plain".to_owned()));
        assert_eq!(lines(&value, None, false).expose(), "value  ********\n");
        let value = SecretValue::Binary(Secret::new(vec![1, 2]));
        assert_eq!(lines(&value, None, true).expose(), "value  2 bytes\n");
    }
}
