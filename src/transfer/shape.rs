//! What a source is made of, found out once: formats are told apart by it, and read from it.

use serde_json::Value as Json;

use super::reading::{Error, Source};
use super::table::{Quotes, Table};
use super::text;
use super::xml::{Document, Element};
use super::zip::{self, Archive, Limits};
use crate::sys::secret::Secret;

/// A file's path below the directory, and what is in it.
pub(super) type File = (String, Secret<Vec<u8>>);

/// The header of KeePass 1's tables.
const KEEPASS_1: &str = r#""Account","Login Name","Password","Web Site","Comments""#;

/// A source, taken apart as far as it shows what it is.
pub(crate) enum Shape {
    /// A JSON document; its objects have their members in the order of the text.
    Json(Json),
    /// A table: its separator is a comma, or a tab where the first line has tabs and no comma.
    Table(Table),
    /// An XML document.
    Xml(Document),
    /// Some other text.
    Text(Secret<String>),
    /// The files of a ZIP archive.
    Zip(Archive),
    /// The files of a directory.
    Tree(Vec<File>),
    /// Bytes that are no text.
    Bytes(Secret<Vec<u8>>),
}

impl Shape {
    /// Finds out what a source is made of.
    ///
    /// # Errors
    /// What it begins as, and is not.
    pub(crate) fn of(source: Source) -> Result<Self, Error> {
        let bytes = match source {
            Source::Tree(files) => return Ok(Self::Tree(files)),
            Source::Bytes(bytes) => bytes,
        };
        if zip::is_archive(bytes.expose()) {
            return Ok(Self::Zip(Archive::read(bytes.expose(), Limits::DEFAULT)?));
        }
        let Ok(text) = text::decode(bytes.expose()) else { return Ok(Self::Bytes(bytes)) };
        let text = Secret::new(text);
        let begins = text.expose().trim_start();
        if begins.starts_with(['{', '[']) {
            return Ok(Self::Json(json(text.expose())?));
        }
        if begins.starts_with('<') {
            return Ok(Self::Xml(Document::read(text.expose())?));
        }
        match table(text.expose()) {
            Some(table) => Ok(Self::Table(table?)),
            None => Ok(Self::Text(text)),
        }
    }

    /// Returns the table, if it is one.
    pub(super) fn table(&self) -> Option<&Table> {
        if let Self::Table(table) = self { Some(table) } else { None }
    }

    /// Returns the document, if it is JSON.
    pub(super) fn json(&self) -> Option<&Json> {
        if let Self::Json(json) = self { Some(json) } else { None }
    }

    /// Returns the text, if it is nothing else.
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text.expose()) } else { None }
    }

    /// Returns the files, if it is a directory.
    pub(super) fn tree(&self) -> Option<&[File]> {
        if let Self::Tree(files) = self { Some(files) } else { None }
    }

    /// Returns the root, if it is XML.
    pub(super) fn xml(&self) -> Option<Element<'_>> {
        if let Self::Xml(document) = self { document.root() } else { None }
    }

    /// Returns the bytes, if they are nothing else.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes.expose()) } else { None }
    }

    /// Returns the archive, if it is one.
    pub(super) fn zip(&self) -> Option<&Archive> {
        if let Self::Zip(archive) = self { Some(archive) } else { None }
    }
}

/// Reads a JSON document that is within another, or in an archive; `at` says where.
pub(super) fn inner_json(bytes: &[u8], at: &str) -> Result<Json, Error> {
    let inner = |error: Error| error.within(at);
    let text = Secret::new(text::decode(bytes).map_err(inner)?);
    json(text.expose()).map_err(inner)
}

/// Reads a JSON document; several become a list. serde_json refuses what is nested more than 128 levels
/// deep.
fn json(text: &str) -> Result<Json, Error> {
    let documents = serde_json::Deserializer::from_str(text).into_iter::<Json>();
    let mut documents = documents.collect::<Result<Vec<Json>, _>>().map_err(|error| {
        // Its own message may quote what it found.
        let at = format!("line {}, column {}", error.line(), error.column());
        Error::malformed(at, "is no JSON from here on")
    })?;
    match documents.pop() {
        Some(only) if documents.is_empty() => Ok(only),
        last => {
            documents.extend(last);
            Ok(Json::Array(documents))
        }
    }
}

/// Reads a table, if the first line looks like the header of one.
fn table(text: &str) -> Option<Result<Table, Error>> {
    let first = text.lines().next()?;
    let separator = match (first.contains(','), first.contains('\t')) {
        (true, _) => b',',
        (false, true) => b'\t',
        (false, false) => return None,
    };
    // `KEY=a,b`, `otpauth://…,…` and comments are no headers.
    let is_header = !first.contains(['=', '{', '}'])
        && !first.contains("://")
        && !first.trim_start().starts_with('#');
    // KeePass alone writes quotes in another way than all others.
    let quotes = if first == KEEPASS_1 { Quotes::Escaped } else { Quotes::Doubled };
    is_header.then(|| Table::read_with(text, separator, quotes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> &'static str {
        match Shape::of(Source::Bytes(Secret::new(text.as_bytes().to_vec()))) {
            Ok(Shape::Json(_)) => "json",
            Ok(Shape::Table(_)) => "table",
            Ok(Shape::Xml(_)) => "xml",
            Ok(Shape::Text(_)) => "text",
            Ok(Shape::Zip(_)) => "zip",
            Ok(Shape::Tree(_)) => "tree",
            Ok(Shape::Bytes(_)) => "bytes",
            Err(_) => "error",
        }
    }

    #[test]
    fn contents_say_what_they_are() {
        assert_eq!(of(" {\"a\":1}"), "json");
        assert_eq!(of("\u{feff}[1]"), "json");
        assert_eq!(of("{}\n{}"), "json");
        assert_eq!(of("# a, b\nA=1"), "text");
        assert_eq!(of("{"), "error");
        assert_eq!(of("{} x"), "error");
        assert_eq!(of("name,url\na,b"), "table");
        assert_eq!(of("name\turl\na\tb"), "table");
        assert_eq!(of("KEY=a,b"), "text");
        assert_eq!(of("otpauth://totp/a?secret=b,c"), "text");
        assert_eq!(of("\u{feff}\n<a/>"), "xml");
        assert_eq!(of("<a>"), "error");
        assert_eq!(of(""), "text");
        assert_eq!(of("a,b\n\"c"), "error");
        assert_eq!(of(&format!("PK\u{5}\u{6}{}", "\0".repeat(18))), "zip");
        assert_eq!(of("PK\u{3}\u{4}"), "error");
    }

    #[test]
    fn an_error_in_json_quotes_nothing() {
        let bytes = Secret::new(b"{\"password\": hunter2}".to_vec());
        let error = Shape::of(Source::Bytes(bytes)).err().unwrap().to_string();
        assert_eq!(error, "line 1, column 14: is no JSON from here on");
    }
}
