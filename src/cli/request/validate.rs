//! What the client checks before it calls: types, required and unknown members, minimums.
//!
//! Maximums, patterns and choices are the service's to refuse (`service::constraints`). Every
//! problem is collected; the texts are botocore's. Where a value is sensitive its place in the text
//! is left out: `Invalid type for parameter SecretString, type: <class 'int'>, …`.

use super::error::Error;
use crate::cli::python;
use crate::model::shape::{Bounds, List, Member, Shape};
use crate::model::value::Value;

/// Checks a request against the members it may have.
pub(crate) fn validate(members: &'static [Member], request: &Value) -> Result<(), Error> {
    let mut problems = Problems::default();
    problems.check("", &Shape::Structure(members), request);
    if problems.lines.is_empty() {
        return Ok(());
    }
    let lines = problems.lines.join("\n");
    Err(Error::parameters(format!("Parameter validation failed:\n{lines}")))
}

#[derive(Default)]
struct Problems {
    lines: Vec<String>,
}

impl Problems {
    /// `name` is the path to the value, with a dot before each member.
    fn check(&mut self, name: &str, shape: &Shape, value: &Value) {
        match (shape, value) {
            (Shape::Structure(members), Value::Map(given)) => {
                self.check_structure(name, members, given);
            }
            (Shape::List(list), Value::List(elements)) => self.check_list(name, list, elements),
            (Shape::Map(element), Value::Map(given)) => {
                for (key, value) in given {
                    self.check(&format!("{name}.{key}"), element, value);
                }
            }
            (Shape::Text(text), Value::Text(value)) => {
                self.check_length(name, text.bounds, value.chars().count());
            }
            (Shape::Integer(bounds), Value::Integer(number)) => {
                if let Some(min) = bounds.min.filter(|min| number < min) {
                    let name = shown(name);
                    self.lines.push(format!(
                        "Invalid value for parameter {name}, value: {number}, valid min value: {min}"
                    ));
                }
            }
            (Shape::Boolean, Value::Boolean(_))
            | (Shape::Blob(_), Value::Bytes(_) | Value::Text(_))
            | (Shape::Timestamp, Value::Timestamp(_)) => {}
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
            ) => self.report_type(name, shape, value),
        }
    }

    fn check_structure(&mut self, name: &str, members: &[Member], given: &[(String, Value)]) {
        let is_given = |member: &Member| given.iter().any(|(known, _)| known == member.name);
        // What the client makes up by itself is never missing.
        let is_made_up = |shape: &Shape| matches!(shape, Shape::Text(text) if text.token);
        for member in members {
            if member.required && !is_given(member) && !is_made_up(member.shape) {
                let (name, missing) = (shown(name), member.name);
                self.lines.push(format!("Missing required parameter in {name}: \"{missing}\""));
            }
        }
        let find = |name: &str| members.iter().find(|member| member.name == name);
        for (unknown, _) in given.iter().filter(|(name, _)| find(name).is_none()) {
            let choices: Vec<&str> = members.iter().map(|member| member.name).collect();
            let (name, choices) = (shown(name), choices.join(", "));
            self.lines.push(format!(
                "Unknown parameter in {name}: \"{unknown}\", must be one of: {choices}"
            ));
        }
        for (known, value) in given {
            if let Some(member) = find(known) {
                self.check(&format!("{name}.{known}"), member.shape, value);
            }
        }
    }

    fn check_list(&mut self, name: &str, list: &List, elements: &[Value]) {
        self.check_length(name, list.bounds, elements.len());
        for (index, element) in elements.iter().enumerate() {
            self.check(&format!("{name}[{index}]"), list.element, element);
        }
    }

    fn check_length(&mut self, name: &str, bounds: Bounds, length: usize) {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        if let Some(min) = bounds.min.filter(|min| length < *min) {
            let name = shown(name);
            self.lines.push(format!(
                "Invalid length for parameter {name}, value: {length}, valid min length: {min}"
            ));
        }
    }

    fn report_type(&mut self, name: &str, shape: &Shape, value: &Value) {
        let valid = match shape {
            Shape::Structure(_) | Shape::Map(_) => "<class 'dict'>",
            Shape::List(_) => "<class 'list'>, <class 'tuple'>",
            Shape::Text(_) => "<class 'str'>",
            Shape::Integer(_) => "<class 'int'>",
            Shape::Boolean => "<class 'bool'>",
            Shape::Blob(_) => "<class 'bytes'>, <class 'bytearray'>, file-like object",
            Shape::Timestamp => "<class 'datetime.datetime'>, timestamp-string",
        };
        let (name, class) = (shown(name), python::class(value));
        let value = if shape.is_sensitive() {
            String::new()
        } else {
            format!("value: {}, ", python::display(value))
        };
        self.lines.push(format!(
            "Invalid type for parameter {name}, {value}type: {class}, valid types: {valid}"
        ));
    }
}

