//! Tags: what may be one, and how they are set and removed (docs/behaviour.md, "Tags").
//!
//! Lengths are not checked here: they are limits of the request's shape.

use std::collections::BTreeSet;

use crate::model::types::Tag;
use crate::service::fault::Fault;

/// A secret's tags, key and value, in the order in which they were first set.
pub(crate) type Tags = Vec<(String, String)>;

/// Sets tags: a key that is there gets the new value in its place, any other is appended. On a
/// fault nothing has changed.
pub(crate) fn set(tags: &mut Tags, given: Vec<Tag>) -> Result<(), Fault> {
    check(&given)?;
    let given: Tags = given.into_iter().filter_map(pair).collect();
    let is_new = |key: &str| tags.iter().all(|(present, _)| present != key);
    let added = given.iter().filter(|(key, _)| is_new(key)).count();
    if tags.len().saturating_add(added) > MAX_TAGS {
        return Err(too_many());
    }
    for (key, value) in given {
        match tags.iter_mut().find(|(present, _)| *present == key) {
            Some((_, present)) => *present = value,
            None => tags.push((key, value)),
        }
    }
    Ok(())
}

fn pair(tag: Tag) -> Option<(String, String)> {
    Some((tag.key?.0, tag.value.map(|value| value.0).unwrap_or_default()))
}

/// Removes tags by their keys; an absent key is ignored. On a fault nothing has
/// changed.
pub(crate) fn remove(tags: &mut Tags, keys: &[String]) -> Result<(), Fault> {
    check_keys(keys)?;
    let keys: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    tags.retain(|(key, _)| !keys.contains(key.as_str()));
    Ok(())
}

/// Refuses what cannot be a tag of any secret.
pub(crate) fn check(given: &[Tag]) -> Result<(), Fault> {
    let mut keys = BTreeSet::new();
    for tag in given {
        let key = tag.key.as_ref().map(|key| key.0.as_str()).ok_or_else(no_key)?;
        let value = tag.value.as_ref().map_or("", |value| value.0.as_str());
        if is_system(key) {
            return Err(system_tag(key));
        }
        if let Some(character) = key.chars().chain(value.chars()).find(|c| !is_allowed(*c)) {
            return Err(bad_character(key, character));
        }
        if !keys.insert(key) {
            return Err(given_twice(key));
        }
    }
    Ok(())
}

/// Refuses keys of tags that cannot be removed.
pub(crate) fn check_keys(keys: &[String]) -> Result<(), Fault> {
    match keys.iter().find(|key| is_system(key)) {
        Some(system) => Err(system_tag(system)),
        None => Ok(()),
    }
}

