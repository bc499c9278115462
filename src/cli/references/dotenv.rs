//! `.env` files: variables with values, a line each, by the rules of python-dotenv. Nothing in them is
//! replaced by anything: no `$VAR`, and no command.

use std::iter::Peekable;
use std::str::Chars;

use crate::sys::secret::Secret;

/// A variable of a file.
pub(crate) struct Variable {
    pub(crate) name: String,
    /// What it is set to; `None` where the line is a name alone, which sets nothing.
    pub(crate) value: Option<Secret<String>>,
    /// The line that it begins on, from 1.
    pub(crate) line: usize,
}

/// What is wrong with a file, and on which line. Does not show the line, which may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    pub(crate) line: usize,
    pub(crate) what: &'static str,
}

/// Reads the variables of a file, in their order.
pub(crate) fn parse(text: &str) -> Result<Vec<Variable>, Malformed> {
    let letters = text.strip_prefix('\u{feff}').unwrap_or(text).chars().peekable();
    let mut reader = Reader { letters, line: 1 };
    let mut variables = Vec::new();
    loop {
        reader.skip(char::is_whitespace);
        match reader.letters.peek() {
            None => return Ok(variables),
            Some('#') => reader.skip(|c| !is_line_end(c)),
            Some(_) => variables.push(reader.variable()?),
        }
    }
}

struct Reader<'t> {
    letters: Peekable<Chars<'t>>,
    line: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.letters.next();
        let is_first_of_two = next == Some('\r') && self.letters.peek() == Some(&'\n');
        if next.is_some_and(is_line_end) && !is_first_of_two {
            self.line = self.line.saturating_add(1);
        }
        next
    }

    fn take(&mut self, is_wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while self.letters.peek().copied().is_some_and(&is_wanted) {
            taken.extend(self.next());
        }
        taken
    }

    fn skip(&mut self, is_meant: impl Fn(char) -> bool) {
        while self.letters.peek().copied().is_some_and(&is_meant) {
            self.next();
        }
    }

    fn wrong(&self, what: &'static str) -> Malformed {
        Malformed { line: self.line, what }
    }

    fn variable(&mut self) -> Result<Variable, Malformed> {
        let line = self.line;
        let mut name = self.name()?;
        self.skip(is_blank);
        // A variable may be called export.
        let is_word = |next: Option<&char>| {
            next.is_some_and(|next| *next != '=' && *next != '#' && !is_line_end(*next))
        };
        if name == "export" && is_word(self.letters.peek()) {
            name = self.name()?;
            self.skip(is_blank);
        }
        let value = if self.letters.peek() == Some(&'=') {
            self.next();
            self.skip(is_blank);
            Some(Secret::new(self.value()?))
        } else {
            None
        };
        self.end_of_line()?;
        Ok(Variable { name, value, line })
    }

    fn name(&mut self) -> Result<String, Malformed> {
        let name = if self.letters.peek() == Some(&'\'') {
            self.quoted('\'')?
        } else {
            self.take(|c| c != '=' && c != '#' && !c.is_whitespace())
        };
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(self.wrong("the name of a variable is missing, or cannot be one"));
        }
        Ok(name)
    }

    fn value(&mut self) -> Result<String, Malformed> {
        if let Some(quote) = self.letters.peek().copied().filter(|next| ['\'', '"'].contains(next))
        {
            return self.quoted(quote);
        }
        let text = self.take(|c| !is_line_end(c));
        Ok(without_comment(&text).trim_end().to_owned())
    }

    /// Reads up to the closing quote, over the ends of lines.
    fn quoted(&mut self, quote: char) -> Result<String, Malformed> {
        let begun = self.line;
        self.next();
        let mut value = String::new();
        while let Some(letter) = self.next() {
            if letter == quote {
                return Ok(value);
            }
            if letter != '\\' {
                value.push(letter);
                continue;
            }
            match self.letters.peek().copied().and_then(|next| escaped(next, quote)) {
                Some(meant) => {
                    self.next();
                    value.push(meant);
                }
                None => value.push('\\'),
            }
        }
        Err(Malformed { line: begun, what: "a quote is not closed" })
    }

    fn end_of_line(&mut self) -> Result<(), Malformed> {
        self.skip(is_blank);
        match self.letters.peek() {
            None => Ok(()),
            Some('#') => {
                self.skip(|c| !is_line_end(c));
                Ok(())
            }
            Some(next) if is_line_end(*next) => Ok(()),
            Some(_) => {
                Err(self.wrong("something follows the value, or there is no = after the name"))
            }
        }
    }
}

