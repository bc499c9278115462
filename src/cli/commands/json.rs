//! `json get`, `json set`: one member of a JSON object, for scripts that have no other tool for it.
//!
//! Everything passes through standard input, so that no value is among a program's arguments.
//! Needs no vault. No error shows anything of a value.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::value::RawValue;

use super::super::failure::Failure;
use super::super::request::error::Error;
use super::super::stdout::print;
use super::options::{Word, actions, options};
use super::own::{Invocation, OwnCommand};
use crate::sys::secret::Secret;
use crate::sys::streams::{self, Patient};

options! {
    /// The options of `json`.
    pub(super) struct Json {
        /// get prints a member; set reads its new text after the object, from the next line on
        action: Action = "ACTION",
        /// The member's name
        key: Word = "KEY",
        /// With get: print this where there is no such member
        default: Option<String> = "TEXT",
    }
}

actions! {
    /// What `json` does.
    pub(super) enum Action {
        /// Print a member.
        Get = "get",
        /// Replace one.
        Set = "set",
    }
}

impl OwnCommand for Json {
    const NAME: &'static str = "json";
    const TITLE: &'static str = "Json";
    const SUMMARY: &'static str =
        "Read or replace one member of the JSON object on standard input.";
    const EXAMPLE: &'static str =
        "printf '%s\\n%s' \"$json\" \"$password\" | strongroom json set password";
    const RUNS_IN_ROTATION: bool = true;

    fn run(self, _: &Invocation<'_>) -> Result<(), Failure> {
        let Word(key) = self.key;
        let input = read_input()?;
        let out = match self.action {
            Action::Set if self.default.is_some() => {
                return Err(Error::argument("--default", "not allowed with set").into());
            }
            Action::Set => set(input.expose(), &key)?,
            Action::Get => get(input.expose(), &key, self.default.as_deref())?,
        };
        print(out.expose())
    }
}

fn read_input() -> Result<Secret<Vec<u8>>, Error> {
    let mut input = Secret::new(Vec::with_capacity(CAPACITY));
    // The standard library's stdin has a buffer that is never wiped.
    let stdin = streams::inherited(0).map(|stdin| Patient(stdin.into()));
    let read = stdin.and_then(|stdin| stdin.take(MOST + 1).read_to_end(input.expose_mut()));
    let length = read.map_err(|error| Error::plain(format!("standard input: {error}")))?;
    if u64::try_from(length).unwrap_or(u64::MAX) > MOST {
        return Err(Error::plain(format!("standard input has more than {MOST} bytes")));
    }
    Ok(input)
}

/// Returns a member with a newline after it: a text as it is, anything else as it was written.
fn get(input: &[u8], key: &str, default: Option<&str>) -> Result<Secret<Vec<u8>>, Error> {
    let (object, rest) = split(input)?;
    let members = parse(object)?;
    if !rest.trim_ascii().is_empty() {
        return Err(Error::plain("something follows the JSON object on standard input"));
    }
    let given = members.get(key).filter(|value| default.is_none() || value.get() != "null");
    let mut out = match (given, default) {
        (Some(value), _) => match serde_json::from_str::<String>(value.get()) {
            Ok(text) => text.into_bytes(),
            Err(_not_text) => value.get().as_bytes().to_vec(),
        },
        (None, Some(default)) => default.as_bytes().to_vec(),
        (None, None) => return Err(Error::plain(format!("the object has no member {key:?}"))),
    };
    out.push(b'\n');
    Ok(Secret::new(out))
}

/// Returns the object with the member's new text in it. Every other byte stays: what is not
/// understood here, such as a number of forty digits, is not changed either.
fn set(input: &[u8], key: &str) -> Result<Secret<Vec<u8>>, Error> {
    let (object, rest) = split(input)?;
    let members = parse(object)?;
    let blank = rest.iter().take_while(|byte| b" \t\r".contains(byte)).count();
    let value = rest.get(blank..).and_then(|rest| rest.strip_prefix(b"\n"));
    // A value that was forgotten must not pass for an empty one.
    let value = value.filter(|value| !value.is_empty());
    let missing = || Error::plain("no value follows the object, on a line of its own");
    let value = str::from_utf8(value.ok_or_else(missing)?);
    let value = value.map_err(|_bytes| Error::plain("the value is no text"))?;
    let end = object.trim_end().len().saturating_sub("}".len());
    let (start, end) = members.get(key).map_or((end, end), |old| {
        let start = old.get().as_ptr().addr().saturating_sub(object.as_ptr().addr());
        (start, start.saturating_add(old.get().len()))
    });
    let around = object.get(..start).zip(object.get(end..));
    let (before, after) = around.ok_or_else(|| Error::plain(NO_OBJECT))?;
    let value = Secret::new(quoted(value)?);
    let mut out = Secret::new(Vec::with_capacity(object.len() + value.expose().len() + CAPACITY));
    let parts: &[&str] = if members.contains_key(key) {
        &[before, value.expose(), after]
    } else {
        let comma = if members.is_empty() { "" } else { ", " };
        &[before, comma, &quoted(key)?, ": ", value.expose(), after]
    };
    for part in parts {
        out.expose_mut().extend(part.bytes());
    }
    Ok(out)
}

