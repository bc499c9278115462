//! All that lies beneath a directory which is pinned: what there is, in the order of its digest.
//!
//! Follows no links: what a link says counts, and it may lead out of the directory only to what comes
//! with the system. Looks at no modes and reads no content.

use crate::model::order;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::system;

/// Something beneath a directory.
pub(super) struct Entry {
    /// Its path.
    pub(super) path: PathBuf,
    /// Its path from the directory on.
    pub(super) name: Vec<u8>,
    /// What it is.
    pub(super) kind: EntryKind,
    /// Its own, not that of what it leads to.
    pub(super) metadata: Metadata,
}

/// What an entry is, as written into a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    Directory,
    File,
    Link,
}

/// Lists all that lies beneath a directory, by their paths.
pub(super) fn entries(root: &Path) -> io::Result<Vec<Entry>> {
    let resolved = root.canonicalize()?;
    let mut out = Vec::new();
    let mut ahead = vec![root.to_owned()];
    let mut bytes = 0_u64;
    while let Some(directory) = ahead.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let metadata = fs::symlink_metadata(&path)?;
            let kind = kind_of(&path, &metadata, &resolved)?;
            match kind {
                EntryKind::Directory => ahead.push(path.clone()),
                EntryKind::File => bytes = bytes.saturating_add(metadata.len()),
                EntryKind::Link => {}
            }
            let name = path.strip_prefix(root).unwrap_or(&path).as_os_str().as_bytes().to_vec();
            out.push(Entry { path, name, kind, metadata });
            if out.len() > MAX_ENTRIES || bytes > MAX_BYTES {
                return Err(io::Error::other("it is too large to be pinned"));
            }
        }
    }
    order::sort_by(&mut out, |one, other| one.name.cmp(&other.name));
    Ok(out)
}

fn kind_of(path: &Path, metadata: &Metadata, root: &Path) -> io::Result<EntryKind> {
    let wrong = |what: &str| Err(io::Error::other(format!("{} {what}", path.display())));
    if metadata.is_dir() {
        Ok(EntryKind::Directory)
    } else if metadata.is_file() {
        Ok(EntryKind::File)
    } else if !metadata.is_symlink() {
        wrong("is neither a file nor a directory")
    } else {
        match path.canonicalize() {
            Ok(target) if target.starts_with(root) || system::brings(&target) => {
                Ok(EntryKind::Link)
            }
            Ok(_) => wrong("is a link that leads to what is not pinned"),
            Err(_) => wrong("is a link that leads nowhere"),
        }
    }
}

/// How much is read before every step at the most.
const MAX_ENTRIES: usize = 10_000;
const MAX_BYTES: u64 = 256 << 20;
