//! The other end of the agent's socket.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::messages::{Ask, Reply};
use super::place::Place;
use crate::gateway::frames::Framing;
use crate::sys::socket;

/// A connection to the agent.
pub(crate) struct Line(UnixStream);

/// The agent says nothing.
#[derive(Debug)]
pub(crate) enum Silence {
    /// It was not told what to do.
    Unsent(io::Error),
    /// It was told, and may have done it.
    Unanswered(io::Error),
}

impl Line {
    /// Connects to the agent of this user; `None` if none runs.
    pub(crate) fn connect(place: &Place) -> Option<Self> {
        let stream = UnixStream::connect(place.socket()).ok()?;
        socket::is_own(&stream).then_some(Self(stream))
    }

    /// Takes a connection that is there.
    pub(crate) fn of(stream: UnixStream) -> Self {
        Self(stream)
    }

    /// Asks for something.
    pub(crate) fn ask(&self, ask: &Ask) -> Result<Reply, Silence> {
        let message = ask.write();
        let sent = Framing::Frame.write(&self.0, message.expose(), PATIENCE);
        sent.map_err(Silence::Unsent)?;
        let answer = Framing::Frame.read(&self.0, Instant::now() + PATIENCE, MAX_ANSWER);
        let answer = answer.map_err(Silence::Unanswered)?;
        let reply = answer.and_then(|answer| Reply::read(answer.expose()));
        reply.ok_or_else(|| Silence::Unanswered(io::ErrorKind::UnexpectedEof.into()))
    }
}

/// A vault that others write to may take its time, and a long list too.
const PATIENCE: Duration = Duration::from_mins(2);
/// The longest answer, in bytes: a list of millions.
const MAX_ANSWER: usize = 1 << 30;
