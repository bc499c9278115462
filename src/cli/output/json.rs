//! JSON as Python's `json.dump` writes it with an indent of four and non-ASCII kept.

use jiff::tz::TimeZone;

use super::view::View;
use crate::cli::python;
use crate::model::value::Value;

/// How the elements of a container are laid out.
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

/// Python's spelling of the numbers that JSON does not have.
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

/// A line's end, and what most lines begin with.
const MARGIN: &[u8] = b"\n                                ";

fn new_line(layout: Layout, out: &mut Vec<u8>) {
    match layout {
        Layout::Indented(depth) => {
            let spaces = depth.saturating_mul(4);
            if let Some(margin) = MARGIN.get(..spaces.saturating_add(1)) {
                out.extend_from_slice(margin);
            } else {
                out.push(b'\n');
                out.resize(out.len().saturating_add(spaces), b' ');
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::query::literal;
    use proptest::prelude::*;

    /// A tree in JSON's own type: ours has no `Debug`, and a failing case must be shown.
    fn tree() -> impl Strategy<Value = serde_json::Value> {
        let scalar = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            (-1e300..1e300_f64).prop_map(serde_json::Value::from),
            any::<String>().prop_map(serde_json::Value::from),
        ];
        scalar.prop_recursive(4, 32, 6, |inner| {
            let members = prop::collection::vec((any::<String>(), inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(serde_json::Value::from),
                members.prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn reads_back_as_the_same_tree(json in tree()) {
            let value = literal::value(json);
            for layout in [Layout::Indented(0), Layout::Compact] {
                let mut out = Vec::new();
                write(&value, &TimeZone::UTC, layout, &mut out);
                let read = literal::value(serde_json::from_slice(&out).unwrap());
                prop_assert!(read == value);
            }
        }
    }

    #[test]
    fn escapes_as_python_does() {
        let text = Value::Text("\"\\/\u{8}\u{c}\n\r\t\0\u{1f}\u{7f}é\u{2028}😀".to_owned());
        for (layout, expected) in [
            (Layout::Indented(0), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u{7f}é\u{2028}😀\""),
            (Layout::Compact, r#""\"\\/\b\f\n\r\t\u0000\u001f\u007f\u00e9\u2028\ud83d\ude00""#),
        ] {
            let mut out = Vec::new();
            write(&text, &TimeZone::UTC, layout, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        for (number, expected) in
            [(f64::NAN, "NaN"), (f64::INFINITY, "Infinity"), (f64::NEG_INFINITY, "-Infinity")]
        {
            assert_eq!(spell(number), expected);
        }
    }
}
