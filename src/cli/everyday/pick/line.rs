//! A line of text that a person types and changes.

use super::keys::Key;

/// The text, and where the next letter goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    letters: Vec<char>,
    at: usize,
}

impl Line {
    /// Begins with some text, after which the next letter goes.
    pub(super) fn new(text: &str) -> Self {
        let letters: Vec<char> = text.chars().take(LONGEST).collect();
        Self { at: letters.len(), letters }
    }

    /// Returns the text.
    pub(super) fn text(&self) -> String {
        self.letters.iter().collect()
    }

    /// Returns what stands before the place where the next letter goes.
    pub(super) fn before(&self) -> String {
        self.letters.iter().take(self.at).collect()
    }

    /// Does what a key is for, if it is for a line.
    pub(super) fn press(&mut self, key: Key) {
        match key {
            Key::Text(letter) if self.letters.len() < LONGEST => {
                self.letters.insert(self.at, letter);
                self.at += 1;
            }
            Key::Left => self.at = self.at.saturating_sub(1),
            Key::Right => self.at = (self.at + 1).min(self.letters.len()),
            Key::Home => self.at = 0,
            Key::End => self.at = self.letters.len(),
            Key::Erase => self.erase(self.at.saturating_sub(1)),
            Key::EraseNext if self.at < self.letters.len() => {
                self.letters.remove(self.at);
            }
            Key::EraseWord => self.erase(self.word()),
            Key::EraseAll => self.erase(0),
            Key::Text(_)
            | Key::EraseNext
            | Key::Enter
            | Key::Escape
            | Key::Up
            | Key::Down
            | Key::PageUp
            | Key::PageDown
            | Key::Edit
            | Key::Log
            | Key::Otp
            | Key::Rename
            | Key::Show
            | Key::Other => {}
        }
    }

    /// Returns where the word begins that ends here; parts of a name are words.
    fn word(&self) -> usize {
        let before = self.letters.get(..self.at).unwrap_or_default();
        let is_part = |letter: &&char| letter.is_alphanumeric();
        let gap = before.iter().rev().take_while(|letter| !is_part(letter)).count();
        let word = before.iter().rev().skip(gap).take_while(is_part).count();
        self.at.saturating_sub(gap + word)
    }

    /// Takes out what stands between a place and the next letter's.
    fn erase(&mut self, from: usize) {
        self.letters.drain(from..self.at);
        self.at = from;
    }
}

/// Names have up to 512 letters.
const LONGEST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_changed_where_it_is_wrong() {
        let mut line = Line::new("example/login");
        for (keys, text, before) in [
            (&[Key::EraseWord][..], "example/", "example/"),
            (&[Key::EraseWord], "", ""),
            (&[Key::EraseWord, Key::Erase, Key::EraseNext, Key::Left], "", ""),
            (&[Key::Text('a'), Key::Text('c'), Key::Left, Key::Text('b')], "abc", "ab"),
            (&[Key::Home, Key::EraseNext, Key::Right, Key::Right, Key::Right], "bc", "bc"),
            (&[Key::Erase, Key::End, Key::Up], "b", "b"),
            (&[Key::EraseAll], "", ""),
        ] {
            for key in keys {
                line.press(*key);
            }
            assert_eq!((line.text().as_str(), line.before().as_str()), (text, before), "{keys:?}");
        }
        let mut line = Line::new(&"x".repeat(LONGEST * 2));
        line.press(Key::Text('y'));
        assert_eq!(line.text(), "x".repeat(LONGEST));
    }
}
