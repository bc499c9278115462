//! The other end of the agent's socket.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::long_work::Said;
use super::messages::{Ask, Reply, STOP, STOP_NOW};
use super::place::Place;
use crate::gateway::frames::Framing;
use crate::sys::interrupts::Interrupt;
use crate::sys::{process, socket};

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
    /// Connects to the agent of this user; `None` if none runs, or none takes anybody in.
    pub(crate) fn connect(place: &Place) -> Option<Self> {
        Self::to(&place.socket(), place)
    }

    /// Connects for one message that must get through whoever else is being heard.
    pub(crate) fn connect_to_control(place: &Place) -> Option<Self> {
        Self::to(&place.control(), place).or_else(|| Self::connect(place))
    }

    fn to(path: &Path, place: &Place) -> Option<Self> {
        let begun = Instant::now();
        loop {
            match socket::connect(path, LOOK) {
                Ok(stream) => return socket::is_own(&stream).then_some(Self(stream)),
                Err(error) if error.kind() != io::ErrorKind::TimedOut => return None,
                // One that was stopped takes nobody in, and may never go on.
                Err(_) if place.is_agent_stopped() || begun.elapsed() > PATIENCE => return None,
                Err(_) => {}
            }
        }
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
        self.reply(PATIENCE, &mut |_nothing| {})
    }

    /// Waits for the next word. One that was stopped says none, and may never go on.
    fn wait(&self, patience: Duration) -> Result<(), Silence> {
        let begun = Instant::now();
        while !socket::has_word_within(&self.0, LOOK) && begun.elapsed() < patience {
            if socket::peer(&self.0).is_some_and(|agent| process::is_stopped(agent.pid)) {
                return Err(Silence::Unanswered(io::Error::other("it was stopped")));
            }
        }
        Ok(())
    }

    /// Asks for something that takes as long as it takes, and says things meanwhile. Whatever comes over
    /// the other half of the stream is heard there.
    pub(crate) fn ask_hearing(
        &self,
        ask: &Ask,
        hear: &mut dyn FnMut(Said),
    ) -> Result<Reply, Silence> {
        let message = ask.write();
        let sent = Framing::Frame.write(&self.0, message.expose(), PATIENCE);
        sent.map_err(Silence::Unsent)?;
        self.reply(LONG, hear)
    }

    /// Returns a way to stop what was asked for, from another thread.
    pub(crate) fn stopping(&self) -> io::Result<impl Fn(Interrupt) + Send + use<>> {
        let stream = self.0.try_clone()?;
        Ok(move |interrupt| {
            let message = if interrupt == Interrupt::Request { STOP } else { STOP_NOW };
            // It may be over.
            drop(Framing::Frame.write(&stream, message, PATIENCE));
        })
    }

    fn reply(&self, patience: Duration, hear: &mut dyn FnMut(Said)) -> Result<Reply, Silence> {
        loop {
            self.wait(patience)?;
            let answer = Framing::Frame.read(&self.0, Instant::now() + patience, MAX_ANSWER);
            let answer = answer.map_err(Silence::Unanswered)?;
            let none = || Silence::Unanswered(io::ErrorKind::UnexpectedEof.into());
            let answer = answer.ok_or_else(none)?;
            match Said::read(answer.expose()) {
                Some(said) => hear(said),
                None => return Reply::read(answer.expose()).ok_or_else(none),
            }
        }
    }
}

/// A vault that others write to may take its time, and a long list too.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often one that says nothing is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// A rotation's steps take minutes each, and reading all of a vault may.
const LONG: Duration = Duration::from_hours(24);
/// The longest answer, in bytes: a list of millions.
const MAX_ANSWER: usize = 1 << 30;
