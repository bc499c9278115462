//! The shorthand syntax of structures: `Key=name,Values=a,b`.
//!
//! ```text
//! parameter = pair *("," pair)          pair   = key ("=" / "@=") [values]
//! values    = list / map / csv          list   = "[" [item *("," item)] "]"
//! csv       = item *("," item)          map    = "{" [pair *("," pair)] "}"
//! ```
//!
//! A comma both continues a list and ends a pair; a list that runs into the next pair's `=` gives
//! its last item back. Reads only the syntax, into texts, lists and maps; `fit` turns them into
//! what a shape wants. Whether an option's words are shorthand or JSON is for `unpack` to decide.

use super::error::Error;
use super::paramfile::Sources;
use crate::model::value::Value;

/// Reads one word as shorthand. `flag` is the option, for messages.
pub(crate) fn parse(flag: &str, word: &str, sources: Sources<'_>) -> Result<Value, Error> {
    let letters = word.chars().collect();
    let mut reader = Reader { letters, at: 0, sources, files: Files::Literal };
    reader.parameter().map_err(|fault| match fault {
        Fault::Expected { what, found } => Error::parameter(
            flag,
            // The blank before the input is AWS's.
            format!(
                "Expected: '{what}', received: '{found}' for input:\n {}",
                reader.location(reader.at)
            ),
        ),
        Fault::Duplicate { key, at } => Error::parameter(
            flag,
            format!(
                "Second instance of key \"{key}\" encountered for input:\n{}\nThis is often \
                 because there is a preceding \",\" instead of a space.",
                reader.location(at)
            ),
        ),
        Fault::Unreadable(message) => Error::plain(message),
        Fault::TooDeep => Error::plain("maximum recursion depth exceeded"),
    })
}

/// What is wrong with a word; `Expected` is about the place where reading stopped.
enum Fault {
    Expected { what: &'static str, found: String },
    Duplicate { key: String, at: usize },
    Unreadable(String),
    TooDeep,
}

/// Whether values of the current pair may be in files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    /// After `=`.
    Literal,
    /// After `@=`.
    Resolved,
}

/// Which letters may follow the first of an unquoted item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Item {
    /// All but what ends a list, a map or an item.
    First,
    /// All but what ends an item, and `=`, which shows that this is the next pair's key.
    Second,
}

/// Whether a comma follows an item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum More {
    Yes,
    No,
}

/// Deeper lists are refused before the stack overflows.
const DEEPEST: usize = 200;

struct Reader<'a> {
    letters: Vec<char>,
    at: usize,
    sources: Sources<'a>,
    files: Files,
}

