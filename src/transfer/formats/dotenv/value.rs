//! What stands behind a name: bare, or in quotes, with the escapes that dotenv for Node, python-dotenv,
//! dotenv for Ruby and Compose each have.

use super::super::super::reading::Dialect;

/// A value, and what people should look at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) has_dollar: bool,
    /// A `#` that ends the value for some programs and not for others.
    pub(super) has_hash: bool,
    /// A backslash that programs do not agree about.
    pub(super) has_escape: bool,
}

/// Reads the sign and the value; returns what is on the next lines. No value is `None`.
pub(super) fn read(text: &str, dialect: Dialect) -> Option<(Option<Value>, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    let takes_colons = matches!(dialect, Dialect::Node | Dialect::Ruby);
    let colon = text.strip_prefix(": ").filter(|_| takes_colons);
    let Some(text) = text.strip_prefix('=').or(colon) else {
        let (line, after) = line(text);
        let is_nothing = line.trim().is_empty() || line.trim_start().starts_with('#');
        return is_nothing.then_some((None, after));
    };
    let text = text.trim_start_matches([' ', '\t']);
    for quote in ['"', '\'', '`'] {
        if quote == '`' && dialect != Dialect::Node {
            continue;
        }
        if let Some(inner) = text.strip_prefix(quote) {
            return quoted(inner, quote, dialect).map(|(value, after)| (Some(value), after));
        }
    }
    let (line, after) = line(text);
    Some((Some(bare(line, dialect)), after))
}

fn line(text: &str) -> (&str, &str) {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    (line.strip_suffix('\r').unwrap_or(line), after)
}

fn bare(line: &str, dialect: Dialect) -> Value {
    let is_comment = |place: usize| {
        let before = line.get(..place).unwrap_or_default();
        before.is_empty() || before.ends_with([' ', '\t'])
    };
    let any = line.find('#');
    let apart = line.match_indices('#').map(|(place, _)| place).find(|place| is_comment(*place));
    let cut = match dialect {
        Dialect::Node | Dialect::Ruby => any,
        Dialect::Python | Dialect::Compose => apart,
    };
    let text = cut.and_then(|cut| line.get(..cut)).unwrap_or(line).trim_end();
    Value {
        text: text.to_owned(),
        has_dollar: text.contains('$'),
        has_hash: any != apart,
        has_escape: text.contains('\\'),
    }
}

/// Reads up to the quote that ends; nothing but a comment may follow it.
fn quoted(inner: &str, quote: char, dialect: Dialect) -> Option<(Value, &str)> {
    let mut letters = inner.char_indices();
    let mut text = String::new();
    let mut has_escape = false;
    let end = loop {
        let (place, letter) = letters.next()?;
        if letter == quote {
            break place.checked_add(quote.len_utf8())?;
        }
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        let (_, next) = letters.next()?;
        match escape(next, quote, dialect) {
            Some(meant) => text.push(meant),
            None => text.extend([letter, next]),
        }
        // `\n` in double quotes, a backslash and the quote itself are read alike by most.
        has_escape |= quote != '"' || !matches!(next, 'n' | 'r' | '"' | '\\');
    };
    let after = inner.get(end..)?;
    let (rest, after) = line(after);
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with('#')).then(|| {
        let has_dollar = quote == '"' && text.contains('$');
        (Value { text, has_dollar, has_hash: false, has_escape }, after)
    })
}

/// Returns what a letter behind a backslash means, if that is not both of them.
fn escape(letter: char, quote: char, dialect: Dialect) -> Option<char> {
    match (dialect, quote, letter) {
        (Dialect::Python, '"', 'a') => Some('\u{7}'),
        (Dialect::Python, '"', 'b') => Some('\u{8}'),
        (Dialect::Python, '"', 'f') => Some('\u{c}'),
        (Dialect::Python, '"', 'v') => Some('\u{b}'),
        (Dialect::Node | Dialect::Python | Dialect::Compose, '"', 'n') => Some('\n'),
        (Dialect::Node | Dialect::Python | Dialect::Compose, '"', 'r') => Some('\r'),
        (Dialect::Python | Dialect::Compose, '"', 't') => Some('\t'),
        // The rest of Ruby's stand for themselves, but for those that it no longer reads.
        (Dialect::Ruby, '"', 'n' | 'r') => None,
        (Dialect::Ruby, '"', _)
        | (Dialect::Python, '"', '\\' | '\'' | '"')
        | (Dialect::Python, '\'', '\\' | '\'')
        | (Dialect::Compose, '"', '\\' | '"')
        | (Dialect::Compose, '\'', '\'') => Some(letter),
        (Dialect::Node | Dialect::Python | Dialect::Ruby | Dialect::Compose, ..) => None,
    }
}
