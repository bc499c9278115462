//! `get`: a value, or one member of it, alone.

use std::io::{self, IsTerminal};

use super::super::everyday::address::Address;
use super::super::everyday::client::{Client, value_of};
use super::super::everyday::login::{Login, PASSWORD};
use super::super::failure::Failure;
use super::super::stdout::print;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use crate::model::secret_value::SecretValue;
use crate::service::action::Action;
use crate::sys::secret::Secret;

options! {
    /// The options of `get`.
    pub(super) struct Get {
        /// The secret; NAME:LABEL, NAME:VERSION-ID and NAME~1 are older versions of it
        secret: Word = "NAME",
        /// One member of a JSON value; by default password, where there is one
        field: Option<Word> = "FIELD",
        /// The version that was current then: 2026-01-31T12:00:00Z, or a day
        at: Option<String> = "TIME"
    }
}

impl OwnCommand for Get {
    const NAME: &'static str = "get";
    const TITLE: &'static str = "Get";
    const SUMMARY: &'static str = "Print a secret's value, or one field of it.";
    const EXAMPLE: &'static str = "strongroom get example/login username";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Version, Takes::Field];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let address = Address::parse(&self.secret.0)?;
        let mut client = Client::new(invocation.context)?;
        let address = address.at(self.at.as_deref(), &mut client)?;
        let field = self.field.map(|Word(field)| field).filter(|field| !field.is_empty());
        let mut shown = part(&mut client, &address, field.as_deref())?;
        if io::stdout().is_terminal() && !shown.expose().ends_with(b"\n") {
            shown.expose_mut().push(b'\n');
        }
        print(shown.expose())
    }
}

/// Reads what is asked for of a version: a field, or what is meant where none is named.
pub(super) fn part(
    client: &mut Client<'_>,
    address: &Address,
    field: Option<&str>,
) -> Result<Secret<Vec<u8>>, Failure> {
    picked(&value(client, address)?, field, &address.secret)
}

/// Reads the value of a version.
pub(super) fn value(client: &mut Client<'_>, address: &Address) -> Result<SecretValue, Failure> {
    version(client, address).map(|(value, _)| value)
}

/// Reads the value of a version, and its id.
pub(super) fn version(
    client: &mut Client<'_>,
    address: &Address,
) -> Result<(SecretValue, String), Failure> {
    let members = address.members(client)?;
    let answer = client.call(Action::GetSecretValue, members)?;
    value_of(&answer)
}

/// Returns what is asked for of a value.
fn picked(
    value: &SecretValue,
    field: Option<&str>,
    secret: &str,
) -> Result<Secret<Vec<u8>>, Failure> {
    let text = match value {
        SecretValue::Text(text) => text.expose(),
        SecretValue::Binary(bytes) if field.is_none() => {
            return Ok(Secret::new(bytes.expose().clone()));
        }
        SecretValue::Binary(_) => return Err(no_fields(secret)),
    };
    let login = Login::read(text);
    let bytes = |text: &str| Secret::new(text.as_bytes().to_vec());
    match (field, login) {
        (None, None) => Ok(bytes(text)),
        (None, Some(login)) => Ok(match login.get(PASSWORD) {
            Some(password) => bytes(password.value().expose()),
            None => bytes(text),
        }),
        (Some(field), Some(login)) => {
            let member = login.get(field).ok_or_else(|| {
                let message = format!("the value of {secret} has no field {field:?}");
                Failure::environment("FieldError", message)
                    .hinted(format!("`strongroom show {secret}` names those it has"))
            })?;
            Ok(bytes(member.value().expose()))
        }
        (Some(_), None) => Err(no_fields(secret)),
    }
}

/// Says that only a JSON object has fields.
pub(super) fn no_fields(secret: &str) -> Failure {
    let message = format!("the value of {secret} has no fields: it is no JSON object");
    Failure::environment("FieldError", message)
        .hinted(format!("`strongroom get {secret}` prints the whole value"))
}
