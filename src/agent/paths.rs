//! Paths in messages: they may hold any bytes, and JSON holds text.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Writes a path as text.
pub(crate) fn encoded(path: &Path) -> String {
    STANDARD.encode(path.as_os_str().as_bytes())
}

/// Reads what [`encoded`] wrote.
pub(super) fn decoded(text: &str) -> Option<PathBuf> {
    Some(OsString::from_vec(STANDARD.decode(text).ok()?).into())
}
