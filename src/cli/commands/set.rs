//! `set`: a new value for a secret, or for one field of it; a secret that is not there is made.

use std::io::{self, IsTerminal, Read};

use super::super::everyday::address::{self, Address};
use super::super::everyday::client::{Client, text};
use super::super::everyday::login::{self, Login, PASSWORD};
use super::super::everyday::swap::{self, Loser};
use super::super::failure::Failure;
use super::super::request::error::Error;
use super::super::terminal::{self, Lines};
use super::options::{Number, Word, Words, options};
use super::own::{Invocation, OwnCommand, Takes};
use super::{generate, get};
use crate::model::secret_value::SecretValue;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::fault::Cause;
use crate::sys::secret::Secret;

/// The most bytes that are read of a value, one more than a secret can have.
const MAX_BYTES: u64 = 65_537;

options! {
    /// The options of `set`.
    pub(super) struct Set {
        /// The secret; it is made if there is none
        secret: Word = "NAME",
        /// The fields to change, as FIELD, whose value is asked for or read from stdin, or as
        /// FIELD=VALUE, which others can see while it runs. Without any it is the password of a
        /// value that has one, and otherwise the whole value
        fields: Words = "FIELD",
        /// Make up the value
        generate: bool,
        /// Make up the value of so many words out of 7,776
        words: Number<u32> = "N" => .requires("generate").conflicts_with_all(["length", "no-symbols"]),
        /// How many characters a made-up value has; 24 if you say nothing
        length: Number<u16> = "N" => .requires("generate"),
        /// Leave out punctuation in a made-up value
        no_symbols: bool => .requires("generate")
    }
}

/// What is to become of a secret's value.
enum Change {
    Whole(Secret<String>),
    Binary(Secret<Vec<u8>>),
    Fields(Vec<(String, Secret<String>)>),
}

impl OwnCommand for Set {
    const NAME: &'static str = "set";
    const TITLE: &'static str = "Set";
    const SUMMARY: &'static str = "Give a secret a new value, or change one field of it.";
    const EXAMPLE: &'static str = "strongroom set example/login username=ada password";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Secret, Takes::Fields];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let secret = Address::whole_secret(&self.secret.0, "set")?;
        let mut client = Client::new(invocation.context)?;
        let current = current(&mut client, &secret)?;
        if current.is_none()
            && let Some(now) = client.renamed(&secret)
        {
            return Err(renamed(&secret, &now));
        }
        let change = self.change(&secret, current.as_ref())?;
        let is_new = current.is_none();
        let what = what(&change);
        store(&mut client, &secret, current, change)?;
        let told = if is_new {
            format!("{secret} is made")
        } else {
            format!("{what} of {secret} is changed; `strongroom undo {secret}` takes that back")
        };
        terminal::note(&told);
        Ok(())
    }
}

/// A secret was called so until it was renamed. A second one under its old name is hardly what is meant,
/// by a person or a script.
fn renamed(old: &str, now: &str) -> Failure {
    let message = format!("{old} was renamed: it is {now} now");
    Failure::environment("SecretRenamed", message).hinted(format!(
        "`strongroom set {now}` changes it; `strongroom create-secret --name {old}` makes another one"
    ))
}

/// Reads the current value of a secret; `None` if there is no such secret, or it has none.
fn current(client: &mut Client<'_>, secret: &str) -> Result<Option<Existing>, Failure> {
    let address = Address::parse(secret)?;
    match get::version(client, &address) {
        Ok((value, version)) => Ok(Some(Existing::Valued(value, version))),
        Err(Failure::Service { fault, .. }) if fault.cause == Cause::SecretNotFound => Ok(None),
        Err(Failure::Service { fault, .. })
            if fault.code == crate::service::fault::Code::ResourceNotFound =>
        {
            Ok(Some(Existing::Valueless))
        }
        Err(failure) => Err(failure),
    }
}

/// A secret that is there.
enum Existing {
    /// With this value, in a version of this id.
    Valued(SecretValue, String),
    Valueless,
}

impl Set {
    fn change(&self, secret: &str, current: Option<&Existing>) -> Result<Change, Failure> {
        let has_password = match current {
            Some(Existing::Valued(SecretValue::Text(text), _)) => {
                Login::read(text.expose()).is_some_and(|login| login.get(PASSWORD).is_some())
            }
            Some(Existing::Valued(SecretValue::Binary(_), _) | Existing::Valueless) | None => false,
        };
        let names: Vec<String> = match self.fields.0.as_slice() {
            [] if has_password => vec![PASSWORD.to_owned()],
            names => names.to_vec(),
        };
        if names.is_empty() {
            return match self.asked(secret)? {
                Given::Text(text) => Ok(Change::Whole(text)),
                Given::Bytes(bytes) => Ok(Change::Binary(bytes)),
            };
        }
        let is_json = match current {
            None | Some(Existing::Valueless) => true,
            Some(Existing::Valued(SecretValue::Text(text), _)) => {
                Login::read(text.expose()).is_some()
            }
            Some(Existing::Valued(SecretValue::Binary(_), _)) => false,
        };
        if !is_json {
            return Err(get::no_fields(secret));
        }
        let asked = names.iter().filter(|name| !name.contains('=')).count();
        if asked > 1 && (self.generate || !io::stdin().is_terminal()) {
            let what = "only one field can be made up, or read from stdin";
            return Err(Error::argument("FIELD", what).into());
        }
        let mut fields = Vec::new();
        for name in &names {
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, Secret::new(value.to_owned())),
                None => match self.asked(&format!("{name} of {secret}"))? {
                    Given::Text(text) => (name.as_str(), text),
                    Given::Bytes(_) => {
                        let message = "the value of a field is text, and stdin has none";
                        return Err(Failure::environment("FieldError", message));
                    }
                },
            };
            if name.is_empty() {
                return Err(Error::argument("FIELD", "the name of a field is missing").into());
            }
            fields.push((name.to_owned(), value));
        }
        Ok(Change::Fields(fields))
    }

    /// Obtains a value: made up, read, or asked for.
    fn asked(&self, what: &str) -> Result<Given, Failure> {
        if self.generate {
            let recipe = generate::recipe(&self.words, &self.length, self.no_symbols)?;
            let made = recipe.make()?;
            terminal::note(&recipe.strength());
            return Ok(Given::Text(made));
        }
        if !io::stdin().is_terminal() {
            return read_stdin();
        }
        if !terminal::is_there() {
            let message = "a value is needed, and there is no terminal to ask at";
            return Err(Failure::environment("NoTerminal", message)
                .hinted("give it on stdin, or use --generate"));
        }
        let typed = terminal::ask_secret(&format!("New {what}: "), Lines::Single);
        let typed = typed.map_err(|error| {
            Failure::environment("NoAnswer", format!("a value is needed: {error}"))
        })?;
        if typed.expose().is_empty() {
            return Err(Failure::environment(
                "NoAnswer",
                "a value is needed, and nothing was typed",
            )
            .hinted("FIELD= makes a field empty; --generate makes a value up"));
        }
        Ok(Given::Text(typed))
    }
}