/// What stands after a backslash in quotes; `None` where the backslash is a letter like others.
fn escaped(letter: char, quote: char) -> Option<char> {
    match (quote, letter) {
        (_, '\\' | '\'') | ('"', '"') => Some(letter),
        ('"', 'a') => Some('\u{7}'),
        ('"', 'b') => Some('\u{8}'),
        ('"', 'f') => Some('\u{c}'),
        ('"', 'n') => Some('\n'),
        ('"', 'r') => Some('\r'),
        ('"', 't') => Some('\t'),
        ('"', 'v') => Some('\u{b}'),
        _ => None,
    }
}

/// Leaves out a comment: a `#` at the beginning or after a blank.
fn without_comment(text: &str) -> &str {
    let mut before = ' ';
    for (place, letter) in text.char_indices() {
        if letter == '#' && before.is_whitespace() {
            return text.get(..place).unwrap_or_default();
        }
        before = letter;
    }
    text
}

fn is_blank(c: char) -> bool {
    c.is_whitespace() && !is_line_end(c)
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, Option<String>)> {
        let variables = parse(text).unwrap();
        let value = |variable: &Variable| Some(variable.value.as_ref()?.expose().clone());
        variables.iter().map(|variable| (variable.name.clone(), value(variable))).collect()
    }

    /// The table of how the implementations differ has a column for python-dotenv.
    #[test]
    fn lines_are_read_as_python_dotenv_reads_them() {
        for (text, name, value) in [
            ("A=b", "A", Some("b")),
            ("  export A = b  ", "A", Some("b")),
            ("export=b", "export", Some("b")),
            ("'A B'=c", "A B", Some("c")),
            ("A=b#c", "A", Some("b#c")),
            ("A=b #c", "A", Some("b")),
            ("A=#c", "A", Some("")),
            ("A=", "A", Some("")),
            ("A", "A", None),
            ("export A", "A", None),
            (r"A='b\n\'\\'", "A", Some(r"b\n'\")),
            (r#"A="b\n\t\"\x" # c"#, "A", Some("b\n\t\"\\x")),
            ("A='b\nc'", "A", Some("b\nc")),
            ("A=$B ${C} `d`", "A", Some("$B ${C} `d`")),
            ("A=b c", "A", Some("b c")),
            ("A=b=c", "A", Some("b=c")),
            ("\u{feff}A=b\r\n", "A", Some("b")),
        ] {
            let expected = vec![(name.to_owned(), value.map(str::to_owned))];
            assert_eq!(read(text), expected, "{text:?}");
        }
        let all = read("# one\n\nA=1\r\nB='2\n2'\nexport C=\"3\"\nA=4");
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["A", "B", "C", "A"]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line) in
            [("A=1\nB='x", 2), ("A='1' 2", 1), ("\n\n=x", 3), ("A b=c", 1), ("A=1\r\nB b", 2)]
        {
            assert_eq!(parse(text).err().map(|wrong| wrong.line), Some(line), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_file_or_an_error(text in "[\\PC\n\r'\"\\\\#=]{0,80}") {
            for variable in parse(&text).unwrap_or_default() {
                prop_assert!(!variable.name.is_empty() && variable.line >= 1);
            }
        }

        /// A value in single quotes survives whatever it is.
        #[test]
        fn a_quoted_value_comes_back(value in "[\\PC\n]{0,40}") {
            let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
            let expected = vec![("A".to_owned(), Some(value))];
            prop_assert_eq!(read(&format!("A='{quoted}'\n")), expected);
        }
    }
}
