//! Where items are among others.

use super::super::taken::Taken;

/// Returns the folders of an item, and what it is called in them. One whose name is its own, as a variable's
/// is, has the folders that its name has.
pub(super) fn place(taken: &Taken) -> (Vec<String>, String) {
    let item = &taken.item;
    let Some(exact) = &item.exact_name else { return (item.folders.clone(), item.title.clone()) };
    let mut parts: Vec<String> =
        exact.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let last = parts.pop().unwrap_or_default();
    (parts, last)
}
