//! Small files written in place.

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Writes `bytes` over the content of a regular file that has as many, and returns whether it did.
///
/// Nothing is flushed: after a power cut the file has these bytes or those before, and is never
/// empty, since no disk tears so few. That is what sets it apart from a new file under its name.
pub(crate) fn write_over(path: &Path, bytes: &[u8]) -> bool {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let opened = OpenOptions::new().write(true).custom_flags(flags).open(path);
    let Ok(file) = opened else { return false };
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let is_like_it = file.metadata().is_ok_and(|found| found.is_file() && found.len() == length);
    is_like_it && file.write_all_at(bytes, 0).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::files;
    use crate::sys::scratch::Scratch;

    #[test]
    fn only_a_file_of_the_same_length_is_written_over() {
        let scratch = Scratch::new();
        let path = scratch.join("file");
        assert!(!write_over(&path, b"new") && !path.exists());
        files::write_replacing(&path, b"old").unwrap();
        assert!(!write_over(&path, b"newer") && !write_over(&path, b"nu"));
        let link = scratch.join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(!write_over(&link, b"new") && !write_over(&scratch.join(""), b"new"));
        assert_eq!(files::read_bounded(&path, 9).unwrap(), b"old");
        assert!(write_over(&path, b"new"));
        assert_eq!(files::read_bounded(&path, 9).unwrap(), b"new");
    }
}