/// Whether the key is AWS's own. The case is not minded, so that no look-alike gets in.
fn is_system(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

/// Letters, numbers and spaces of any script, and AWS's eight others.
fn is_allowed(character: char) -> bool {
    let is_space = character.is_whitespace() && !character.is_control();
    character.is_alphanumeric() || is_space || "+-=._:/@".contains(character)
}

fn system_tag(key: &str) -> Fault {
    Fault::invalid_parameter(format!("You can't modify system tags. Tag key: '{key}'."))
}

/// Our own message: AWS's is not published.
fn no_key() -> Fault {
    Fault::invalid_parameter("A tag must have a key.")
}

/// Our own message: AWS's is not published.
fn given_twice(key: &str) -> Fault {
    Fault::invalid_parameter(format!("You can't specify tag key '{key}' more than once."))
}

/// Our own message: AWS's is not published.
fn bad_character(key: &str, character: char) -> Fault {
    let character = character.escape_default();
    Fault::invalid_parameter(format!(
        "The tag with key '{key}' contains the character '{character}'. Tags can contain letters, \
         numbers, spaces and any of the following: +-=._:/@"
    ))
}

/// Our own message: AWS's is not published.
fn too_many() -> Fault {
    Fault::invalid_parameter(format!("You can't attach more than {MAX_TAGS} tags to a secret."))
}

const MAX_TAGS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::types::{TagKey, TagValue};
    use crate::service::fault::Code;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: Some(TagKey(key.to_owned())), value: Some(TagValue(value.to_owned())) }
    }

    fn owned(tags: &[(&str, &str)]) -> Tags {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn tags_are_set_in_place_or_appended() {
        for (before, given, after) in [
            (&[][..], &[("b", "1"), ("a", "2")][..], &[("b", "1"), ("a", "2")][..]),
            (&[("b", "1"), ("a", "2")], &[("b", "3")], &[("b", "3"), ("a", "2")]),
            (&[("b", "1")], &[("c", "2"), ("b", "3")], &[("b", "3"), ("c", "2")]),
            (&[("b", "1")], &[("B", "2")], &[("b", "1"), ("B", "2")]),
            (&[("b", "1")], &[("b", "")], &[("b", "")]),
            (&[("b", "1")], &[], &[("b", "1")]),
        ] {
            let mut tags = owned(before);
            set(&mut tags, given.iter().map(|(key, value)| tag(key, value)).collect()).unwrap();
            assert_eq!(tags, owned(after));
        }
    }

    #[test]
    fn a_tag_without_a_value_has_an_empty_one() {
        let mut tags = Tags::new();
        set(&mut tags, vec![Tag { key: Some(TagKey("a".to_owned())), value: None }]).unwrap();
        assert_eq!(tags, owned(&[("a", "")]));
    }

    #[test]
    fn tags_are_removed_by_key() {
        for (keys, after) in [
            (&["b"][..], &[("a", "2")][..]),
            (&["missing"], &[("b", "1"), ("a", "2")]),
            (&["B"], &[("b", "1"), ("a", "2")]),
            (&["a", "b", "a"], &[]),
            (&[], &[("b", "1"), ("a", "2")]),
        ] {
            let mut tags = owned(&[("b", "1"), ("a", "2")]);
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            remove(&mut tags, &keys).unwrap();
            assert_eq!(tags, owned(after));
        }
    }

    #[test]
    fn what_is_no_tag_changes_nothing() {
        let system = "You can't modify system tags. Tag key: 'aws:cloudformation:stack-name'.";
        for (given, message) in [
            (vec![tag("ok", "1"), tag("aws:cloudformation:stack-name", "x")], Some(system)),
            (vec![tag("AWS:x", "1")], Some("You can't modify system tags. Tag key: 'AWS:x'.")),
            (vec![tag("a", "1"), tag("b", "2"), tag("a", "1")], None),
            (vec![Tag { key: None, value: Some(TagValue("x".to_owned())) }], None),
            (vec![tag("semi;colon", "1")], None),
            (vec![tag("a", "tab\t")], None),
            (vec![tag("a", "line\nbreak")], None),
            (vec![tag("a!", "")], None),
            (vec![tag("a", "*")], None),
        ] {
            let mut tags = owned(&[("b", "1")]);
            let fault = set(&mut tags, given).expect_err("not a tag");
            assert_eq!(fault.code, Code::InvalidParameter);
            assert!(message.is_none_or(|message| message == fault.message), "{}", fault.message);
            assert_eq!(tags, owned(&[("b", "1")]));
        }
        let mut tags = owned(&[("b", "1")]);
        let keys = ["b".to_owned(), "aws:cloudformation:stack-name".to_owned()];
        assert_eq!(remove(&mut tags, &keys).unwrap_err().message, system);
        assert_eq!(tags, owned(&[("b", "1")]));
    }

    #[test]
    fn letters_of_any_script_and_eight_others_are_allowed() {
        let mut tags = Tags::new();
        let given = vec![
            tag("cost-center:4711", "Ops + Dev = all_of.us/@home"),
            tag("Größe", "३ किलो"),
            tag("部門", "no\u{a0}break"),
            tag("awsome", "aws"),
            tag("aws", ""),
        ];
        set(&mut tags, given).unwrap();
        assert_eq!(tags.len(), 5);
    }

    #[test]
    fn a_secret_has_at_most_fifty_tags() {
        let numbered = |range: std::ops::Range<usize>| -> Vec<Tag> {
            range.map(|n| tag(&n.to_string(), "")).collect()
        };
        let mut tags = Tags::new();
        assert!(set(&mut tags, numbered(0..51)).is_err());
        assert_eq!(set(&mut tags, numbered(0..50)), Ok(()));
        // One more does not fit; fifty known keys do.
        assert!(set(&mut tags, numbered(50..51)).is_err());
        assert!(set(&mut tags, numbered(49..51)).is_err());
        assert_eq!(set(&mut tags, numbered(0..50)), Ok(()));
        assert_eq!(tags.len(), 50);
    }
}
