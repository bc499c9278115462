//! What comes of reading an export, and what is said about it: never a value.

use std::fmt;

use super::item::{Item, Origin};
use crate::sys::secret::Secret;

/// What is read from.
pub(crate) enum Source {
    /// One file, or what came through a pipe.
    Bytes(Secret<Vec<u8>>),
    /// The files of a directory, each with its path below it, with `/`.
    Tree(Vec<(String, Secret<Vec<u8>>)>),
}

/// What the caller wants of a reading, and can say about the source.
#[derive(Default)]
pub(crate) struct Wishes {
    /// The password of a protected export.
    pub(crate) password: Option<Secret<String>>,
    /// Which columns of a table of no known format are what: `name`, `username`, `password`, `totp`,
    /// `url`, `notes`, `folder`, or a field; and the header of the column.
    pub(crate) columns: Vec<(String, String)>,
    /// Turn `&amp;` and the like back into what they stand for.
    pub(crate) decode_entities: bool,
    /// How `.env` files are read; `None` is python-dotenv's way.
    pub(crate) dialect: Option<Dialect>,
}

/// Whose rules a `.env` file follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Compose,
    Node,
    Python,
    Ruby,
}

/// What was read.
pub(crate) struct Reading {
    /// The items, in the order of the source.
    pub(crate) items: Vec<Item>,
    /// What could not come along as it was, in the order of the source.
    pub(crate) remarks: Vec<Remark>,
}

impl Reading {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { items: Vec::new(), remarks: Vec::new() }
    }

    /// Notes something about an item, or what should have become one.
    pub(crate) fn remark(&mut self, origin: &Origin, outcome: Outcome, what: impl Into<String>) {
        self.remarks.push(Remark { origin: origin.clone(), outcome, what: what.into() });
    }
}

/// Something that a person should know about one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) origin: Origin,
    pub(crate) outcome: Outcome,
    /// What it is about and why. Names of fields and files, never values.
    pub(crate) what: String,
}

/// What became of an item, or of a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Nothing of the item is imported.
    LeftOut,
    /// A part of the item is not imported.
    PartLeftOut,
    /// It is imported, but in another form.
    Changed,
    /// It is imported as it is, but a look at it is worth the time.
    Doubtful,
}

/// Writes the name of a field or a file into a remark: it may have any characters, and any length.
pub(crate) fn quoted(name: &str) -> String {
    const MOST: usize = 60;
    let begin: String = name.chars().take(MOST).collect();
    let cut = if name.chars().nth(MOST).is_some() { "…" } else { "" };
    format!("\"{}{cut}\"", begin.escape_debug())
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "id {id}"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Position(position) => write!(f, "item {position}"),
        }
    }
}

/// Why a source cannot be read at all. Says where, and never what it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// Nothing that is known.
    Unknown,
    /// A known format that cannot be read: why, and what to do instead.
    Unreadable { why: String, remedy: &'static str },
    /// A password is needed.
    NoPassword,
    /// The password is another one, or the file was damaged.
    WrongPassword,
    /// Something is not as the format has it: where it is, and what should be there.
    Malformed { at: String, what: String },
    /// Larger, deeper or costlier than anything that makes sense.
    TooMuch(String),
}

impl Error {
    /// Something is not as the format has it.
    pub(crate) fn malformed(at: impl fmt::Display, what: impl Into<String>) -> Self {
        Self::Malformed { at: at.to_string(), what: what.into() }
    }

    /// The same, and that it is within something: a file of an archive, a document in another.
    pub(crate) fn within(self, outer: &str) -> Self {
        match self {
            Self::Malformed { at, what } => Self::malformed(format_args!("{outer}, {at}"), what),
            Self::Unknown
            | Self::Unreadable { .. }
            | Self::NoPassword
            | Self::WrongPassword
            | Self::TooMuch(_) => self,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("this is no export of a known format"),
            Self::Unreadable { why, remedy: _ } => f.write_str(why),
            Self::NoPassword => f.write_str("the export is protected by a password"),
            Self::WrongPassword => {
                f.write_str("the password is not the one of this export, or the export is damaged")
            }
            Self::Malformed { at, what } => write!(f, "{at}: {what}"),
            Self::TooMuch(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}
