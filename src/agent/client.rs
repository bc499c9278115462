//! The other end of the agent's socket.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::chores::Chore;
use super::long_work::Said;
use super::messages::{Ask, Reply, STOP, STOP_NOW};
use super::place::Place;
use crate::gateway::frames::Framing;
use crate::sys::interrupts::Interrupt;
use crate::sys::{process, socket};

/// A connection to the agent.
pub(crate) struct Line {
    stream: UnixStream,
    /// When it was told to stop at once.
    ordered: Arc<OnceLock<Instant>>,
}

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
                Ok(stream) => return socket::is_own(&stream).then_some(Self::of(stream)),
                Err(error) if error.kind() != io::ErrorKind::TimedOut => return None,
                // One that was stopped takes nobody in, and may never go on.
                Err(_) if place.is_agent_stopped() || begun.elapsed() > PATIENCE => return None,
                Err(_) => {}
            }
        }
    }

    /// Takes a connection that is there.
    pub(crate) fn of(stream: UnixStream) -> Self {
        Self { stream, ordered: Arc::default() }
    }

    /// Asks for something.
    pub(crate) fn ask(&self, ask: &Ask) -> Result<Reply, Silence> {
        // A shell draws nothing while somebody waits for the words that it is to offer.
        let is_brief = matches!(ask, Ask::Do { chore: Chore::Offer { .. }, .. });
        let patience = if is_brief { BRIEF } else { PATIENCE };
        let message = ask.write();
        let sent = Framing::Frame.write(&self.stream, message.expose(), patience);
        sent.map_err(Silence::Unsent)?;
        self.reply(patience, &mut |_nothing| {})
    }

    /// Waits for the next word. One that was stopped says none, and may never go on; nor does one that
    /// hangs, which nobody has to wait for who has told it to stop at once.
    fn wait(&self, patience: Duration) -> Result<(), Silence> {
        socket::stay_awake_for(&self.stream, SOON);
        let begun = Instant::now();
        let look = LOOK.min(patience);
        while !socket::has_word_within(&self.stream, look) && begun.elapsed() < patience {
            if socket::peer(&self.stream).is_some_and(|agent| process::is_stopped(agent.pid)) {
                return Err(Silence::Unanswered(io::Error::other("it was stopped")));
            }
            if self.ordered.get().is_some_and(|ordered| ordered.elapsed() >= ENDING) {
                let what = "it does not end what it was told to stop";
                return Err(Silence::Unanswered(io::Error::other(what)));
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
        let sent = Framing::Frame.write(&self.stream, message.expose(), PATIENCE);
        sent.map_err(Silence::Unsent)?;
        self.reply(LONG, hear)
    }

    /// Returns a way to stop what was asked for, from another thread.
    pub(crate) fn stopping(&self) -> io::Result<impl Fn(Interrupt) + Send + use<>> {
        let stream = self.stream.try_clone()?;
        let ordered = Arc::clone(&self.ordered);
        Ok(move |interrupt| {
            let is_request = interrupt == Interrupt::Request;
            if !is_request {
                ordered.get_or_init(Instant::now);
            }
            let message = if is_request { STOP } else { STOP_NOW };
            // It may be over.
            drop(Framing::Frame.write(&stream, message, PATIENCE));
        })
    }

    /// Waits until the agent has gone, or has nothing more to say to this connection.
    pub(crate) fn wait_for_end(&self) {
        loop {
            match Framing::Frame.read(&self.stream, Instant::now() + LONG, MAX_NOTHING) {
                Ok(Some(_)) => {}
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Returns a way to end the connection, from another thread.
    pub(crate) fn ending(&self) -> io::Result<impl Fn() + Send + use<>> {
        let stream = self.stream.try_clone()?;
        // It may have ended.
        Ok(move || drop(stream.shutdown(Shutdown::Both)))
    }

    fn reply(&self, patience: Duration, hear: &mut dyn FnMut(Said)) -> Result<Reply, Silence> {
        loop {
            self.wait(patience)?;
            let answer = Framing::Frame.read(&self.stream, Instant::now() + patience, MAX_ANSWER);
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
/// How long a shell is kept waiting: as long again where only the beginning of the answer came.
const BRIEF: Duration = if cfg!(test) { Duration::from_millis(20) } else { Duration::from_secs(1) };
/// Within which time a read is mostly answered.
const SOON: Duration = Duration::from_micros(300);
/// How often one that says nothing is looked at.
const LOOK: Duration = if cfg!(test) { Duration::from_millis(20) } else { Duration::from_secs(2) };
/// How long it takes at most to stop at once, which kills programs and notes that.
const ENDING: Duration =
    if cfg!(test) { Duration::from_millis(20) } else { Duration::from_secs(30) };
/// A rotation's steps take minutes each, and reading all of a vault may.
const LONG: Duration = Duration::from_hours(24);
/// The longest word where none is expected, in bytes.
const MAX_NOTHING: usize = 1 << 10;
/// The longest answer, in bytes: a list of millions.
const MAX_ANSWER: usize = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::names::{Wanted, Which};
    use crate::sys::secret::Secret;

    /// A shell in which somebody pressed Tab hung for two minutes while the vault was in use.
    #[test]
    fn no_shell_waits_for_words_for_long() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let line = Line::of(ours);
        let wanted = Wanted::Name(Which::Active);
        let chore = Chore::Offer { region: None, wanted, prefix: String::new() };
        let begun = Instant::now();
        let asked = Ask::Do { token: Secret::new("t".to_owned()), chore };
        assert!(matches!(line.ask(&asked), Err(Silence::Unanswered(_))));
        assert!(begun.elapsed() < PATIENCE / 2);
        drop(theirs);
    }

    /// Without a bound, a command that is told to end waits for it for a day.
    #[test]
    fn one_that_hangs_is_given_up_by_whoever_is_told_to_end() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let line = Line::of(ours);
        let stop = line.stopping().unwrap();
        stop(Interrupt::Request);
        assert!(line.ordered.get().is_none());
        stop(Interrupt::Order);
        let silence = line.ask_hearing(&Ask::Status, &mut |_said| {}).err().unwrap();
        assert!(matches!(silence, Silence::Unanswered(_)), "{silence:?}");
        drop(theirs);
    }
}
