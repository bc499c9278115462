//! A socket at which other processes of this user are answered.
//!
//! Who may ask: a process of this user, with a token that the door knows, while the door is open;
//! each of the three is checked again after the request was read. What it may ask is decided with
//! the call.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::refusal::Refusal;
use super::wire::{self, Request};
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::sys::secret::Secret;
use crate::sys::socket::{self, Listener};

/// Whom a server lets in, and what becomes of what they ask.
pub(crate) struct Door<'a> {
    /// Finds the holder of this token, if any. Compares in constant time.
    pub(crate) caller_of: &'a (dyn Fn(&str) -> Option<Arc<Caller>> + Sync),
    pub(crate) answer: &'a (dyn Fn(&Caller, &Request) -> Result<Value, Refusal> + Sync),
    /// What everybody else is told.
    pub(crate) refusal: &'static str,
}

pub(crate) struct Server<'a> {
    door: Door<'a>,
    connections: Mutex<Connections>,
}

/// The open connections.
#[derive(Default)]
struct Connections {
    is_closed: bool,
    next: u64,
    open: BTreeMap<u64, UnixStream>,
}

impl<'a> Server<'a> {
    pub(crate) fn new(door: Door<'a>) -> Self {
        Self { door, connections: Mutex::default() }
    }

    /// Answers until the listener is closed.
    pub(crate) fn serve(&self, listener: &Listener) {
        thread::scope(|scope| {
            while let Some(stream) = listener.accept() {
                let Some((number, stream)) = self.admit(stream) else { continue };
                scope.spawn(move || {
                    // A caller who does not wait for the answer does not want it.
                    drop(self.talk(&stream));
                    self.connections().open.remove(&number);
                });
            }
        });
    }

    /// Closes all connections and accepts no more. Requests in progress are still answered.
    pub(crate) fn close(&self) {
        let mut connections = self.connections();
        connections.is_closed = true;
        for stream in connections.open.values() {
            drop(stream.shutdown(Shutdown::Read));
        }
    }

    fn admit(&self, stream: UnixStream) -> Option<(u64, UnixStream)> {
        let mut connections = self.connections();
        if connections.is_closed || connections.open.len() >= MAX_AT_ONCE {
            return None;
        }
        let number = connections.next;
        connections.next = number.saturating_add(1);
        connections.open.insert(number, stream.try_clone().ok()?);
        Some((number, stream))
    }

    fn talk(&self, mut stream: &UnixStream) -> io::Result<()> {
        let line = wire::read_line(stream, Instant::now() + PATIENCE)?;
        let answer = self.answer_line(line.expose(), stream);
        let line = Secret::new(wire::answer(&answer));
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(line.expose())
    }

    fn answer_line(&self, line: &[u8], stream: &UnixStream) -> Result<Value, Refusal> {
        let request = wire::request(line).map_err(|what| Refusal::denied(&what))?;
        let is_open = !self.connections().is_closed && socket::is_own(stream);
        let caller = (self.door.caller_of)(&request.token).filter(|_| is_open);
        let caller = caller.ok_or_else(|| Refusal::denied(self.door.refusal))?;
        (self.door.answer)(&caller, &request)
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The most connections at once.
const MAX_AT_ONCE: usize = 8;
/// How long one request may take to come, and one answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::Path;

    use super::*;
    use crate::sys::scratch::Scratch;

    /// Serves while `talk` talks, and returns what it made of that.
    fn served<T>(talk: impl FnOnce(&Path, &Server<'_>) -> T) -> T {
        let scratch = Scratch::new();
        let path = scratch.join("s");
        let (listener, closer) = Listener::bind(&path).unwrap();
        let answer = |_: &Caller, request: &Request| Ok(Value::Text(request.operation.clone()));
        let owner = Arc::new(Caller::Owner);
        let caller_of = |token: &str| (token == "token").then(|| Arc::clone(&owner));
        let door = Door { caller_of: &caller_of, answer: &answer, refusal: "not the token" };
        let server = Server::new(door);
        thread::scope(|scope| {
            scope.spawn(|| server.serve(&listener));
            let out = talk(&path, &server);
            server.close();
            drop(closer);
            out
        })
    }

    fn say(path: &Path, line: &str) -> String {
        let mut stream = UnixStream::connect(path).unwrap();
        drop(stream.write_all(line.as_bytes()));
        drop(stream.shutdown(Shutdown::Write));
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer));
        answer
    }

    #[test]
    fn only_the_token_is_answered() {
        served(|path, _| {
            let good = say(path, "{\"v\":1,\"token\":\"token\",\"op\":\"Op\"}\n");
            assert_eq!(good, "{\"ok\":true,\"result\":\"Op\"}\n");
            for line in [
                "{\"v\":1,\"token\":\"Token\",\"op\":\"Op\"}\n",
                "{\"v\":1,\"token\":\"\",\"op\":\"Op\"}\n",
                "{\"v\":1,\"op\":\"Op\"}\n",
                "{\"v\":1,\"token\":\"token\",",
                "\n",
            ] {
                assert!(say(path, line).contains("AccessDeniedException"), "{line}");
            }
        });
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        served(|path, _| {
            let long =
                format!("{{\"v\":1,\"token\":\"token\",\"op\":\"{}\"}}\n", "x".repeat(2 << 20));
            assert_eq!(say(path, &long), "");
        });
    }

    #[test]
    fn nine_do_not_talk_at_once() {
        served(|path, _| {
            let eight: Vec<UnixStream> =
                (0..8).map(|_| UnixStream::connect(path).unwrap()).collect();
            let line = "{\"v\":1,\"token\":\"token\",\"op\":\"Op\"}\n";
            assert_eq!(say(path, line), "");
            drop(eight);
        });
    }

    #[test]
    fn a_request_that_comes_too_late_is_refused() {
        served(|path, server| {
            let mut early = UnixStream::connect(path).unwrap();
            early.write_all(b"{\"v\":1,\"token\":\"token\",").unwrap();
            // It is heard before the end comes.
            while server.connections().open.is_empty() {
                thread::yield_now();
            }
            server.close();
            drop(early.write_all(b"\"op\":\"Op\"}\n"));
            let mut answer = String::new();
            drop(early.read_to_string(&mut answer));
            assert!(!answer.contains("true"), "{answer}");
        });
    }
}
