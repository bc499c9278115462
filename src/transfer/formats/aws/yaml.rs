//! chamber's YAML: a flat map of texts, and no other YAML.

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::TScalarStyle;

/// Reads the pairs in their order; `None` for what is not such a map. Numbers and words are texts here,
/// since all values of chamber are.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let mut parser = Parser::new_from_str(text);
    let mut next = || parser.next_token().ok().map(|(event, _)| event);
    let is_begun = next()? == Event::StreamStart
        && next()? == Event::DocumentStart
        && matches!(next()?, Event::MappingStart(0, None));
    let mut pairs: Vec<(String, String)> = Vec::new();
    loop {
        let event = next().filter(|_| is_begun)?;
        if event == Event::MappingEnd {
            break;
        }
        let key = scalar(event)?;
        if pairs.iter().any(|(known, _)| *known == key) {
            return None;
        }
        pairs.push((key, scalar(next()?)?));
    }
    let is_all = next()? == Event::DocumentEnd && next()? == Event::StreamEnd;
    Some(pairs).filter(|pairs| is_all && !pairs.is_empty())
}

/// A text without an anchor or a tag; nothing at all is empty.
fn scalar(event: Event) -> Option<String> {
    match event {
        Event::Scalar(text, style, 0, None) => {
            let is_nothing = style == TScalarStyle::Plain && matches!(text.as_str(), "~" | "null");
            Some(if is_nothing { String::new() } else { text })
        }
        Event::Scalar(..)
        | Event::Alias(_)
        | Event::Nothing
        | Event::StreamStart
        | Event::StreamEnd
        | Event::DocumentStart
        | Event::DocumentEnd
        | Event::SequenceStart(..)
        | Event::SequenceEnd
        | Event::MappingStart(..)
        | Event::MappingEnd => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_maps_are_read() {
        let text = "db_user: ann\n\"a key\": 's3: Kite'\nport: 5432\nyes: true\nlong: |-\n  two\n  lines\nempty: \"\"\nnone:\n";
        let pairs = pairs(text).unwrap();
        let read: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let expected = [
            ("db_user", "ann"),
            ("a key", "s3: Kite"),
            ("port", "5432"),
            ("yes", "true"),
            ("long", "two\nlines"),
            ("empty", ""),
            ("none", ""),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_not_flat_or_means_something_else_is_refused() {
        for text in [
            "",
            "- a",
            "a",
            "a: [b]",
            "a: {b: c}",
            "a: &x b\nc: *x",
            "a: !!binary aGk=",
            "a: b\na: c",
            "a: b\n---\nc: d",
            "a: \"b",
            "? [a]\n: b",
            "&x a: b",
        ] {
            assert!(pairs(text).is_none(), "{text:?}");
        }
    }
}
