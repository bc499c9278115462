//! Sorting. All types share one routine, which sorts places; for each type of its own the standard
//! library's would add ten kilobytes to the program, and move large values many times.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Sorts as the standard library's `sort_by` does: what compares as equal stays in its order.
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..items.len()).collect();
    sort(&mut places, &|left, right| match (items.get(left), items.get(right)) {
        (Some(left), Some(right)) => compare(left, right),
        _ => Ordering::Equal,
    });
    for first in 0..places.len() {
        let mut at = first;
        // Around the circle of those that take each other's place.
        while let Some(from) = places.get_mut(at).map(|place| std::mem::replace(place, at)) {
            if from == first || from == at {
                break;
            }
            items.swap(at, from);
            at = from;
        }
    }
}

/// Sorts as the standard library's `sort_by_key` does.
pub(crate) fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |left, right| key(left).cmp(&key(right)));
}

/// Sorts as the standard library's `sort` does.
pub(crate) fn sort_all<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Collects into a map, of one key the last value. (`collect` sorts first.)
pub(crate) fn map_of<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

#[inline(never)]
fn sort(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|left, right| compare(*left, *right));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_sorts_as_the_standard_library_does(items: Vec<(u8, u32)>) {
            let (mut ours, mut theirs) = (items.clone(), items);
            sort_by_key(&mut ours, |item| item.0 % 16);
            theirs.sort_by_key(|item| item.0 % 16);
            prop_assert_eq!(&ours, &theirs);
            sort_all(&mut ours);
            theirs.sort_unstable();
            prop_assert_eq!(&ours, &theirs);
        }
    }
}
