//! Which fields of a value differ from those of another: their names, and nothing of what is in them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::model::secret_value::SecretValue;

/// What a value is called that has no fields.
const WHOLE: &str = "(value)";

/// Returns the names of the fields that differ, in order; of what is no JSON object, one name for all.
pub(crate) fn changed(before: &SecretValue, after: &SecretValue) -> Vec<String> {
    if before.expose_bytes() == after.expose_bytes() {
        return Vec::new();
    }
    let (Some(mut old), Some(new)) = (fields(before), fields(after)) else {
        return vec![WHOLE.to_owned()];
    };
    let mut names: Vec<String> = Vec::new();
    for (name, value) in new {
        let is_same = old.remove(&name).is_some_and(|old| old.get() == value.get());
        if !is_same {
            names.push(name);
        }
    }
    names.extend(old.into_keys());
    names
}

fn fields(value: &SecretValue) -> Option<BTreeMap<String, &RawValue>> {
    let SecretValue::Text(text) = value else { return None };
    serde_json::from_str(text.expose()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::secret::Secret;

    #[test]
    fn fields_that_differ_are_named() {
        let value = |text: &str| SecretValue::Text(Secret::new(text.to_owned()));
        let changed = |old: &str, new: &str| changed(&value(old), &value(new)).join(" ");
        assert_eq!(changed(r#"{"a":"1","b":2,"c":3}"#, r#"{"b":2,"a":"x","d":4}"#), "a d c");
        assert_eq!(changed(r#"{"a":1}"#, r#"{ "a": 1 }"#), "");
        assert_eq!(changed("x", "x"), "");
        assert_eq!(changed("x", r#"{"a":1}"#), WHOLE);
        let bytes = SecretValue::Binary(Secret::new(vec![1]));
        assert_eq!(super::changed(&bytes, &value("x")), [WHOLE]);
    }
}
