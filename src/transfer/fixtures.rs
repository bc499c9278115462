//! Exports as real programs write them, made up, in `tests/transfer`: a directory for each format, and
//! beside each export, as `NAME.expected`, the items and remarks that come of it. The password of a
//! protected one is `hunter2`. `UPDATE=1` writes what is expected; read it before you believe it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::formats::{self, Format};
use super::item::{Content, Item};
use super::reading::{Reading, Source, Wishes};
use super::shape::Shape;
use crate::sys::secret::Secret;

#[test]
fn exports_become_what_is_written_beside_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transfer");
    let mut without: Vec<&str> = Vec::new();
    for name in Format::names() {
        let exports = exports(&root.join(name));
        if exports.is_empty() {
            without.push(name);
        }
        for export in exports {
            compare(name, &export);
        }
    }
    assert_eq!(without, Vec::<&str>::new(), "these formats have no example in tests/transfer");
}

/// Whatever a file was cut off at is read, refused, or taken for something else; nothing panics, and no
/// message shows a value.
#[test]
fn exports_that_were_cut_off_break_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transfer");
    for export in Format::names().flat_map(|name| exports(&root.join(name))) {
        if export.is_dir() {
            continue;
        }
        let bytes = std::fs::read(&export).unwrap();
        for length in (0..bytes.len()).step_by(bytes.len().div_ceil(100).max(1)) {
            let source = Source::Bytes(Secret::new(bytes[..length].to_vec()));
            let read = Shape::of(source).and_then(|shape| {
                let format = formats::recognise(&shape).ok_or(super::reading::Error::Unknown)?;
                formats::read(format, &shape, &Wishes::default())
            });
            let said = match read {
                Ok(reading) => reading.remarks.iter().map(|remark| remark.what.clone()).collect(),
                Err(error) => error.to_string(),
            };
            assert!(!said.contains("s3-Kite"), "{}: {said}", export.display());
        }
    }
}

/// Reads all examples that can be read.
pub(super) fn all_items() -> Vec<Item> {
    Format::names().flat_map(items_of).collect()
}

/// Reads the examples of a format that can be read.
pub(super) fn items_of(name: &str) -> Vec<Item> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transfer");
    let mut items = Vec::new();
    for export in exports(&root.join(name)) {
        let Ok(shape) = Shape::of(source(&export)) else { continue };
        let password = Some(Secret::new("hunter2".to_owned()));
        let wishes = Wishes { password, ..Wishes::default() };
        if let Ok(reading) = formats::read(Format::named(name).unwrap(), &shape, &wishes) {
            items.extend(reading.items);
        }
    }
    items
}

/// Lists what a format's directory has, but for what is expected.
fn exports(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_expected = |path: &PathBuf| path.extension().is_some_and(|end| end == "expected");
    let mut paths: Vec<PathBuf> = paths.filter(|path| !is_expected(path)).collect();
    crate::model::order::sort_by_key(&mut paths, Clone::clone);
    paths
}

fn compare(format: &str, export: &Path) {
    let shown = match Shape::of(source(export)) {
        Ok(shape) => {
            let known = formats::recognise(&shape).map(Format::name);
            assert_eq!(known, Some(format), "{}", export.display());
            let password = Some(Secret::new("hunter2".to_owned()));
            let wishes = Wishes { password, ..Wishes::default() };
            match formats::read(Format::named(format).unwrap(), &shape, &wishes) {
                Ok(reading) => listing(&reading),
                Err(error) => format!("error: {error}\n"),
            }
        }
        Err(error) => format!("error: {error}\n"),
    };
    let mut beside = export.as_os_str().to_owned();
    beside.push(".expected");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&beside, &shown).unwrap();
    }
    let expected = std::fs::read_to_string(&beside).unwrap_or_default();
    assert_eq!(shown, expected, "{}", export.display());
}

/// Reads a file, or a directory with all files below it.
fn source(path: &Path) -> Source {
    if path.is_dir() {
        let mut files = Vec::new();
        collect(path, path, &mut files);
        crate::model::order::sort_by_key(&mut files, |(name, _): &(String, _)| name.clone());
        return Source::Tree(files);
    }
    Source::Bytes(Secret::new(std::fs::read(path).unwrap()))
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<(String, Secret<Vec<u8>>)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.push((name, Secret::new(std::fs::read(&path).unwrap())));
        }
    }
}

/// Writes down all of a reading. Only for made-up exports: values are in it.
fn listing(reading: &Reading) -> String {
    let mut text = String::new();
    for item in &reading.items {
        show(item, &mut text);
    }
    for remark in &reading.remarks {
        writeln!(text, "{:?}: {}: {}", remark.outcome, remark.origin, remark.what).unwrap();
    }
    text
}

pub(super) fn show(item: &Item, text: &mut String) {
    writeln!(text, "item {:?}", item.origin).unwrap();
    if !item.folders.is_empty() {
        writeln!(text, "  folders {:?}", item.folders).unwrap();
    }
    writeln!(text, "  title {:?}", item.title).unwrap();
    if let Some(name) = &item.exact_name {
        writeln!(text, "  exact name {name:?}").unwrap();
    }
    if let Some(description) = &item.description {
        writeln!(text, "  description {description:?}").unwrap();
    }
    if !item.labels.is_empty() {
        writeln!(text, "  labels {:?}", item.labels).unwrap();
    }
    if !item.tags.is_empty() {
        writeln!(text, "  tags {:?}", item.tags).unwrap();
    }
    if item.is_in_trash {
        writeln!(text, "  in the trash").unwrap();
    }
    writeln!(text, "  {}", content(&item.content)).unwrap();
    for earlier in &item.history {
        let at = earlier.at.and_then(super::text::date).unwrap_or_default();
        writeln!(text, "  before ({at}) {}", content(&earlier.content)).unwrap();
    }
    for attachment in &item.attachments {
        let bytes = String::from_utf8_lossy(attachment.bytes.expose()).into_owned();
        writeln!(text, "  file {:?} {bytes:?}", attachment.name).unwrap();
    }
}

fn content(content: &Content) -> String {
    match content {
        Content::Login(login) => login.to_json().expose().clone(),
        Content::Text(value) => format!("text {:?}", value.expose()),
        Content::Bytes(bytes) => format!("bytes {:?}", bytes.expose()),
    }
}
