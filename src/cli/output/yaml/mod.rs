//! YAML in blocks, as AWS CLI v2 prints it: libyaml's emitter with lines folded at 80 columns,
//! behind ruamel's sorted keys.
//!
//! Never writes anchors: AWS does where a query finds the same list or map twice.

mod resolve;
mod scalar;

use jiff::tz::TimeZone;

use super::json;
use super::view::View;
use crate::cli::python;
use crate::model::order;
use crate::model::value::Value;
use scalar::Style;

/// How many columns each level is indented.
const INDENT: usize = 2;

/// The column after which a line is folded.
const WIDTH: usize = 80;

/// A longer key, in bytes, is written behind a question mark.
const MAX_SIMPLE_KEY: usize = 128;

/// Writes a list or a map as a document; a scalar as JSON, for it would need an end mark.
pub(super) fn write(value: &Value, zone: &TimeZone, out: &mut Vec<u8>) {
    if View::of(value, zone).is_scalar() {
        json::write(value, zone, json::Layout::Indented(0), out);
        out.push(b'\n');
        return;
    }
    let mut emitter = Emitter::new(zone, out);
    emitter.node(value, None, NodePlace::Elsewhere);
    emitter.end();
}

/// Writes a page of an answer: a list whose one element it is.
pub(super) fn write_page(page: &Value, zone: &TimeZone, out: &mut Vec<u8>) {
    let mut emitter = Emitter::new(zone, out);
    emitter.list(std::slice::from_ref(page), None, NodePlace::Elsewhere);
    emitter.end();
}

/// Where a node is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NodePlace {
    /// It is the value of a member.
    Member,
    /// It is the document or an element of a list.
    Elsewhere,
}

struct Emitter<'o> {
    zone: &'o TimeZone,
    out: &'o mut Vec<u8>,
    column: usize,
    /// Whether the last thing written was white space.
    after_blank: bool,
    /// Whether the line so far is nothing but indentation and marks of elements.
    in_indent: bool,
}

impl<'o> Emitter<'o> {
    fn new(zone: &'o TimeZone, out: &'o mut Vec<u8>) -> Self {
        Self { zone, out, column: 0, after_blank: true, in_indent: true }
    }

    fn node(&mut self, value: &Value, indent: Option<usize>, place: NodePlace) {
        match View::of(value, self.zone) {
            View::List([]) => self.mark("[]"),
            View::List(elements) => self.list(elements, indent, place),
            View::Map([]) => self.mark("{}"),
            View::Map(members) => self.map(members, indent),
            View::Text(text) => self.scalar(&text, scalar::choose(&text), indent),
            View::Null => self.scalar("null", Style::Plain, indent),
            View::Boolean(true) => self.scalar("true", Style::Plain, indent),
            View::Boolean(false) => self.scalar("false", Style::Plain, indent),
            View::Integer(number) => self.scalar(&number.to_string(), Style::Plain, indent),
            View::Float(number) => self.scalar(&spell(number), Style::Plain, indent),
        }
    }

    fn list(&mut self, elements: &[Value], indent: Option<usize>, place: NodePlace) {
        // Under a simple key the marks stand below the key itself.
        let indent = match indent {
            Some(indent) if place == NodePlace::Member && !self.in_indent => indent,
            outer => deeper(outer),
        };
        for element in elements {
            self.indent(indent);
            self.mark_within_indent("-");
            self.node(element, Some(indent), NodePlace::Elsewhere);
        }
    }

    fn map(&mut self, members: &[(String, Value)], indent: Option<usize>) {
        let indent = deeper(indent);
        let mut members: Vec<_> = members.iter().collect();
        order::sort_by(&mut members, |(left, _), (right, _)| left.cmp(right));
        for (name, member) in members {
            self.indent(indent);
            let style = scalar::choose(name);
            if scalar::has_break(name) || name.len() > MAX_SIMPLE_KEY {
                self.mark_within_indent("?");
                self.scalar(name, style, Some(indent));
                self.indent(indent);
                self.mark_within_indent(":");
            } else {
                self.key(name, style);
            }
            self.node(member, Some(indent), NodePlace::Member);
        }
    }

    /// A key on one line, whatever its length, and its colon.
    fn key(&mut self, name: &str, style: Style) {
        self.scalar_folding(name, style, None);
        self.put(":");
        self.after_blank = false;
        self.in_indent = false;
    }

    fn scalar(&mut self, text: &str, style: Style, indent: Option<usize>) {
        let indent = indent.map_or(INDENT, |indent| indent.saturating_add(INDENT));
        self.scalar_folding(text, style, Some(indent));
    }

