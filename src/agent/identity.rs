//! The file that a vault was opened from, as the system knows it.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells a file from another that was put in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
}

/// What tells that a file was written to: sizes in bytes, times in seconds and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileIdentity {
    /// Finds the file at a path.
    pub(super) fn at(path: &Path) -> io::Result<(Self, Written)> {
        let found = path.metadata()?;
        let written = Written {
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        };
        Ok((Self { device: found.dev(), inode: found.ino() }, written))
    }
}
