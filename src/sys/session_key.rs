//! placeholder
#![expect(clippy::unnecessary_wraps, reason = "the kernel may refuse")]

use std::io;

use super::secret::Secret;

pub(crate) fn has_own() -> bool {
    false
}
pub(crate) fn keep(_: &str, _: &[u8], _: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
pub(crate) fn find(_: &str) -> io::Result<Option<Secret<Vec<u8>>>> {
    Ok(None)
}
pub(crate) fn forget(_: &str) -> io::Result<()> {
    Ok(())
}
