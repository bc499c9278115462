//! A socket in the file system on which only this user's processes are heard.

use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A socket that is listened at.
pub(crate) struct Listener {
    listener: UnixListener,
    bell: UnixStream,
}

/// Ends a [`Listener`]'s waiting, from another thread.
pub(crate) struct Closer {
    _bell: UnixStream,
}

impl Listener {
    /// Listens at a path, in a directory that others may not enter. Dropping the [`Closer`] ends it.
    pub(crate) fn bind(path: &Path) -> io::Result<(Self, Closer)> {
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        let (bell, other) = UnixStream::pair()?;
        Ok((Self { listener, bell }, Closer { _bell: other }))
    }

    /// Waits for a connection of one of this user's processes; `None` when it was closed.
    pub(crate) fn accept(&self) -> Option<UnixStream> {
        loop {
            let mut both = [
                PollFd::new(&self.listener, PollFlags::IN),
                PollFd::new(&self.bell, PollFlags::IN),
            ];
            match poll(&mut both, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return None,
            }
            let [listening, bell] = both;
            if !bell.revents().is_empty() || listening.revents().contains(PollFlags::NVAL) {
                return None;
            }
            match self.listener.accept() {
                Ok((stream, _)) if is_own(&stream) && stream.set_nonblocking(false).is_ok() => {
                    return Some(stream);
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Too many files are open; the one who connects will try again, or not.
                Err(_) => super::clock::pause(Duration::from_millis(20)),
            }
        }
    }
}

/// The process at the other end of a connection, as the kernel knew it when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The user's number.
    pub(crate) uid: u32,
    /// The process.
    pub(crate) pid: u32,
}

impl Peer {
    /// Whether it belongs to this user.
    pub(crate) fn is_own(self) -> bool {
        self.uid == rustix::process::geteuid().as_raw()
    }
}

/// Returns the process at the other end; `None` where nobody can tell.
#[cfg(target_os = "linux")]
pub(crate) fn peer(stream: &impl AsFd) -> Option<Peer> {
    let peer = rustix::net::sockopt::socket_peercred(stream).ok()?;
    let pid = u32::try_from(peer.pid.as_raw_pid()).ok()?;
    Some(Peer { uid: peer.uid.as_raw(), pid })
}

/// Elsewhere the mode of the directory, 0700, says whose it is.
#[cfg(not(target_os = "linux"))]
pub(crate) fn peer(_stream: &impl AsFd) -> Option<Peer> {
    Some(Peer { uid: rustix::process::geteuid().as_raw(), pid: 0 })
}

/// Waits until there is something to read, or the end; whether there is within a time.
pub(crate) fn has_word_within(stream: &impl AsFd, time: Duration) -> bool {
    let Ok(time) = Timespec::try_from(time) else { return true };
    // What cannot be waited for is found out by reading.
    poll(&mut [PollFd::new(stream, PollFlags::IN)], Some(&time)) != Ok(0)
}

/// Whether the other end belongs to this user.
pub(crate) fn is_own(stream: &impl AsFd) -> bool {
    peer(stream).is_some_and(Peer::is_own)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn accepts_until_it_is_closed() {
        let scratch = Scratch::new();
        let path = scratch.join("s");
        let (listener, closer) = Listener::bind(&path).unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"hello").unwrap();
        let mut server = listener.accept().unwrap();
        let mut bytes = [0; 5];
        server.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"hello");
        let waiting = std::thread::spawn(move || listener.accept().is_none());
        drop(closer);
        assert!(waiting.join().unwrap());
    }
}
