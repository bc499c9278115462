//! An entry of several lines.

use super::super::super::item::Origin;
use super::super::super::login::{Field, FieldKind, Login};
use super::super::super::reading::{Outcome, Reading};
use super::mail;
use crate::model::otp::{self, Otp};

/// The names under which programs keep what a login has a place for.
const USERNAME: &[&str] = &["user", "username", "login"];
const URL: &[&str] = &["url", "website", "uri"];
const TOTP: &[&str] = &["totp", "hotp", "otpauth"];

/// Names of what is not shown.
const HIDDEN: &[&str] = &["pass", "secret", "pin", "key", "token", "code", "cvv", "cvc"];

/// Reads an entry's lines.
pub(super) fn login(text: &str, origin: &Origin, reading: &mut Reading) -> Login {
    let mut making = Making { login: Login::default(), notes: Vec::new(), origin, reading };
    if let Some((headers, body)) = mail::legacy(text) {
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("Password") && making.login.password.is_empty() {
                making.login.password = value.into();
            } else {
                making.pair(name, value);
            }
        }
        for line in lines(body) {
            making.line(line);
        }
        return making.finish();
    }
    let mut rest = lines(text);
    let first = rest.next().unwrap_or_default();
    if is_uri(first) {
        making.totp("otpauth", first);
    } else {
        making.login.password = first.into();
    }
    let rest: Vec<&str> = rest.collect();
    match rest.iter().position(|line| line.trim_end() == "---") {
        Some(place) => {
            let (before, yaml) = rest.split_at(place);
            for line in before {
                making.line(line);
            }
            making.yaml(yaml.get(1..).unwrap_or_default());
        }
        None => {
            for line in rest {
                making.line(line);
            }
        }
    }
    making.finish()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line))
}

fn is_uri(line: &str) -> bool {
    line.trim_start().starts_with("otpauth://")
}

/// A login that is being made.
struct Making<'a> {
    login: Login,
    notes: Vec<String>,
    origin: &'a Origin,
    reading: &'a mut Reading,
}

impl Making<'_> {
    /// Reads a line: a key with a value, a one-time password, or text.
    fn line(&mut self, line: &str) {
        if is_uri(line) {
            return self.totp("otpauth", line.trim());
        }
        let pair = line.split_once(": ").filter(|(name, _)| is_key(name));
        match pair {
            Some((name, value)) => self.pair(name, value),
            None => self.notes.push(line.to_owned()),
        }
    }

    fn pair(&mut self, name: &str, value: &str) {
        let lower = name.trim().to_ascii_lowercase();
        let is = |names: &[&str]| names.contains(&lower.as_str());
        let value = value.trim_end();
        if is(USERNAME) && self.login.username.is_empty() {
            value.clone_into(&mut self.login.username);
        } else if is(URL) {
            self.login.urls.push(value.to_owned());
        } else if is(TOTP) {
            self.totp(name, value);
        } else {
            let is_hidden = HIDDEN.iter().any(|word| lower.contains(word));
            let kind = if is_hidden { FieldKind::Hidden } else { FieldKind::Text };
            self.login.fields.push(Field::new(name, value, kind));
        }
    }

    /// Takes the key of one-time passwords; `otpauth: //totp/…` lacks the beginning.
    fn totp(&mut self, name: &str, value: &str) {
        let value = match value.strip_prefix("//") {
            Some(_) => format!("otpauth:{value}"),
            None => value.to_owned(),
        };
        if let Err(why) = Otp::parse(&value) {
            let what = format!("{name:?} makes no one-time passwords: {why}");
            self.reading.remark(self.origin, Outcome::Doubtful, what);
            self.login.fields.push(Field::new(name, value, FieldKind::Hidden));
            return;
        }
        let Origin::Id(label) = self.origin else { return };
        let uri = otp::uri(&value, label);
        if self.login.totp.is_empty() {
            self.login.totp = uri.expose().as_str().into();
        } else {
            self.login.fields.push(Field::new(name, uri.expose().as_str(), FieldKind::Totp));
        }
    }

    /// Reads flat YAML as pairs; what has more to it than that is kept as it stands.
    fn yaml(&mut self, lines: &[&str]) {
        let is_flat = |line: &&str| line.trim().is_empty() || yaml_pair(line).is_some();
        if !lines.iter().all(is_flat) {
            let what = "has YAML of several levels, which is kept as notes";
            self.reading.remark(self.origin, Outcome::Changed, what);
            self.notes.push("---".to_owned());
            self.notes.extend(lines.iter().map(|line| (*line).to_owned()));
            return;
        }
        for (name, value) in lines.iter().filter_map(|line| yaml_pair(line)) {
            self.pair(name, value);
        }
    }

    fn finish(mut self) -> Login {
        while self.notes.last().is_some_and(String::is_empty) {
            self.notes.pop();
        }
        let lines = self.notes.iter().skip_while(|line| line.is_empty()).map(String::as_str);
        self.login.notes = lines.collect::<Vec<&str>>().join("\n").into();
        self.login
    }
}

/// Whether what is before a colon is a name: a sentence is text.
fn is_key(name: &str) -> bool {
    let name = name.trim();
    !name.is_empty() && name.len() <= 64 && name.split(' ').count() <= 4 && !name.contains("://")
}

/// Reads a line of YAML that is a name and a plain or simply quoted value.
fn yaml_pair(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(": ")?;
    let value = value.trim();
    let is_plain_name = is_key(name) && !name.starts_with([' ', '-', '?', '#', '"', '\'']);
    for quote in ['"', '\''] {
        let inner = value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
        if let Some(inner) = inner {
            let is_simple = !inner.contains([quote, '\\']);
            return (is_plain_name && is_simple).then_some((name, inner));
        }
    }
    let is_plain = !value.is_empty()
        && !value.starts_with(['|', '>', '&', '*', '!', '[', '{', '"', '\'', '#', '%', '@', '`'])
        && !value.contains(" #");
    (is_plain_name && is_plain).then_some((name, value))
}
