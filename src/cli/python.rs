//! How Python writes values and reads whole numbers, which AWS's text, tables and messages are made
//! of.
//!
//! Does not decide what may be shown; the caller does.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::output::view::View;
use crate::model::value::Value;

/// Reads a whole number as Python's `int` does: spaces around it, a sign, single underscores.
///
/// `None` for anything else, and for a number beyond 64 bits, which no member takes.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let groups = digits.split('_');
    let is_group = |group: &str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    if !groups.clone().all(is_group) {
        return None;
    }
    format!("{sign}{}", groups.collect::<String>()).parse().ok()
}

/// Converts a value as `int(value)` does, or returns what Python says where it fails.
pub(crate) fn to_integer(value: &Value) -> Result<Value, String> {
    let read = |text: &str, shown: String| match integer(text) {
        Some(number) => Ok(Value::Integer(number)),
        None => Err(format!("invalid literal for int() with base 10: {shown}")),
    };
    match value {
        Value::Text(text) => read(text, repr_text(text)),
        Value::Bytes(bytes) => read(&String::from_utf8_lossy(bytes), repr_bytes(bytes)),
        Value::Integer(number) => Ok(Value::Integer(*number)),
        Value::Boolean(flag) => Ok(Value::Integer(i64::from(*flag))),
        Value::Null | Value::Float(_) | Value::Timestamp(_) | Value::List(_) | Value::Map(_) => {
            let name = type_name(value);
            Err(format!(
                "int() argument must be a string, a bytes-like object or a real number, not \
                 '{name}'"
            ))
        }
    }
}

/// Names a value's type as `str(type(value))` does.
pub(crate) fn class(value: &Value) -> String {
    format!("<class '{}'>", type_name(value))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Boolean(_) => "bool",
        Value::Integer(_) => "int",
        Value::Float(_) => "float",
        Value::Text(_) => "str",
        Value::Bytes(_) => "bytes",
        Value::Timestamp(_) => "datetime.datetime",
        Value::List(_) => "list",
        Value::Map(_) => "dict",
    }
}

/// Writes a value of a request as `str(value)` does.
pub(crate) fn display(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Bytes(_)
        | Value::Timestamp(_)
        | Value::List(_)
        | Value::Map(_) => repr(value),
    }
}

/// Writes a value of a request as `repr(value)` does.
pub(crate) fn repr(value: &Value) -> String {
    let mut out = String::new();
    write(value, Side::Request, &mut out);
    out
}

/// Writes a value of an answer as `str(value)` does: text as it is, `True`, `None`, containers with
/// their elements as `repr` writes them.
pub(crate) fn text<'a>(value: &'a Value, zone: &TimeZone) -> Cow<'a, str> {
    match View::of(value, zone) {
        View::Text(text) => text,
        View::Null
        | View::Boolean(_)
        | View::Integer(_)
        | View::Float(_)
        | View::List(_)
        | View::Map(_) => {
            let mut out = String::new();
            write(value, Side::Answer(zone), &mut out);
            Cow::Owned(out)
        }
    }
}

/// Where a value comes from: it decides what bytes and times are.
#[derive(Clone, Copy)]
enum Side<'a> {
    /// From a command line: bytes are bytes.
    Request,
    /// From the service: bytes are base64, times are text in this zone.
    Answer(&'a TimeZone),
}

/// Writes a value as `repr(value)` does.
fn write(value: &Value, side: Side<'_>, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Boolean(true) => out.push_str("True"),
        Value::Boolean(false) => out.push_str("False"),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Text(letters) => quote(letters, out),
        Value::Bytes(bytes) => match side {
            Side::Request => out.push_str(&repr_bytes(bytes)),
            Side::Answer(zone) => quote(&text(value, zone), out),
        },
        Value::Timestamp(at) => match side {
            Side::Request => out.push_str(&at.0.to_string()),
            Side::Answer(zone) => quote(&text(value, zone), out),
        },
        Value::List(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write(element, side, out);
            }
            out.push(']');
        }
        Value::Map(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                quote(name, out);
                out.push_str(": ");
                write(member, side, out);
            }
            out.push('}');
        }
    }
}

/// Writes text as `repr(text)` does.
pub(crate) fn repr_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}

/// In single quotes, or in double ones where that saves escapes.
fn quote(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if letter == quote => {
                out.push('\\');
                out.push(quote);
            }
            ' '..='~' => out.push(letter),
            _ if is_printable(letter) => out.push(letter),
            _ => {
                let code = u32::from(letter);
                let escape = match code {
                    0..=0xff => format!("\\x{code:02x}"),
                    0x100..=0xffff => format!("\\u{code:04x}"),
                    _ => format!("\\U{code:08x}"),
                };
                out.push_str(&escape);
            }
        }
    }
    out.push(quote);
}

/// Whether Python prints a character beyond ASCII as it is: all but Unicode's classes Cc, Cf, Cn,
/// Co, Cs, Zl, Zp and Zs. Rust's own table has the same, and besides escapes combining marks that
/// follow nothing.
fn is_printable(letter: char) -> bool {
    letter >= '\u{a1}' && !format!("a{letter}").escape_debug().any(|escaped| escaped == '\\')
}

