//! A socket at which other processes of this user are answered.
//!
//! Who may ask: a process of this user, which is checked when it comes and before each answer, while
//! the door is open. Whether it has a token, and what it may ask, is the door's to say. However
//! many come, and whatever they send or keep back, only so many are heard at once, and no longer than
//! a request takes.

use std::collections::BTreeMap;
use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use super::frames::Framing;
use crate::sys::process::{self, Actor};
use crate::sys::secret::Secret;
use crate::sys::socket::{self, Listener};

/// What becomes of what a process asks.
pub(crate) trait Door: Sync {
    /// Answers one message; `None` ends the connection. The stream is the caller's own: a long answer
    /// may look whether anybody still waits for it. The message may hold a key, and is the door's to
    /// forget.
    fn answer(
        &self,
        who: &Actor,
        stream: &UnixStream,
        message: Secret<Vec<u8>>,
    ) -> Option<Secret<Vec<u8>>>;

    /// Somebody has come, and will ask for something in a moment.
    fn prepare(&self) {}

    /// A thread has panicked: what it held may be half done.
    fn panicked(&self);
}

/// How much is heard, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) framing: Framing,
    /// The most connections at once; others wait for a place.
    pub(crate) at_once: usize,
    /// The longest message, in bytes.
    pub(crate) longest: usize,
    /// How long one message may take to come, and one answer to be taken.
    pub(crate) patience: Duration,
    /// How long a connection keeps its place without a message while others wait for one.
    pub(crate) grace: Duration,
    /// Whether a connection is for one message alone: nobody keeps his place by asking on and on.
    pub(crate) is_for_one: bool,
}

pub(crate) struct Server<'a> {
    door: &'a dyn Door,
    rules: Rules,
    connections: Mutex<Connections>,
    /// Rings when a place becomes free, or the server is closed.
    moved: Condvar,
}

/// The open connections.
#[derive(Default)]
struct Connections {
    is_closed: bool,
    next: u64,
    /// How many threads wait for who comes, or for a place for him.
    waiting: usize,
    open: BTreeMap<u64, Connection>,
}

struct Connection {
    stream: UnixStream,
    /// Since when it has been listened to; `None` while it is answered.
    listened_to: Option<Instant>,
}

impl<'a> Server<'a> {
    pub(crate) fn new(door: &'a dyn Door, rules: Rules) -> Self {
        Self { door, rules, connections: Mutex::default(), moved: Condvar::new() }
    }

    /// Answers those who come until the listener is closed, and first of all `first`, which is
    /// connected already.
    pub(crate) fn serve(&self, listener: &Listener, first: Option<UnixStream>) {
        thread::scope(|scope| self.work(scope, listener, first));
    }

