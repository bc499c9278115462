//! Values as Python's `str` and `repr` spell them, which is what AWS's text, tables and messages
//! are made of.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::view::View;
use crate::model::value::Value;

/// Spells a value as `str` does: text as it is, `True`, `None`, containers with their elements
/// as `repr` spells them.
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
            repr(value, zone, &mut out);
            Cow::Owned(out)
        }
    }
}

/// Spells a number as `repr` does: the fewest digits that give it back, an exponent from 16
/// digits on, always a point or an exponent.
pub(crate) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

fn repr(value: &Value, zone: &TimeZone, out: &mut String) {
    match View::of(value, zone) {
        View::Null => out.push_str("None"),
        View::Boolean(true) => out.push_str("True"),
        View::Boolean(false) => out.push_str("False"),
        View::Integer(number) => out.push_str(&number.to_string()),
        View::Float(number) => out.push_str(&float(number)),
        View::Text(text) => quoted(&text, out),
        View::List(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                repr(element, zone, out);
            }
            out.push(']');
        }
        View::Map(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                quoted(name, out);
                out.push_str(": ");
                repr(member, zone, out);
            }
            out.push('}');
        }
    }
}

/// In single quotes, or in double ones where that saves escapes.
fn quoted(text: &str, out: &mut String) {
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
                out.push(letter);
            }
            _ if is_printable(letter) => out.push(letter),
            _ => {
                let point = u32::from(letter);
                let escaped = match point {
                    0..=0xff => format!("\\x{point:02x}"),
                    0x100..=0xffff => format!("\\u{point:04x}"),
                    _ => format!("\\U{point:08x}"),
                };
                out.push_str(&escaped);
            }
        }
    }
    out.push(quote);
}

/// Leaves out blanks other than the space, and the marks that steer how others are shown.
fn is_printable(letter: char) -> bool {
    let steers = matches!(
        letter,
        '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0001}'..='\u{e007f}'
            | '\u{f0000}'..
    );
    letter == ' ' || !(letter.is_control() || letter.is_whitespace() || steers)
}

#[cfg(test)]
mod tests {
    use super::*;

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
