//! What comes with the system, and changes with its updates: it is trusted, and not pinned.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::sys::files;

/// Whether the system brings what is at this path, which is without links. All of root's own files
/// belong to root too, so for root only the system's usual places count.
pub(super) fn brings(resolved: &Path) -> bool {
    let is_roots = fs::metadata(resolved).is_ok_and(|metadata| metadata.uid() == 0);
    is_roots && (files::user_id() != 0 || PLACES.iter().any(|place| resolved.starts_with(place)))
}

const PLACES: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix"];
