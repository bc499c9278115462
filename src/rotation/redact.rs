//! Leaves out of a program's output what is known to be secret. A courtesy against accidents, not a
//! boundary: a program can always spell a secret in a way that nobody looks for.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use crate::crypto::fingerprint;
use crate::model::secret_value::SecretValue;
use crate::service::rotation::Known;
use crate::sys::secret::Secret;

/// What is left out: known values as they are and as they are commonly spelled, without line ends.
#[derive(Default)]
pub(crate) struct Needles(Vec<Secret<Vec<u8>>>);

impl Needles {
    /// Adds every value that a program may know.
    pub(crate) fn add_known(&mut self, known: &Known) {
        let own = [&known.current, &known.pending, &known.previous].into_iter().flatten();
        own.chain(known.linked.iter().map(|(_, value)| value)).for_each(|value| self.add(value));
    }

    /// Adds what is surely a credential of a value: all of it, or the members of a JSON object that
    /// are called so. Hosts and names of users are in many commands.
    pub(crate) fn add_credentials(&mut self, value: &SecretValue) {
        let SecretValue::Text(text) = value else { return self.add(value) };
        let Ok(Json::Object(members)) = serde_json::from_str(text.expose()) else {
            return self.add(value);
        };
        for (name, member) in &members {
            let name = name.to_ascii_lowercase();
            if CREDENTIALS.iter().any(|part| name.contains(part)) {
                self.add_leaves(member);
            }
        }
    }

    /// Whether a text has any of it.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let letters = text.as_bytes();
        self.0.iter().any(|needle| positions(letters, needle.expose()).next().is_some())
    }

    /// Adds a value, and the texts in it if it is JSON.
    pub(crate) fn add(&mut self, value: &SecretValue) {
        match value {
            SecretValue::Text(text) => {
                self.add_spellings(text.expose().as_bytes());
                if let Ok(json) = serde_json::from_str::<Json>(text.expose()) {
                    self.add_leaves(&json);
                }
            }
            SecretValue::Binary(bytes) => self.add_spellings(bytes.expose()),
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
        if value.len() < SHORTEST {
            return;
        }
        self.add_needle(value.to_vec());
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            // Where the value stands in what was encoded decides how its letters fall.
            for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
                let whole: Vec<u8> =
                    std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
                // The last letter may hold bits of what follows.
                let length = whole.len().saturating_mul(8) / 6;
                let encoded = engine.encode(&whole);
                let encoded = encoded.as_bytes().get(skipped..length).unwrap_or_default();
                if encoded.len() >= SHORTEST_ENCODED {
                    self.add_needle(encoded.to_vec());
                }
            }
        }
        let hex = fingerprint::hex(value);
        self.add_needle(hex.to_ascii_uppercase().into_bytes());
        self.add_needle(hex.into_bytes());
        if let Ok(text) = std::str::from_utf8(value) {
            let escaped = Json::String(text.to_owned()).to_string();
            self.add_needle(escaped.trim_matches('"').as_bytes().to_vec());
            let percent = |is_plain: fn(u8) -> bool| {
                let spell = |byte: u8| {
                    if is_plain(byte) {
                        char::from(byte).to_string()
                    } else {
                        format!("%{byte:02X}")
                    }
                };
                text.bytes().map(spell).collect::<String>()
            };
            self.add_needle(percent(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b)).into());
            self.add_needle(percent(|b| b.is_ascii_alphanumeric() || b"-_.~/".contains(&b)).into());
        }
    }

    fn add_needle(&mut self, mut needle: Vec<u8>) {
        needle.retain(|byte| !is_line_end(*byte));
        if !needle.is_empty() && !self.0.iter().any(|known| *known.expose() == needle) {
            self.0.push(Secret::new(needle));
        }
    }

    /// Writes the last `most` bytes of an output with every needle left out, even one that begins
    /// before them, and one that is broken into lines.
    pub(crate) fn redact(&self, output: &[u8], most: usize) -> Vec<u8> {
        let places: Vec<usize> =
            output.iter().enumerate().filter(|(_, b)| !is_line_end(**b)).map(|(i, _)| i).collect();
        let letters: Vec<u8> = output.iter().copied().filter(|byte| !is_line_end(*byte)).collect();
        let mut hidden = vec![false; output.len()];
        for needle in &self.0 {
            for start in positions(&letters, needle.expose()) {
                let end = start.saturating_add(needle.expose().len()).saturating_sub(1);
                let (Some(first), Some(last)) = (places.get(start), places.get(end)) else {
                    continue;
                };
                hidden.iter_mut().take(last.saturating_add(1)).skip(*first).for_each(|h| *h = true);
            }
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

fn positions<'h>(letters: &'h [u8], needle: &'h [u8]) -> impl Iterator<Item = usize> + 'h {
    let first = needle.first().copied();
    letters
        .windows(needle.len().max(1))
        .enumerate()
        .filter(move |(_, window)| window.first().copied() == first && *window == needle)
        .map(|(index, _)| index)
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// What stands in the place of a secret.
const INSTEAD: &[u8] = b"[redacted]";
/// Shorter values stand in any text by chance.
const SHORTEST: usize = 6;
const SHORTEST_ENCODED: usize = 7;

/// Parts of the names of members that hold credentials.
const CREDENTIALS: [&str; 5] = ["password", "passphrase", "secret", "token", "key"];

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str, output: &str) -> String {
        let mut needles = Needles::default();
        needles.add(&SecretValue::Text(Secret::new(value.to_owned())));
        String::from_utf8(needles.redact(output.as_bytes(), 1 << 16)).unwrap()
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

    #[test]
    fn the_cut_shows_no_half() {
        let mut needles = Needles::default();
        needles.add(&SecretValue::Text(Secret::new("correct horse".to_owned())));
        let output = b"before correct horse after";
        for most in 0..output.len() {
            let shown = String::from_utf8(needles.redact(output, most)).unwrap();
            assert!(!shown.contains("hor") && !shown.contains("rse"), "{most}: {shown}");
        }
    }
}
