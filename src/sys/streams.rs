//! The streams that the process was started with: whether standard output was there, and the others
//! by their numbers.
//!
//! Before anything else, `/dev/null` is opened in the place of a stream that is closed, so that no other
//! file gets its number. What is printed then would be lost without a word.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether standard output was closed.
pub(crate) fn was_stdout_closed() -> bool {
    WAS_CLOSED.load(Ordering::Relaxed)
}

/// Opens `/dev/null` in the place of each standard stream that is closed.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn fill_gaps() -> io::Result<()> {
    let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    for stream in streams {
        if rustix::io::fcntl_getfd(stream).is_err() {
            // It gets the lowest number that is free, and keeps it.
            let null = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty())?;
            let _number: RawFd = null.into_raw_fd();
        }
    }
    Ok(())
}

/// Has a write to a pipe that nobody reads fail, instead of ending this process. What this process starts
/// is spared that by the standard library.
pub(crate) fn outlive_readers() -> io::Result<()> {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: no handler is set that could run at a bad moment.
    let was = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
    Ok(was.map(|_handler| ())?)
}

/// Returns the stream that has this number, without opening it anew: a path such as `/dev/fd/3` opens
/// no socket and nothing of another user's, needs `/proc`, and begins again at byte 0 of a file.
///
/// # Errors
/// Nothing has this number.
pub(crate) fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: numbers alone; the kernel reads and writes no memory, and says so where nothing is open.
    let copy = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, FIRST_AFTER_STANDARD) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Closes the stream with this number, which nothing in this process owns.
pub(crate) fn close(number: RawFd) -> io::Result<()> {
    Ok(nix::unistd::close(number)?)
}

/// Returns the number of the stream that a path means, if it means one.
pub(crate) fn named(path: &str) -> Option<RawFd> {
    if path == "/dev/stdin" {
        return Some(0);
    }
    let digits = path.strip_prefix("/dev/fd/").or(path.strip_prefix("/proc/self/fd/"))?;
    let is_plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}

/// A stream that is waited for, also where whoever opened it shares it with a program that does not
/// wait: what is set for one of them holds for all.
pub(crate) struct Patient(pub(crate) File);

impl Read for Patient {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(to) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(&self.0, PollFlags::IN)?;
                }
                read => return read,
            }
        }
    }
}

/// Writes all of it to standard output.
pub(crate) fn write_stdout(bytes: &[u8]) -> io::Result<()> {
    write_all(rustix::stdio::stdout(), bytes)
}

/// Writes all of it to a stream, which may be one that does not wait.
pub(crate) fn write_all(stream: impl AsFd, bytes: &[u8]) -> io::Result<()> {
    let mut left = bytes;
    while !left.is_empty() {
        match rustix::io::write(&stream, left) {
            Ok(written) => left = left.get(written..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => wait(&stream, PollFlags::OUT)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn wait(stream: impl AsFd, what: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(&stream, what)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Looks at standard output, and whether there is memory. Runs before the standard library is ready, and
/// uses none of it.
extern "C" fn look() {
    super::memory::require_some();
    if rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err() {
        WAS_CLOSED.store(true, Ordering::Relaxed);
    }
}

// SAFETY: the section holds pointers to functions that take and return nothing, or ignore what they
// are given; they are called once each, by the only thread there is.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
static BEFORE_MAIN: extern "C" fn() = look;

const FIRST_AFTER_STANDARD: RawFd = 3;

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom};
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn a_path_may_stand_for_a_stream() {
        for (path, number) in [
            ("/dev/stdin", Some(0)),
            ("/dev/fd/0", Some(0)),
            ("/dev/fd/63", Some(63)),
            ("/proc/self/fd/7", Some(7)),
            ("/dev/fd/", None),
            ("/dev/fd/+3", None),
            ("/dev/fd/3/x", None),
            ("/dev/fd/99999999999", None),
            ("/dev/stdout", None),
            ("dev/stdin", None),
        ] {
            assert_eq!(named(path), number, "{path}");
        }
    }

    #[test]
    fn a_stream_is_read_from_where_it_is() {
        let mut file = File::open("Cargo.toml").unwrap();
        file.seek(SeekFrom::Start(1)).unwrap();
        let mut read = [0; 7];
        File::from(inherited(file.as_raw_fd()).unwrap()).read_exact(&mut read).unwrap();
        assert_eq!((&read, file.stream_position().unwrap()), (b"package", 8));
        let refused = inherited(RawFd::MAX).map_err(|error| error.raw_os_error());
        assert_eq!(refused.err(), Some(Some(libc::EBADF)));
    }

    /// A pipe that another program had made non-blocking was "temporarily unavailable".
    #[test]
    fn a_stream_is_waited_for() {
        // Once, the writer could be the faster one.
        for _ in 0..20 {
            let (theirs, mut ours) = io::pipe().unwrap();
            rustix::io::ioctl_fionbio(&theirs, true).unwrap();
            let writer = std::thread::spawn(move || io::Write::write_all(&mut ours, b"late"));
            let mut read = String::new();
            Patient(OwnedFd::from(theirs).into()).read_to_string(&mut read).unwrap();
            assert_eq!(read, "late");
            writer.join().unwrap().unwrap();
        }
    }
}
