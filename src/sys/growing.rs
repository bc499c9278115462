//! A directory that is filled under another name, and gets its place whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{self, FileFault};
use super::removal;

/// A private directory without a place. Dropped before it has one, it is removed with all that is in it.
pub(crate) struct Growing {
    path: PathBuf,
    place: PathBuf,
    has_place: bool,
}

impl Growing {
    /// Makes an empty one beside `place`, where it will be.
    pub(crate) fn beside(place: &Path) -> Result<Self, FileFault> {
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let path = place.with_file_name(name);
        if fs::symlink_metadata(&path).is_ok() {
            return Err(FileFault::Exists(path));
        }
        files::check_directory(files::parent_of(place))?;
        files::create_private_dir(&path)?;
        Ok(Self { path, place: place.to_owned(), has_place: false })
    }

    /// Writes a file into it.
    pub(crate) fn add(&self, name: &str, bytes: &[u8]) -> Result<(), FileFault> {
        let written = files::write_private(&self.path.join(name), bytes);
        written.map_err(|fault| fault.about(&self.place))
    }

    /// Gives it its place, where nothing may be.
    pub(crate) fn put(mut self) -> Result<(), FileFault> {
        let fault = |error| FileFault::from_io(&self.place, error);
        if fs::symlink_metadata(&self.place).is_ok() {
            return Err(FileFault::Exists(self.place.clone()));
        }
        files::rename_to_new(&self.path, &self.place).map_err(fault)?;
        self.has_place = true;
        files::sync_directory(files::parent_of(&self.place))
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        if !self.has_place {
            removal::remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn it_gets_its_place_or_leaves_nothing() {
        let scratch = Scratch::new();
        let place = scratch.join("export");
        let growing = Growing::beside(&place).unwrap();
        growing.add("a", b"hunter2").unwrap();
        assert!(!place.exists());
        drop(growing);
        assert_eq!(scratch.names(), Vec::<String>::new());

        let growing = Growing::beside(&place).unwrap();
        growing.add("a", b"hunter2").unwrap();
        growing.put().unwrap();
        assert_eq!(scratch.names(), ["export"]);
        assert_eq!(fs::read(place.join("a")).unwrap(), b"hunter2");

        let growing = Growing::beside(&place).unwrap();
        assert_eq!(growing.put().unwrap_err().name(), "FileExists");
        assert_eq!(scratch.names(), ["export"]);
    }
}
