//! `--generate-cli-skeleton`: what a request or a response of an operation looks like.
//!
//! In a request strings are empty, numbers 0, booleans true and blobs nothing; lists have one
//! element, and of several choices the first is shown. Does not print.

use crate::model::shape::{Member, Shape};
use crate::model::time::Timestamp;
use crate::model::value::Value;

/// Writes a request as JSON, as `--cli-input-json` reads it. Ends in a newline.
pub(crate) fn json_input(members: &[Member]) -> String {
    let mut out = json_structure(members, 0);
    out.push('\n');
    out
}

/// Writes a request as YAML, as `--cli-input-yaml` reads it, each member with the first sentence
/// of its help. Ends in a newline.
pub(crate) fn yaml_input(members: &[Member]) -> String {
    if members.is_empty() {
        return "{}\n".to_owned();
    }
    let mut out = String::new();
    yaml_structure(&mut out, members, 0, Begin::Line);
    out
}

/// Makes a response of the given shape, each text the name of its member.
pub(crate) fn sample(shape: &Shape) -> Value {
    sample_of(shape, "")
}

fn json(shape: &Shape, depth: usize) -> String {
    let inside = |text: String, [open, close]: [char; 2]| {
        let (outer, inner) = (INDENT.repeat(depth), INDENT.repeat(depth + 1));
        format!("{open}\n{inner}{text}\n{outer}{close}")
    };
    match shape {
        Shape::Structure(members) => json_structure(members, depth),
        Shape::List(list) => inside(json(list.element, depth + 1), ['[', ']']),
        Shape::Map(element) => {
            inside(format!("\"KeyName\": {}", json(element, depth + 1)), ['{', '}'])
        }
        Shape::Text(text) => format!("\"{}\"", text.choices.first().unwrap_or(&"")),
        Shape::Integer(_) => "0".to_owned(),
        Shape::Boolean => "true".to_owned(),
        Shape::Blob(_) => "null".to_owned(),
        Shape::Timestamp => "\"1970-01-01T00:00:00\"".to_owned(),
    }
}

fn json_structure(members: &[Member], depth: usize) -> String {
    if members.is_empty() {
        return "{}".to_owned();
    }
    let (outer, inner) = (INDENT.repeat(depth), INDENT.repeat(depth + 1));
    let member =
        |member: &Member| format!("{inner}\"{}\": {}", member.name, json(member.shape, depth + 1));
    let members: Vec<String> = members.iter().map(member).collect();
    format!("{{\n{}\n{outer}}}", members.join(",\n"))
}

/// Where a structure's first member begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// On a line of its own.
    Line,
    /// Behind the dash of a list's element.
    Dash,
}

