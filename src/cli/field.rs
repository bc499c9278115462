//! A value alone: what `--field` and `--raw` print instead of an answer.
//!
//! No error shows anything of the value, not even which members it has.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use super::request::arguments::{Arguments, Pick};
use super::request::error::Error;
use super::request::globals::options::Globals;
use crate::model::value::Value;
use crate::sys::secret::Secret;

/// Why there is nothing to print. Holds nothing of the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unpicked {
    /// The secret has no value.
    Valueless,
    /// The value is not a JSON object.
    NoObject,
    /// The object has no member of this name.
    MissingMember(String),
}

impl Unpicked {
    /// Returns what to do next.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Valueless => None,
            Self::NoObject => Some("`--raw` instead of `--field` prints the whole value"),
            Self::MissingMember(_) => {
                Some("names are told apart by capitals too; `--raw` prints the whole value")
            }
        }
    }
}

impl fmt::Display for Unpicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valueless => f.write_str("the secret has no value"),
            Self::NoObject => f.write_str("--field: the secret's value is no JSON object"),
            Self::MissingMember(name) => {
                write!(f, "--field: the secret's value has no member \"{}\"", name.escape_debug())
            }
        }
    }
}

impl std::error::Error for Unpicked {}

/// Takes what is to be picked out of the options; what it contradicts is refused.
pub(crate) fn take(arguments: &mut Arguments, globals: &Globals) -> Result<Option<Pick>, Error> {
    let given = [
        ("--field", arguments.field.is_some()),
        ("--raw", arguments.raw),
        ("--query", globals.query.is_some()),
        ("--output", globals.output.is_some()),
        ("--generate-cli-skeleton", arguments.skeleton.is_some()),
    ];
    let mut given = given.into_iter().filter(|(_, given)| *given).map(|(option, _)| option);
    let (first, second) = (given.next(), given.next());
    let pick = match arguments.field.take() {
        Some(name) => Pick::Field(name),
        None if arguments.raw => Pick::Whole,
        None => return Ok(None),
    };
    match (first, second) {
        (Some(first), Some(second)) => {
            Err(Error::argument(second, format!("not allowed with argument {first}")))
        }
        (_, _) => Ok(Some(pick)),
    }
}

/// Returns the bytes to print: the whole value as it is, or one member with a newline after it.
pub(crate) fn pick(pick: &Pick, response: &Value) -> Result<Secret<Vec<u8>>, Unpicked> {
    let value = match (response.get("SecretString"), response.get("SecretBinary")) {
        (Some(Value::Text(text)), _) => text.as_bytes(),
        (_, Some(Value::Bytes(bytes))) => bytes,
        (_, _) => return Err(Unpicked::Valueless),
    };
    match pick {
        Pick::Whole => Ok(Secret::new(value.to_vec())),
        Pick::Field(name) => member(value, name),
    }
}

/// Finds a member of a JSON object: a text as it is, anything else as compact JSON, digit for digit.
fn member(value: &[u8], name: &str) -> Result<Secret<Vec<u8>>, Unpicked> {
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_slice(value).map_err(|_not_an_object| Unpicked::NoObject)?;
    let json = members.get(name).ok_or_else(|| Unpicked::MissingMember(name.to_owned()))?;
    let mut out = match serde_json::from_str::<String>(json.get()) {
        Ok(text) => text.into_bytes(),
        Err(_not_text) => compact(json.get()),
    };
    out.push(b'\n');
    Ok(Secret::new(out))
}

