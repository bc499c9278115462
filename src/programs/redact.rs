//! Leaves out of a program's output what is known to be secret. A courtesy against accidents, not a
//! boundary: a program can always spell a secret in a way that nobody looks for.

use serde_json::{Map, Value as Json};

use super::needles::Needles;
use super::spelling::spellings;
use crate::model::secret_value::SecretValue;
use crate::sys::secret::Secret;

/// What is left out.
#[derive(Default)]
pub(crate) struct Redactor {
    /// Known values.
    values: Vec<Secret<Vec<u8>>>,
    /// Them as they are and as they are commonly spelled, without line ends.
    spelled: Vec<Secret<Vec<u8>>>,
}

impl Redactor {
    /// Adds what is surely a credential of a value: all of it, or the members of a JSON object that
    /// are called so. Hosts and names of users are in many commands.
    pub(crate) fn add_credentials(&mut self, value: &SecretValue) {
        let SecretValue::Text(text) = value else { return self.add(value) };
        let Ok(Json::Object(members)) = serde_json::from_str(text.expose()) else {
            return self.add(value);
        };
        for (_, member) in members.iter().filter(|(name, _)| is_secret_name(name)) {
            self.add_leaves(member);
        }
    }

    /// Whether a text has any of it.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        !self.needles().places(text.as_bytes()).is_empty()
    }

    /// Adds a value, and what is secret in it if it is JSON: of an object the members that are called
    /// so or look so, of anything else all.
    pub(crate) fn add(&mut self, value: &SecretValue) {
        match value {
            SecretValue::Text(text) => {
                self.add_spellings(text.expose().as_bytes());
                match serde_json::from_str::<Json>(text.expose()) {
                    Ok(Json::Object(members)) => self.add_members(&members),
                    Ok(json) => self.add_leaves(&json),
                    Err(_not_json) => {}
                }
            }
            SecretValue::Binary(bytes) => self.add_spellings(bytes.expose()),
        }
    }

    fn add_members(&mut self, members: &Map<String, Json>) {
        for (name, member) in members {
            if is_secret_name(name) {
                self.add_leaves(member);
            } else {
                self.add_member(name, member);
            }
        }
    }

    /// Adds what looks like a secret in a member that is not called one.
    fn add_member(&mut self, name: &str, member: &Json) {
        match member {
            Json::Object(members) => self.add_members(members),
            Json::Array(elements) => {
                for element in elements {
                    self.add_member(name, element);
                }
            }
            Json::String(text) => {
                if let Some(password) = password_in_url(text) {
                    self.add_spellings(password.as_bytes());
                } else if !is_plain_name(name) && looks_secret(text) {
                    self.add_spellings(text.as_bytes());
                }
            }
            Json::Number(_) | Json::Null | Json::Bool(_) => {}
        }
    }

    fn add_leaves(&mut self, json: &Json) {
        match json {
            Json::String(text) => self.add_spellings(text.as_bytes()),
            Json::Number(number) => self.add_spellings(number.to_string().as_bytes()),
            Json::Array(elements) => elements.iter().for_each(|element| self.add_leaves(element)),
            Json::Object(members) => members.values().for_each(|member| self.add_leaves(member)),
            Json::Null | Json::Bool(_) => {}
        }
    }

    fn add_spellings(&mut self, value: &[u8]) {
        let value = value.trim_ascii();
        let is_known = self.values.iter().any(|known| known.expose() == value);
        if value.len() < SHORTEST || is_known {
            return;
        }
        self.values.push(Secret::new(value.to_vec()));
        for spelling in spellings(value) {
            self.add_needle(spelling);
        }
    }

    fn needles(&self) -> Needles {
        Needles::new(self.spelled.iter().map(|needle| (needle.expose().clone(), 0)))
    }

    fn add_needle(&mut self, mut needle: Vec<u8>) {
        needle.retain(|byte| !is_line_end(*byte));
        if !needle.is_empty() {
            self.spelled.push(Secret::new(needle));
        }
    }

    /// Writes the last `most` bytes of an output with every needle left out, even one that begins
    /// before them, and one that is broken into lines.
    pub(crate) fn redact(&self, output: &[u8], most: usize) -> Vec<u8> {
        let places: Vec<usize> =
            output.iter().enumerate().filter(|(_, b)| !is_line_end(**b)).map(|(i, _)| i).collect();
        let letters: Vec<u8> = output.iter().copied().filter(|byte| !is_line_end(*byte)).collect();
        let mut hidden = vec![false; output.len()];
        // Places come in order, and many may overlap: nothing is hidden twice.
        let mut end = 0;
        for found in self.needles().places(&letters) {
            let last = places.get(found.range.end.saturating_sub(1));
            let (Some(first), Some(last)) = (places.get(found.range.start), last) else { continue };
            let beyond = last.saturating_add(1);
            hidden.iter_mut().take(beyond).skip(end.max(*first)).for_each(|h| *h = true);
            end = end.max(beyond);
        }
        let mut out = Vec::new();
        let mut was_hidden = false;
        let first = output.len().saturating_sub(most);
        for (byte, is_hidden) in output.iter().zip(&hidden).skip(first) {
            match (is_hidden, was_hidden) {
                (true, false) => out.extend_from_slice(INSTEAD),
                (true, true) => {}
                (false, _) => out.push(*byte),
            }
            was_hidden = *is_hidden;
        }
        out
    }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// What replaces a secret.
