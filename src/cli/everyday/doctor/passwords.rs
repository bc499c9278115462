//! Which passwords a value holds, and what is known beside them.
//!
//! A password is a member whose name ends so, or a whole value that is one line. Keys, tokens and
//! addresses are none: nobody thinks them up, and how easily they are guessed is not the question.

use serde_json::value::RawValue;

use super::super::login::{Login, PASSWORD};
use crate::sys::secret::Secret;

/// A password of a secret.
pub(crate) struct Password {
    /// The member that holds it, unless it is the usual one or the whole value.
    pub(crate) field: Option<String>,
    pub(crate) text: Secret<String>,
}

/// Finds the passwords of a value.
pub(crate) fn passwords(value: &str) -> Vec<Password> {
    let Some(login) = Login::read(value) else {
        let text = value.strip_suffix('\n').unwrap_or(value);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let password = || Password { field: None, text: Secret::new(text.to_owned()) };
        return if is_password(text) { vec![password()] } else { Vec::new() };
    };
    let members = login.members().iter().filter(|member| names_password(&member.name));
    let found = members.filter_map(|member| {
        let text = member.text().filter(|text| !text.expose().is_empty())?;
        let field = (member.name != PASSWORD).then(|| member.name.clone());
        Some(Password { field, text })
    });
    found.collect()
}

/// Returns what is known of a secret to whoever guesses its password: its name, and in its value who uses
/// it and where.
pub(crate) fn known_beside(name: &str, value: &str) -> Vec<String> {
    let mut whole = vec![name.to_owned()];
    if let Some(login) = Login::read(value) {
        let members = login.members().iter();
        let known = members.filter(|member| KNOWN.contains(&plain(&member.name).as_str()));
        whole.extend(known.map(|member| member.value().expose().clone()));
    }
    let mut words: Vec<String> = Vec::new();
    for text in whole {
        let parts = text.split(|letter: char| !letter.is_alphanumeric());
        for word in parts.chain([text.as_str()]) {
            let word = word.to_lowercase();
            if (SHORTEST..=LONGEST).contains(&word.chars().count()) && !words.contains(&word) {
                words.push(word);
            }
        }
    }
    words.truncate(MOST);
    words
}

/// Returns the date that a login says it ends at.
pub(crate) fn expires(value: &str) -> Option<String> {
    Some(Login::read(value)?.get("expires")?.text()?.expose().clone())
}

fn names_password(name: &str) -> bool {
    let name = plain(name);
    PASSWORDS.iter().any(|end| name.ends_with(end))
}

/// A member's name without what people write between its words.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether a text that has no members may be a password.
fn is_password(text: &str) -> bool {
    let is_line = !text.is_empty() && !text.contains(['\n', '\r']);
    // A bracket alone makes no JSON: a password that was made up may begin with one.
    let is_json = || serde_json::from_str::<&RawValue>(text).is_ok();
    let is_structured = text.starts_with(['[', '"']) && is_json() || text.contains("://");
    is_line && !is_structured && !is_key(text)
}

/// Whether a text looks like a key or a token: long, in the letters that bytes are written with, or
/// with the beginning of one. Words with hyphens between them have no digits.
fn is_key(text: &str) -> bool {
    let is_encoded = |letter: char| letter.is_ascii_alphanumeric() || "+/=_-.:~".contains(letter);
    let is_written = text.chars().all(is_encoded) && text.contains(|c: char| c.is_ascii_digit());
    let begins = BEGINNINGS.iter().any(|beginning| text.starts_with(beginning));
    begins || text.len() > TOO_LONG || text.len() >= KEY && is_written
}

