//! Our own archives and other vaults. They are opened where files are known, so that all that is done here
//! is to know one, and to say what else has to be done.

use super::super::reading::{Error, Reading, Wishes};
use super::super::shape::Shape;

/// What a file of SQLite begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

pub(super) fn is_vault(shape: &Shape) -> bool {
    shape.bytes().is_some_and(|bytes| bytes.starts_with(MAGIC))
}

/// Refuses what came through a pipe.
pub(super) fn read(_shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    Err(Error::Unreadable {
        why: "an archive cannot be read from a pipe".to_owned(),
        remedy: "name the file that it is in",
    })
}
