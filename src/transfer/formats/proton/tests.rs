use super::super::super::reading::Source;
use super::*;
use crate::sys::secret::Secret;

#[test]
fn what_is_encrypted_is_refused_with_a_way_out() {
    let text = format!("{ARMOR}\n\nwy4ECQMI\n");
    let shape = Shape::of(Source::Bytes(Secret::new(text.into()))).ok().unwrap();
    assert!(is_export(&shape));
    let error = read(&shape, &Wishes::default()).err().unwrap();
    assert!(matches!(error, Error::Unreadable { remedy, .. } if remedy.contains("gpg --decrypt")));
}

#[test]
fn folders_that_are_in_each_other_end() {
    let folder = |id: &str, parent: &str| serde_json::json!({"folderId": id, "parentFolderId": parent, "name": id});
    let paths = folders(&[folder("a", "b"), folder("b", "a"), folder("c", "d"), folder("e", "c")]);
    assert_eq!(paths["a"].len(), DEEPEST);
    assert_eq!(paths["e"], ["c", "e"]);
}