/// How the names of passwords end.
const PASSWORDS: &[&str] = &["password", "passwd", "passphrase"];
/// What is known to others, or can be found out, as members are named.
const KNOWN: &[&str] = &[
    "username", "user", "login", "email", "url", "urls", "uri", "host", "hostname", "title",
    "account",
];
/// How keys begin.
const BEGINNINGS: &[&str] = &["-----BEGIN", "ssh-", "ecdsa-sha2-", "age1", "AGE-", "otpauth:"];
/// Bytes of the shortest key that is taken for one: sixteen bytes, in hexadecimal.
const KEY: usize = 32;
/// Nobody types so many bytes.
const TOO_LONG: usize = 256;
/// Words beside a password: shorter ones are everywhere, and longer ones in no password.
const SHORTEST: usize = 3;
const LONGEST: usize = 64;
/// So many are tried.
const MOST: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "unlatch-gondola-lapis-bucket-thirteen-oatmeal";

    fn found(value: &str) -> Vec<(Option<String>, String)> {
        let found = passwords(value).into_iter();
        found.map(|one| (one.field, one.text.expose().clone())).collect()
    }

    #[test]
    fn passwords_are_members_that_are_called_so() {
        let usual = |text: &str| (None, text.to_owned());
        let field = |name: &str, text: &str| (Some(name.to_owned()), text.to_owned());
        assert_eq!(found(r#"{"username":"ada","password":"a b"}"#), [usual("a b")]);
        assert_eq!(
            found(r#"{"password":"x","DB_PASSWORD":"y","adminPasswd":"z","pass-phrase":"w"}"#),
            [
                usual("x"),
                field("DB_PASSWORD", "y"),
                field("adminPasswd", "z"),
                field("pass-phrase", "w")
            ]
        );
        for none in [
            r#"{"username":"ada","apiKey":"1234"}"#,
            r#"{"password":""}"#,
            r#"{"password":null}"#,
            r#"{"password":{"a":"b"}}"#,
            r#"{"password":["a"]}"#,
            r#"{"passwordHash":"x"}"#,
        ] {
            assert_eq!(found(none), [], "{none}");
        }
    }

    #[test]
    fn a_line_is_a_password_and_a_key_is_none() {
        // Some that `generate` makes once looked like JSON.
        for password in [
            "[k3$",
            "{k3$",
            "\"k3$",
            "hunter2",
            "correct horse battery staple",
            "4711",
            "üöä",
            "true",
            WORDS,
        ] {
            for end in ["", "\n", "\r\n"] {
                let expected = [(None, password.to_owned())];
                assert_eq!(found(&format!("{password}{end}")), expected);
            }
        }
        for none in [
            "",
            "\n",
            "two\nlines",
            "postgres://ada:pw@db/x",
            "otpauth:totp",
            "[1]",
            "\"text\"",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "1e240b2a-0000-4000-8000-000000000000",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "-----BEGIN KEY-----",
            "ssh-ed25519 AAAA ada",
        ] {
            assert_eq!(found(none), [], "{none}");
        }
        assert_eq!(found(&"x y ".repeat(65)), []);
    }

    #[test]
    fn what_stands_beside_a_password_is_known() {
        let value = r#"{"username":"Ada.Lovelace","urls":["https://www.analytic.example/in"],
            "title":"Engine","notes":"secret","password":"x"}"#;
        let known = known_beside("web/Mail", value);
        for word in
            ["web", "mail", "web/mail", "ada", "lovelace", "ada.lovelace", "analytic", "engine"]
        {
            assert!(known.contains(&word.to_owned()), "{word} in {known:?}");
        }
        for word in ["secret", "x", "in", "notes"] {
            assert!(!known.contains(&word.to_owned()), "{word} in {known:?}");
        }
        assert_eq!(known_beside("a", "plain"), [""; 0]);
    }

    #[test]
    fn a_login_says_when_it_is_over() {
        assert_eq!(expires(r#"{"expires":"2026-01-31"}"#).as_deref(), Some("2026-01-31"));
        for none in ["x", "{}", r#"{"expires":5}"#, r#"{"expires":null}"#] {
            assert_eq!(expires(none), None, "{none}");
        }
    }
}
