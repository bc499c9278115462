//! What was read for an import, before anybody knows what it is.

use std::path::PathBuf;

use crate::transfer::reading::{Remark, Source};

/// The most that is read: no export of passwords is longer.
pub(crate) const MAX_BYTES: usize = 256 << 20;

/// What was read.
pub(crate) struct Found {
    pub(crate) source: Source,
    /// What was passed over on the way.
    pub(crate) remarks: Vec<Remark>,
    /// The file that it is in, which stays where it is; `None` for a pipe or a store.
    pub(crate) file: Option<PathBuf>,
}
