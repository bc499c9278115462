//! What the service checks before it looks at anything: lengths, ranges, choices, patterns.
//!
//! All that is wrong is told in one `ValidationException`, in the words of AWS's framework
//! (docs/behaviour.md, "Constraints"). The client's own checks come before
//! (`cli::request::validate`), but not every request comes by that way. A sensitive value is left
//! out of the text. Does not check types: reading the request does, nor a name's characters: that
//! has a text of its own.

use super::fault::Fault;
use crate::model::case::lower_camel;
use crate::model::shape::{Bounds, List, Member, Shape, Text};
use crate::model::value::Value;

/// Checks a request against the constraints of its members.
pub(crate) fn check(members: &[Member], request: &Value) -> Result<(), Fault> {
    let mut errors = Vec::new();
    check_structure(&mut errors, "", members, request);
    if errors.is_empty() {
        return Ok(());
    }
    let count = errors.len();
    let plural = if count == 1 { "" } else { "s" };
    let errors = errors.join("; ");
    Err(Fault::validation(format!("{count} validation error{plural} detected: {errors}")))
}

/// Whether a text is within the constraints of a shape.
pub(crate) fn allows(shape: &Shape, text: &str) -> bool {
    let mut errors = Vec::new();
    check_value(&mut errors, "", shape, &Value::Text(text.to_owned()));
    errors.is_empty()
}

fn check_structure(errors: &mut Vec<String>, path: &str, members: &[Member], value: &Value) {
    for member in members {
        let name = lower_camel(member.name);
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        match value.get(member.name) {
            None | Some(Value::Null) => {
                if member.required {
                    errors.push(violation("Value null", &path, "Member must not be null"));
                }
            }
            Some(value) => check_value(errors, &path, member.shape, value),
        }
    }
}

fn check_value(errors: &mut Vec<String>, path: &str, shape: &Shape, value: &Value) {
    match (shape, value) {
        (Shape::Structure(members), Value::Map(_)) => check_structure(errors, path, members, value),
        (Shape::List(list), Value::List(elements)) => {
            for tail in length_tails(list.bounds, elements.len()) {
                errors.push(violation(&shown(shape, value), path, &tail));
            }
            check_elements(errors, path, list, value);
        }
        (
            Shape::Structure(_)
            | Shape::List(_)
            | Shape::Map(_)
            | Shape::Text(_)
            | Shape::Integer(_)
            | Shape::Boolean
            | Shape::Blob(_)
            | Shape::Timestamp,
            _,
        ) => {
            for tail in scalar_tails(shape, value) {
                errors.push(violation(&shown(shape, value), path, &tail));
            }
        }
    }
}

/// Checks what a list holds. Structures are named each by its number; of scalars the framework
/// shows the whole list and all that each of them must be.
fn check_elements(errors: &mut Vec<String>, path: &str, list: &List, value: &Value) {
    let Value::List(elements) = value else { return };
    if elements.contains(&Value::Null) {
        // Only a member may be left out.
        for (index, _) in elements.iter().enumerate().filter(|(_, one)| **one == Value::Null) {
            let path = format!("{path}.{}.member", index + 1);
            errors.push(violation("Value null", &path, "Member must not be null"));
        }
        return;
    }
    if matches!(list.element, Shape::Structure(_) | Shape::List(_) | Shape::Map(_)) {
        for (index, element) in elements.iter().enumerate() {
            let path = format!("{path}.{}.member", index + 1);
            check_value(errors, &path, list.element, element);
        }
        return;
    }
    if elements.iter().any(|element| !scalar_tails(list.element, element).is_empty()) {
        let all = all_tails(list.element).join(", ");
        let tail = format!("Member must satisfy constraint: [{all}]");
        let shown = if list.element.is_sensitive() { SENSITIVE.to_owned() } else { quoted(value) };
        errors.push(violation(&shown, path, &tail));
    }
}

/// Says what a scalar breaks, one sentence each; nothing where it has another type.
fn scalar_tails(shape: &Shape, value: &Value) -> Vec<String> {
    match (shape, value) {
        (Shape::Text(text), Value::Text(value)) => text_tails(text, value),
        (Shape::Blob(blob), Value::Bytes(bytes)) => length_tails(blob.bounds, bytes.len()),
        (Shape::Integer(bounds), Value::Integer(number)) => {
            let above = bounds.max.filter(|max| number > max);
            let below = bounds.min.filter(|min| number < min);
            let above = above.map(|max| at_most("value", max));
            above.into_iter().chain(below.map(|min| at_least("value", min))).collect()
        }
        _ => Vec::new(),
    }
}

fn text_tails(text: &Text, value: &str) -> Vec<String> {
    // The value of a secret is limited in bytes (docs/behaviour.md, "Values"), all other text in
    // characters.
    let length = if text.sensitive { value.len() } else { value.chars().count() };
    let mut tails = length_tails(text.bounds, length);
    if !text.choices.is_empty() && !text.choices.contains(&value) {
        tails.push(one_of(text.choices));
    }
    if let Some(pattern) = text.pattern.filter(|pattern| !(pattern.matches)(value)) {
        tails.push(like(pattern.text));
    }
    tails
}

fn length_tails(bounds: Bounds, length: usize) -> Vec<String> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let above = bounds.max.filter(|max| length > *max).map(|max| at_most("length", max));
    let below = bounds.min.filter(|min| length < *min).map(|min| at_least("length", min));
    above.into_iter().chain(below).collect()
}

/// Says all that a scalar of this shape must be.
fn all_tails(shape: &Shape) -> Vec<String> {
    let bounds = |bounds: Bounds, what| {
        let max = bounds.max.map(|max| at_most(what, max));
        max.into_iter().chain(bounds.min.map(|min| at_least(what, min))).collect::<Vec<_>>()
    };
    match shape {
        Shape::Text(text) => {
            let mut tails = bounds(text.bounds, "length");
            if !text.choices.is_empty() {
                tails.push(one_of(text.choices));
            }
            tails.extend(text.pattern.map(|pattern| like(pattern.text)));
            tails
        }
        Shape::Blob(blob) => bounds(blob.bounds, "length"),
        Shape::Integer(range) => bounds(*range, "value"),
        Shape::Structure(_)
        | Shape::List(_)
        | Shape::Map(_)
        | Shape::Boolean
        | Shape::Timestamp => Vec::new(),
    }
}

fn at_most(what: &str, max: i64) -> String {
    format!("Member must have {what} less than or equal to {max}")
}

fn at_least(what: &str, min: i64) -> String {
    format!("Member must have {what} greater than or equal to {min}")
}

fn one_of(choices: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", choices.join(", "))
}

fn like(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

fn violation(value: &str, path: &str, tail: &str) -> String {
    format!("{value} at '{path}' failed to satisfy constraint: {tail}")
}

const SENSITIVE: &str = "Value";

fn shown(shape: &Shape, value: &Value) -> String {
    if shape.is_sensitive() { SENSITIVE.to_owned() } else { quoted(value) }
}

fn quoted(value: &Value) -> String {
    format!("Value '{}'", plain(value))
}

/// Writes a value as the service's language does: `[a, b]`, `{key=a, value=b}`.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Timestamp(at) => at.0.to_string(),
        Value::List(elements) => {
            let elements: Vec<String> = elements.iter().map(plain).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Map(members) => {
            let member =
                |(name, value): &(String, Value)| format!("{}={}", lower_camel(name), plain(value));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

#[cfg(test)]
mod tests;