impl Reader<'_> {
    fn parameter(&mut self) -> Result<Value, Fault> {
        let mut pairs = vec![self.pair()?];
        let mut last = self.at;
        while self.at < self.letters.len() {
            self.expect(',', ",")?;
            let (key, value) = self.pair()?;
            if pairs.iter().any(|(known, _)| *known == key) {
                return Err(Fault::Duplicate { key, at: last + 1 });
            }
            pairs.push((key, value));
            last = self.at;
        }
        Ok(Value::Map(pairs))
    }

    fn pair(&mut self) -> Result<(String, Value), Fault> {
        let key = self.key()?;
        let value = match self.current() {
            None => Value::Text(String::new()),
            Some('[') => self.list(0)?,
            Some('{') => self.map(0)?,
            Some(_) => self.csv()?,
        };
        Ok((key, value))
    }

    /// Reads a key with its `=` or `@=`.
    fn key(&mut self) -> Result<String, Fault> {
        let is_key = |c: &char| c.is_ascii_alphanumeric() || "-_.#/:".contains(*c);
        let key: String = self.letters.iter().skip(self.at).take_while(|c| is_key(c)).collect();
        // Letters of a key are one byte each.
        self.at += key.len();
        self.files = match self.expect('@', "@") {
            Ok(()) => Files::Resolved,
            Err(_) => Files::Literal,
        };
        self.expect('=', "=")?;
        Ok(key)
    }

    fn csv(&mut self) -> Result<Value, Fault> {
        let first = self.first_item()?;
        self.skip_space();
        if self.current() != Some(',') {
            return Ok(first);
        }
        self.expect(',', ",")?;
        let mut items = vec![first];
        loop {
            match self.next_item() {
                Ok((item, More::Yes)) => items.push(item),
                Ok((item, More::No)) => {
                    items.push(item);
                    break;
                }
                Err(Fault::Expected { what, found }) => {
                    if self.current().is_none() {
                        return Err(Fault::Expected { what, found });
                    }
                    // The last item was the next pair's key: give it and its comma back.
                    let comma = self.letters.iter().take(self.at + 1).rposition(|c| *c == ',');
                    self.at = comma.unwrap_or(self.at);
                    break;
                }
                Err(other @ (Fault::Duplicate { .. } | Fault::Unreadable(_) | Fault::TooDeep)) => {
                    return Err(other);
                }
            }
        }
        Ok(match (items.pop(), items.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                items.extend(last);
                Value::List(items)
            }
        })
    }

    /// Reads one more item of a list and the comma behind it, unless the word ends there.
    fn next_item(&mut self) -> Result<(Value, More), Fault> {
        let item = if let Some(quote @ ('\'' | '"')) = self.current() {
            self.quoted(quote)?
        } else {
            let text = self.unquoted(Item::Second);
            self.resolve(text.ok_or_else(|| expected("<second>", "<none>"))?)?
        };
        self.skip_space();
        if self.current().is_none() {
            return Ok((item, More::No));
        }
        self.expect(',', ",")?;
        Ok((item, More::Yes))
    }

    fn first_item(&mut self) -> Result<Value, Fault> {
        match self.current() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            _ => match self.unquoted(Item::First) {
                Some(text) => self.resolve(text),
                None => Ok(Value::Text(String::new())),
            },
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        self.expect('[', "[")?;
        let mut items = Vec::new();
        while self.current() != Some(']') {
            items.push(self.nested(depth)?);
            self.skip_space();
            if self.current() != Some(']') {
                self.expect_here(',', ",")?;
                self.skip_space();
            }
        }
        self.at += 1;
        Ok(Value::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Fault> {
        self.expect('{', "{")?;
        let mut pairs: Vec<(String, Value)> = Vec::new();
        while self.current() != Some('}') {
            let key = self.key()?;
            let value = self.nested(depth)?;
            self.skip_space();
            if self.current() != Some('}') {
                self.expect_here(',', ",")?;
                self.skip_space();
            }
            match pairs.iter_mut().find(|(known, _)| *known == key) {
                Some(pair) => pair.1 = value,
                None => pairs.push((key, value)),
            }
        }
        self.at += 1;
        Ok(Value::Map(pairs))
    }

    fn nested(&mut self, depth: usize) -> Result<Value, Fault> {
        if depth > DEEPEST {
            return Err(Fault::TooDeep);
        }
        match self.current() {
            Some('[') => self.list(depth + 1),
            Some('{') => self.map(depth + 1),
            _ => self.first_item(),
        }
    }

    /// Reads a quoted item. A quote behind a backslash belongs to it, unless no other ends it.
    fn quoted(&mut self, quote: char) -> Result<Value, Fault> {
        let inner = self.letters.get(self.at + 1..).unwrap_or_default();
        let mut bare = None;
        let mut escaped = None;
        for (index, letter) in inner.iter().enumerate().filter(|(_, letter)| **letter == quote) {
            if index.checked_sub(1).and_then(|before| inner.get(before)) == Some(&'\\') {
                escaped = Some(index);
            } else {
                bare = Some((index, letter));
                break;
            }
        }
        let Some(length) = bare.map(|(index, _)| index).or(escaped) else {
            let what = if quote == '\'' { "<singled quoted>" } else { "<double quoted>" };
            return Err(expected(what, "<none>"));
        };
        let text: String = inner.iter().take(length).collect();
        self.at += length + 2;
        self.resolve(text.replace(&format!("\\{quote}"), &quote.to_string()).replace("\\\\", "\\"))
    }

    /// Reads an unquoted item; `None` if not even its first letter is there.
    fn unquoted(&mut self, item: Item) -> Option<String> {
        let start = self.at;
        loop {
            match (self.current(), self.letters.get(self.at + 1)) {
                (Some('\\'), Some(',')) => self.at += 2,
                (Some(c), _) if self.at == start && starts_item(c) => self.at += 1,
                (Some(c), _) if self.at > start && follows_item(c, item) => self.at += 1,
                _ => break,
            }
        }
        if self.at == start {
            return None;
        }
        let text: String = self.letters.get(start..self.at).unwrap_or_default().iter().collect();
        Some(text.replace("\\,", ",").trim_end().to_owned())
    }

    fn resolve(&self, text: String) -> Result<Value, Fault> {
        if self.files == Files::Literal {
            return Ok(Value::Text(text));
        }
        let loaded = self.sources.load(&text);
        let loaded = loaded.map_err(|fault| Fault::Unreadable(fault.into_message()))?;
        Ok(loaded.unwrap_or(Value::Text(text)))
    }

    fn current(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.current(), Some(' ' | '\t'..='\r')) {
            self.at += 1;
        }
    }

    /// Takes one letter and the space around it; the space before it even if that fails.
    fn expect(&mut self, letter: char, what: &'static str) -> Result<(), Fault> {
        self.skip_space();
        self.expect_here(letter, what)?;
        self.skip_space();
        Ok(())
    }

    fn expect_here(&mut self, letter: char, what: &'static str) -> Result<(), Fault> {
        match self.current() {
            Some(found) if found == letter => {
                self.at += 1;
                Ok(())
            }
            Some(found) => Err(expected(what, &found.to_string())),
            None => Err(expected(what, "EOF")),
        }
    }

    /// Shows the word with a caret under `at`.
    fn location(&self, at: usize) -> String {
        let before: String = self.letters.iter().take(at).collect();
        let after: String = self.letters.iter().skip(at).collect();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let (line, rest) = after.split_at(after.find('\n').unwrap_or(after.len()));
        // The caret may be beyond the end.
        let column = column + at.saturating_sub(self.letters.len());
        format!("{before}{line}\n{:column$}^{rest}", "")
    }
}