/// A value that was obtained.
enum Given {
    Text(Secret<String>),
    Bytes(Secret<Vec<u8>>),
}

/// Reads a value from stdin, without the newline that ends it.
fn read_stdin() -> Result<Given, Failure> {
    let mut bytes = Secret::new(Vec::with_capacity(4096));
    let read = io::stdin().lock().take(MAX_BYTES).read_to_end(bytes.expose_mut());
    read.map_err(|error| {
        Failure::environment("IoError", format!("the value could not be read from stdin: {error}"))
    })?;
    let ending = |ending: &[u8], bytes: &[u8]| bytes.ends_with(ending);
    let surplus = match bytes.expose() {
        bytes if ending(b"\r\n", bytes) => 2,
        bytes if ending(b"\n", bytes) => 1,
        _ => 0,
    };
    let length = bytes.expose().len() - surplus;
    bytes.expose_mut().truncate(length);
    if bytes.expose().is_empty() {
        let message = "a value is needed, and stdin is empty";
        return Err(
            Failure::environment("NoAnswer", message).hinted("give it on stdin, or use --generate")
        );
    }
    match str::from_utf8(bytes.expose()) {
        Ok(text) => Ok(Given::Text(Secret::new(text.to_owned()))),
        Err(_not_text) => Ok(Given::Bytes(bytes)),
    }
}

/// Says what of a secret is changed.
fn what(change: &Change) -> String {
    match change {
        Change::Whole(_) | Change::Binary(_) => "the value".to_owned(),
        Change::Fields(fields) => {
            fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Stores it: a new version, or a new secret.
fn store(
    client: &mut Client<'_>,
    secret: &str,
    current: Option<Existing>,
    change: Change,
) -> Result<(), Failure> {
    let is_new = current.is_none();
    let value = match (change, current) {
        (Change::Whole(text), _) => ("SecretString", Value::Text(text.expose().clone())),
        (Change::Binary(bytes), _) => ("SecretBinary", Value::Bytes(bytes.expose().clone())),
        (Change::Fields(fields), Some(Existing::Valued(value, version))) => {
            return change_fields(client, secret, (value, version), &fields);
        }
        (Change::Fields(fields), Some(Existing::Valueless) | None) => {
            ("SecretString", Value::Text(login::object(&fields).expose().clone()))
        }
    };
    if is_new {
        client.call(Action::CreateSecret, vec![text("Name", secret), value])?;
    } else {
        client.call(Action::PutSecretValue, vec![text("SecretId", secret), value])?;
    }
    Ok(())
}

/// Changes fields of the value there is. Others may have changed further ones of it since it was read,
/// for one while a person typed: those stay.
fn change_fields(
    client: &mut Client<'_>,
    secret: &str,
    read: (SecretValue, String),
    fields: &[(String, Secret<String>)],
) -> Result<(), Failure> {
    let address = Address::parse(secret)?;
    let (mut value, mut version) = read;
    // What else `replace` needs may not be granted.
    let may_replace = !client.is_granted();
    if !may_replace || !is_still_current(client, secret, &version)? {
        (value, version) = get::version(client, &address)?;
    }
    for _ in 0..swap::ATTEMPTS {
        let SecretValue::Text(before) = &value else { return Err(get::no_fields(secret)) };
        let mut after = Secret::new(before.expose().clone());
        for (name, value) in fields {
            let login = Login::read(after.expose()).ok_or_else(|| get::no_fields(secret))?;
            after = login.with(name, value);
        }
        if !may_replace {
            let value = ("SecretString", Value::Text(after.expose().clone()));
            client.call(Action::PutSecretValue, vec![text("SecretId", secret), value])?;
            return Ok(());
        }
        if swap::replace(client, secret, &version, &after, Loser::Dropped)? {
            return Ok(());
        }
        (value, version) = get::version(client, &address)?;
    }
    Err(swap::always_changed(secret))
}

/// Whether a version is the current one: to begin with another would make a version for nothing.
fn is_still_current(client: &mut Client<'_>, secret: &str, id: &str) -> Result<bool, Failure> {
    let versions = address::versions(client, secret)?;
    Ok(versions.iter().any(|version| version.id == id && address::is_current(version)))
}
