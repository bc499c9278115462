//! What a request says, for those who judge it.

use std::collections::BTreeSet;

use crate::model::value::Value;

/// Returns a member that is text.
pub(super) fn text<'v>(request: &'v Value, member: &str) -> Option<&'v str> {
    match request.get(member) {
        Some(Value::Text(text)) => Some(text),
        Some(_) | None => None,
    }
}

/// Whether a member is there twice, so that what is judged may not be what is read.
pub(super) fn has_duplicates(request: &Value) -> bool {
    let Value::Map(members) = request else { return true };
    let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.len() != members.len()
}
