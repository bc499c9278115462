//! The contents of a directory.
//!
//! Not by the standard library: where closing the directory fails, which a failing disk can bring
//! about after all was done, it panics.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags};

/// Returns the paths in a directory, in no order; empty if it cannot be read.
pub(super) fn paths_in(directory: &Path) -> Vec<PathBuf> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(directory, flags, Mode::empty()).and_then(Dir::new);
    let entries = opened.into_iter().flatten().map_while(Result::ok);
    let names = entries.map(|entry| OsString::from_vec(entry.file_name().to_bytes().to_vec()));
    names.filter(|name| name != "." && name != "..").map(|name| directory.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn everything_in_a_directory_is_listed() {
        let scratch = Scratch::new();
        assert_eq!(paths_in(&scratch.join("")), Vec::<PathBuf>::new());
        let mut expected = vec![scratch.join("one"), scratch.join("two")];
        for path in &expected {
            crate::sys::files::create_private(path).unwrap();
        }
        std::fs::create_dir_all(scratch.join("three")).unwrap();
        expected.push(scratch.join("three"));
        let mut listed = paths_in(&scratch.join(""));
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected);
        assert_eq!(paths_in(&scratch.join("none")), Vec::<PathBuf>::new());
        assert_eq!(paths_in(&scratch.join("one")), Vec::<PathBuf>::new());
    }
}