fn shown(name: &str) -> &str {
    if name.is_empty() { "input" } else { name.strip_prefix('.').unwrap_or(name) }
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::super::testing::REQUEST;
    use super::*;

    fn check(request: &str, expected: &[&str]) {
        let Ok(request) = json::parse(request) else { panic!("{request}") };
        let shown = match validate(REQUEST, &request) {
            Ok(()) => String::new(),
            Err(error) => error.message().to_owned(),
        };
        let expected = match expected {
            [] => String::new(),
            lines => format!("Parameter validation failed:\n{}", lines.join("\n")),
        };
        assert_eq!(shown, expected);
    }

    // The texts are botocore's own, but for the values of sensitive members.
    #[test]
    fn words_problems_as_botocore_does() {
        check(r#"{"SecretId": "x"}"#, &[]);
        check("{}", &["Missing required parameter in input: \"SecretId\""]);
        check(
            r#"{"SecretId": "", "ClientRequestToken": "short"}"#,
            &[
                "Invalid length for parameter SecretId, value: 0, valid min length: 1",
                "Invalid length for parameter ClientRequestToken, value: 5, valid min length: 32",
            ],
        );
        check(
            r#"{"SecretId": "x", "RecoveryWindowInDays": 0, "Force": 1}"#,
            &[
                "Invalid value for parameter RecoveryWindowInDays, value: 0, valid min value: 1",
                "Invalid type for parameter Force, value: 1, type: <class 'int'>, valid types: \
                 <class 'bool'>",
            ],
        );
        check(
            r#"{"Foo": 1, "Tags": [{"Key": 1, "Bogus": "b"}, "x", null]}"#,
            &[
                "Missing required parameter in input: \"SecretId\"",
                "Unknown parameter in input: \"Foo\", must be one of: SecretId, \
                 ClientRequestToken, SecretString, SecretBinary, Tags, VersionStages, Rules, \
                 RecoveryWindowInDays, Force, MaxResults, NextToken, SortOrder",
                "Unknown parameter in Tags[0]: \"Bogus\", must be one of: Key, Value",
                "Invalid type for parameter Tags[0].Key, value: 1, type: <class 'int'>, valid \
                 types: <class 'str'>",
                "Invalid type for parameter Tags[1], value: x, type: <class 'str'>, valid types: \
                 <class 'dict'>",
                "Invalid type for parameter Tags[2], value: None, type: <class 'NoneType'>, valid \
                 types: <class 'dict'>",
            ],
        );
        check(
            r#"{"SecretId": "x", "Rules": {"ScheduleExpression": ["cron(0 16 1", "15 * ? *)"]},
                "Tags": {"Key": "a"}, "VersionStages": []}"#,
            &[
                "Invalid type for parameter Rules.ScheduleExpression, value: ['cron(0 16 1', '15 \
                 * ? *)'], type: <class 'list'>, valid types: <class 'str'>",
                "Invalid type for parameter Tags, value: {'Key': 'a'}, type: <class 'dict'>, \
                 valid types: <class 'list'>, <class 'tuple'>",
                "Invalid length for parameter VersionStages, value: 0, valid min length: 1",
            ],
        );
    }

    #[test]
    fn shows_no_sensitive_value() {
        check(
            r#"{"SecretId": "x", "SecretString": ["hunter2"], "SecretBinary": {"a": "hunter2"}}"#,
            &[
                "Invalid type for parameter SecretString, type: <class 'list'>, valid types: \
                 <class 'str'>",
                "Invalid type for parameter SecretBinary, type: <class 'dict'>, valid types: \
                 <class 'bytes'>, <class 'bytearray'>, file-like object",
            ],
        );
    }

    #[test]
    fn leaves_maximums_and_choices_to_the_service() {
        check(
            &format!(
                r#"{{"SecretId": "{}", "MaxResults": 101, "SortOrder": "sideways",
                    "SecretString": "é", "SecretBinary": ""}}"#,
                "x".repeat(3000)
            ),
            &[],
        );
    }
}