fn yaml_structure(out: &mut String, members: &[Member], indent: usize, begin: Begin) {
    let mut has_comment = false;
    for (index, member) in members.iter().enumerate() {
        if index > 0 || begin == Begin::Line {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(member.name);
        out.push(':');
        if let Some(scalar) = yaml_scalar(member.shape) {
            out.push(' ');
            out.push_str(&scalar);
        }
        let comment = comment(member);
        if !comment.is_empty() {
            // AWS's writer puts one more space before the first comment of a mapping.
            out.push_str(if has_comment { " # " } else { "  # " });
            out.push_str(&comment);
            has_comment = true;
        }
        out.push('\n');
        yaml_inside(out, member.shape, indent);
    }
}

/// Writes the lines below a name; nothing for a scalar.
fn yaml_inside(out: &mut String, shape: &Shape, indent: usize) {
    match shape {
        Shape::Structure(members) => yaml_structure(out, members, indent + 2, Begin::Line),
        Shape::List(list) => {
            out.push_str(&" ".repeat(indent));
            out.push_str("- ");
            if let Shape::Structure(members) = list.element {
                yaml_structure(out, members, indent + 2, Begin::Dash);
            } else {
                out.push_str(&yaml_scalar(list.element).unwrap_or_default());
                out.push('\n');
            }
        }
        Shape::Map(element) => {
            let name = " ".repeat(indent + 2) + "KeyName:";
            out.push_str(&name);
            if let Some(scalar) = yaml_scalar(element) {
                out.push(' ');
                out.push_str(&scalar);
            }
            out.push('\n');
            yaml_inside(out, element, indent + 2);
        }
        Shape::Text(_) | Shape::Integer(_) | Shape::Boolean | Shape::Blob(_) | Shape::Timestamp => {
        }
    }
}

fn yaml_scalar(shape: &Shape) -> Option<String> {
    Some(match shape {
        Shape::Structure(_) | Shape::List(_) | Shape::Map(_) => return None,
        Shape::Text(text) => text.choices.first().unwrap_or(&"''").to_string(),
        Shape::Integer(_) => "0".to_owned(),
        Shape::Boolean => "true".to_owned(),
        Shape::Blob(_) => "!!binary ''".to_owned(),
        Shape::Timestamp => "1970-01-01 00:00:00".to_owned(),
    })
}

fn comment(member: &Member) -> String {
    let mut parts = Vec::new();
    if member.required {
        parts.push("[REQUIRED]".to_owned());
    }
    let help = member.help();
    let sentence = help.split_inclusive(". ").next().unwrap_or_default().trim_end();
    if !sentence.is_empty() {
        parts.push(sentence.to_owned());
    }
    if let Shape::Text(text) = member.shape
        && !text.choices.is_empty()
    {
        parts.push(format!("Valid values are: {}.", text.choices.join(", ")));
    }
    parts.join(" ")
}

fn sample_of(shape: &Shape, name: &str) -> Value {
    match shape {
        Shape::Structure(members) => {
            let member =
                |member: &Member| (member.name.to_owned(), sample_of(member.shape, member.name));
            Value::Map(members.iter().map(member).collect())
        }
        Shape::List(list) => Value::List(vec![sample_of(list.element, name)]),
        Shape::Map(element) => Value::Map(vec![("KeyName".to_owned(), sample_of(element, name))]),
        Shape::Text(_) => Value::Text(name.to_owned()),
        Shape::Integer(_) => Value::Integer(0),
        Shape::Boolean => Value::Boolean(true),
        Shape::Blob(_) => Value::Bytes(name.as_bytes().to_vec()),
        Shape::Timestamp => Value::Timestamp(Timestamp(0)),
    }
}

const INDENT: &str = "    ";

#[cfg(test)]
mod tests {
    use super::super::testing::REQUEST;
    use super::super::{json, yaml};
    use super::*;
    use crate::cli::python;

    #[test]
    fn writes_json_as_aws_does() {
        let expected = r#"{
    "SecretId": "",
    "ClientRequestToken": "",
    "SecretString": "",
    "SecretBinary": null,
    "Tags": [
        {
            "Key": "",
            "Value": ""
        }
    ],
    "VersionStages": [
        ""
    ],
    "Rules": {
        "AutomaticallyAfterDays": 0,
        "ScheduleExpression": ""
    },
    "RecoveryWindowInDays": 0,
    "Force": true,
    "MaxResults": 0,
    "NextToken": "",
    "SortOrder": "asc"
}
"#;
        assert_eq!(json_input(REQUEST), expected);
        assert_eq!(json_input(&[]), "{}\n");
    }

    #[test]
    fn writes_yaml_as_aws_does() {
        let expected = "\
SecretId: ''  # [REQUIRED] The ARN or name of the secret.
ClientRequestToken: '' # The unique value.
SecretString: '' # The text to store.
SecretBinary: !!binary '' # The bytes to store.
Tags: # The tags to attach.
- Key: ''  # The key identifier, or name, of the tag.
  Value: '' # The string value associated with the key of the tag.
VersionStages: # The labels to attach.
- ''
Rules: # How often to rotate.
  AutomaticallyAfterDays: 0  # The number of days between rotations.
  ScheduleExpression: '' # When, as a schedule.
RecoveryWindowInDays: 0 # How long to wait.
Force: true # Whether not to wait.
MaxResults: 0 # How many results a page has.
NextToken: '' # Where the page starts.
SortOrder: asc # The direction to sort in. Valid values are: asc, desc.
";
        assert_eq!(yaml_input(REQUEST), expected);
        assert_eq!(yaml_input(&[]), "{}\n");
    }

    /// Both skeletons are documents that can be read back, and say the same but for blobs.
    #[test]
    fn writes_what_is_read() {
        let json = json::parse(&json_input(REQUEST)).unwrap_or(Value::Null);
        let yaml = yaml::parse(&yaml_input(REQUEST)).unwrap_or(Value::Null);
        assert_eq!(python::repr(&json).replace("None", "b''"), python::repr(&yaml));
    }

    #[test]
    fn makes_a_response() {
        let value = sample(&Shape::Structure(REQUEST));
        assert_eq!(
            python::repr(&value),
            "{'SecretId': 'SecretId', 'ClientRequestToken': 'ClientRequestToken', 'SecretString': \
             'SecretString', 'SecretBinary': b'SecretBinary', 'Tags': [{'Key': 'Key', 'Value': \
             'Value'}], 'VersionStages': ['VersionStages'], 'Rules': {'AutomaticallyAfterDays': 0, \
             'ScheduleExpression': 'ScheduleExpression'}, 'RecoveryWindowInDays': 0, 'Force': \
             True, 'MaxResults': 0, 'NextToken': 'NextToken', 'SortOrder': 'SortOrder'}"
        );
    }

    /// Whatever is declared, both skeletons can be read back.
    #[test]
    fn fits_every_operation() {
        for entry in crate::service::operations::ALL {
            let members = entry.input.members();
            let names: Vec<&str> = members.iter().map(|member| member.name).collect();
            let json = json::parse(&json_input(members)).unwrap_or(Value::Null);
            let yaml = yaml::parse(&yaml_input(members)).unwrap_or(Value::Null);
            for read in [json, yaml] {
                let Value::Map(read) = read else { panic!("{}", entry.name) };
                let read: Vec<&str> = read.iter().map(|(name, _)| name.as_str()).collect();
                assert_eq!(read, names, "{}", entry.name);
            }
        }
    }
}
