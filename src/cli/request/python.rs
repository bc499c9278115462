//! How Python writes values and reads whole numbers: AWS's messages show both.
//!
//! Does not decide what may be shown; whoever calls it does.

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

/// Writes a value as `str(value)` does.
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

/// Writes a value as `repr(value)` does.
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Boolean(true) => "True".to_owned(),
        Value::Boolean(false) => "False".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => repr_float(*number),
        Value::Text(text) => repr_text(text),
        Value::Bytes(bytes) => repr_bytes(bytes),
        Value::Timestamp(at) => at.0.to_string(),
        Value::List(elements) => {
            let elements: Vec<String> = elements.iter().map(repr).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Map(members) => {
            let member =
                |(name, value): &(String, Value)| format!("{}: {}", repr_text(name), repr(value));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// Writes text as `repr(text)` does.
pub(crate) fn repr_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
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
    out
}

/// Whether Python prints a character beyond ASCII as it is. Rust's own table of what can be
/// printed differs only in combining marks, which it escapes where nothing stands before them.
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
fn repr_float(number: f64) -> String {
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
}
