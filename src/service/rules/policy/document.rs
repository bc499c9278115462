//! JSON as it was written: every member of an object in its order, repeated ones too.
//!
//! `serde_json`'s own tree keeps the last of two members with one name, so a policy could say one
//! thing to a reader and another to us. Depth is bounded by `serde_json`, at 128.

use std::fmt;

use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

#[derive(Debug)]
pub(super) enum Document {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number, in decimal digits without an exponent.
    Number(String),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Document>),
    /// An object.
    Object(Vec<(String, Document)>),
}

/// Reads JSON. The error says where the text is not JSON, and shows nothing of it.
pub(super) fn read(text: &str) -> Result<Document, serde_json::Error> {
    serde_json::from_str(text)
}

impl Document {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Boolean(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// Spells a string, a number or a boolean, which conditions compare as text.
    pub(super) fn scalar(&self) -> Option<String> {
        match self {
            Self::Boolean(flag) => Some(flag.to_string()),
            Self::Number(text) | Self::Text(text) => Some(text.clone()),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    pub(super) fn members(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            Self::Null | Self::Boolean(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// Returns the elements of a list; of anything else, itself: the language lets the brackets around
    /// one element go.
    pub(super) fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            Self::Null | Self::Boolean(_) | Self::Number(_) | Self::Text(_) | Self::Object(_) => {
                std::slice::from_ref(self)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(Document::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Document, E> {
        Ok(Document::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Document::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Document, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Document::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_repeated_members_and_every_kind_of_value() {
        let read = format!("{:?}", read(r#"{"a":1,"b":[null,true,1.50,"x"],"a":1e3}"#).unwrap());
        assert_eq!(
            read,
            "Object([(\"a\", Number(\"1\")), (\"b\", List([Null, Boolean(true), Number(\"1.5\"), \
             Text(\"x\")])), (\"a\", Number(\"1000\"))])"
        );
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in
            ["", " ", "{", "{}x", "{a:1}", "[1,]", "'x'", "\u{feff}{}", "\"\\ud800\"", "NaN"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bounds_its_depth() {
        for open in ["[", "{\"a\":"] {
            assert!(read(&open.repeat(100_000)).is_err());
        }
        assert!(read(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_ok());
    }
}
