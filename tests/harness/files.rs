//! Files for tests: script archives (text, then files after `-- name --` lines), directories that
//! are removed when dropped, and copies of whole trees.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A script and the files below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Archive {
    /// The lines before the first file.
    pub(crate) lines: Vec<String>,
    /// The files in order: name and content.
    pub(crate) files: Vec<(String, String)>,
}

impl Archive {
    /// Reads an archive; every text is one.
    pub(crate) fn parse(text: &str) -> Self {
        let mut archive = Self { lines: Vec::new(), files: Vec::new() };
        for line in text.lines() {
            let name = line.strip_prefix("-- ").and_then(|rest| rest.strip_suffix(" --"));
            if let Some(name) = name {
                archive.files.push((name.to_owned(), String::new()));
            } else if let Some((_, content)) = archive.files.last_mut() {
                content.push_str(line);
                content.push('\n');
            } else {
                archive.lines.push(line.to_owned());
            }
        }
        archive
    }

    /// Writes the archive as it was read.
    pub(crate) fn to_text(&self) -> String {
        let mut out: String = self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        for (name, content) in &self.files {
            out.extend(["-- ", name, " --\n", content]);
        }
        out
    }

    /// Finds a file's content.
    pub(crate) fn file(&self, name: &str) -> Option<&str> {
        self.files.iter().find(|(n, _)| n == name).map(|(_, content)| content.as_str())
    }

    /// Replaces a file's content.
    pub(crate) fn replace(&mut self, name: &str, content: String) {
        if let Some(file) = self.files.iter_mut().find(|(n, _)| n == name) {
            file.1 = content;
        }
    }
}

/// A directory of the test's own, removed with all it holds when dropped.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    /// Makes a new directory below `parent` that only this user can look into.
    pub(crate) fn below(parent: &Path) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        make_dirs(parent);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("sr{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Self(path),
                // An earlier process of the same number was killed before it could clean up.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("cannot make {}: {error}", path.display()),
            }
        }
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A directory that a test made unreadable would stay.
        let gone = fs::remove_dir_all(&self.0);
        if let (Err(error), false) = (gone, std::thread::panicking()) {
            panic!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Makes a directory and its parents, mode 0700.
pub(crate) fn make_dirs(path: &Path) {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
}

/// Copies a directory with all it holds, modes included.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    make_dirs(to);
    for name in names_in(from) {
        let (source, target) = (from.join(&name), to.join(&name));
        if source.is_dir() {
            copy_tree(&source, &target);
        } else {
            fs::copy(&source, &target)
                .unwrap_or_else(|error| panic!("cannot copy {}: {error}", source.display()));
        }
    }
}

/// The names in a directory, sorted; none if there is no such directory.
pub(crate) fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file below a directory, sorted; symbolic links are not followed.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for name in names_in(directory) {
        let path = directory.join(name);
        if path.symlink_metadata().unwrap().is_dir() {
            out.extend(files_below(&path));
        } else {
            out.push(path);
        }
    }
    out
}

/// Writes a test's file, which only this user may read, and makes the directories it is in.
pub(crate) fn write(path: &Path, content: &[u8]) {
    path.parent().into_iter().for_each(make_dirs);
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    opened
        .and_then(|mut file| file.write_all(content))
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_archives() {
        let text = "# a comment\nstrongroom status\n\n-- a/b --\none\n\ntwo\n-- empty --\n";
        let archive = Archive::parse(text);
        assert_eq!(archive.lines, ["# a comment", "strongroom status", ""]);
        assert_eq!(archive.file("a/b"), Some("one\n\ntwo\n"));
        assert_eq!(archive.file("empty"), Some(""));
        assert_eq!(archive.file("c"), None);
        assert_eq!(archive.to_text(), text);
    }

    #[test]
    fn removes_its_directories() {
        let directory = TempDir::below(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let path = directory.path().to_owned();
        write(&path.join("a/b"), b"x");
        copy_tree(&path.join("a"), &path.join("c"));
        assert_eq!(files_below(&path), [path.join("a/b"), path.join("c/b")]);
        drop(directory);
        assert!(!path.exists());
    }
}
