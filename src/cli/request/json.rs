//! Reading JSON as Python's `json.loads` does, down to the text and position of its errors.
//!
//! Another reader would do for the values; the messages are what scripts and people see.

use std::collections::BTreeMap;

use crate::model::value::Value;

/// Reads a whole JSON text. The error is Python's, position included; it quotes nothing.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let reader = Reader { text, bytes: text.as_bytes() };
    if text.starts_with('\u{feff}') {
        return Err(reader.error("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0));
    }
    let start = reader.skip_space(0);
    let (value, end) = reader.value(start, 0)?;
    let end = reader.skip_space(end);
    if end == text.len() { Ok(value) } else { Err(reader.error("Extra data", end)) }
}

/// Deeper texts are refused, as by Python, before the stack overflows.
const DEEPEST: usize = 500;

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
}

/// What was read, and the place behind it.
type Read<T> = Result<(T, usize), String>;

impl Reader<'_> {
    fn value(&self, at: usize, depth: usize) -> Read<Value> {
        if depth > DEEPEST {
            return Err("maximum recursion depth exceeded while decoding a JSON text".to_owned());
        }
        match self.byte(at) {
            Some(b'"') => self.string(at).map(|(text, end)| (Value::Text(text), end)),
            Some(b'{') => self.object(at + 1, depth),
            Some(b'[') => self.array(at + 1, depth),
            _ => {
                for (word, value) in [
                    ("null", Value::Null),
                    ("true", Value::Boolean(true)),
                    ("false", Value::Boolean(false)),
                    ("NaN", Value::Float(f64::NAN)),
                    ("Infinity", Value::Float(f64::INFINITY)),
                    ("-Infinity", Value::Float(f64::NEG_INFINITY)),
                ] {
                    if self.text.get(at..).is_some_and(|rest| rest.starts_with(word)) {
                        return Ok((value, at + word.len()));
                    }
                }
                self.number(at).ok_or_else(|| self.error("Expecting value", at))
            }
        }
    }

    fn object(&self, at: usize, depth: usize) -> Read<Value> {
        let mut members: Vec<(String, Value)> = Vec::new();
        // If a name is repeated, the last value counts, at the place of the first.
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut at = self.skip_space(at);
        if self.byte(at) == Some(b'}') {
            return Ok((Value::Map(members), at + 1));
        }
        loop {
            if self.byte(at) != Some(b'"') {
                let what = "Expecting property name enclosed in double quotes";
                return Err(self.error(what, at));
            }
            let (name, end) = self.string(at)?;
            at = self.skip_space(end);
            if self.byte(at) != Some(b':') {
                return Err(self.error("Expecting ':' delimiter", at));
            }
            let (value, end) = self.value(self.skip_space(at + 1), depth + 1)?;
            let known = places.get(&name).and_then(|&place| members.get_mut(place));
            if let Some(member) = known {
                member.1 = value;
            } else {
                places.insert(name.clone(), members.len());
                members.push((name, value));
            }
            at = self.skip_space(end);
            match self.byte(at) {
                Some(b'}') => return Ok((Value::Map(members), at + 1)),
                Some(b',') => at = self.skip_space(at + 1),
                _ => return Err(self.error("Expecting ',' delimiter", at)),
            }
        }
    }

    fn array(&self, at: usize, depth: usize) -> Read<Value> {
        let mut elements = Vec::new();
        let mut at = self.skip_space(at);
        if self.byte(at) == Some(b']') {
            return Ok((Value::List(elements), at + 1));
        }
        loop {
            let (value, end) = self.value(at, depth + 1)?;
            elements.push(value);
            at = self.skip_space(end);
            match self.byte(at) {
                Some(b']') => return Ok((Value::List(elements), at + 1)),
                Some(b',') => at = self.skip_space(at + 1),
                _ => return Err(self.error("Expecting ',' delimiter", at)),
            }
        }
    }

    /// Reads a string whose opening quote is at `start`.
    fn string(&self, start: usize) -> Read<String> {
        let unterminated = || self.error("Unterminated string starting at", start);
        let mut out = String::new();
        let mut at = start + 1;
        loop {
            let rest = self.text.get(at..).ok_or_else(unterminated)?;
            let is_end = |c: char| matches!(c, '"' | '\\' | '\0'..='\x1f');
            let length = rest.find(is_end).ok_or_else(unterminated)?;
            out.push_str(rest.get(..length).unwrap_or_default());
            at += length;
            match self.byte(at) {
                Some(b'"') => return Ok((out, at + 1)),
                Some(b'\\') => {
                    let (letter, end) = self.escape(at, start)?;
                    out.push(letter);
                    at = end;
                }
                _ => return Err(self.error("Invalid control character at", at)),
            }
        }
    }

    /// Reads an escape whose backslash is at `at`.
    fn escape(&self, at: usize, start: usize) -> Read<char> {
        let letter = match self.byte(at + 1) {
            None => return Err(self.error("Unterminated string starting at", start)),
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(at),
            Some(_) => return Err(self.error("Invalid \\escape", at)),
        };
        Ok((letter, at + 2))
    }

    /// Reads `\uXXXX`, or the two that make one character. Half a pair, which Python lets through
    /// and no service takes, is refused.
    fn unicode_escape(&self, at: usize) -> Read<char> {
        let invalid = || self.error("Invalid \\uXXXX escape", at + 1);
        let first = self.hex(at + 2).ok_or_else(invalid)?;
        if let Some(letter) = char::from_u32(first) {
            return Ok((letter, at + 6));
        }
        let follows = self.text.get(at + 6..at + 8) == Some("\\u");
        let second = if follows { self.hex(at + 8) } else { None };
        let pair = second.filter(|second| first < 0xdc00 && (0xdc00..0xe000).contains(second));
        let code = pair.map(|second| 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
        let letter = code.and_then(char::from_u32).ok_or_else(invalid)?;
        Ok((letter, at + 12))
    }

    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&self, at: usize) -> Option<(Value, usize)> {
        let minus = usize::from(self.byte(at) == Some(b'-'));
        let whole = match self.byte(at + minus)? {
            b'0' => 1,
            _ => self.digits(at + minus),
        };
        if whole == 0 {
            return None;
        }
        let mut end = at + minus + whole;
        let mut is_whole = true;
        if self.byte(end) == Some(b'.') && self.digits(end + 1) > 0 {
            end += 1 + self.digits(end + 1);
            is_whole = false;
        }
        if matches!(self.byte(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(end + 1), Some(b'+' | b'-')));
            let digits = self.digits(end + 1 + sign);
            if digits > 0 {
                end += 1 + sign + digits;
                is_whole = false;
            }
        }
        let text = self.text.get(at..end)?;
        let whole = if is_whole { text.parse().ok().map(Value::Integer) } else { None };
        // A whole number beyond 64 bits fits no member; as a fraction it is refused as such.
        Some((whole.or_else(|| text.parse().ok().map(Value::Float))?, end))
    }

    fn digits(&self, at: usize) -> usize {
        self.bytes.iter().skip(at).take_while(|byte| byte.is_ascii_digit()).count()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn skip_space(&self, at: usize) -> usize {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        at + self.bytes.iter().skip(at).take_while(is_space).count()
    }

    fn error(&self, what: &str, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{what}: line {line} column {column} (char {})", before.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::python;

    fn check(text: &str, expected: &str) {
        let shown = match parse(text) {
            Ok(value) => python::repr(&value),
            Err(error) => error,
        };
        assert_eq!(shown, expected, "{text:?}");
    }

    // Every expected text is what Python 3.11's `json.loads` prints.
    #[test]
    fn reads_as_python_does() {
        check(
            " {\"a\": [1, -2.5, 1e2, true, null], \"b\": \"x\"} ",
            "{'a': [1, -2.5, 100.0, True, None], 'b': 'x'}",
        );
        check("{\"a\": 1, \"b\": 2, \"a\": 3}", "{'a': 3, 'b': 2}");
        check("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "'é😀\\n/'");
        check("[NaN, -Infinity]", "[nan, -inf]");
        check("99999999999999999999", "1e+20");
        check("{}", "{}");
        check("[]", "[]");
    }

    #[test]
    fn words_errors_as_python_does() {
        for (text, expected) in [
            ("", "Expecting value: line 1 column 1 (char 0)"),
            ("[bad", "Expecting value: line 1 column 2 (char 1)"),
            ("[", "Expecting value: line 1 column 2 (char 1)"),
            ("[1,]", "Expecting value: line 1 column 4 (char 3)"),
            ("[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"),
            ("[1", "Expecting ',' delimiter: line 1 column 3 (char 2)"),
            ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
            (
                "{a: 1}",
                "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            ),
            (
                "{\"a\":1,}",
                "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)",
            ),
            ("{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)"),
            ("{\"a\":}", "Expecting value: line 1 column 6 (char 5)"),
            ("{\"a\":1 \"b\"}", "Expecting ',' delimiter: line 1 column 8 (char 7)"),
            ("\n\n  \"é", "Unterminated string starting at: line 3 column 3 (char 4)"),
            ("\"a\\", "Unterminated string starting at: line 1 column 1 (char 0)"),
            ("\"a\nb\"", "Invalid control character at: line 1 column 3 (char 2)"),
            ("\"\\x\"", "Invalid \\escape: line 1 column 2 (char 1)"),
            ("\"\\u12\"", "Invalid \\uXXXX escape: line 1 column 3 (char 2)"),
            ("\"\\u12xy\"", "Invalid \\uXXXX escape: line 1 column 3 (char 2)"),
            ("01", "Extra data: line 1 column 2 (char 1)"),
            ("-", "Expecting value: line 1 column 1 (char 0)"),
            ("1 2", "Extra data: line 1 column 3 (char 2)"),
            (
                "\u{feff}1",
                "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn refuses_what_is_too_deep() {
        let deep = "[".repeat(100_000);
        assert_eq!(
            parse(&deep).err().unwrap_or_default(),
            "maximum recursion depth exceeded while decoding a JSON text"
        );
    }

    proptest! {
        #[test]
        fn reads_what_another_writes(text in "\\PC*", number: i64, marks in "[a-f0-9u:,\"{}\\[\\]\\\\ .eE+\n-]{0,60}") {
            let written = serde_json::json!({ "text": text, "list": [number, true, null] });
            let read = parse(&written.to_string()).unwrap_or(Value::Null);
            prop_assert!(read.get("text") == Some(&Value::Text(text)));
            let list = vec![Value::Integer(number), Value::Boolean(true), Value::Null];
            prop_assert!(read.get("list") == Some(&Value::List(list)));
            let strict: Result<serde_json::Value, _> = serde_json::from_str(&marks);
            prop_assert!(strict.is_err() || parse(&marks).is_ok());
        }
    }
}