const INSTEAD: &[u8] = b"[redacted]";
/// Shorter values occur in any text by chance.
const SHORTEST: usize = 6;

/// Whether a member holds a secret, by its name.
fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARTS.iter().any(|part| name.contains(part)) || SECRET_NAMES.contains(&name.as_str())
}

/// Whether a member is one that messages about a secret have to name: of the members that AWS gives
/// to the secrets of databases, those that are not secret.
fn is_plain_name(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    PLAIN_NAMES.contains(&name.to_ascii_lowercase().as_str())
}

/// Whether a text may well be a secret: no word, number, host or path, of which messages are made.
fn looks_secret(text: &str) -> bool {
    let is_usual = |c: char| c.is_ascii_alphanumeric() || "-._/:@,".contains(c);
    let is_random = |part: &str| {
        let has = |is_kind: fn(&u8) -> bool| part.bytes().any(|byte| is_kind(&byte));
        let (digits, small) = (has(u8::is_ascii_digit), has(u8::is_ascii_lowercase));
        let large = has(u8::is_ascii_uppercase);
        digits && (small || large) && part.len() >= 8 || small && large && part.len() >= 16
    };
    !text.chars().all(is_usual) || text.split(|c: char| !c.is_alphanumeric()).any(is_random)
}

/// Returns the password of a URL such as `postgres://user:password@host/`.
fn password_in_url(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    Some(user.split_once(':')?.1)
}

/// Parts of the names of members that hold secrets.
const SECRET_PARTS: [&str; 9] =
    ["password", "passphrase", "passwd", "pwd", "secret", "token", "key", "credential", "private"];
