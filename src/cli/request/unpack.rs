//! From an option's words to a value of its member: files, shorthand, JSON, numbers.
//!
//! Follows AWS in what is tried and in which order, its oddities included. Does not check the
//! result: a wrong type is left for validation to name.

use super::arguments::Given;
use super::error::Error;
use super::fit;
use super::json;
use super::paramfile::Sources;
use super::shorthand;
use crate::cli::python;
use crate::model::case::kebab;
use crate::model::shape::{Member, Shape};
use crate::model::value::Value;

/// Makes the value of `member` from what was given for it.
pub(crate) fn unpack(member: &Member, given: Given, sources: Sources<'_>) -> Result<Value, Error> {
    let parameter = Parameter { flag: format!("--{}", kebab(member.name)), sources };
    let shape = member.shape;
    match given {
        Given::Flag(flag) => Ok(Value::Boolean(flag)),
        Given::Number(number) => Ok(Value::Integer(number)),
        Given::Literal(text) => Ok(Value::Text(text)),
        Given::Word(word) => match parameter.load(&word)? {
            Some(loaded) => parameter.unpack_loaded(shape, loaded),
            None => parameter.unpack_text(shape, word),
        },
        Given::Words(words) => {
            // Only a single word may name a file.
            let loaded = match words.as_slice() {
                [word] => parameter.load(word)?,
                _ => None,
            };
            match loaded {
                Some(loaded) => parameter.unpack_loaded(shape, loaded),
                None => parameter.unpack_words(shape, &words),
            }
        }
    }
}

/// An option that is being read.
struct Parameter<'a> {
    flag: String,
    sources: Sources<'a>,
}

impl Parameter<'_> {
    fn load(&self, word: &str) -> Result<Option<Value>, Error> {
        self.sources.load(word).map_err(|fault| fault.of(&self.flag))
    }

    fn unpack_loaded(&self, shape: &Shape, loaded: Value) -> Result<Value, Error> {
        if let Value::Text(text) = loaded {
            return self.unpack_text(shape, text);
        }
        if matches!(shape, Shape::Integer(_)) {
            return python::to_integer(&loaded).map_err(Error::plain);
        }
        Ok(loaded)
    }

    fn unpack_text(&self, shape: &Shape, text: String) -> Result<Value, Error> {
        if !takes_shorthand(shape) || looks_like_json(&text) {
            return self.unpack_scalar(shape, text);
        }
        let mut value = shorthand::parse(&self.flag, &text, self.sources)?;
        // One structure where a list of them is wanted stays one: AWS refuses it by its type.
        if !matches!(shape, Shape::List(_)) {
            fit::fit(&mut value, shape)?;
        }
        Ok(value)
    }

    fn unpack_words(&self, shape: &Shape, words: &[String]) -> Result<Value, Error> {
        let Shape::List(list) = shape else { return Ok(Value::Null) };
        let first = words.first().map(String::as_str).unwrap_or_default();
        if takes_shorthand(shape) && !looks_like_json(first) {
            let read = |word: &String| shorthand::parse(&self.flag, word, self.sources);
            let elements: Result<Vec<Value>, Error> = words.iter().map(read).collect();
            let mut value = Value::List(elements?);
            fit::fit(&mut value, shape)?;
            return Ok(value);
        }
        if let [word] = words
            && word.trim().starts_with('[')
        {
            return self.read_json(word);
        }
        let elements = words.iter().map(|word| self.unpack_element(list.element, word, first));
        elements.collect::<Result<_, _>>().map(Value::List)
    }

    /// Reads one element of a list; AWS blames the first word for any that is not a number.
    fn unpack_element(&self, shape: &Shape, word: &str, first: &str) -> Result<Value, Error> {
        match shape {
            Shape::Integer(_) => python::to_integer(&Value::Text(word.to_owned()))
                .map_err(|_no_number| Error::parameter(&self.flag, first)),
            Shape::Structure(_)
            | Shape::List(_)
            | Shape::Map(_)
            | Shape::Text(_)
            | Shape::Boolean
            | Shape::Blob(_)
            | Shape::Timestamp => self.unpack_scalar(shape, word.to_owned()),
        }
    }

    /// Reads text as JSON if the shape has parts, else as it is.
    fn unpack_scalar(&self, shape: &Shape, text: String) -> Result<Value, Error> {
        let begins = || text.trim_start().chars().next();
        match shape {
            Shape::Structure(_) | Shape::Map(_) => match begins() {
                Some('{') => self.read_json(&text),
                Some(_) => Err(Error::parameter(&self.flag, format!("Invalid JSON:\n{text}"))),
                None => Err(empty()),
            },
            Shape::List(list) => match begins() {
                Some('[') => self.read_json(&text),
                // A file that holds no JSON is taken apart letter by letter, as AWS does.
                Some(_) => {
                    let letters = text.chars().map(String::from);
                    let elements =
                        letters.map(|letter| self.unpack_element(list.element, &letter, &text));
                    elements.collect::<Result<_, _>>().map(Value::List)
                }
                None => Err(empty()),
            },
            Shape::Integer(_) => python::to_integer(&Value::Text(text)).map_err(Error::plain),
            Shape::Text(_) | Shape::Boolean | Shape::Blob(_) | Shape::Timestamp => {
                Ok(Value::Text(text))
            }
        }
    }

    fn read_json(&self, text: &str) -> Result<Value, Error> {
        json::parse(text).map_err(|fault| {
            Error::parameter(&self.flag, format!("Invalid JSON: {fault}\nJSON received: {text}"))
        })
    }
}

