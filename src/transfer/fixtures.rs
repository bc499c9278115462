//! Exports as real programs write them, made up, in `tests/transfer`: a directory for each format, and
//! beside each export, as `NAME.expected`, the items and remarks that come of it. The password of a
//! protected one is `hunter2`. `UPDATE=1` writes what is expected; read it before you believe it.
#![expect(clippy::use_debug, reason = "what is expected shows each character")]

use std::fmt::Write;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::formats::{self, Format};
use super::item::{Content, Item};
use super::login::Hidden;
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

/// Time goes with length, not with its square: each of these took minutes where it did.
#[test]
fn what_is_large_is_read_in_time() {
    let many = |count: usize, one: &dyn Fn(usize) -> String, between: &str| {
        (0..count).map(one).collect::<Vec<String>>().join(between)
    };
    let versions =
        |at| format!(r#"{{"ARN":"arn:aws:x:{at}","Name":"s{at}","SecretString":"s3-Kite"}}"#);
    let strings = |at| format!("<String><Key>k{at}</Key><Value>v</Value></String>");
    let files = |at| format!("<Binary><Key>f{at}</Key><Value Ref=\"{at}\"/></Binary>");
    let pool = |at| format!("<Binary ID=\"{at}\">AA==</Binary>");
    let members = |at| format!(r#""m{at}":"x""#);
    let all = [
        ("aws", format!(r#"{{"SecretValues":[{}]}}"#, many(50_000, &versions, ","))),
        (
            "keepass",
            format!(
                "<KeePassFile><Meta><Binaries>{}</Binaries></Meta><Root><Group><Entry>{}{}</Entry>\
                 </Group></Root></KeePassFile>",
                many(30_000, &pool, ""),
                many(30_000, &strings, ""),
                many(30_000, &files, "")
            ),
        ),
        (
            "proton",
            format!(
                r#"{{"version":"1","vaults":{{"s":{{"items":[{{"data":{{"content":{{{}}}}}}}]}}}}}}"#,
                many(50_000, &members, ",")
            ),
        ),
        ("csv", format!("name,password\n{}", many(50_000, &|at| format!("n{at},p"), "\n"))),
        ("env", many(50_000, &|at| format!("K{at}=v"), "\n")),
    ];
    for (name, text) in all {
        let shape = Shape::of(Source::Bytes(Secret::new(text.into_bytes()))).ok().unwrap();
        assert_eq!(formats::recognise(&shape).map(Format::name), Some(name));
        let format = Format::named(name).unwrap();
        let reading = formats::read(format, &shape, &Wishes::default()).ok().unwrap();
        assert!(!reading.items.is_empty(), "{name}");
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
                Ok(reading) => {
                    assert_no_value_is_said(&reading, export);
                    listing(&reading)
                }
                Err(error) => format!("error: {error}\n"),
            }
        }
        Err(error) => format!("error: {error}\n"),
    };
    let mut beside = export.as_os_str().to_owned();
    beside.push(".expected");
    if is_update() {
        File::create(&beside).unwrap().write_all(shown.as_bytes()).unwrap();
    }
    let expected = std::fs::read_to_string(&beside).unwrap_or_default();
    assert_eq!(shown, expected, "{}", export.display());
}

#[expect(clippy::disallowed_methods, reason = "the tests are steered by the environment")]
fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// No remark shows what is not shown: passwords, notes, hidden fields, keys.
fn assert_no_value_is_said(reading: &Reading, export: &Path) {
    let mut values: Vec<&str> = Vec::new();
    for item in &reading.items {
        let earlier = item.history.iter().map(|earlier| &earlier.content);
        for content in std::iter::once(&item.content).chain(earlier) {
            match content {
                Content::Login(login) => {
                    let hidden = [&login.password, &login.totp, &login.notes];
                    values.extend(hidden.map(Hidden::expose));
                    values.extend(login.fields.iter().map(|field| field.value.expose()));
                    let special = login.special.iter().flat_map(|(_, members)| members.values());
                    values.extend(special.filter_map(|value| value.as_str()));
                }
                Content::Text(text) => values.push(text.expose()),
                Content::Bytes(_) => {}
            }
        }
    }
    for remark in &reading.remarks {
        // What is short is found in every sentence.
        let said = values.iter().find(|value| value.len() > 5 && remark.what.contains(**value));
        assert_eq!(said, None, "{}: {}", export.display(), remark.what);
    }
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