    /// Writes a scalar; its lines are folded to the indent, if there is one.
    fn scalar_folding(&mut self, text: &str, style: Style, fold: Option<usize>) {
        if !self.after_blank {
            self.put(" ");
        }
        match style {
            Style::Plain => self.plain(text, fold),
            Style::SingleQuoted => {
                self.put("'");
                self.after_blank = false;
                self.in_indent = false;
                self.single_quoted(text, fold);
                self.put("'");
            }
            Style::DoubleQuoted => {
                self.put("\"");
                self.after_blank = false;
                self.in_indent = false;
                self.double_quoted(text, fold);
                self.put("\"");
            }
        }
        self.after_blank = false;
        self.in_indent = false;
    }

    fn plain(&mut self, text: &str, fold: Option<usize>) {
        let mut after_space = false;
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let is_single = letter == ' ' && !after_space && letters.peek() != Some(&' ');
            match fold {
                Some(indent) if is_single && self.column > WIDTH => self.indent(indent),
                _ => self.put_char(letter),
            }
            after_space = letter == ' ';
        }
    }

    /// A line break is two in a row; others that follow it are themselves.
    fn single_quoted(&mut self, text: &str, fold: Option<usize>) {
        let (mut after_space, mut after_break) = (false, false);
        let mut letters = text.chars().enumerate().peekable();
        while let Some((index, letter)) = letters.next() {
            let next = letters.peek().map(|(_, next)| *next);
            if letter == ' ' {
                let is_inner = index > 0 && next.is_some_and(|next| next != ' ');
                match fold {
                    Some(indent) if is_inner && !after_space && self.column > WIDTH => {
                        self.indent(indent);
                    }
                    _ => self.put_char(letter),
                }
                after_space = true;
            } else if scalar::is_break(letter) {
                if !after_break && letter == '\n' {
                    self.line_break('\n');
                }
                self.line_break(letter);
                self.in_indent = true;
                after_break = true;
            } else {
                if after_break {
                    self.indent(fold.unwrap_or(0));
                }
                if letter == '\'' {
                    self.put("'");
                }
                self.put_char(letter);
                self.in_indent = false;
                (after_space, after_break) = (false, false);
            }
        }
        if after_break {
            self.indent(fold.unwrap_or(0));
        }
    }

    fn double_quoted(&mut self, text: &str, fold: Option<usize>) {
        let mut after_space = false;
        let mut letters = text.chars().enumerate().peekable();
        while let Some((index, letter)) = letters.next() {
            let next = letters.peek().map(|(_, next)| *next);
            let is_inner = index > 0 && next.is_some();
            if let Some(escape) = scalar::escape(letter) {
                self.put(&escape);
            } else if let (' ', Some(indent)) = (letter, fold)
                && is_inner
                && !after_space
                && self.column > WIDTH
            {
                self.indent(indent);
                if next == Some(' ') {
                    self.put("\\");
                }
            } else {
                self.put_char(letter);
            }
            after_space = letter == ' ';
        }
    }

    /// Ends the document.
    fn end(&mut self) {
        self.indent(0);
    }

    /// Goes to a column of a line that has nothing but marks.
    fn indent(&mut self, indent: usize) {
        let is_past = self.column > indent || (self.column == indent && !self.after_blank);
        if !self.in_indent || is_past {
            self.line_break('\n');
        }
        let missing = indent.saturating_sub(self.column);
        self.out.resize(self.out.len().saturating_add(missing), b' ');
        self.column = self.column.max(indent);
        self.after_blank = true;
        self.in_indent = true;
    }

    /// Writes an empty list or map.
    fn mark(&mut self, mark: &str) {
        if !self.after_blank {
            self.put(" ");
        }
        self.put(mark);
        self.after_blank = false;
        self.in_indent = false;
    }

    /// Writes a mark behind which a list or map may begin on the same line.
    fn mark_within_indent(&mut self, mark: &str) {
        if !self.after_blank {
            self.put(" ");
        }
        self.put(mark);
        self.after_blank = false;
    }

    fn line_break(&mut self, letter: char) {
        self.put_char(letter);
        self.column = 0;
    }

    fn put(&mut self, text: &str) {
        text.chars().for_each(|letter| self.put_char(letter));
    }

    fn put_char(&mut self, letter: char) {
        self.out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        self.column = self.column.saturating_add(1);
    }
}

fn deeper(indent: Option<usize>) -> usize {
    indent.map_or(0, |indent| indent.saturating_add(INDENT))
}

fn spell(number: f64) -> String {
    if number.is_finite() { python::float(number) } else { format!(".{}", python::float(number)) }
        .replace(".-", "-.")
}
