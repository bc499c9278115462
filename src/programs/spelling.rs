//! How programs commonly spell a value where they write it into something else: in JSON, in a URL, in
//! base64, in Python's own notation. Bytes in, bytes out; does not know which values are secret.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::crypto::fingerprint;

/// Returns the spellings of a value, itself among them. Most values have few that differ.
pub(super) fn spellings(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut out = BTreeSet::from([value.to_vec()]);
    out.extend(base64s(value));
    let hex = fingerprint::hex(value);
    out.insert(hex.to_ascii_uppercase().into_bytes());
    out.insert(hex.into_bytes());
    out.insert(python(value.iter().map(|byte| Unit::Byte(*byte))).into_bytes());
    let Ok(text) = std::str::from_utf8(value) else { return out };
    let shown = python(text.chars().map(Unit::Character));
    let mut texts = vec![ascii(&shown), ascii(text), shown];
    texts.extend(["''", r"\'", r"'\''", "'\"'\"'"].map(|quote| text.replace('\'', quote)));
    texts.extend(SHELL.iter().map(|special| backslashed(text, special)));
    for is_upper in [false, true] {
        texts.push(text.encode_utf16().map(|unit| unicode(unit, is_upper)).collect());
    }
    for style in &STYLES {
        let once = json(text, style);
        // JSON in JSON, and the same as Python shows it.
        texts.push(json(&once, style));
        texts.push(once.replace('\\', r"\\"));
        texts.push(once);
    }
    let all = value.iter().fold(String::new(), |all, byte| all + &format!("%{byte:02X}"));
    texts.push(all.to_ascii_lowercase());
    texts.push(all);
    for plain in [b"-_.~".as_slice(), b"-_.~/", b"-_.~!*'()", b"-_.*"] {
        for space in ["+", "%20"] {
            let spelled = percent(text, plain, space);
            texts.push(lower(&spelled));
            texts.push(spelled);
        }
    }
    out.extend(texts.into_iter().map(String::into_bytes));
    out
}

/// The position of a value in the encoded text decides how its letters fall.
fn base64s(value: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
            let whole: Vec<u8> =
                std::iter::repeat_n(0, before).chain(value.iter().copied()).collect();
            // The last letter may hold bits of what follows.
            let length = whole.len().saturating_mul(8) / 6;
            let encoded = engine.encode(&whole);
            let encoded = encoded.as_bytes().get(skipped..length).unwrap_or_default();
            if encoded.len() >= SHORTEST_ENCODED {
                out.push(encoded.to_vec());
            }
        }
    }
    out
}

/// What a writer of JSON escapes beside what it must.
struct Style {
    /// Whether only ASCII is left.
    is_ascii: bool,
    /// Whether the digits of what is escaped are capitals.
    is_upper: bool,
    /// How it writes a slash.
    slash: &'static str,
    /// What it escapes so that a page can have it.
    html: &'static [char],
}

const RUST: Style = Style { is_ascii: false, is_upper: false, slash: "/", html: &[] };
const STYLES: [Style; 5] = [
    RUST,
    // Python.
    Style { is_ascii: true, ..RUST },
    // .NET and others.
    Style { is_ascii: true, is_upper: true, ..RUST },
    // PHP.
    Style { is_ascii: true, slash: r"\/", ..RUST },
    // Go.
    Style { html: &['<', '>', '&', '\u{2028}', '\u{2029}'], ..RUST },
];

fn json(text: &str, style: &Style) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str(r#"\""#),
            '\\' => out.push_str(r"\\"),
            '\u{8}' => out.push_str(r"\b"),
            '\u{c}' => out.push_str(r"\f"),
            '\n' => out.push_str(r"\n"),
            '\r' => out.push_str(r"\r"),
            '\t' => out.push_str(r"\t"),
            '/' => out.push_str(style.slash),
            c if c < ' ' || style.html.contains(&c) || style.is_ascii && !c.is_ascii() => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&unicode(*unit, style.is_upper));
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// Writes a character, or half of one, as JSON has any.
fn unicode(unit: u16, is_upper: bool) -> String {
    let digits = format!("{unit:04x}");
    format!(r"\u{}", if is_upper { digits.to_uppercase() } else { digits })
}

/// What shells write a backslash before: within double quotes, and within none, where zsh knows more.
const SHELL: [&str; 3] = ["\"\\$`", " \t!\"#$&'()*,;<=>?[\\]^`{|}", " \t!\"#$&'()*;<>?[\\]^`{|}~"];

fn backslashed(text: &str, special: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Part of what Python shows by `repr()`.
enum Unit {
    /// Of a text.
    Character(char),
    /// Of bytes.
    Byte(u8),
}

fn python(units: impl Iterator<Item = Unit>) -> String {
    let spell = |unit| match unit {
        Unit::Byte(byte) if !byte.is_ascii() => format!("\\x{byte:02x}"),
        Unit::Byte(byte) => python_letter(char::from(byte)),
        Unit::Character(c) => python_letter(c),
    };
    let out: String = units.map(spell).collect();
    // Both quotes are there: then one of them is escaped.
    if out.contains('\'') && out.contains('"') { out.replace('\'', r"\'") } else { out }
}

fn python_letter(c: char) -> String {
    match c {
        '\\' => r"\\".to_owned(),
        '\n' => r"\n".to_owned(),
        '\r' => r"\r".to_owned(),
        '\t' => r"\t".to_owned(),
        c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
        c => c.to_string(),
    }
}

/// Writes a text as Python's `ascii()` does, and its stderr where the locale has no such letters. What
/// they do with quotes and line ends is not the same.
fn ascii(text: &str) -> String {
    let spell = |c: char| match u32::from(c) {
        0..=0x7f => c.to_string(),
        code @ 0x80..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    };
    text.chars().map(spell).collect()
}

/// Percent-encodes all but letters, digits and what is plain.
fn percent(text: &str, plain: &[u8], space: &str) -> String {
    let spell = |byte: u8| match byte {
        b' ' => space.to_owned(),
        byte if byte.is_ascii_alphanumeric() || plain.contains(&byte) => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(spell).collect()
}

/// Writes the digits of percent-encoding in small letters.
fn lower(text: &str) -> String {
    let mut digits = 0;
    let spell = |c: char| {
        let is_digit = digits > 0;
        digits = if c == '%' { 2_u8 } else { digits.saturating_sub(1) };
        if is_digit { c.to_ascii_lowercase() } else { c }
    };
    text.chars().map(spell).collect()
}

/// Shorter encoded text occurs anywhere by chance.
const SHORTEST_ENCODED: usize = 7;
