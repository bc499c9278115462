//! The agent without a process and a socket of its own, for the fuzz target of what is said to it.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::door::{Agent, RULES, VIA};
use super::place::Place;
use super::sessions::Sessions;
use crate::gateway::server::Door;
use crate::rotation::remote::Explain;
use crate::sys::clock::{Clock, Moments};
use crate::sys::entropy::Entropy;
use crate::sys::secret::Secret;
use crate::sys::{process, socket};
use crate::vault::Origin;

/// An agent that is asked by hand.
pub(crate) struct Trial<'a>(Agent<'a>);

impl<'a> Trial<'a> {
    /// Has nothing unlocked yet. No rotation ever begins in it: no program is run.
    pub(crate) fn new<S: Clock + Moments + Entropy + Sync>(
        system: &'a S,
        explain: Explain,
    ) -> Self {
        // There are neither login sessions nor files with tokens.
        let nowhere = Path::new("/nonexistent");
        Self(Agent {
            sessions: Sessions::of(nowhere, Place::at(nowhere)),
            moments: system,
            clock: system,
            entropy: system,
            origin: Origin { via: VIA.to_owned(), ..Origin::default() },
            explain,
            wake: &|| (),
            has_begun: AtomicBool::new(false),
        })
    }

    /// Reads the next message from a stream, as the socket's server does. `None` at its end.
    pub(crate) fn next(stream: &UnixStream) -> io::Result<Option<Secret<Vec<u8>>>> {
        RULES.framing.read(stream, Instant::now() + PATIENCE, RULES.longest)
    }

    /// Answers a message that came from a stream.
    pub(crate) fn answer(&self, stream: &UnixStream, message: &[u8]) -> Option<Secret<Vec<u8>>> {
        for session in self.0.sessions.all() {
            session.long_work.stop();
        }
        // It does not end.
        self.0.sessions.is_ending.store(false, Ordering::SeqCst);
        let peer = socket::peer(stream)?;
        self.0.answer(&process::actor_of(peer.pid, peer.uid), stream, Secret::new(message.to_vec()))
    }

    /// Does what is to be done at this time.
    pub(crate) fn attend(&self) {
        let (due, _left) = self.0.sessions.attend(self.0.moments.moment());
        for one in due {
            self.0.sessions.carry_out(&one, self.0.moments, self.0.context());
        }
    }
}

/// Longer than a message on a pair of sockets takes.
const PATIENCE: Duration = Duration::from_secs(10);
