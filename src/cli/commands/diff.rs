//! `diff`: what differs between two versions of a secret, field by field.

use super::super::everyday::address::{Address, Which};
use super::super::everyday::client::Client;
use super::super::everyday::login::{Login, Member};
use super::super::failure::Failure;
use super::super::request::error::Error;
use super::super::stdout::print;
use super::super::terminal;
use super::get;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use crate::model::secret_value::SecretValue;
use crate::sys::secret::Secret;

/// What is shown of what is not.
const MASK: &str = "********";

options! {
    /// The options of `diff`.
    pub(super) struct Diff {
        /// The secret
        secret: Word = "NAME",
        /// The older version, by a label, an id or ~N; by default the one before the current
        a: Option<Word> = "A",
        /// The newer version; by default the current
        b: Option<Word> = "B",
        /// Show what is secret too
        reveal: bool,
        /// Compare with the version that was current then: 2026-01-31T12:00:00Z, or a day
        at: Option<String> = "TIME"
    }
}

impl OwnCommand for Diff {
    const NAME: &'static str = "diff";
    const TITLE: &'static str = "Diff";
    const SUMMARY: &'static str = "Show which fields differ between two versions of a secret.";
    const EXAMPLE: &'static str = "strongroom diff example/login ~2";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Secret, Takes::Label, Takes::Label];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let named = Address::parse(&self.secret.0)?;
        let secret = named.secret.clone();
        let word = |word: Option<Word>| word.map(|Word(word)| word).filter(|word| !word.is_empty());
        let (mut first, mut second) = (word(self.a), word(self.b));
        if named.which != Which::Current {
            if second.is_some() || self.at.is_some() {
                let what = "NAME says already which version is meant";
                return Err(Error::argument("A", what).into());
            }
            second = first.take();
        }
        if self.at.is_some() {
            if second.is_some() {
                let what = "--at says already which version it is compared with";
                return Err(Error::argument("A", what).into());
            }
            second = first.take();
        }
        let mut client = Client::new(invocation.context)?;
        let current = Address { secret: secret.clone(), which: Which::Current };
        let before = match (first, named.which) {
            (Some(given), _) => version(&secret, &given)?,
            (None, Which::Current) if self.at.is_some() => {
                current.clone().at(self.at.as_deref(), &mut client)?
            }
            (None, Which::Current) => Address { secret: secret.clone(), which: Which::Back(1) },
            (None, which) => Address { secret: secret.clone(), which },
        };
        let after = second.map_or(Ok(current), |given| version(&secret, &given))?;
        let old = get::value(&mut client, &before)?;
        let new = get::value(&mut client, &after)?;
        let lines = lines(&old, &new, self.reveal);
        if lines.expose().is_empty() {
            terminal::note("nothing differs");
        }
        print(lines.expose().as_bytes())
    }
}

/// Reads which version is meant.
fn version(secret: &str, given: &str) -> Result<Address, Failure> {
    let separator = if given.starts_with('~') { "" } else { ":" };
    Ok(Address::parse(&format!("{secret}{separator}{given}"))?)
}

/// Draws what differs: what only the older has after a minus, what only the newer has after a plus.
fn lines(old: &SecretValue, new: &SecretValue, reveals: bool) -> Secret<String> {
    let mut out = Secret::new(String::new());
    if old.same_as(new) {
        return out;
    }
    let logins = match (old, new) {
        (SecretValue::Text(old), SecretValue::Text(new)) => {
            Login::read(old.expose()).zip(Login::read(new.expose()))
        }
        (SecretValue::Text(_) | SecretValue::Binary(_), _) => None,
    };
    let Some((old_login, new_login)) = logins else {
        if reveals {
            add(&mut out, '-', "value", &whole(old));
            add(&mut out, '+', "value", &whole(new));
        } else {
            add(&mut out, '~', "value", &Secret::new("changed".to_owned()));
        }
        return out;
    };
    let is_new = |member: &&Member<'_>| old_login.get(&member.name).is_none();
    let added = new_login.members().iter().filter(is_new);
    for member in old_login.members().iter().chain(added) {
        let (before, after) = (old_login.get(&member.name), new_login.get(&member.name));
        let before = before.map(Member::value);
        let after = after.map(Member::value);
        let same = before.as_ref().zip(after.as_ref());
        if same.is_some_and(|(before, after)| before.expose() == after.expose()) {
            continue;
        }
        let is_masked = member.is_secret() && !reveals;
        if is_masked && before.is_some() && after.is_some() {
            add(&mut out, '~', &member.name, &Secret::new("changed".to_owned()));
            continue;
        }
        for (sign, value) in [('-', before), ('+', after)] {
            if let Some(value) = value {
                let value = if is_masked { Secret::new(MASK.to_owned()) } else { value };
                add(&mut out, sign, &member.name, &value);
            }
        }
    }
    out
}

/// Adds a field; what goes on over several lines has the sign on each.
fn add(out: &mut Secret<String>, sign: char, name: &str, value: &Secret<String>) {
    let text = out.expose_mut();
    text.push(sign);
    text.push(' ');
    text.push_str(name);
    text.push_str(": ");
    for (number, line) in value.expose().split('\n').enumerate() {
        if number > 0 {
            text.push(sign);
            text.push_str("   ");
        }
        text.push_str(line);
        text.push('\n');
    }
}

fn whole(value: &SecretValue) -> Secret<String> {
    match value {
        SecretValue::Text(text) => Secret::new(text.expose().clone()),
        SecretValue::Binary(bytes) => Secret::new(format!("{} bytes", bytes.expose().len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> SecretValue {
        SecretValue::Text(Secret::new(text.to_owned()))
    }

    #[test]
    fn fields_that_differ_are_shown_and_secret_ones_are_not() {
        let old = value(r#"{"username":"ada","password":"a","pin":"1","url":"x","notes":"n"}"#);
        let new = value(r#"{"username":"bob","password":"b","url":"x","notes":"n","key":"k\nl"}"#);
        let hidden = "- username: ada\n+ username: bob\n~ password: changed\n- pin: ********\n+ key: ********\n";
        assert_eq!(lines(&old, &new, false).expose(), hidden);
        let shown = "- username: ada\n+ username: bob\n- password: a\n+ password: b\n- pin: 1\n+ key: k\n+   l\n";
        assert_eq!(lines(&old, &new, true).expose(), shown);
        assert_eq!(lines(&old, &old, true).expose(), "");
        assert_eq!(lines(&value("a"), &value("b"), false).expose(), "~ value: changed\n");
        assert_eq!(lines(&value("a"), &value("b"), true).expose(), "- value: a\n+ value: b\n");
    }
}
