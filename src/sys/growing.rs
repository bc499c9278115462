//! A directory that is filled under another name, and gets its place whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
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

    /// Writes a file into it. All of them get to the disk together, when it gets its place: to wait for each
    /// of thousands would take minutes.
    pub(crate) fn add(&self, name: &str, bytes: &[u8]) -> Result<(), FileFault> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let opened = options.open(self.path.join(name));
        let written = opened.and_then(|mut file| {
            file.write_all(bytes)?;
            if cfg!(target_os = "linux") { Ok(()) } else { file.sync_all() }
        });
        written.map_err(|error| FileFault::from_io(&self.place, error))
    }

    /// Gives it its place, where nothing may be.
    pub(crate) fn put(mut self) -> Result<(), FileFault> {
        let fault = |error| FileFault::from_io(&self.place, error);
        sync(&self.path).map_err(fault)?;
        if fs::symlink_metadata(&self.place).is_ok() {
            return Err(FileFault::Exists(self.place.clone()));
        }
        files::rename_to_new(&self.path, &self.place).map_err(fault)?;
        self.has_place = true;
        files::sync_directory(files::parent_of(&self.place))
    }
}

/// Waits until all files of a directory are on the disk.
#[cfg(target_os = "linux")]
fn sync(directory: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(directory)?)?)
}

/// Elsewhere each has been waited for.
#[cfg(not(target_os = "linux"))]
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
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
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::sys::scratch::Scratch;

    /// Before each file got its name, all names of the directory were read: an export of ten thousand
    /// secrets took many minutes.
    #[test]
    fn thousands_of_files_take_a_moment() {
        let scratch = Scratch::new();
        let growing = Growing::beside(&scratch.join("export")).unwrap();
        let begun = std::time::Instant::now();
        (0..5000).for_each(|number| growing.add(&number.to_string(), b"x").unwrap());
        assert!(begun.elapsed().as_secs() < 20);
    }

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
        assert_eq!(fs::metadata(place.join("a")).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(fs::read(place.join("a")).unwrap(), b"hunter2");

        let growing = Growing::beside(&place).unwrap();
        assert_eq!(growing.put().unwrap_err().name(), "FileExists");
        assert_eq!(scratch.names(), ["export"]);
    }
}
