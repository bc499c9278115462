//! Sockets that are listened at: those in the file system, where only this user's processes are heard,
//! and those of the loopback interface.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
#[cfg(target_os = "linux")]
use rustix::net::SocketFlags;

/// What can be listened at.
pub(crate) trait Listens: AsFd + Send + Sync + Sized {
    /// The connection to whoever comes.
    type Stream: AsFd + Send + Sync + From<OwnedFd>;

    /// Whether whoever has come is heard.
    fn admits(stream: &Self::Stream) -> bool;
}

impl Listens for UnixListener {
    type Stream = UnixStream;

    /// Only this user's processes are.
    fn admits(stream: &UnixStream) -> bool {
        is_own(stream)
    }
}

impl Listens for TcpListener {
    type Stream = TcpStream;

    /// The kernel does not tell whose process it is: all must prove who they are.
    fn admits(_stream: &TcpStream) -> bool {
        true
    }
}

/// A socket that is listened at, by any number of threads: whoever connects wakes one of them.
pub(crate) struct Listener<L = UnixListener> {
    listener: L,
    #[cfg(not(target_os = "linux"))]
    bell: UnixStream,
}

/// Ends a [`Listener`]'s waiting, from another thread.
pub(crate) struct Closer {
    /// The same socket.
    #[cfg(target_os = "linux")]
    listener: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    _bell: UnixStream,
}

impl Listener {
    /// Listens at a path, in a directory that others may not enter. Dropping the [`Closer`] ends it.
    pub(crate) fn bind(path: &Path) -> io::Result<(Self, Closer)> {
        Self::at(UnixListener::bind(path)?)
    }
}

#[cfg(target_os = "linux")]
impl<L: Listens> Listener<L> {
    /// Listens at a socket. Dropping the [`Closer`] ends it.
    pub(crate) fn at(listener: L) -> io::Result<(Self, Closer)> {
        let same = listener.as_fd().try_clone_to_owned()?;
        Ok((Self { listener }, Closer { listener: same }))
    }

    /// Takes the next connection; `None` when it was closed.
    fn next(&self) -> io::Result<Option<L::Stream>> {
        match rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC) {
            Ok(stream) => Ok(Some(stream.into())),
            // There is nothing else that Linux says this of.
            Err(Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(target_os = "linux")]
impl Drop for Closer {
    /// Shut down, it wakes all who wait at it, and whoever comes later.
    fn drop(&mut self) {
        let shut = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Read);
        debug_assert!(shut.is_ok(), "{shut:?}");
    }
}

#[cfg(not(target_os = "linux"))]
impl<L: Listens> Listener<L> {
    /// Listens at a socket. Dropping the [`Closer`] ends it.
    pub(crate) fn at(listener: L) -> io::Result<(Self, Closer)> {
        rustix::io::ioctl_fionbio(&listener, true)?;
        let (bell, other) = UnixStream::pair()?;
        Ok((Self { listener, bell }, Closer { _bell: other }))
    }

    /// Takes the next connection; `None` when it was closed.
    fn next(&self) -> io::Result<Option<L::Stream>> {
        loop {
            let mut both = [
                PollFd::new(&self.listener, PollFlags::IN),
                PollFd::new(&self.bell, PollFlags::IN),
            ];
            poll(&mut both, None)?;
            if !both[1].revents().is_empty() {
                return Ok(None);
            }
            match rustix::net::accept(&self.listener) {
                Ok(stream) => {
                    rustix::io::ioctl_fionbio(&stream, false)?;
                    rustix::io::fcntl_setfd(&stream, rustix::io::FdFlags::CLOEXEC)?;
                    return Ok(Some(stream.into()));
                }
                // Another thread was faster.
                Err(Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<L: Listens> Listener<L> {
    /// Waits for a connection that is to be heard; `None` when it was closed.
    pub(crate) fn accept(&self) -> Option<L::Stream> {
        loop {
            match self.next() {
                Ok(Some(stream)) if L::admits(&stream) => return Some(stream),
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
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
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, sockopt};

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

/// Stays awake for a moment, in case there is something to read within it: to be woken takes longer than
/// most answers do. Whoever else wants the processor has it meanwhile, and where there is only one, the
/// other end needs it.
pub(crate) fn stay_awake_for(stream: &impl AsFd, moment: Duration) {
    if !has_several_processors() {
        return;
    }
    let begun = Instant::now();
    while !has_word_within(stream, Duration::ZERO) && begun.elapsed() < moment {
        std::thread::yield_now();
    }
}

#[cfg(target_os = "linux")]
fn has_several_processors() -> bool {
    rustix::thread::sched_getaffinity(None).is_ok_and(|allowed| allowed.count() > 1)
}

#[cfg(not(target_os = "linux"))]
fn has_several_processors() -> bool {
    std::thread::available_parallelism().is_ok_and(|processors| processors.get() > 1)
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
        std::thread::scope(|scope| {
            let wait = || scope.spawn(|| listener.accept().is_none());
            let waiting = [wait(), wait(), wait()];
            drop(closer);
            assert!(waiting.map(|thread| thread.join().unwrap()) == [true; 3]);
            assert!(listener.accept().is_none(), "and it stays closed");
        });
    }

    #[test]
    fn who_stays_awake_hears_what_comes_and_does_not_wait_for_long() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let begun = Instant::now();
        stay_awake_for(&ours, Duration::from_millis(1));
        assert!(begun.elapsed() < Duration::from_secs(5));
        theirs.write_all(b"x").unwrap();
        stay_awake_for(&ours, Duration::from_mins(10));
        assert!(has_word_within(&ours, Duration::ZERO));
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
