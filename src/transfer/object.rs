//! Objects of JSON documents, whose members are taken out one after another: what nobody takes is left
//! over, and so nothing is lost. A member of another type than it should have stays too, and is named.

use serde_json::{Map, Value as Json};

use super::item::Origin;
use super::reading::{Outcome, Reading};
use super::text;
use crate::model::time::Timestamp;

/// An object, and what was taken out of it.
#[derive(Default)]
pub(super) struct Object {
    members: Map<String, Json>,
    /// The members that are of another type than they should be.
    odd: Vec<String>,
}

impl Object {
    /// Copies an object; `None` if it is none.
    pub(super) fn of(json: &Json) -> Option<Self> {
        Some(Self { members: json.as_object()?.clone(), odd: Vec::new() })
    }

    /// Takes any member; `None` if it is not there or null.
    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        self.members.shift_remove(name).filter(|value| !value.is_null())
    }

    /// Takes a text; whole numbers and truths count as one. Empty if it is not there.
    pub(super) fn text(&mut self, name: &str) -> String {
        let text = self.take_if(name, |value| match value {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) if !number.is_f64() => Some(number.to_string()),
            Json::Bool(is_so) => Some(is_so.to_string()),
            Json::Number(_) | Json::Null | Json::Array(_) | Json::Object(_) => None,
        });
        text.unwrap_or_default()
    }

    /// Takes a truth, which may be a number.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        let flag = self.take_if(name, |value| match value {
            Json::Bool(is_so) => Some(*is_so),
            Json::Number(number) => number.as_u64().map(|number| number != 0),
            Json::Null | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
        });
        flag.unwrap_or_default()
    }

    /// Takes a whole number, which may be written as a text.
    pub(super) fn number(&mut self, name: &str) -> Option<i64> {
        self.take_if(name, whole_number)
    }

    /// Takes a time in words of ISO 8601.
    pub(super) fn date(&mut self, name: &str) -> Option<Timestamp> {
        self.take_if(name, |value| text::time(value.as_str()?))
    }

    /// Takes a time in seconds since 1970, or milliseconds where seconds would be far in the future.
    pub(super) fn seconds(&mut self, name: &str) -> Option<Timestamp> {
        self.take_if(name, |value| text::seconds(whole_number(value)?))
    }

    /// Takes a list; empty if it is not there.
    pub(super) fn list(&mut self, name: &str) -> Vec<Json> {
        self.take_if(name, |value| value.as_array().cloned()).unwrap_or_default()
    }

    /// Takes an object; empty if it is not there. To be handed to [`Self::put_back`].
    pub(super) fn object(&mut self, name: &str) -> Self {
        self.take_if(name, Self::of).unwrap_or_default()
    }

    /// Puts an object that was taken back, without what was taken out of it.
    pub(super) fn put_back(&mut self, name: &str, object: Self) {
        self.odd.extend(object.odd.iter().map(|odd| format!("{name}.{odd}")));
        self.keep(name, Json::Object(object.left_over()));
    }

    /// Puts something there that is to be left over, unless it is empty.
    pub(super) fn keep(&mut self, name: &str, value: Json) {
        if !is_empty(&value) {
            self.members.insert(name.to_owned(), value);
        }
    }

    /// Whether something is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !is_empty(value))
    }

    /// Whether a member is a text, or what counts as one.
    pub(super) fn is_text(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| value.is_string() || value.is_i64())
    }

    /// Returns the names of what is there.
    pub(super) fn names(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }

    /// Says which members were of another type than they should be.
    pub(super) fn remark_on(&self, reading: &mut Reading, origin: &Origin) {
        for name in &self.odd {
            let what = format!("{name} is not what it should be, and is kept as it is in `source`");
            reading.remark(origin, Outcome::Doubtful, what);
        }
    }

    /// Returns what was not taken and is not empty.
    pub(super) fn left_over(mut self) -> Map<String, Json> {
        self.members.retain(|_name, value| !is_empty(value));
        self.members
    }

    /// Takes a member if it can be read.
    fn take_if<T>(&mut self, name: &str, read: impl FnOnce(&Json) -> Option<T>) -> Option<T> {
        let value = self.members.get(name).filter(|value| !value.is_null())?;
        let Some(read) = read(value) else {
            if !is_empty(value) {
                self.odd.push(name.to_owned());
            }
            return None;
        };
        self.members.shift_remove(name);
        Some(read)
    }
}

/// Whether a value says nothing.
pub(super) fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(list) => list.is_empty(),
        Json::Object(map) => map.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

fn whole_number(value: &Json) -> Option<i64> {
    match value {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.parse().ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_is_left_over() {
        let json = serde_json::json!({
            "a": "x", "b": 7, "c": true, "d": null, "e": [], "f": 1.5, "g": {"h": "y", "i": [1], "j": 0},
            "k": {"l": 1}, "m": "2024-05-01T08:00:00.000Z", "n": "soon",
        });
        let mut object = Object::of(&json).unwrap();
        assert_eq!([object.text("a"), object.text("b"), object.text("c")], ["x", "7", "true"]);
        assert_eq!([object.text("d"), object.text("f"), object.text("none")], ["", "", ""]);
        let mut inner = object.object("g");
        assert_eq!(
            (inner.text("h"), inner.text("i"), inner.flag("j")),
            ("y".into(), String::new(), false)
        );
        object.put_back("g", inner);
        assert_eq!(object.date("m"), Some(Timestamp(1_714_550_400_000)));
        assert_eq!(object.date("n"), None);
        assert!(object.list("k").is_empty());
        assert_eq!(object.odd, ["f", "g.i", "n", "k"]);
        let left = serde_json::json!({"f": 1.5, "g": {"i": [1]}, "k": {"l": 1}, "n": "soon"});
        assert_eq!(Json::Object(object.left_over()), left);
    }
}
