//! What a request says, for those who judge it.

use std::collections::BTreeSet;

use crate::model::shape::Shape;
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

/// Whether a request has only members that its shape declares, each of them once, at every depth.
pub(super) fn is_plain(shape: &Shape, request: &Value) -> bool {
    match (shape, request) {
        (Shape::Structure(members), Value::Map(given)) => {
            let is_declared = |(name, value): &(String, Value)| {
                let member = members.iter().find(|member| member.name == name);
                member.is_some_and(|member| is_plain(member.shape, value))
            };
            !has_duplicates(request) && given.iter().all(is_declared)
        }
        (Shape::List(list), Value::List(elements)) => {
            elements.iter().all(|element| is_plain(list.element, element))
        }
        (Shape::Map(_), _) => !has_duplicates(request),
        _ => true,
    }
}
