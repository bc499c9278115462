//! Files that have no name until they are whole: if the process is killed before, nothing is left.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::files::{self, FileFault};

/// Writes a new private file, whole or not at all, and waits until it is on the disk. Where the file system
/// knows no files without a name, it has another one until it is whole.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    let fault = |error| FileFault::from_io(path, error);
    files::check_directory(files::parent_of(path))?;
    let Some(mut file) = open(files::parent_of(path)) else {
        return files::write_private(path, bytes);
    };
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fault)?;
    name(&file, path).map_err(fault)?;
    files::sync_directory(files::parent_of(path))
}

/// Opens a file without a name in a directory; `None` where there is no such thing.
#[cfg(target_os = "linux")]
fn open(directory: &Path) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags};
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(CWD, directory, flags, Mode::RUSR | Mode::WUSR);
    opened.ok().filter(|_| Path::new("/proc/self/fd").is_dir()).map(File::from)
}

/// Other systems have no such files.
#[cfg(not(target_os = "linux"))]
fn open(_directory: &Path) -> Option<File> {
    None
}

/// Gives it its name, which nothing may have.
fn name(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD};
    use std::os::fd::AsRawFd;
    let itself = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(CWD, itself, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn a_file_is_there_whole_and_private_or_not_at_all() {
        let scratch = Scratch::new();
        let path = scratch.join("export");
        write_private(&path, b"hunter2").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"hunter2");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        let fault = write_private(&path, b"other").unwrap_err();
        assert_eq!(fault.name(), "FileExists");
        assert_eq!(std::fs::read(&path).unwrap(), b"hunter2");
        assert!(write_private(&scratch.join("missing/export"), b"x").is_err());
        assert_eq!(scratch.names(), ["export"]);
    }

    /// What is written has no name yet, so that nothing stays of a process that is killed meanwhile.
    #[test]
    #[cfg(target_os = "linux")]
    fn it_has_no_name_while_it_is_written() {
        let scratch = Scratch::new();
        let Some(mut file) = open(scratch.path()) else { return };
        file.write_all(b"hunter2").unwrap();
        assert_eq!(scratch.names(), Vec::<String>::new());
        name(&file, &scratch.join("export")).unwrap();
        assert_eq!(scratch.names(), ["export"]);
    }
}