    /// Answers one after the other, and sees to it that while this thread answers, another waits for
    /// who comes next: whoever comes is answered by the thread that it wakes, and no other is woken.
    fn work<'scope, 'env: 'scope>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        listener: &'env Listener,
        mut first: Option<UnixStream>,
    ) {
        while self.is_wanted() {
            let Some(stream) = first.take().or_else(|| listener.accept()) else { return };
            let admitted = self.admit(stream);
            let is_last = self.is_last_to_wait();
            let next = move || self.work(scope, listener, None);
            let is_alone = is_last && thread::Builder::new().spawn_scoped(scope, next).is_err();
            let Some((number, stream)) = admitted else { continue };
            // Where there can be no other thread, those who come are turned away: this one must wait
            // for the next.
            if !is_alone {
                // A caller who does not wait for the answer does not want it.
                let attended = catch_unwind(AssertUnwindSafe(|| self.attend(number, &stream)));
                if attended.is_err() {
                    self.door.panicked();
                }
            }
            self.connections().open.remove(&number);
            self.moved.notify_all();
        }
    }

    /// Whether another thread is needed to wait: one does, and one more is at hand for the next.
    fn is_wanted(&self) -> bool {
        let mut connections = self.connections();
        let is_wanted = connections.waiting < AT_HAND;
        connections.waiting += usize::from(is_wanted);
        is_wanted
    }

    /// Waits no more; whether nobody else does.
    fn is_last_to_wait(&self) -> bool {
        let mut connections = self.connections();
        connections.waiting = connections.waiting.saturating_sub(1);
        connections.waiting == 0
    }

    /// Closes all connections and accepts no more. Requests in progress are still answered.
    pub(crate) fn close(&self) {
        let mut connections = self.connections();
        connections.is_closed = true;
        for connection in connections.open.values() {
            drop(connection.stream.shutdown(Shutdown::Read));
        }
        drop(connections);
        self.moved.notify_all();
    }

    /// Waits for a place, and takes one away from somebody who makes no use of it.
    fn admit(&self, stream: UnixStream) -> Option<(u64, UnixStream)> {
        let mut connections = self.connections();
        while !connections.is_closed && connections.open.len() >= self.rules.at_once {
            let grace = self.rules.grace;
            let idle = |connection: &&Connection| {
                connection.listened_to.is_some_and(|since| since.elapsed() >= grace)
            };
            if let Some(idle) = connections.open.values().find(idle) {
                drop(idle.stream.shutdown(Shutdown::Both));
            }
            let waited = self.moved.wait_timeout(connections, grace);
            connections = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if connections.is_closed {
            return None;
        }
        let number = connections.next;
        connections.next = number.saturating_add(1);
        let listened_to = Some(Instant::now());
        let connection = Connection { stream: stream.try_clone().ok()?, listened_to };
        connections.open.insert(number, connection);
        Some((number, stream))
    }

    fn attend(&self, number: u64, stream: &UnixStream) -> io::Result<()> {
        let Rules { framing, patience, longest, is_for_one, .. } = self.rules;
        let Some(peer) = socket::peer(stream).filter(|peer| peer.is_own()) else { return Ok(()) };
        // Most have something else to do first.
        let who = process::actor_of(peer.pid, peer.uid);
        // In a crowd, others need the processor.
        if self.connections().open.len() == 1 {
            self.door.prepare();
            socket::stay_awake_for(stream, SOON);
        }
        loop {
            self.listen_to(number, Some(Instant::now()));
            let Some(message) = framing.read(stream, Instant::now() + patience, longest)? else {
                return Ok(());
            };
            self.listen_to(number, None);
            if self.connections().is_closed {
                return Ok(());
            }
            let answer = self.door.answer(&who, stream, message);
            let Some(answer) = answer else { return Ok(()) };
            framing.write(stream, answer.expose(), patience)?;
            if is_for_one {
                return Ok(());
            }
        }
    }

    fn listen_to(&self, number: u64, since: Option<Instant>) {
        if let Some(connection) = self.connections().open.get_mut(&number) {
            connection.listened_to = since;
        }
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many threads wait at most: to begin one takes longer than to answer most of what is asked.
const AT_HAND: usize = 2;
/// Within which time one who has connected mostly says what he wants.
const SOON: Duration = Duration::from_micros(300);

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::sys::scratch::Scratch;

    /// Says after everybody what he says.
    #[derive(Default)]
    struct Echo {
        has_panicked: AtomicBool,
    }

    impl Door for Echo {
        fn answer(
            &self,
            _: &Actor,
            _: &UnixStream,
            message: Secret<Vec<u8>>,
        ) -> Option<Secret<Vec<u8>>> {
            assert_ne!(message.expose(), b"panic", "as it was asked to");
            (message.expose() != b"end").then_some(message)
        }

        fn panicked(&self) {
            self.has_panicked.store(true, Ordering::SeqCst);
        }
    }

    fn rules(framing: Framing) -> Rules {
        let (patience, grace) = (Duration::from_mins(1), Duration::from_millis(1));
        let is_for_one = framing == Framing::Line;
        Rules { framing, at_once: 8, longest: 1000, patience, grace, is_for_one }
    }

    /// Serves while `talk` talks, and returns what it made of that.
    fn served<T>(framing: Framing, talk: impl FnOnce(&Path, &Server<'_>, &Echo) -> T) -> T {
        served_by(rules(framing), talk)
    }

    fn served_by<T>(rules: Rules, talk: impl FnOnce(&Path, &Server<'_>, &Echo) -> T) -> T {
        let scratch = Scratch::new();
        let path = scratch.join("s");
        let (listener, closer) = Listener::bind(&path).unwrap();
        let door = Echo::default();
        let server = Server::new(&door, rules);
        thread::scope(|scope| {
            scope.spawn(|| server.serve(&listener, None));
            let out = talk(&path, &server, &door);
            server.close();
            drop(closer);
            out
        })
    }

    fn say(path: &Path, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(path).unwrap();
        drop(stream.write_all(bytes));
        drop(stream.shutdown(Shutdown::Write));
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer));
        answer
    }

    #[test]
    fn messages_are_answered_as_they_are_framed() {
        served(Framing::Line, |path, _, _| {
            assert_eq!(say(path, b"a\nb\n"), "a\n");
            assert_eq!(say(path, b"end\n"), "");
        });
        served(Framing::Frame, |path, _, _| {
            let both = b"\0\0\0\x01a\0\0\0\x01b";
            assert_eq!(say(path, both).as_bytes(), both);
            assert_eq!(say(path, b"\0\0\0\x03end\0\0\0\x01a"), "");
        });
    }

    /// Without that, eight who ask on and on keep everybody else out.
    #[test]
    fn a_connection_may_be_for_one_message() {
        let rules = Rules { is_for_one: true, ..rules(Framing::Frame) };
        served_by(rules, |path, _, _| {
            assert_eq!(say(path, b"\0\0\0\x01a\0\0\0\x01b").as_bytes(), b"\0\0\0\x01a");
        });
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        served(Framing::Line, |path, _, _| assert_eq!(say(path, &[b'x'; 1001]), ""));
        served(Framing::Frame, |path, _, _| assert_eq!(say(path, b"\x80\0\0\0"), ""));
    }

    #[test]
    fn who_says_nothing_gives_his_place_up() {
        served(Framing::Line, |path, _, _| {
            let silent: Vec<UnixStream> =
                (0..20).map(|_| UnixStream::connect(path).unwrap()).collect();
            assert_eq!(say(path, b"a\n"), "a\n");
            drop(silent);
        });
    }

    #[test]
    fn a_panic_is_told_and_others_are_answered() {
        served(Framing::Line, |path, _, door| {
            assert_eq!(say(path, b"panic\n"), "");
            assert!(door.has_panicked.load(Ordering::SeqCst));
            assert_eq!(say(path, b"a\n"), "a\n");
        });
    }

    #[test]
    fn a_request_that_comes_too_late_is_not_answered() {
        served(Framing::Line, |path, server, _| {
            let mut early = UnixStream::connect(path).unwrap();
            early.write_all(b"a").unwrap();
            // It is heard before the end comes.
            while server.connections().open.is_empty() {
                thread::yield_now();
            }
            server.close();
            drop(early.write_all(b"b\n"));
            let mut answer = String::new();
            drop(early.read_to_string(&mut answer));
            assert!(!answer.contains('b'), "{answer}");
        });
    }
}
