//! Text in the columns of a terminal: made harmless, cut where it is too long, or laid out in lines.

use unicode_width::UnicodeWidthChar;

use crate::cli::output::visible::for_terminal;

/// Returns a text on one line, in which nothing is that a terminal would obey.
pub(super) fn harmless(text: &str) -> String {
    let shown = for_terminal(text.as_bytes());
    let shown = String::from_utf8_lossy(&shown);
    shown.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Returns how many columns a text fills.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(of).sum()
}

/// Returns a text that fills no more than so many columns; what is missing shows as `…`.
pub(super) fn fitted(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = begun(text, columns.saturating_sub(1));
    if columns > 0 {
        out.push('…');
    }
    out
}

/// Returns the end of a text where it does not fit.
pub(super) fn ended(text: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |letter: &char| {
        let enough = left.checked_sub(of(*letter));
        left = enough.unwrap_or_default();
        enough.is_some()
    };
    let mut letters: Vec<char> = text.chars().rev().take_while(fits).collect();
    letters.reverse();
    letters.into_iter().collect()
}

/// Lays a text out in lines of so many columns, with breaks between words where there are any.
pub(super) fn lines(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut rest = text;
    while width(rest) > columns {
        let line = begun(rest, columns);
        // A space that comes right behind the line is a break too.
        let behind = rest.get(line.len()..).is_some_and(|rest| rest.starts_with(' '));
        let gap = if behind { Some(line.len()) } else { line.rfind(' ').filter(|gap| *gap > 0) };
        let (line, after) = rest.split_at(gap.unwrap_or(line.len()));
        lines.push(line.to_owned());
        rest = if gap.is_some() { after.trim_start_matches(' ') } else { after };
    }
    lines.push(rest.to_owned());
    lines
}

/// Returns as much of the beginning as fits, and at least a letter unless nothing may be there.
fn begun(text: &str, columns: usize) -> String {
    let mut left = columns;
    let fits = |letter: &char| {
        let enough = left.checked_sub(of(*letter));
        left = enough.unwrap_or_default();
        enough.is_some()
    };
    text.chars().take_while(fits).collect()
}

/// Control characters do not get here.
fn of(letter: char) -> usize {
    letter.width().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_its_columns() {
        for (text, columns, expected) in [
            ("mail", 4, "mail"),
            ("mailbox", 4, "mai…"),
            ("\u{5bc6}\u{7801}\u{5e93}", 6, "\u{5bc6}\u{7801}\u{5e93}"),
            // Half of a wide letter is none.
            ("\u{5bc6}\u{7801}\u{5e93}", 4, "\u{5bc6}…"),
            ("e\u{301}t\u{e9}", 3, "e\u{301}t\u{e9}"),
            ("mail", 1, "…"),
            ("mail", 0, ""),
        ] {
            assert_eq!(fitted(text, columns), expected, "{text} {columns}");
            assert!(width(expected) <= columns);
        }
        assert_eq!(ended("mailbox", 3), "box");
        assert_eq!(ended("a\u{5bc6}", 1), "");
    }

    #[test]
    fn a_text_is_laid_out_in_lines() {
        for (text, columns, expected) in [
            ("", 10, &[""][..]),
            ("one two three", 8, &["one two", "three"]),
            ("one two three", 7, &["one two", "three"]),
            ("abcdefgh", 3, &["abc", "def", "gh"]),
            ("\u{5bc6}\u{7801}", 3, &["\u{5bc6}", "\u{7801}"]),
            ("\u{5bc6}\u{7801}", 0, &["\u{5bc6}", "\u{7801}"]),
        ] {
            assert_eq!(lines(text, columns), expected, "{text} {columns}");
        }
    }

    #[test]
    fn nothing_of_it_is_obeyed() {
        assert_eq!(harmless("a\x1b[31m\n\tb\u{202e}\r\n"), "a\\u001b[31m  b\\u202e  ");
    }
}
