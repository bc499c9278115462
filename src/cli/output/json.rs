//! JSON as Python's `json.dump` writes it with an indent of four and non-ASCII kept.

use jiff::tz::TimeZone;

use super::python;
use super::view::View;
use crate::model::value::Value;

/// How the elements of a container stand.
#[derive(Clone, Copy)]
pub(crate) enum Layout {
    /// Each on its line, this deep; non-ASCII kept.
    Indented(usize),
    /// All on one line without spaces, non-ASCII escaped: what the query function `to_string` gives.
    Compact,
}

/// Writes a value, without a line feed after it.
pub(crate) fn write(value: &Value, zone: &TimeZone, layout: Layout, out: &mut Vec<u8>) {
    match View::of(value, zone) {
        View::Null => out.extend_from_slice(b"null"),
        View::Boolean(true) => out.extend_from_slice(b"true"),
        View::Boolean(false) => out.extend_from_slice(b"false"),
        View::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        View::Float(number) => out.extend_from_slice(spell(number).as_bytes()),
        View::Text(text) => quote(&text, layout, out),
        View::List([]) => out.extend_from_slice(b"[]"),
        View::List(elements) => {
            let inner = open(b'[', layout, out);
            for (index, element) in elements.iter().enumerate() {
                separate(index, inner, out);
                write(element, zone, inner, out);
            }
            close(b']', layout, out);
        }
        View::Map([]) => out.extend_from_slice(b"{}"),
        View::Map(members) => {
            let inner = open(b'{', layout, out);
            for (index, (name, member)) in members.iter().enumerate() {
                separate(index, inner, out);
                quote(name, inner, out);
                out.extend_from_slice(match layout {
                    Layout::Indented(_) => b": ",
                    Layout::Compact => b":",
                });
                write(member, zone, inner, out);
            }
            close(b'}', layout, out);
        }
    }
}

/// Python's spelling of the numbers that JSON has not.
fn spell(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number < 0.0 { "-Infinity" } else { "Infinity" }.to_owned()
    } else {
        python::float(number)
    }
}

fn open(bracket: u8, layout: Layout, out: &mut Vec<u8>) -> Layout {
    out.push(bracket);
    match layout {
        Layout::Indented(depth) => {
            let inner = Layout::Indented(depth.saturating_add(1));
            new_line(inner, out);
            inner
        }
        Layout::Compact => Layout::Compact,
    }
}

fn separate(index: usize, layout: Layout, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
        new_line(layout, out);
    }
}

fn close(bracket: u8, layout: Layout, out: &mut Vec<u8>) {
    new_line(layout, out);
    out.push(bracket);
}

fn new_line(layout: Layout, out: &mut Vec<u8>) {
    match layout {
        Layout::Indented(depth) => {
            out.push(b'\n');
            out.resize(out.len().saturating_add(depth.saturating_mul(4)), b' ');
        }
        Layout::Compact => {}
    }
}

fn quote(text: &str, layout: Layout, out: &mut Vec<u8>) {
    let is_special = |letter: char| match layout {
        Layout::Indented(_) => matches!(letter, '"' | '\\' | '\0'..='\x1f'),
        Layout::Compact => matches!(letter, '"' | '\\') || !matches!(letter, ' '..='~'),
    };
    out.push(b'"');
    for piece in text.split_inclusive(is_special) {
        let special = piece.chars().next_back().filter(|last| is_special(*last));
        let plain = special.and_then(|last| piece.strip_suffix(last)).unwrap_or(piece);
        out.extend_from_slice(plain.as_bytes());
        if let Some(letter) = special {
            escape(letter, out);
        }
    }
    out.push(b'"');
}

fn escape(letter: char, out: &mut Vec<u8>) {
    match letter {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\u{8}' => out.extend_from_slice(b"\\b"),
        '\u{c}' => out.extend_from_slice(b"\\f"),
        _ => {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        }
    }
}