fn repr_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = String::from("b");
    out.push(quote);
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b' '..=b'~' if char::from(byte) != quote => out.push(char::from(byte)),
            b'\'' | b'"' => {
                out.push('\\');
                out.push(quote);
            }
            _ => {
                let escape = format!("\\x{byte:02x}");
                out.push_str(&escape);
            }
        }
    }
    out.push(quote);
    out
}

/// The shortest digits that read back as the number, with an exponent outside 1e-4 to 1e16.
pub(crate) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".to_owned() } else { "-inf".to_owned() };
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        return format!("{number:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_numbers_as_python_does() {
        for (text, number) in [
            ("7", Some(7)),
            (" +7\n", Some(7)),
            ("-1_000", Some(-1000)),
            ("007", Some(7)),
            ("", None),
            ("-", None),
            ("1__0", None),
            ("_1", None),
            ("1.0", None),
            ("0x10", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(integer(text), number, "{text:?}");
        }
        let failure = |value| to_integer(&value).err().unwrap_or_default();
        assert_eq!(
            failure(Value::Text("abc".to_owned())),
            "invalid literal for int() with base 10: 'abc'"
        );
        assert_eq!(
            failure(Value::List(Vec::new())),
            "int() argument must be a string, a bytes-like object or a real number, not 'list'"
        );
    }

    #[test]
    fn writes_values_as_python_does() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (value, expected) in [
            (Value::Null, "None"),
            (Value::Boolean(true), "True"),
            (Value::Float(1.5), "1.5"),
            (Value::Float(1.0), "1.0"),
            (Value::Float(1e20), "1e+20"),
            (Value::Float(1.5e-7), "1.5e-07"),
            (Value::Float(0.0001), "0.0001"),
            (Value::Float(1e15), "1000000000000000.0"),
            (Value::Float(f64::NAN), "nan"),
            (Value::Float(f64::NEG_INFINITY), "-inf"),
            (text("it's"), "\"it's\""),
            (text("'\""), "'\\'\"'"),
            (
                text("a\\\n\r\t\u{7f}\u{a0}é\u{2028}e\u{301}😀"),
                "'a\\\\\\n\\r\\t\\x7f\\xa0é\\u2028e\u{301}😀'",
            ),
            (Value::Bytes(b"a'\x00\xff".to_vec()), "b\"a'\\x00\\xff\""),
            (Value::Bytes(b"'\"".to_vec()), "b'\\'\"'"),
            (
                Value::Map(vec![
                    ("Key".to_owned(), text("a")),
                    ("L".to_owned(), Value::List(vec![Value::Integer(1), Value::Boolean(false)])),
                ]),
                "{'Key': 'a', 'L': [1, False]}",
            ),
        ] {
            assert_eq!(repr(&value), expected);
        }
        assert_eq!(display(&text("it's")), "it's");
    }

    /// There were two imitations of `repr`, and one of them printed U+0378, which nobody has
    /// assigned, and U+0600, which only steers what follows, as they are.
    #[test]
    fn escapes_what_python_does_not_print() {
        let list = |text: &str| Value::List(vec![Value::Text(text.to_owned())]);
        for (letter, expected) in [
            ("\u{378}", "\\u0378"),
            ("\u{600}", "\\u0600"),
            ("\u{61c}", "\\u061c"),
            ("\u{ad}", "\\xad"),
            ("\u{a0}", "\\xa0"),
            ("\u{85}", "\\x85"),
            ("\u{3000}", "\\u3000"),
            ("\u{e000}", "\\ue000"),
            ("\u{fffe}", "\\ufffe"),
            ("\u{110bd}", "\\U000110bd"),
            ("\u{e0100}", "\u{e0100}"),
            ("\u{300}", "\u{300}"),
            ("\u{34f}", "\u{34f}"),
            ("\u{fe0f}", "\u{fe0f}"),
        ] {
            assert_eq!(repr_text(letter), format!("'{expected}'"));
            assert_eq!(repr(&list(letter)), format!("['{expected}']"));
            assert_eq!(text(&list(letter), &TimeZone::UTC), format!("['{expected}']"));
        }
    }

    #[test]
    fn writes_bytes_and_times_by_where_they_come_from() {
        let list = Value::List(vec![
            Value::Bytes(b"a".to_vec()),
            Value::Timestamp(crate::model::time::Timestamp(0)),
        ]);
        assert_eq!(repr(&list), "[b'a', 0]");
        assert_eq!(text(&list, &TimeZone::UTC), "['YQ==', '1970-01-01T00:00:00+00:00']");
    }

    #[test]
    fn spells_numbers() {
        for (number, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (1e16, "1e+16"),
            (9_007_199_254_740_992.0, "9007199254740992.0"),
            (123_456_789.125, "123456789.125"),
            (1e22, "1e+22"),
            (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float(number), expected);
        }
    }

    #[test]
    fn spells_containers() {
        let list = Value::List(vec![
            Value::Null,
            Value::Boolean(true),
            Value::Integer(-1),
            Value::Text("it's\n\u{7f}é".to_owned()),
            Value::Text("\"'".to_owned()),
            Value::Map(vec![("k".to_owned(), Value::Float(0.5))]),
        ]);
        let expected = r#"[None, True, -1, "it's\n\x7fé", '"\'', {'k': 0.5}]"#;
        assert_eq!(text(&list, &TimeZone::UTC), expected);
        assert_eq!(text(&Value::Text("it's".to_owned()), &TimeZone::UTC), "it's");
    }
}
