//! Reading a YAML document as AWS does: YAML 1.2, safe tags only, one document, no repeated keys.
//!
//! What a plain scalar is follows YAML's core schema, with which AWS's reader agrees on everything
//! a request can hold. Does not keep comments, and does not merge (`<<`).

use std::collections::{BTreeMap, BTreeSet};

use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::TScalarStyle;

use super::base64;
use crate::model::value::Value;

/// A text that is not YAML, or not what AWS takes; its message says no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invalid;

/// Reads a whole YAML text.
pub(crate) fn parse(text: &str) -> Result<Value, Invalid> {
    // A byte-order mark is not part of a YAML document. In JSON it is, and AWS refuses it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        // Aliases may repeat what they name, but not make it many times longer than the text.
        budget: text.len().saturating_mul(2).saturating_add(1000),
    };
    let mut value = Value::Null;
    reader.take(&Event::StreamStart)?;
    match reader.next()? {
        Event::StreamEnd => return Ok(value),
        Event::DocumentStart => {
            let first = reader.next()?;
            value = reader.value(first, 0)?;
            reader.take(&Event::DocumentEnd)?;
        }
        Event::Nothing
        | Event::StreamStart
        | Event::DocumentEnd
        | Event::Alias(_)
        | Event::Scalar(..)
        | Event::SequenceStart(..)
        | Event::SequenceEnd
        | Event::MappingStart(..)
        | Event::MappingEnd => return Err(Invalid),
    }
    reader.take(&Event::StreamEnd)?;
    Ok(value)
}

/// Deeper documents are refused before the stack overflows.
const DEEPEST: usize = 200;

struct Reader<'a> {
    parser: Parser<std::str::Chars<'a>>,
    anchors: BTreeMap<usize, Value>,
    /// How many more bytes and nodes may come from aliases.
    budget: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<Event, Invalid> {
        self.parser.next_token().map(|(event, _)| event).map_err(|_not_yaml| Invalid)
    }

    fn take(&mut self, expected: &Event) -> Result<(), Invalid> {
        if self.next()? == *expected { Ok(()) } else { Err(Invalid) }
    }

    fn value(&mut self, event: Event, depth: usize) -> Result<Value, Invalid> {
        if depth > DEEPEST {
            return Err(Invalid);
        }
        let (value, anchor) = match event {
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).ok_or(Invalid)?;
                self.budget = self.budget.checked_sub(weight(value)).ok_or(Invalid)?;
                return Ok(value.clone());
            }
            Event::Scalar(text, style, anchor, tag) => (scalar(text, style, tag.as_ref())?, anchor),
            Event::SequenceStart(anchor, tag) => {
                check_tag(tag.as_ref(), "seq")?;
                (self.sequence(depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                check_tag(tag.as_ref(), "map")?;
                (self.mapping(depth)?, anchor)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(Invalid),
        };
        if anchor != 0 {
            self.budget = self.budget.checked_sub(weight(&value)).ok_or(Invalid)?;
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, Invalid> {
        let mut elements = Vec::new();
        loop {
            let event = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::List(elements));
            }
            elements.push(self.value(event, depth + 1)?);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, Invalid> {
        let mut keys = BTreeSet::new();
        let mut members = Vec::new();
        loop {
            let event = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Map(members));
            }
            let key = match event {
                Event::Scalar(text, ..) => text,
                Event::Alias(_)
                | Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart
                | Event::DocumentEnd
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..)
                | Event::MappingEnd => return Err(Invalid),
            };
            if !keys.insert(key.clone()) {
                return Err(Invalid);
            }
            let event = self.next()?;
            members.push((key, self.value(event, depth + 1)?));
        }
    }
}

/// How much an alias to a value repeats.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Timestamp(_) => 1,
        Value::Text(text) => text.len().saturating_add(1),
        Value::Bytes(bytes) => bytes.len().saturating_add(1),
        Value::List(elements) => elements.iter().fold(1, |sum, e| sum.saturating_add(weight(e))),
        Value::Map(members) => members
            .iter()
            .fold(1, |sum, (name, v)| sum.saturating_add(name.len()).saturating_add(weight(v))),
    }
}

fn core_tag(tag: &Tag) -> Option<&str> {
    (tag.handle == "tag:yaml.org,2002:").then_some(tag.suffix.as_str())
}

fn check_tag(tag: Option<&Tag>, allowed: &str) -> Result<(), Invalid> {
    match tag {
        None => Ok(()),
        Some(tag) if core_tag(tag) == Some(allowed) => Ok(()),
        Some(_) => Err(Invalid),
    }
}

