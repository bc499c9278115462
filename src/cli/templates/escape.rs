//! How a value is written into a text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cli::assignments::shell_word;
use crate::sys::secret::Secret;

/// How a value is written into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    /// As it is.
    Raw,
    /// As what stands between the double quotes of a JSON string.
    Json,
    /// As what stands between the double quotes of a YAML string.
    Yaml,
    /// As one word of a shell, with its quotes.
    Shell,
    /// As a part of a URL.
    Url,
    /// In base64.
    Base64,
}

impl Escape {
    /// All there are, by the words that references have for them.
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("raw", Self::Raw),
        ("json", Self::Json),
        ("yaml", Self::Yaml),
        ("shell", Self::Shell),
        ("url", Self::Url),
        ("base64", Self::Base64),
    ];

    /// Finds one by its word.
    pub(crate) fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, escape)| *escape)
    }

    /// Whether it writes what stands between double quotes.
    pub(crate) fn is_quoted(self) -> bool {
        match self {
            Self::Json | Self::Yaml => true,
            Self::Raw | Self::Shell | Self::Url | Self::Base64 => false,
        }
    }

    /// Writes a value; otherwise says why a text cannot hold it.
    pub(crate) fn write(self, value: &[u8]) -> Result<Secret<String>, &'static str> {
        match self {
            Self::Raw => text(value).map(|text| Secret::new(text.to_owned())),
            Self::Json | Self::Yaml => text(value).map(quoted),
            Self::Shell if value.contains(&0) => {
                Err("its value has a NUL, which no word of a shell can have")
            }
            Self::Shell => {
                let word = shell_word(value);
                text(word.expose()).map(|text| Secret::new(text.to_owned()))
            }
            Self::Url => Ok(percent(value)),
            Self::Base64 => Ok(Secret::new(STANDARD.encode(value))),
        }
    }
}

fn text(value: &[u8]) -> Result<&str, &'static str> {
    str::from_utf8(value).map_err(|_not_text| "its value is binary: |base64 can hold it")
}

/// Writes only escapes that mean the same in JSON, YAML, TOML and Java's properties.
fn quoted(value: &str) -> Secret<String> {
    let mut out = Secret::new(String::with_capacity(value.len() + value.len() / 8));
    let quoted = out.expose_mut();
    for c in value.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || is_break_or_none(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    quoted.extend([format!("\\u{unit:04x}")]);
                }
            }
            c => quoted.push(c),
        }
    }
    out
}

/// What ends a line in YAML, or must not stand in it at all.
fn is_break_or_none(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Encodes all but what RFC 3986 calls unreserved.
fn percent(value: &[u8]) -> Secret<String> {
    let mut out = Secret::new(String::with_capacity(value.len().saturating_mul(3)));
    let encoded = out.expose_mut();
    for byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            encoded.extend([format!("%{byte:02X}")]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(escape: Escape, value: &[u8]) -> Result<String, &'static str> {
        escape.write(value).map(|text| text.expose().clone())
    }

    #[test]
    fn each_writes_a_value_its_way() {
        let value = "a\"b\\c\n'd' \u{7f}é%".as_bytes();
        for (escape, expected) in [
            (Escape::Raw, "a\"b\\c\n'd' \u{7f}é%"),
            (Escape::Json, r#"a\"b\\c\n'd' \u007fé%"#),
            (Escape::Yaml, r#"a\"b\\c\n'd' \u007fé%"#),
            (Escape::Shell, "'a\"b\\c\n'\\''d'\\'' \u{7f}é%'"),
            (Escape::Url, "a%22b%5Cc%0A%27d%27%20%7F%C3%A9%25"),
            (Escape::Base64, "YSJiXGMKJ2QnIH/DqSU="),
        ] {
            assert_eq!(write(escape, value).as_deref(), Ok(expected), "{escape:?}");
        }
        for (word, escape) in Escape::ALL {
            assert_eq!(Escape::named(word), Some(escape));
            let holds_bytes = matches!(escape, Escape::Url | Escape::Base64);
            assert_eq!(write(escape, b"\xff").is_ok(), holds_bytes, "{word}");
        }
        assert!(write(Escape::Shell, b"\0").is_err());
        assert_eq!(Escape::named("JSON"), None);
    }

    proptest! {
        #[test]
        fn what_is_escaped_is_read_as_the_value(value in "(\\PC|[\u{0}-\u{20}\u{7f}-\u{a0}\u{2028}\u{feff}\"\\\\]){0,40}") {
            let quoted = format!("\"{}\"", write(Escape::Json, value.as_bytes()).unwrap());
            prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), value);
        }
    }
}
