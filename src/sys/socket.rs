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

/// Connects to whoever listens at a path. One that takes nobody in keeps us waiting, where many wait
/// already, for no longer than `time`.
///
/// # Errors
/// `TimedOut`, and what the system says.
#[cfg(target_os = "linux")]
pub(crate) fn connect(path: &Path, time: Duration) -> io::Result<UnixStream> {
    use std::time::Instant;

    use rustix::io::Errno;
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};

    let until = Instant::now() + time;
    let address = SocketAddrUnix::new(path)?;
    let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
    let socket = rustix::net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    loop {
        // It is the time to connect, too (unix(7) does not say so, but socket(7)).
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(left))?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) => break,
            Err(Errno::INTR) if Instant::now() < until => {}
            Err(Errno::INTR | Errno::AGAIN) => return Err(ErrorKind::TimedOut.into()),
            Err(error) => return Err(error.into()),
        }
    }
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, None)?;
    Ok(socket.into())
}

/// Elsewhere the system turns away whoever would have to wait.
#[cfg(not(target_os = "linux"))]
pub(crate) fn connect(path: &Path, _time: Duration) -> io::Result<UnixStream> {
    UnixStream::connect(path)
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

    /// Without the time, it waits for ever.
    #[cfg(target_os = "linux")]
    #[test]
    fn nobody_waits_for_ever_to_be_taken_in() {
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};

        let scratch = Scratch::new();
        let path = scratch.join("s");
        let absent = connect(&path, Duration::from_mins(1)).unwrap_err();
        assert_eq!(absent.kind(), ErrorKind::NotFound);
        let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        listen(&listener, 0).unwrap();
        let mut waiting = Vec::new();
        let refused = loop {
            match connect(&path, Duration::from_millis(1)) {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
        // Who was taken in has all the time there is.
        assert_eq!(waiting.remove(0).write_timeout().unwrap(), None);
    }
}
