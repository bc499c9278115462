//! What a source is made of, found out once: formats are told apart by it, and read from it.

use serde_json::Value as Json;

use super::reading::{Error, Source};
use super::table::Table;
use super::text;
use super::zip::{self, Archive, Limits};
use crate::sys::secret::Secret;

/// A source, taken apart as far as it shows what it is.
pub(crate) enum Shape {
    /// A JSON document; its objects have their members in the order of the text.
    Json(Json),
    /// A table: its separator is a comma, or a tab where the first line has tabs and no comma.
    Table(Table),
    /// Some other text.
    Text(Secret<String>),
    /// The files of a ZIP archive.
    Zip(Archive),
    /// The files of a directory.
    Tree(Vec<(String, Secret<Vec<u8>>)>),
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
        match table(text.expose()) {
            Some(table) => Ok(Self::Table(table?)),
            None => Ok(Self::Text(text)),
        }
    }

    /// Returns the table, if it is one.
    pub(super) fn table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            Self::Json(_) | Self::Text(_) | Self::Zip(_) | Self::Tree(_) | Self::Bytes(_) => None,
        }
    }

    /// Returns the document, if it is JSON.
    pub(super) fn json(&self) -> Option<&Json> {
        match self {
            Self::Json(json) => Some(json),
            Self::Table(_) | Self::Text(_) | Self::Zip(_) | Self::Tree(_) | Self::Bytes(_) => None,
        }
    }

    /// Returns the archive, if it is one.
    pub(super) fn zip(&self) -> Option<&Archive> {
        match self {
            Self::Zip(archive) => Some(archive),
            Self::Json(_) | Self::Table(_) | Self::Text(_) | Self::Tree(_) | Self::Bytes(_) => None,
        }
    }

    /// Returns the text, if it is neither JSON nor a table.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.expose()),
            Self::Json(_) | Self::Table(_) | Self::Zip(_) | Self::Tree(_) | Self::Bytes(_) => None,
        }
    }
}

/// Reads a JSON document that is within another, or in an archive; `at` says where.
pub(super) fn inner_json(bytes: &[u8], at: &str) -> Result<Json, Error> {
    let inner = |error: Error| error.within(at);
    let text = Secret::new(text::decode(bytes).map_err(inner)?);
    json(text.expose()).map_err(inner)
}

/// Reads a JSON document. serde_json refuses what is nested more than 128 levels deep.
fn json(text: &str) -> Result<Json, Error> {
    serde_json::from_str(text).map_err(|error| {
        // Its own message may quote what it found.
        let at = format!("line {}, column {}", error.line(), error.column());
        Error::malformed(at, "is no JSON from here on")
    })
}

/// Reads a table, if the first line looks like the header of one.
fn table(text: &str) -> Option<Result<Table, Error>> {
    let first = text.lines().next()?;
    let separator = match (first.contains(','), first.contains('\t')) {
        (true, _) => b',',
        (false, true) => b'\t',
        (false, false) => return None,
    };
    // `KEY=a,b` and `otpauth://…,…` are no headers.
    let is_header = !first.contains(['=', '{', '}']) && !first.contains("://");
    is_header.then(|| Table::read(text, separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> &'static str {
        match Shape::of(Source::Bytes(Secret::new(text.as_bytes().to_vec()))) {
            Ok(Shape::Json(_)) => "json",
            Ok(Shape::Table(_)) => "table",
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
        assert_eq!(of("{"), "error");
        assert_eq!(of("name,url\na,b"), "table");
        assert_eq!(of("name\turl\na\tb"), "table");
        assert_eq!(of("KEY=a,b"), "text");
        assert_eq!(of("otpauth://totp/a?secret=b,c"), "text");
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