/// What Python says about the first letter of an empty text.
fn empty() -> Error {
    Error::plain("string index out of range")
}

/// Whether words for a shape may be shorthand: structures, and lists of what is not scalar.
fn takes_shorthand(shape: &Shape) -> bool {
    match shape {
        Shape::Structure(_) | Shape::Map(_) => true,
        Shape::List(list) => {
            matches!(list.element, Shape::Structure(_) | Shape::List(_) | Shape::Map(_))
        }
        Shape::Text(_) | Shape::Integer(_) | Shape::Boolean | Shape::Blob(_) | Shape::Timestamp => {
            false
        }
    }
}

fn looks_like_json(text: &str) -> bool {
    text.trim().starts_with(['[', '{'])
}

#[cfg(test)]
mod tests {
    use super::super::paramfile::testing::SOURCES;
    use super::super::testing::REQUEST;
    use super::*;

    fn check(member: &str, words: &[&str], expected: &str) {
        let member = REQUEST.iter().find(|known| known.name == member).unwrap();
        let mut words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let is_list = matches!(member.shape, Shape::List(_));
        let given = if is_list { Given::Words(words) } else { Given::Word(words.pop().unwrap()) };
        let shown = match unpack(member, given, SOURCES) {
            Ok(value) => python::repr(&value),
            Err(error) => format!("{} {}", error.exit_code(), error.message()),
        };
        assert_eq!(shown, expected, "{}", member.name);
    }

    #[test]
    fn reads_scalars() {
        check("SecretId", &["x"], "'x'");
        check("SecretString", &["{\"a\": 1}"], "'{\"a\": 1}'");
        check("SecretString", &["file://value"], "'hunter2\\n'");
        check("SecretString", &["fileb://value"], "b'hunter2\\n'");
        check("SecretBinary", &["file://value"], "'hunter2\\n'");
        check("SecretBinary", &["fileb://bytes"], "b'\\xff\\x00'");
        check("MaxResults", &["7"], "7");
        check("MaxResults", &["file://number"], "7");
        check("MaxResults", &["fileb://number"], "7");
        check("MaxResults", &["abc"], "255 invalid literal for int() with base 10: 'abc'");
        check(
            "SecretString",
            &["file://nope"],
            "252 Error parsing parameter '--secret-string': Unable to load paramfile file://nope: \
             [Errno 2] No such file or directory: 'nope'",
        );
    }

    #[test]
    fn reads_lists_of_scalars() {
        check("VersionStages", &["a", "b"], "['a', 'b']");
        check("VersionStages", &[], "[]");
        check("VersionStages", &[" [\"a\", 1]"], "['a', 1]");
        check("VersionStages", &["{\"a\": 1}"], "['{\"a\": 1}']");
        check("VersionStages", &["file://value", "b"], "['file://value', 'b']");
        check("VersionStages", &["file://number"], "[' ', '7', '\\n']");
        check("VersionStages", &["file://empty"], "255 string index out of range");
        check("VersionStages", &["fileb://bytes"], "b'\\xff\\x00'");
        check(
            "VersionStages",
            &["[bad"],
            "252 Error parsing parameter '--version-stages': Invalid JSON: Expecting value: line 1 \
             column 2 (char 1)\nJSON received: [bad",
        );
    }

    #[test]
    fn reads_structures() {
        let one = "[{'Key': 'a', 'Value': 'b'}]";
        check("Tags", &["Key=a,Value=b"], one);
        check("Tags", &["[{\"Key\": \"a\", \"Value\": \"b\"}]"], one);
        check("Tags", &["{\"Key\": \"a\", \"Value\": \"b\"}"], one);
        check("Tags", &["file://tags.json"], one);
        check("Tags", &["Key=a", "Key=b"], "[{'Key': 'a'}, {'Key': 'b'}]");
        check("Tags", &["{\"Key\": 1}", "{}"], "[{'Key': 1}, {}]");
        check("Tags", &[], "[]");
        check("Tags", &["file://tags.txt"], "{'Key': 'a', 'Value': 'b'}");
        check("Rules", &["AutomaticallyAfterDays=7"], "{'AutomaticallyAfterDays': 7}");
        check("Rules", &["{\"AutomaticallyAfterDays\": 7}"], "{'AutomaticallyAfterDays': 7}");
        check(
            "Rules",
            &["AutomaticallyAfterDays=x"],
            "255 invalid literal for int() with base 10: 'x'",
        );
        check("Rules", &["[1]"], "252 Error parsing parameter '--rules': Invalid JSON:\n[1]");
        check(
            "Tags",
            &["{}", "Key=a"],
            "252 Error parsing parameter '--tags': Invalid JSON:\nKey=a",
        );
        check("Tags", &["{}", ""], "255 string index out of range");
        check(
            "Tags",
            &["foo"],
            "252 Error parsing parameter '--tags': Expected: '=', received: 'EOF' for input:\n \
             foo\n   ^",
        );
        check(
            "Tags",
            &["{bad"],
            "252 Error parsing parameter '--tags': Invalid JSON: Expecting property name enclosed \
             in double quotes: line 1 column 2 (char 1)\nJSON received: {bad",
        );
    }
}
