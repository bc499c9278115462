//! JSON inside an expression: literals and quoted names.

use crate::model::value::Value;

/// Makes a value of JSON. Numbers that are too large for a whole number become fractions.
pub(crate) fn value(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Boolean(flag),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(elements) => {
            Value::List(elements.into_iter().map(value).collect())
        }
        serde_json::Value::Object(members) => {
            Value::Map(members.into_iter().map(|(name, member)| (name, value(member))).collect())
        }
    }
}

/// Reads the inside of a JSON string; the error is in the words of Python's `json`.
pub(super) fn unescape(inner: &str) -> Result<String, &'static str> {
    let mut text = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\0'..='\x1f' => return Err("Invalid control character at"),
            '"' => return Err("Extra data"),
            '\\' => match letters.next() {
                Some(same @ ('"' | '\\' | '/')) => text.push(same),
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('u') => text.push(code_point(&mut letters)?),
                Some(_) => return Err("Invalid \\escape"),
                None => return Err("Unterminated string starting at"),
            },
            _ => text.push(letter),
        }
    }
    Ok(text)
}

/// Reads four hexadecimal digits, or eight where two surrogates make one character; a lone
/// surrogate is none and matches nothing.
fn code_point(letters: &mut std::str::Chars<'_>) -> Result<char, &'static str> {
    let high = code_unit(letters)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    let mut ahead = letters.clone();
    if ahead.next() == Some('\\') && ahead.next() == Some('u') {
        let low = code_unit(&mut ahead)?;
        if (0xdc00..0xe000).contains(&low) {
            *letters = ahead;
            let point = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
    Ok(char::REPLACEMENT_CHARACTER)
}

fn code_unit(letters: &mut std::str::Chars<'_>) -> Result<u32, &'static str> {
    let mut unit = 0;
    for _ in 0..4 {
        let digit = letters.next().and_then(|letter| letter.to_digit(16));
        unit = unit * 16 + digit.ok_or("Invalid \\uXXXX escape")?;
    }
    Ok(unit)
}