/// Such names that are parts of other words.
const SECRET_NAMES: [&str; 7] = ["pass", "pin", "pw", "auth", "salt", "seed", "otp"];
const PLAIN_NAMES: [&str; 17] = [
    "database",
    "db",
    "dbclusteridentifier",
    "dbinstanceidentifier",
    "dbname",
    "endpoint",
    "engine",
    "host",
    "hostname",
    "login",
    "masterarn",
    "port",
    "proxy",
    "region",
    "server",
    "user",
    "username",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str, output: &str) -> String {
        let mut redactor = Redactor::default();
        redactor.add(&SecretValue::Text(Secret::new(value.to_owned())));
        String::from_utf8(redactor.redact(output.as_bytes(), 1 << 16)).unwrap()
    }

    #[test]
    fn known_values_are_left_out() {
        let r = "[redacted]";
        for (value, output, expected) in [
            ("hunter22", "login hunter22 failed", format!("login {r} failed")),
            ("hunter22", "hunter22hunter22.", format!("{r}.")),
            ("hunter22", "hunt\ner22", r.to_owned()),
            // Letters of base64 that hold a neighbour's bits too are left.
            ("hunter22", "aHVudGVyMjI=", format!("{r}I=")),
            (
                "hunter22",
                "{\"p\":\"hunter22\"} eyJwIjoiaHVudGVyMjIifQ==",
                format!("{{\"p\":\"{r}\"}} eyJwIjoi{r}IifQ=="),
            ),
            ("hunter22", "68756e7465723232 68756E7465723232", format!("{r} {r}")),
            ("a\"b\\c d%", r#"a\"b\\c d% a%22b%5Cc%20d%25"#, format!("{r} {r}")),
            (
                r#"{"user":"app","password":"s3cret/s3cret"}"#,
                "s3cret/s3cret s3cret%2Fs3cret app",
                { format!("{r} {r} app") },
            ),
            ("short", "short", "short".to_owned()),
            ("hunter22", "hunter2", "hunter2".to_owned()),
            ("line one\nline two", "line one\nline two\n", format!("{r}\n")),
            ("", "x", "x".to_owned()),
        ] {
            assert_eq!(shown(value, output), expected, "{output}");
        }
    }

    /// What was left out of a value was only what Rust would write; others escape otherwise.
    #[test]
    fn other_languages_spell_secrets_otherwise() {
        let value = r#"{"password": "gr\u00fc\u00dfe \ud83d\udd11 a\"b/c&d*~"}"#;
        for output in [
            // json.dumps of Python, the same in capitals, PHP, Go, and JSON in JSON.
            r#"gr\u00fc\u00dfe \ud83d\udd11 a\"b/c&d*~"#,
            r#"gr\u00FC\u00DFe \uD83D\uDD11 a\"b/c&d*~"#,
            r#"gr\u00fc\u00dfe \ud83d\udd11 a\"b\/c&d*~"#,
            r#"grüße 🔑 a\"b/c\u0026d*~"#,
            r#"gr\\u00fc\\u00dfe \\ud83d\\udd11 a\\\"b/c&d*~"#,
            // repr() of Python: of the text, of its bytes, and of such JSON.
            r#"grüße 🔑 a"b/c&d*~"#,
            r#"gr\xc3\xbc\xc3\x9fe \xf0\x9f\x94\x91 a"b/c&d*~"#,
            r#"gr\\u00fc\\u00dfe \\ud83d\\udd11 a\\"b/c&d*~"#,
            // ascii() of Python, and what it writes to a stderr without such letters.
            r#"gr\xfc\xdfe \U0001f511 a"b/c&d*~"#,
            // quote, quote_plus, in small letters; JavaScript; forms of Java.
            "gr%C3%BC%C3%9Fe%20%F0%9F%94%91%20a%22b%2Fc%26d%2A~",
            "gr%C3%BC%C3%9Fe+%F0%9F%94%91+a%22b%2Fc%26d%2A~",
            "gr%c3%bc%c3%9fe+%f0%9f%94%91+a%22b%2fc%26d%2a~",
            "gr%C3%BC%C3%9Fe%20%F0%9F%94%91%20a%22b%2Fc%26d*~",
            "gr%C3%BC%C3%9Fe+%F0%9F%94%91+a%22b%2Fc%26d*%7E",
        ] {
            assert_eq!(shown(value, &format!("<{output}>")), "<[redacted]>", "{output}");
        }
    }

    #[test]
    fn statements_of_sql_have_their_own_quotes() {
        for output in ["ALTER USER a PASSWORD 'it''s a secret'", r"SET PASSWORD 'it\'s a secret'"] {
            let shown = shown("it's a secret", output);
            assert!(shown.ends_with("PASSWORD '[redacted]'"), "{shown}");
        }
    }

    /// Messages could not be understood: the host and the user's name were left out too.
    #[test]
    fn of_an_object_only_what_is_secret_is_left_out() {
        let value = r#"{
            "engine": "postgres", "host": "db-1.cluster-c9abc123xyz.eu-west-1.rds.amazonaws.com",
            "port": 543210, "username": "shop_user_2024", "dbname": "orders2024",
            "dbClusterIdentifier": "cluster9abc123", "dbInstanceIdentifier": "instance9abc1",
            "masterarn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:admin-AbCdEf",
            "ssl": "verify-full", "note": "production", "account": 123456789012,
            "password": "simple", "apiKey": "simpler", "nested": {"client_secret": ["simplest"]},
            "PIN": 98765432, "private_key": {"any": "thing at all"},
            "other": "x7Kq9mZp2Lw4", "sentence": "correct horse battery",
            "url": "postgres://shop_user_2024:pw-in-url@db.example.org/x"
        }"#;
        for plain in [
            "postgres at db-1.cluster-c9abc123xyz.eu-west-1.rds.amazonaws.com:543210",
            "shop_user_2024 of orders2024 in cluster9abc123 or instance9abc1",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:admin-AbCdEf",
            "verify-full production",
        ] {
            assert_eq!(shown(value, plain), plain);
        }
        for secret in ["simple", "simpler", "98765432", "thing at all", "x7Kq9mZp2Lw4", "pw-in-url"]
        {
            let shown = shown(value, &format!("<{secret}>"));
            assert!(shown.starts_with("<[redacted]"), "{shown}");
        }
        assert_eq!(shown(value, "correct horse battery, simplest"), "[redacted], [redacted]");
        // The whole is left out too, unchanged.
        assert_eq!(shown(r#"{"host": "db"}"#, r#"of {"host": "db"}"#), "of [redacted]");
        // Only an object has names to go by.
        assert_eq!(shown(r#"["postgres"]"#, "postgres"), "[redacted]");
    }

    /// Each of many members was looked for in each of many letters: a step that had failed took minutes
    /// to say so.
    #[test]
    fn many_secrets_in_much_output_are_found_soon() {
        let member = |number: usize| format!("{:020}", number.wrapping_mul(7_919_993));
        let members = (0..2000).map(|number| (format!("key{number}"), Json::from(member(number))));
        let value = Json::Object(members.collect()).to_string();
        let mut redactor = Redactor::default();
        redactor.add(&SecretValue::Text(Secret::new(value)));
        let noise = "Every line of a log is another, and none is a secret.\n".repeat(6000);
        let output = format!("{noise}{} {}", member(0), member(1999));
        let began = std::time::Instant::now();
        let shown = redactor.redact(output.as_bytes(), 41);
        assert_eq!(String::from_utf8(shown).unwrap(), "[redacted] [redacted]");
        assert!(began.elapsed().as_secs() < 60);
    }

    /// A long value of one letter matches at each letter of such an output, and was hidden at each.
    #[test]
    fn a_secret_that_overlaps_itself_is_found_soon() {
        let mut redactor = Redactor::default();
        redactor.add(&SecretValue::Text(Secret::new("a".repeat(20_000))));
        let output = format!("b{}\n{}c", "a".repeat(100_000), "a".repeat(20_000));
        let began = std::time::Instant::now();
        let shown = redactor.redact(output.as_bytes(), output.len());
        assert_eq!(String::from_utf8(shown).unwrap(), "b[redacted]c");
        assert!(began.elapsed().as_secs() < 10);
    }

    #[test]
    fn the_cut_shows_no_half() {
        let mut redactor = Redactor::default();
        redactor.add(&SecretValue::Text(Secret::new("correct horse".to_owned())));
        let output = b"before correct horse after";
        for most in 0..output.len() {
            let shown = String::from_utf8(redactor.redact(output, most)).unwrap();
            assert!(!shown.contains("hor") && !shown.contains("rse"), "{most}: {shown}");
        }
    }
}
