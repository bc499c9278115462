//! The sources as tidy sees them: text, and code without its comments and strings.

use std::path::Path;

use crate::harness::files::files_below;
use crate::harness::repository;

/// A file of the repository.
pub(crate) struct Source {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

/// A word or sign of the code, and the line it is on, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Something that breaks a rule: the line, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding(pub(crate) usize, pub(crate) String);

/// A rule looks at one file.
pub(crate) type Rule = fn(&Source) -> Vec<Finding>;

/// Fails, with file and line, if any of the files breaks the rule.
#[track_caller]
pub(crate) fn hold(rule: Rule, sources: &[Source]) {
    let mut found = String::new();
    for source in sources {
        for Finding(line, what) in rule(source) {
            found.extend([&source.path, ":", &line.to_string(), ": ", &what, "\n"]);
        }
    }
    assert!(found.is_empty(), "\n{found}");
}

/// Shows that a rule can fail: the lines of `text` that break it are exactly `lines`.
#[track_caller]
pub(crate) fn breaks(rule: Rule, path: &str, text: &str, lines: &[usize]) {
    let source = Source { path: path.to_owned(), text: text.to_owned() };
    let found: Vec<usize> = rule(&source).into_iter().map(|Finding(line, _)| line).collect();
    assert_eq!(found, lines, "{path}: {text}");
}

/// Reads the text files below some places of the repository, without what git or cargo made.
pub(crate) fn sources(places: &[&str], extension: &str) -> Vec<Source> {
    let mut out = Vec::new();
    for place in places {
        let place = repository().join(place);
        let files = if place.is_dir() { files_below(&place) } else { vec![place] };
        for file in files {
            let path = file.strip_prefix(repository()).unwrap().to_str().unwrap().to_owned();
            if path.ends_with(extension) {
                out.extend(std::fs::read_to_string(&file).ok().map(|text| Source { path, text }));
            }
        }
    }
    out
}

/// The Rust of the program and of its tests.
pub(crate) fn rust() -> Vec<Source> {
    sources(&["src", "tests"], ".rs")
}

impl Source {
    /// Whether it is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Returns the lines with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Returns the words and signs of the code; `::` is one sign.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        let mut out: Vec<Token> = Vec::new();
        for (index, line) in code(&self.text).lines().enumerate() {
            let mut rest = line.trim_start();
            while let Some(first) = rest.chars().next() {
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                let length = match first {
                    _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                    ':' if rest.starts_with("::") => 2,
                    _ => first.len_utf8(),
                };
                let (text, after) = rest.split_at(length);
                out.push(Token { line: index + 1, text: text.to_owned() });
                rest = after.trim_start();
            }
        }
        out
    }
}

/// Replaces comments and the insides of literals by spaces; lines stay where they are.
fn code(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = |index: usize| letters.get(index).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut index = 0;
    while index < letters.len() {
        let end = match at(index) {
            '/' if at(index + 1) == '/' => {
                (index..=letters.len()).find(|&i| matches!(at(i), '\n' | '\0'))
            }
            '/' if at(index + 1) == '*' => Some(comment_end(&letters, index)),
            '"' => Some(string_end(&letters, index)),
            'r' if !out.ends_with(|c: char| c.is_alphanumeric() && c != 'b' || c == '_') => {
                raw_string_end(&letters, index)
            }
            '\'' if at(index + 1) == '\\' => {
                (index + 3..letters.len()).find(|&i| at(i) == '\'').map(|i| i + 1)
            }
            '\'' if at(index + 2) == '\'' => Some(index + 3),
            _ => None,
        };
        let end = end.unwrap_or(index).min(letters.len());
        if end == index {
            out.push(at(index));
            index += 1;
        } else {
            let blank = |c: &char| if *c == '\n' { '\n' } else { ' ' };
            out.extend(letters[index..end].iter().map(blank));
            index = end;
        }
    }
    out
}

fn comment_end(letters: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut index = start;
    while index < letters.len() {
        match letters[index..] {
            ['/', '*', ..] => depth += 1,
            ['*', '/', ..] => depth -= 1,
            _ => {
                index += 1;
                continue;
            }
        }
        index += 2;
        if depth == 0 {
            break;
        }
    }
    index
}

fn string_end(letters: &[char], start: usize) -> usize {
    let mut index = start + 1;
    while index < letters.len() && letters[index] != '"' {
        index += if letters[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

fn raw_string_end(letters: &[char], start: usize) -> Option<usize> {
    let hashes = letters[start + 1..].iter().take_while(|letter| **letter == '#').count();
    let open = start + 1 + hashes;
    if letters.get(open) != Some(&'"') {
        return None;
    }
    let closes = |&index: &usize| {
        letters[index] == '"'
            && letters[index + 1..].iter().take(hashes).filter(|l| **l == '#').count() == hashes
    };
    (open + 1..letters.len()).find(closes).map(|index| index + 1 + hashes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_code_only() {
        for (text, seen) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("a \" b", c)"#, "f(        , c)"),
            ("r#\"a \" b\"# + r\"c\"", "           +     "),
            ("br\"x\" bar\"y\"", "b     bar   "),
            ("'a' '\\'' &'a str b'\"' c", "         &'a str b    c"),
            ("\"a\nb\" c", "  \n   c"),
        ] {
            assert_eq!(code(text), seen, "{text}");
        }
        let source = Source { path: String::new(), text: "use a::b_1; // c\n#[x]".to_owned() };
        let tokens: Vec<(usize, String)> =
            source.tokens().into_iter().map(|token| (token.line, token.text)).collect();
        let seen: Vec<(usize, &str)> =
            tokens.iter().map(|(line, text)| (*line, text.as_str())).collect();
        assert_eq!(
            seen,
            [
                (1, "use"),
                (1, "a"),
                (1, "::"),
                (1, "b_1"),
                (1, ";"),
                (2, "#"),
                (2, "["),
                (2, "x"),
                (2, "]")
            ]
        );
    }
}
