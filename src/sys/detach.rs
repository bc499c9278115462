//! This very program once more, in the background: in a session of its own, without a terminal, without
//! what it inherited, and with a stream by which the two talk.
//!
//! As none of our code runs between fork and exec, it sets itself up after it was started.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::io::FdFlags;

use super::streams;

/// Starts this program with these words, then the number of the stream's descriptor.
pub(crate) fn start(words: &[&OsStr]) -> io::Result<UnixStream> {
    start_with(words, Stdio::null())
}

/// The same, with a standard output that it keeps.
pub(crate) fn start_with(words: &[&OsStr], stdout: Stdio) -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    rustix::io::fcntl_setfd(&theirs, FdFlags::empty())?;
    Command::new(own_program()?)
        .args(words)
        .arg(theirs.as_raw_fd().to_string())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::null())
        .spawn()?;
    Ok(ours)
}

/// Sets this process up, which [`start`] started, and returns its end of the stream.
pub(crate) fn set_up(descriptor: &OsString) -> io::Result<UnixStream> {
    let descriptor = descriptor.to_str().and_then(|word| word.parse().ok());
    let descriptor = descriptor.ok_or(io::ErrorKind::InvalidInput)?;
    rustix::process::setsid()?;
    close_inherited(descriptor);
    let stream = streams::inherited(descriptor)?;
    // The copy does not go on to programs that are started; this one would.
    streams::close(descriptor)?;
    Ok(UnixStream::from(stream))
}

/// Closes what the shell that started us may have left open: a passphrase, for one.
pub(crate) fn close_inherited(kept: i32) {
    let entries = fs::read_dir("/dev/fd").into_iter().flatten();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<i32>().ok();
    let open: Vec<i32> = entries.filter_map(|entry| number(entry.ok()?)).collect();
    for descriptor in open.into_iter().filter(|number| *number > 2 && *number != kept) {
        // The directory's own is among them, and closed by now.
        drop(streams::close(descriptor));
    }
}

/// Finds this program's own file; on Linux even when it was replaced by a newer one.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::{IntoRawFd, OwnedFd};

    use super::*;
    use crate::sys::scratch;

    #[test]
    fn a_process_in_the_background_has_nothing_but_its_stream() {
        scratch::assert_passed(&scratch::run_apart("sys::detach::tests::sets_itself_up", "apart"));
    }

    /// Apart, because it closes what every thread has open.
    #[test]
    fn sets_itself_up() {
        if scratch::argument().is_none() {
            return;
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        let theirs = theirs.into_raw_fd();
        let inherited = [OwnedFd::from(ours), OwnedFd::from(File::open("/dev/null").unwrap())];
        // Nothing in this process owns them any more, as after a start.
        let inherited = inherited.map(IntoRawFd::into_raw_fd);
        let mut stream = set_up(&theirs.to_string().into()).unwrap();
        let is_open = |number: &i32| fs::read_link(format!("/dev/fd/{number}")).is_ok();
        let left: Vec<i32> = (3..=inherited[1].max(theirs) + 8).filter(is_open).collect();
        assert_eq!(left, [stream.as_raw_fd()]);
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "the other end was among what is closed");
        assert_eq!(rustix::io::fcntl_getfd(&stream).unwrap(), FdFlags::CLOEXEC);
        let itself = rustix::process::getpid();
        assert_eq!(rustix::process::getsid(None).unwrap(), itself);
        for wrong in ["", "x", "-1", "1048577"] {
            assert!(set_up(&wrong.into()).is_err(), "{wrong}");
        }
    }
}
