//! An endpoint's socket: how it is listened at, and what ends that.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::at::At;
use super::long_work::{Stop, lock};
use crate::sys::files;
use crate::sys::socket::{Closer, Listener};

/// A socket that is listened at, and where.
pub(super) struct Listening {
    pub(super) at: At,
    pub(super) heard: Heard,
    /// Is removed with it.
    _file: Option<SocketFile>,
}

/// The socket itself.
pub(super) enum Heard {
    Loopback(Listener<TcpListener>),
    File(Listener<UnixListener>),
}

/// Ends listening, which may not have begun yet.
#[derive(Clone, Default)]
pub(super) struct Ender(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Rings when it has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    is_ended: bool,
    /// While somebody listens.
    closer: Option<Closer>,
}

impl Ender {
    /// Returns what ends it, from any thread.
    pub(super) fn stop(&self) -> Stop {
        let shared = Arc::clone(&self.0);
        Arc::new(move |_interrupt| {
            let mut state = lock(&shared.state);
            state.is_ended = true;
            // Nobody comes any more.
            drop(state.closer.take());
            shared.ended.notify_all();
        })
    }

    /// Waits until it is ended.
    pub(super) fn wait(&self) {
        let state = lock(&self.0.state);
        let ended = self.0.ended.wait_while(state, |state| !state.is_ended);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }

    /// Has what ends it end this.
    fn watch(&self, closer: Closer) {
        let mut state = lock(&self.0.state);
        if !state.is_ended {
            state.closer = Some(closer);
        }
    }
}

impl Listening {
    /// Listens there until it is ended. What is wrong is told in a sentence.
    pub(super) fn begin(at: &At, ender: &Ender) -> Result<Self, String> {
        let is_taken = |error: &io::Error| error.kind() == ErrorKind::AddrInUse;
        match at {
            At::Port(port) => Self::at_port(*port, ender).map_err(|error| {
                if is_taken(&error) {
                    return format!("port {port} of 127.0.0.1 is in use");
                }
                format!("port {port} cannot be listened at: {error}")
            }),
            At::Socket(path) => Self::at_path(path, ender).map_err(|error| {
                let path = path.display();
                if is_taken(&error) {
                    return format!("there is something at {path} already");
                }
                format!("{path} cannot be listened at: {error}")
            }),
        }
    }

    fn at_port(port: u16, ender: &Ender) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let at = At::Port(listener.local_addr()?.port());
        let (listener, closer) = Listener::at(listener)?;
        ender.watch(closer);
        Ok(Self { at, heard: Heard::Loopback(listener), _file: None })
    }

    fn at_path(path: &Path, ender: &Ender) -> io::Result<Self> {
        require_own(files::parent_of(path))?;
        clear(path)?;
        let listener = UnixListener::bind(path)?;
        let file = SocketFile::at(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        let (listener, closer) = Listener::at(listener)?;
        ender.watch(closer);
        Ok(Self {
            at: At::Socket(path.to_owned()),
            heard: Heard::File(listener),
            _file: Some(file),
        })
    }
}

/// A socket's file, which is removed when it is dropped.
struct SocketFile {
    path: PathBuf,
    /// Which file it is: its device and its number there.
    which: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), which: which(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Somebody may have removed it, and another process may be heard at its path by now.
        if which(&self.path).is_ok_and(|found| found == self.which) {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn which(path: &Path) -> io::Result<(u64, u64)> {
    let found = path.symlink_metadata()?;
    Ok((found.dev(), found.ino()))
}

/// Requires that nobody else puts another socket into the place of one in this directory.
fn require_own(directory: &Path) -> io::Result<()> {
    let found = directory.metadata()?;
    let (is_sticky, mode) = (found.mode() & STICKY != 0, found.mode() & 0o7777);
    let is_ours = [0, files::user_id()].contains(&found.uid());
    if is_ours && (is_sticky || mode & OTHERS_WRITE == 0) {
        return Ok(());
    }
    let directory = directory.display();
    Err(io::Error::other(format!("others may change the directory {directory} (mode {mode:04o})")))
}

/// Removes the socket of a process that was killed.
fn clear(path: &Path) -> io::Result<()> {
    let Ok(found) = path.symlink_metadata() else { return Ok(()) };
    let is_left = found.file_type().is_socket() && found.uid() == files::user_id();
    let is_dead = || {
        let refused = UnixStream::connect(path).err();
        refused.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    };
    if is_left && is_dead() { fs::remove_file(path) } else { Err(ErrorKind::AddrInUse.into()) }
}

/// The bit of a directory whose files only their owners may replace.
const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o022;

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;
    use crate::sys::interrupts::Interrupt;
    use crate::sys::scratch::Scratch;

    #[test]
    fn a_port_is_of_the_loopback_interface_and_one_listens_at_it() {
        let ender = Ender::default();
        let listening = Listening::begin(&At::Port(0), &ender).unwrap();
        let At::Port(port) = listening.at else { panic!() };
        let Heard::Loopback(listener) = &listening.heard else { panic!() };
        let _client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(listener.accept().unwrap().local_addr().unwrap().ip().is_loopback());
        let refused = Listening::begin(&At::Port(port), &Ender::default()).err().unwrap();
        assert_eq!(refused, format!("port {port} of 127.0.0.1 is in use"));
        ender.stop()(Interrupt::Order);
        assert!(listener.accept().is_none());
    }

    /// What is stopped before it has begun does not begin.
    #[test]
    fn what_is_ended_before_hears_nobody() {
        let ender = Ender::default();
        ender.stop()(Interrupt::Order);
        let listening = Listening::begin(&At::Port(0), &ender).unwrap();
        let Heard::Loopback(listener) = &listening.heard else { panic!() };
        assert!(listener.accept().is_none());
    }

    #[test]
    fn a_socket_is_private_goes_with_the_listener_and_replaces_only_a_dead_one() {
        let scratch = Scratch::new();
        let path = scratch.join("s");
        let at = At::Socket(path.clone());
        let ender = Ender::default();
        let listening = Listening::begin(&at, &ender).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert!(Listening::begin(&at, &Ender::default()).is_err(), "one that is heard is replaced");
        drop(listening);
        assert!(!path.exists());
        let removed = Listening::begin(&at, &ender).unwrap();
        fs::remove_file(&path).unwrap();
        let other = Listening::begin(&at, &Ender::default()).unwrap();
        drop(removed);
        assert!(path.exists(), "the socket of another is removed");
        drop(other);
        drop(UnixListener::bind(&path).unwrap());
        drop(Listening::begin(&at, &Ender::default()).unwrap());
        files::create_private_dir(&path).unwrap();
        assert!(Listening::begin(&at, &Ender::default()).is_err(), "something else is removed");

        let open = scratch.join("open");
        files::create_private_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let refused = Listening::begin(&At::Socket(open.join("s")), &Ender::default());
        assert!(refused.err().unwrap().contains("others may change the directory"));
    }
}