fn expected(what: &'static str, found: &str) -> Fault {
    Fault::Expected { what, found: found.to_owned() }
}

fn starts_item(c: char) -> bool {
    matches!(c, '!' | '#'..='&' | '('..='+' | '-'..='<' | '>'..='Z' | '\\'..='z' | '|'..='\u{ffff}')
}

fn follows_item(c: char, item: Item) -> bool {
    let is_space = matches!(c, ' ' | '\t'..='\r' | '\x1c'..='\x1f');
    let is_other = match item {
        Item::First => {
            matches!(c, '!' | '#'..='&' | '('..='+' | '-'..='\\' | '^'..='|' | '~'..='\u{ffff}')
        }
        Item::Second => matches!(c, '!' | '#'..='&' | '('..='+' | '-'..='<' | '>'..='\u{ffff}'),
    };
    is_space || is_other
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::paramfile::testing::SOURCES;
    use super::*;
    use crate::cli::python;

    fn show(word: &str) -> String {
        match parse("--tags", word, SOURCES) {
            Ok(value) => python::repr(&value),
            Err(error) => error.message().replace("Error parsing parameter '--tags': ", ""),
        }
    }

    // Values and positions are those of AWS's own parser.
    #[test]
    fn reads_as_aws_does() {
        for (word, expected) in [
            ("Key=name,Values=a,b", "{'Key': 'name', 'Values': ['a', 'b']}"),
            ("a=b,c,d=e,f", "{'a': ['b', 'c'], 'd': ['e', 'f']}"),
            ("Key=k,Value=", "{'Key': 'k', 'Value': ''}"),
            ("Key=,Value=v", "{'Key': '', 'Value': 'v'}"),
            ("Key = k , Value = v w ", "{'Key': 'k', 'Value': 'v w'}"),
            ("Values=[a,b , c]", "{'Values': ['a', 'b', 'c']}"),
            ("Values=[]", "{'Values': []}"),
            ("a={b=c,d=[e,{f=g}]}", "{'a': {'b': 'c', 'd': ['e', {'f': 'g'}]}}"),
            ("a={b=1,b=2}", "{'a': {'b': '2'}}"),
            ("Key=k,Value=\"x,y\"", "{'Key': 'k', 'Value': 'x,y'}"),
            ("Key=k,Value='x=y'", "{'Key': 'k', 'Value': 'x=y'}"),
            ("a='it\\'s',b=\"\\\\\"", "{'a': \"it's\", 'b': '\\\\'}"),
            ("a='b\\'", "{'a': 'b\\\\'}"),
            ("a=b\\,c", "{'a': 'b,c'}"),
            ("a=b=c", "{'a': 'b=c'}"),
            ("=bar", "{'': 'bar'}"),
            (
                "Key@=file://value,Value=file://value",
                "{'Key': 'hunter2\\n', 'Value': 'file://value'}",
            ),
            ("Key@=fileb://bytes", "{'Key': b'\\xff\\x00'}"),
            ("Key@=plain", "{'Key': 'plain'}"),
            (
                "Key@=file://nope",
                "Unable to load paramfile file://nope: [Errno 2] No such file or directory: 'nope'",
            ),
            (
                "ScheduleExpression=cron(0 16 1,15 * ? *)",
                "{'ScheduleExpression': ['cron(0 16 1', '15 * ? *)']}",
            ),
        ] {
            assert_eq!(show(word), expected, "{word}");
        }
    }

    #[test]
    fn points_at_the_fault_as_aws_does() {
        for (word, expected) in [
            ("foo", "Expected: '=', received: 'EOF' for input:\n foo\n   ^"),
            ("", "Expected: '=', received: 'EOF' for input:\n \n^"),
            (",foo=1", "Expected: '=', received: ',' for input:\n ,foo=1\n^"),
            ("a'=b", "Expected: '=', received: ''' for input:\n a'=b\n ^"),
            ("a=b,\nc==d", "Expected: ',', received: '=' for input:\n a=b,\nc==d\n  ^"),
            ("a==b,\nc=d", "Expected: ',', received: '=' for input:\n a==b,\n  ^\nc=d"),
            ("a=b,", "Expected: '<second>', received: '<none>' for input:\n a=b,\n    ^"),
            ("a=b,c,", "Expected: '<second>', received: '<none>' for input:\n a=b,c,\n      ^"),
            ("k='a,b", "Expected: '<singled quoted>', received: '<none>' for input:\n k='a,b\n  ^"),
            ("k=\"a", "Expected: '<double quoted>', received: '<none>' for input:\n k=\"a\n  ^"),
            ("a=[b", "Expected: ',', received: 'EOF' for input:\n a=[b\n    ^"),
            ("a={b", "Expected: '=', received: 'EOF' for input:\n a={b\n    ^"),
            (
                "Key=a,Key=b",
                "Second instance of key \"Key\" encountered for input:\nKey=a,Key=b\n      ^\nThis is \
                 often because there is a preceding \",\" instead of a space.",
            ),
        ] {
            assert_eq!(show(word), expected, "{word:?}");
        }
    }

    #[test]
    fn refuses_what_is_too_deep() {
        assert_eq!(show(&format!("a={}", "[".repeat(100_000))), "maximum recursion depth exceeded");
    }

    proptest! {
        // A backslash before the closing quote has no spelling in AWS's grammar.
        #[test]
        fn reads_any_quoted_text(text in "[^\\\\]*", marks in "[ab=,{}@'\"\\[\\]\\\\ \n]{0,40}") {
            let word = format!("Key=k,Value=\"{}\"", text.replace('"', "\\\""));
            let read = parse("--tags", &word, SOURCES).unwrap_or(Value::Null);
            prop_assert!(read.get("Value") == Some(&Value::Text(text)));
            drop(parse("--tags", &marks, SOURCES));
        }
    }
}
