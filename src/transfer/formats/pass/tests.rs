//! What a tree of files on a disk cannot show.

use super::*;
use crate::transfer::reading::Source;

fn read(files: &[(&str, &[u8])]) -> Reading {
    let files = files.iter().map(|(name, bytes)| ((*name).to_owned(), Secret::new(bytes.to_vec())));
    let shape = Shape::of(Source::Tree(files.collect())).ok().unwrap();
    read_tree(&shape, &Wishes::default()).ok().unwrap()
}

fn text(item: &Item) -> String {
    match &item.content {
        Content::Login(login) => login.to_json().expose().clone(),
        Content::Text(text) => format!("text {:?}", text.expose()),
        Content::Bytes(bytes) => format!("bytes {:?}", bytes.expose()),
    }
}

#[test]
fn one_line_stays_what_it_is() {
    for (bytes, shown) in [
        (&b"s3-Kite"[..], "text \"s3-Kite\""),
        (b"s3-Kite\n", "text \"s3-Kite\""),
        (b"s3-Kite\r\n", "text \"s3-Kite\""),
        (b" s3 Kite ", "text \" s3 Kite \""),
        (b"key: value", "text \"key: value\""),
        (b"\n", "bytes [10]"),
        (b"a\0b", "bytes [97, 0, 98]"),
        (b"\xFFab", "bytes [255, 97, 98]"),
        (b"s3-Kite\n\n", r#"{"password":"s3-Kite"}"#),
    ] {
        let reading = read(&[("a/b.gpg", bytes)]);
        assert_eq!(text(&reading.items[0]), shown);
        assert_eq!(reading.items[0].folders, ["a"]);
        assert_eq!(reading.items[0].title, "b");
    }
}

#[test]
fn what_is_the_stores_own_is_no_entry() {
    let own: &[(&str, &[u8])] =
        &[(".gpg-id", b"ann"), (".git/config", b"x"), ("a/.gpg-id", b"ann"), (".gpg", b"x")];
    assert!(read(own).items.is_empty());
    let reading = read(&[("a.gpg", b"")]);
    assert!(reading.items.is_empty());
    assert_eq!(reading.remarks[0].outcome, Outcome::LeftOut);
}