/// Leaves out the space between the parts of a JSON text.
fn compact(json: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() + 1);
    let (mut is_inside, mut is_escaped) = (false, false);
    for byte in json.bytes() {
        if is_inside || !byte.is_ascii_whitespace() {
            out.push(byte);
        }
        if byte == b'"' && !is_escaped {
            is_inside = !is_inside;
        }
        is_escaped = is_inside && byte == b'\\' && !is_escaped;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::failure::Failure;
    use super::*;

    const VALUE: &str = r#"{"user": "ada", "port": 5432, "big": 12345678901234567890123, "price":
        1.50, "on": true, "none": null, "multi": "a\nb\u00e9\"", "": "empty", "twice": 1,
        "list": [ 1, "a b\\", { "x\" y" : 2.0 } ], "twice": 2}"#;

    fn text(value: &str) -> Value {
        Value::Map(vec![("SecretString".to_owned(), Value::Text(value.to_owned()))])
    }

    fn show(wanted: &Pick, response: &Value) -> String {
        match pick(wanted, response) {
            Ok(bytes) => String::from_utf8(bytes.expose().clone()).unwrap(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_not_there_is_told_like_any_error_of_ours() {
        let unpicked =
            [Unpicked::Valueless, Unpicked::NoObject, Unpicked::MissingMember("x".to_owned())];
        for (unpicked, has_hint) in unpicked.into_iter().zip([false, true, true]) {
            let failure = Failure::from(unpicked.clone());
            assert_eq!(failure.exit_code(), 255);
            assert_eq!(failure.told(), Some(("FieldError", unpicked.to_string())));
            assert_eq!(failure.hint().is_some(), has_hint, "{unpicked}");
        }
        // The secret has a value, or the service would have said so.
        assert_eq!(pick(&Pick::Whole, &Value::Map(Vec::new())).err(), Some(Unpicked::Valueless));
    }

    #[test]
    fn picks_one_member() {
        for (name, expected) in [
            ("user", "ada\n"),
            ("port", "5432\n"),
            ("big", "12345678901234567890123\n"),
            ("price", "1.50\n"),
            ("on", "true\n"),
            ("none", "null\n"),
            ("multi", "a\nb\u{e9}\"\n"),
            ("", "empty\n"),
            // As every reader of JSON has it: the last counts.
            ("twice", "2\n"),
            ("list", "[1,\"a b\\\\\",{\"x\\\" y\":2.0}]\n"),
            ("User", "--field: the secret's value has no member \"User\""),
        ] {
            assert_eq!(show(&Pick::Field(name.to_owned()), &text(VALUE)), expected, "{name}");
        }
    }

    #[test]
    fn tells_nothing_of_a_value_that_is_no_object() {
        let field = Pick::Field("user".to_owned());
        for value in ["hunter2", "", "\"user\"", "[{\"user\":1}]", "{\"user\":1", "{} {}", "null"] {
            let expected = "--field: the secret's value is no JSON object";
            assert_eq!(show(&field, &text(value)), expected, "{value}");
        }
        let bytes = |bytes: &[u8]| {
            Value::Map(vec![("SecretBinary".to_owned(), Value::Bytes(bytes.to_vec()))])
        };
        assert_eq!(
            show(&field, &bytes(b"\xff{}")),
            "--field: the secret's value is no JSON object"
        );
        // What was stored as bytes may be JSON all the same.
        assert_eq!(show(&field, &bytes(br#"{"user":"ada"}"#)), "ada\n");
    }

    #[test]
    fn the_whole_value_is_printed_as_it_is() {
        assert_eq!(show(&Pick::Whole, &text("no newline")), "no newline");
        assert_eq!(show(&Pick::Whole, &text("")), "");
        let bytes = Value::Map(vec![("SecretBinary".to_owned(), Value::Bytes(vec![0, 255, 10]))]);
        assert_eq!(pick(&Pick::Whole, &bytes).unwrap().expose(), &[0, 255, 10]);
    }

    #[test]
    fn contradictions_are_refused() {
        let said = |field: bool, raw: bool, query: bool, output: bool| {
            let mut arguments =
                Arguments { field: field.then(|| "user".to_owned()), raw, ..Arguments::default() };
            let globals = Globals {
                query: query.then(|| "Name".to_owned()),
                output: output.then(|| "text".to_owned()),
                ..Globals::default()
            };
            match take(&mut arguments, &globals) {
                Ok(pick) => format!("{}", pick.is_some()),
                Err(error) => error.message().to_owned(),
            }
        };
        assert_eq!(said(false, false, true, true), "false");
        assert_eq!(said(true, false, false, false), "true");
        assert_eq!(said(false, true, false, false), "true");
        assert_eq!(
            said(true, true, false, false),
            "argument --raw: not allowed with argument --field"
        );
        assert_eq!(
            said(true, false, true, false),
            "argument --query: not allowed with argument --field"
        );
        assert_eq!(
            said(false, true, false, true),
            "argument --output: not allowed with argument --raw"
        );
    }
}
