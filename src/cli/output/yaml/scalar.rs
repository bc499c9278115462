//! How text must be quoted, and what cannot be written as it is.

use super::resolve;

/// A way to write a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// As it is.
    Plain,
    /// `'it''s'`
    SingleQuoted,
    /// `"it\n"`
    DoubleQuoted,
}

/// Chooses the plainest way that reads back as the same text.
pub(super) fn choose(text: &str) -> Style {
    let can_be_single = !text.chars().any(|letter| !is_printable(letter)) && !has_edge(text);
    if !can_be_single {
        Style::DoubleQuoted
    } else if is_plain(text) && !resolve::is_not_text(text) {
        Style::Plain
    } else {
        Style::SingleQuoted
    }
}

/// Whether a line ends within the text.
pub(super) fn has_break(text: &str) -> bool {
    text.contains(is_break)
}

/// Whether a line ends here.
pub(super) fn is_break(letter: char) -> bool {
    matches!(letter, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Spells a character for a double-quoted scalar, unless it needs no escape.
pub(super) fn escape(letter: char) -> Option<String> {
    let short = match letter {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ if is_printable(letter) => return None,
        _ => {
            let point = u32::from(letter);
            return Some(match point {
                0..=0xff => format!("\\x{point:02X}"),
                0x100..=0xffff => format!("\\u{point:04X}"),
                _ => format!("\\U{point:08X}"),
            });
        }
    };
    Some(format!("\\{short}"))
}

/// libyaml's idea of what can be printed, which ends with the basic plane.
fn is_printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}') && letter != '\u{feff}'
}

/// Whether a space is next to a line break, where folding would lose it.
fn has_edge(text: &str) -> bool {
    let pairs = text.chars().zip(text.chars().skip(1));
    pairs
        .into_iter()
        .any(|(left, right)| (left == ' ' && is_break(right)) || (is_break(left) && right == ' '))
}

/// Whether it can stand in a block without quotes.
fn is_plain(text: &str) -> bool {
    let is_blank = |letter: Option<char>| {
        letter.is_none_or(|letter| matches!(letter, '\0' | ' ' | '\t') || is_break(letter))
    };
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else {
        return true;
    };
    if first == ' ' || last == ' ' || has_break(text) {
        return false;
    }
    if text.starts_with("---") || text.starts_with("...") || ",[]{}&*!|>'\"%@`".contains(first) {
        return false;
    }
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let starts_comment = letter == '#' && is_blank(before);
        let is_mark = letter == ':' || (before.is_none() && matches!(letter, '?' | '-'));
        if starts_comment || (is_mark && is_blank(letters.peek().copied())) {
            return false;
        }
        before = Some(letter);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_the_plainest() {
        for (text, style) in [
            ("a b", Style::Plain),
            ("yes", Style::Plain),
            ("12:30", Style::Plain),
            ("a#b", Style::Plain),
            ("-a", Style::Plain),
            ("true", Style::SingleQuoted),
            ("", Style::SingleQuoted),
            ("- a", Style::SingleQuoted),
            ("a: b", Style::SingleQuoted),
            ("a:", Style::SingleQuoted),
            ("a\nb", Style::SingleQuoted),
            ("a\u{2028}b", Style::SingleQuoted),
            ("a\n b", Style::DoubleQuoted),
            ("a \nb", Style::DoubleQuoted),
            ("a\tb", Style::DoubleQuoted),
            ("😀", Style::DoubleQuoted),
        ] {
            assert_eq!(choose(text), style, "{text:?}");
        }
    }
}