/// Cuts the input after its first JSON value.
fn split(input: &[u8]) -> Result<(&str, &[u8]), Error> {
    let mut values = serde_json::Deserializer::from_slice(input).into_iter::<&RawValue>();
    let is_there = matches!(values.next(), Some(Ok(_)));
    let cut = input.split_at_checked(values.byte_offset()).filter(|_| is_there);
    let (object, rest) = cut.ok_or_else(|| Error::plain(NO_OBJECT))?;
    let object = str::from_utf8(object).map_err(|_bytes| Error::plain(NO_OBJECT))?;
    Ok((object, rest))
}

fn parse(object: &str) -> Result<BTreeMap<String, &RawValue>, Error> {
    serde_json::from_str(object).map_err(|_not_an_object| Error::plain(NO_OBJECT))
}

fn quoted(text: &str) -> Result<String, Error> {
    serde_json::to_string(text).map_err(|_impossible| Error::plain("the value is no text"))
}

const NO_OBJECT: &str = "there is no JSON object on standard input";
/// Far more than a secret may have.
const MOST: u64 = 1 << 20;
/// Enough for a secret of ordinary size without growing.
const CAPACITY: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn show(result: Result<Secret<Vec<u8>>, Error>) -> String {
        match result {
            Ok(out) => String::from_utf8(out.expose().clone()).unwrap(),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn gets_a_member() {
        let object = r#" {"user": "ada", "port": 5432, "none": null, "text": "a\nb\u00e9",
            "big": 12345678901234567890123, "list": [1, "x"], "twice": 1, "twice": 2} "#;
        for (key, default, expected) in [
            ("user", None, "ada\n"),
            ("port", Some("1"), "5432\n"),
            ("none", None, "null\n"),
            ("none", Some(""), "\n"),
            ("text", None, "a\nb\u{e9}\n"),
            ("big", None, "12345678901234567890123\n"),
            ("list", None, "[1, \"x\"]\n"),
            ("twice", None, "2\n"),
            ("User", Some("eve"), "eve\n"),
            ("User", None, "the object has no member \"User\""),
        ] {
            assert_eq!(show(get(object.as_bytes(), key, default)), expected, "{key}");
        }
    }

    #[test]
    fn sets_a_member_and_touches_nothing_else() {
        for (object, value, expected) in [
            ("{}", "x", r#"{"password": "x"}"#),
            (" { } ", "x", r#" { "password": "x"}"#),
            (r#"{"a":1e400}"#, "x", r#"{"a":1e400, "password": "x"}"#),
            (
                r#"{"password":"old","b":2}"#,
                "n\"\\\n\u{e9}\n",
                "{\"password\":\"n\\\"\\\\\\n\u{e9}\\n\",\"b\":2}",
            ),
            (r#"{"password" : {"x": [1]} , "b":2}"#, " ", r#"{"password" : " " , "b":2}"#),
            // What readers see is the last of them.
            (r#"{"password":1,"password":2}"#, "x", r#"{"password":1,"password":"x"}"#),
            (r#"{"pass\u0077ord":1}"#, "{}", r#"{"pass\u0077ord":"{}"}"#),
            (r#"{"nested":{"password":1}}"#, "x", r#"{"nested":{"password":1}, "password": "x"}"#),
        ] {
            let set = show(set(format!("{object}\n{value}").as_bytes(), "password"));
            assert_eq!(set, expected, "{object}");
            let back: serde_json::Value = serde_json::from_str(&set.replace("1e400", "1")).unwrap();
            assert_eq!(back["password"], value, "{object}");
        }
    }

    #[test]
    fn refuses_what_is_no_object_without_showing_it() {
        for input in
            ["", "hunter2", "\"a\"\nx", "[1]\nx", "{\"a\":1", "{\"a\":}\nx", "null\nx", "{]\nx"]
        {
            assert_eq!(show(get(input.as_bytes(), "a", None)), NO_OBJECT, "{input}");
            assert_eq!(show(set(input.as_bytes(), "a")), NO_OBJECT, "{input}");
        }
        assert_eq!(show(get(b"\xff{}", "a", None)), NO_OBJECT);
        let more = "something follows the JSON object on standard input";
        assert_eq!(show(get(b"{}\nx", "a", None)), more);
        assert_eq!(show(set(b"{}\n\xff", "a")), "the value is no text");
        for input in ["{}", "{} ", "{}\n", "{}x", "{} x\nx"] {
            let expected = "no value follows the object, on a line of its own";
            assert_eq!(show(set(input.as_bytes(), "a")), expected, "{input}");
        }
    }
}