fn scalar(text: String, style: TScalarStyle, tag: Option<&Tag>) -> Result<Value, Invalid> {
    let Some(tag) = tag else {
        return Ok(if style == TScalarStyle::Plain { plain(text) } else { Value::Text(text) });
    };
    let of_kind = |is_kind: fn(&Value) -> bool, text: String| {
        Some(plain(text)).filter(is_kind).ok_or(Invalid)
    };
    // A lone `!` says: text, whatever it looks like.
    if tag.handle.is_empty() && tag.suffix == "!" {
        return Ok(Value::Text(text));
    }
    match core_tag(tag) {
        Some("str") => Ok(Value::Text(text)),
        Some("binary") => base64::decode(&text).map(Value::Bytes).map_err(|_undecodable| Invalid),
        Some("null") => of_kind(|value| matches!(value, Value::Null), text),
        Some("bool") => of_kind(|value| matches!(value, Value::Boolean(_)), text),
        Some("int") => of_kind(|value| matches!(value, Value::Integer(_)), text),
        Some("float") => of_kind(|value| matches!(value, Value::Float(_)), text),
        _ => Err(Invalid),
    }
}

/// What a scalar without quotes or tag is, by the core schema.
fn plain(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Boolean(true),
        "false" | "False" | "FALSE" => return Value::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    number(&text).unwrap_or(Value::Text(text))
}

fn number(text: &str) -> Option<Value> {
    let radix = |digits: &str, radix| {
        let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
        i64::from_str_radix(digits, radix).ok().filter(|_| is_number).map(Value::Integer)
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && unsigned.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    if !is_number {
        return None;
    }
    let is_whole = unsigned.chars().all(|c| c.is_ascii_digit());
    let whole = if is_whole { text.parse().ok().map(Value::Integer) } else { None };
    whole.or_else(|| text.parse().ok().map(Value::Float))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::python;

    fn check(text: &str, expected: &str) {
        let shown = match parse(text) {
            Ok(value) => python::repr(&value),
            Err(Invalid) => "invalid".to_owned(),
        };
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn reads_documents() {
        check(
            "Name: ''  # [REQUIRED]\nSecretBinary: !!binary aGVsbG8=\nTags: # tags\n- Key: 'a'\n  Value: b\n",
            "{'Name': '', 'SecretBinary': b'hello', 'Tags': [{'Key': 'a', 'Value': 'b'}]}",
        );
        check("{\"a\": [1, \"x\"], b: null}", "{'a': [1, 'x'], 'b': None}");
        check(
            "a: |\n  one\n  two\nb: >-\n  three\n  four\n",
            "{'a': 'one\\ntwo\\n', 'b': 'three four'}",
        );
        check("a: &x [1, 2]\nb: *x\n", "{'a': [1, 2], 'b': [1, 2]}");
        check("", "None");
        check("# nothing", "None");
        check("---\na: 1\n...\n", "{'a': 1}");
        check("text", "'text'");
    }

    /// An editor's byte-order mark at the head became part of the first member's name.
    #[test]
    fn passes_over_a_byte_order_mark() {
        check("\u{feff}SecretId: x", "{'SecretId': 'x'}");
        check("\u{feff}---\nSecretId: x", "{'SecretId': 'x'}");
        check("\u{feff}", "None");
        check("\u{feff}\u{feff}SecretId: x", "{'\\ufeffSecretId': 'x'}");
        check("a: \u{feff}x", "{'a': '\\ufeffx'}");
    }

    #[test]
    fn tells_scalars_apart() {
        check(
            "[true, yes, ~, 7, -7, 0x1f, 0o17, 1.5, .5, 1e3, .inf, 1.2.3, '7', !!str 7, ! 7, 2020-01-01]",
            "[True, 'yes', None, 7, -7, 31, 15, 1.5, 0.5, 1000.0, inf, '1.2.3', '7', '7', '7', \
             '2020-01-01']",
        );
        check("[1-2, e1, +5, 99999999999999999999]", "['1-2', 'e1', 5, 1e+20]");
    }

    #[test]
    fn refuses_what_aws_refuses() {
        for text in [
            "a: [",
            "a: b: c",
            "a: 1\na: 2",
            "a: *x",
            "a: !!python/object x",
            "a: !mine x",
            "--- a\n--- b\n",
            "? [a]\n: b",
            "a: !!binary 'a'",
        ] {
            check(text, "invalid");
        }
    }

    #[test]
    fn refuses_what_would_grow_without_bound() {
        check(&"[".repeat(100_000), "invalid");
        // Nine levels of nine aliases each: written in 300 bytes, read as a thousand million.
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for level in 1..9 {
            let alias = vec![format!("*a{}", level - 1); 9].join(",");
            let line = format!("a{level}: &a{level} [{alias}]\n");
            bomb.push_str(&line);
        }
        check(&bomb, "invalid");
    }

    proptest! {
        #[test]
        fn survives_any_text(text in "[\\PC\n\t]{0,60}", marks in "[-a:,?&*!|>'\"%@#{}\\[\\] \n]{0,60}") {
            let _ = (parse(&text).is_ok(), parse(&marks).is_ok());
        }
    }
}
