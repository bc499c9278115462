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
    for separator in ["", ":", " "] {
        let pairs: Vec<&[u8]> = hex.as_bytes().chunks(2).collect();
        let spelled = pairs.join(separator.as_bytes());
        out.insert(spelled.to_ascii_uppercase());
        out.insert(spelled);
    }
    out.insert(python(value.iter().map(|byte| Unit::Byte(*byte))).into_bytes());
    let Ok(text) = std::str::from_utf8(value) else { return out };
    let shown = python(text.chars().map(Unit::Character));
    let mut texts = vec![ascii(&shown), ascii(text), shown];
    texts.extend(["''", r"\'", r"'\''", "'\"'\"'"].map(|quote| text.replace('\'', quote)));
    texts.extend(SHELL.iter().map(|special| backslashed(text, special)));
    texts.extend([zsh(text), fish(text)]);
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
    // As Windows has texts, and as its shell takes them encoded.
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    out.extend(base64s(&wide));
    out.insert(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    out.insert(wide);
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
const STYLES: [Style; 6] = [
    RUST,
    // Python.
    Style { is_ascii: true, ..RUST },
    Style { is_ascii: true, is_upper: true, ..RUST },
    // .NET.
    Style {
        is_ascii: true,
        is_upper: true,
        html: &['"', '&', '\'', '+', '<', '>', '`', '\u{7f}'],
        ..RUST
    },
    // PHP.
    Style { is_ascii: true, slash: r"\/", ..RUST },
    // Go.
    Style { html: &['<', '>', '&', '\u{2028}', '\u{2029}'], ..RUST },
];

fn json(text: &str, style: &Style) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if style.html.contains(&c) => out.push_str(&escaped(c, style)),
            '"' => out.push_str(r#"\""#),
            '\\' => out.push_str(r"\\"),
            '\u{8}' => out.push_str(r"\b"),
            '\u{c}' => out.push_str(r"\f"),
            '\n' => out.push_str(r"\n"),
            '\r' => out.push_str(r"\r"),
            '\t' => out.push_str(r"\t"),
            '/' => out.push_str(style.slash),
            c if c < ' ' || style.is_ascii && !c.is_ascii() => out.push_str(&escaped(c, style)),
            c => out.push(c),
        }
    }
    out
}

fn escaped(c: char, style: &Style) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| unicode(*unit, style.is_upper)).collect()
}

/// Writes a character, or half of one, as JSON has any.
fn unicode(unit: u16, is_upper: bool) -> String {
    let digits = format!("{unit:04x}");
    format!(r"\u{}", if is_upper { digits.to_uppercase() } else { digits })
}

/// What shells write a backslash before: within double quotes, and within none, where zsh knows more.
const SHELL: [&str; 3] = ["\"\\$`", " \t!\"#$&'()*,;<=>?[\\]^`{|}", ZSH];
const ZSH: &str = " \t!\"#$&'()*;<>?[\\]^`{|}~";
const FISH: &str = " \"#$&'()*;<>?[\\]{|}~";

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

/// Writes a text as zsh's `${(q)…}` does, where control characters have quotes of their own.
fn zsh(text: &str) -> String {
    let spell = |c: char| match c {
        '\t' => r"$'\t'".to_owned(),
        '\n' => r"$'\n'".to_owned(),
        '\r' => r"$'\r'".to_owned(),
        '\u{1b}' => r"$'\e'".to_owned(),
        c => backslashed(c.encode_utf8(&mut [0; 4]), ZSH),
    };
    text.chars().map(spell).collect()
}

/// Writes a text as fish's `string escape` does.
fn fish(text: &str) -> String {
    let special = |c: char| FISH.contains(c);
    if !text.chars().any(|c| c == '\'' || c.is_ascii_control()) {
        // In quotes.
        return text.replace('\\', r"\\");
    }
    let spell = |c: char| match c {
        '\t' => r"\t".to_owned(),
        '\n' => r"\n".to_owned(),
        '\r' => r"\r".to_owned(),
        '\u{1b}' => r"\e".to_owned(),
        '\u{8}' => r"\b".to_owned(),
        c if special(c) => format!("\\{c}"),
        c => c.to_string(),
    };
    text.chars().map(spell).collect()
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
