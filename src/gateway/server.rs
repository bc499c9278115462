//! A socket at which other processes of this user are answered.
//!
//! Who may ask: a process of this user, which is checked when it comes and before each answer, while
//! the door is open. Whether it has a token, and what it may ask, is the door's to say. However
//! many come, and whatever they send or keep back, only so many are heard at once, and no longer than
//! a request takes.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::crowd::{Crowd, Guest, Host};
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
    crowd: Crowd<UnixStream>,
}

impl<'a> Server<'a> {
    pub(crate) fn new(door: &'a dyn Door, rules: Rules) -> Self {
        Self { door, rules, crowd: Crowd::new(rules.at_once, rules.grace) }
    }

    /// Answers those who come until the listener is closed, and first of all `first`, which is
    /// connected already.
    pub(crate) fn serve(&self, listener: &Listener, first: Option<UnixStream>) {
        self.crowd.serve(listener, first, self);
    }

    /// Closes all connections and accepts no more. Requests in progress are still answered.
    pub(crate) fn close(&self) {
        self.crowd.close();
    }

    fn hear(&self, guest: &Guest<'_, UnixStream>) -> io::Result<()> {
        let Rules { framing, patience, longest, is_for_one, .. } = self.rules;
        let stream = guest.stream();
        let Some(peer) = socket::peer(stream).filter(|peer| peer.is_own()) else { return Ok(()) };
        // Most have something else to do first.
        let who = process::actor_of(peer.pid, peer.uid);
        // In a crowd, others need the processor.
        if guest.is_alone() {
            self.door.prepare();
            socket::stay_awake_for(stream, SOON);
        }
        loop {
            guest.is_heard();
            let Some(message) = framing.read(stream, Instant::now() + patience, longest)? else {
                return Ok(());
            };
            if !guest.is_answered() {
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
}

impl Host<UnixStream> for Server<'_> {
    fn attend(&self, guest: &Guest<'_, UnixStream>) {
        // A caller who does not wait for the answer does not want it.
        drop(self.hear(guest));
    }

    fn panicked(&self) {
        self.door.panicked();
    }
}

/// Within which time one who has connected mostly says what he wants.
const SOON: Duration = Duration::from_micros(300);

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::Shutdown;
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

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
            while server.crowd.is_empty() {
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
