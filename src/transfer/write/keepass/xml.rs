//! An XML document that is being written.

use quick_xml::escape::escape;

use crate::sys::secret::Secret;

/// A document.
pub(super) struct Xml {
    text: Secret<String>,
    /// Whether a text had characters that XML cannot hold.
    lost: bool,
}

impl Xml {
    /// Only its first line.
    pub(super) fn new() -> Self {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        Self { text: Secret::new(text), lost: false }
    }

    /// Begins an element that has others.
    pub(super) fn open(&mut self, name: &str) {
        self.push(&["<", name, ">\n"]);
    }

    /// Ends it.
    pub(super) fn close(&mut self, name: &str) {
        self.push(&["</", name, ">\n"]);
    }

    /// Writes an element with a text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.push(&["<", name, ">"]);
        self.escaped(text);
        self.push(&["</", name, ">\n"]);
    }

    /// Writes an element with an attribute and a text.
    pub(super) fn with(&mut self, name: &str, attribute: &str, value: &str, text: &str) {
        self.push(&["<", name, " ", attribute, "=\"", value, "\">"]);
        self.escaped(text);
        self.push(&["</", name, ">\n"]);
    }

    /// Whether characters were lost since this was asked last.
    pub(super) fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    /// Returns the whole document.
    pub(super) fn finish(mut self) -> Secret<Vec<u8>> {
        Secret::new(std::mem::take(self.text.expose_mut()).into_bytes())
    }

    fn escaped(&mut self, text: &str) {
        // A reader takes a carriage return of its own for a line break.
        for (place, part) in text.split('\r').enumerate() {
            if place > 0 {
                self.push(&["&#13;"]);
            }
            if part.contains(is_forbidden) {
                self.lost = true;
                let rest = Secret::new(part.replace(is_forbidden, ""));
                self.push(&[&escape(rest.expose().as_str())]);
            } else {
                self.push(&[&escape(part)]);
            }
        }
    }

    fn push(&mut self, parts: &[&str]) {
        for part in parts {
            self.text.expose_mut().push_str(part);
        }
    }
}

/// Whether a text can be written as it is.
pub(super) fn holds(text: &str) -> bool {
    !text.contains(is_forbidden)
}

/// Whether XML 1.0 has no way to write a character.
fn is_forbidden(c: char) -> bool {
    c < ' ' && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}')
}
