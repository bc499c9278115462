//! The agent's process: how it is started, what it waits for, and how it ends.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope};
use std::time::Duration;

use serde_json::Value as Json;

use super::control::{CONTROL_RULES, Control};
use super::door::{Agent, RULES, VIA};
use super::messages::{Refused, Reply, Unlock};
use super::place::Place;
use super::session::Gone;
use super::sessions::Sessions;
use crate::gateway::frames::Framing;
use crate::gateway::server::Server;
use crate::rotation::remote::Explain;
use crate::sys::alarm::{Alarm, Bell};
use crate::sys::clock::{self, Stopwatch, SystemClock, SystemMoments};
use crate::sys::entropy::SystemEntropy;
use crate::sys::lock::{self, Held};
use crate::sys::socket::Listener;
use crate::sys::{detach, interrupts, login, process};
use crate::vault::Origin;

/// The first word of the command line by which this program starts the agent.
pub(crate) const FIRST_WORD: &str = "agent-process";

/// Why there is no agent.
#[derive(Debug)]
pub(crate) enum NotStarted {
    /// Another one runs, and which process it is.
    Taken(Option<u32>),
    /// The system does not let it.
    System(io::Error),
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(process) => {
                let process = process.map(|id| format!(", process {id},")).unwrap_or_default();
                write!(f, "another agent runs{process} and is not heard at its socket")
            }
            Self::System(error) => write!(f, "the agent cannot run: {error}"),
        }
    }
}

impl From<io::Error> for NotStarted {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Starts the agent in the background. What is said on the stream is answered as on its socket: once it
/// is answered, the agent runs.
pub(crate) fn start(place: &Place) -> io::Result<UnixStream> {
    detach::start(&[OsStr::new(FIRST_WORD), place.directory().as_os_str()])
}

/// Is the agent, as [`start`] started it. Returns the exit code when it ends.
pub(crate) fn be(words: &[OsString], explain: Explain) -> u8 {
    let [directory, descriptor] = words else { return FAILED };
    let Ok(stream) = detach::set_up(descriptor) else { return FAILED };
    let Ok(last_word) = stream.try_clone() else { return FAILED };
    let place = Place::at(Path::new(directory));
    let served = hold(&place).and_then(|held| {
        serve(&place, held, explain, First::Heard(stream))?;
        Ok(())
    });
    let Err(why) = served else { return 0 };
    let reply = Reply { outcome: Err(Refused::Malformed(why.to_string())), notices: Vec::new() };
    // Whoever started it may have gone.
    drop(Framing::Frame.write(&last_word, reply.write().expose(), PATIENCE));
    FAILED
}

/// Takes the lock that one agent at a time has. One that is just ending is waited for.
pub(crate) fn hold(place: &Place) -> Result<Held, NotStarted> {
    let waiting = Stopwatch::start();
    loop {
        let taken = lock::take(&place.lock());
        match taken.map_err(|fault| NotStarted::System(io::Error::other(fault.to_string())))? {
            Some(held) => {
                held.sign()?;
                return Ok(held);
            }
            None if waiting.elapsed() > PATIENCE => {
                return Err(NotStarted::Taken(lock::signer(&place.lock())));
            }
            None => clock::pause(ROUND),
        }
    }
}

/// What an agent begins with.
pub(crate) enum First<'a> {
    /// Somebody at the other end of a stream, who asks for something.
    Heard(UnixStream),
    /// A vault to be unlocked; what comes of it is told before anybody else is heard, and whoever is told
    /// says whether it goes on.
    Vault(Unlock, &'a mut dyn FnMut(Result<Json, Refused>) -> bool),
}

/// Serves until everything is locked.
pub(crate) fn serve(
    place: &Place,
    held: Held,
    explain: Explain,
    first: First<'_>,
) -> io::Result<()> {
    let logins = Path::new(login::SESSIONS);
    let (mut alarm, bell) = Alarm::new(login::changes(logins))?;
    let bell = Arc::new(bell);
    let is_asked_to_end = Arc::new(AtomicBool::new(false));
    heed_signals(&bell, &is_asked_to_end)?;
    let wake = || bell.ring();
    let agent = Agent {
        sessions: Sessions::of(logins, place.clone()),
        moments: &SystemMoments,
        clock: &SystemClock,
        entropy: &SystemEntropy,
        origin: Origin { actor: process::actor(), via: VIA.to_owned() },
        explain,
        wake: &wake,
        has_begun: AtomicBool::new(false),
    };
    // Whose they were has ended: this process has the lock.
    place.forget_files();
    let sockets = [place.control(), place.socket()];
    for socket in &sockets {
        match fs::remove_file(socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let (control_listener, control_closer) = Listener::bind(&place.control())?;
    let (listener, closer) = Listener::bind(&place.socket())?;
    let heard = match first {
        First::Heard(stream) => Some(stream),
        First::Vault(unlock, told) => {
            let locked = || Err(Refused::Locked(Gone::Locked.told().to_owned()));
            if !told(agent.unlock(unlock).unwrap_or_else(locked)) {
                agent.end();
            }
            None
        }
    };
    let door = Control(&agent);
    let servers = [Server::new(&door, CONTROL_RULES), Server::new(&agent, RULES)];
    let [control, server] = &servers;
    let outcome = thread::scope(|scope| {
        let _closers = [control_closer, closer];
        // However this ends: the scope waits for those who serve.
        let _ending = Ending { agent: &agent, servers: &servers, sockets: &sockets };
        scope.spawn(|| control.serve(&control_listener, None));
        scope.spawn(|| server.serve(&listener, heard));
        watch(&agent, scope, &mut alarm, &is_asked_to_end)
    });
    // Its file goes with it, and it with the socket.
    drop(held);
    outcome
}

/// Locks all when it is dropped, and has nobody served any more.
struct Ending<'a> {
    agent: &'a Agent<'a>,
    servers: &'a [Server<'a>],
    sockets: &'a [PathBuf],
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        // What has panicked once may do so again.
        drop(catch_unwind(AssertUnwindSafe(|| self.agent.end())));
        // Nobody connects to one that answers no more.
        self.sockets.iter().for_each(|socket| drop(fs::remove_file(socket)));
        self.servers.iter().for_each(Server::close);
    }
}

/// Locks what is to be locked, when it is to be, until nothing is left.
fn watch<'scope>(
    agent: &'scope Agent<'_>,
    scope: &'scope Scope<'scope, '_>,
    alarm: &mut Alarm,
    is_asked_to_end: &AtomicBool,
) -> io::Result<()> {
    let begun = Stopwatch::start();
    loop {
        let left = agent.attend(scope);
        let has_begun = agent.has_begun.load(Ordering::SeqCst) || begun.elapsed() > PATIENCE;
        let is_ending = agent.sessions.is_ending.load(Ordering::SeqCst);
        let is_over = has_begun && agent.sessions.end_if_gone();
        if is_ending || is_asked_to_end.load(Ordering::SeqCst) || is_over {
            return Ok(());
        }
        let left = left.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        alarm.wait(Some(left.unwrap_or(PATIENCE)))?;
    }
}

/// Takes SIGTERM, SIGINT and SIGHUP for a request to lock all and end.
fn heed_signals(bell: &Arc<Bell>, is_asked_to_end: &Arc<AtomicBool>) -> io::Result<()> {
    let (bell, is_asked_to_end) = (Arc::clone(bell), Arc::clone(is_asked_to_end));
    interrupts::listen(move |_| {
        is_asked_to_end.store(true, Ordering::SeqCst);
        bell.ring();
    })
}

/// How long an agent waits for one that is ending, and for whoever started it.
const PATIENCE: Duration = Duration::from_secs(10);
const ROUND: Duration = Duration::from_millis(10);
/// It was not to be.
const FAILED: u8 = 1;

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;

    use super::*;
    use crate::agent::testing;
    use crate::sys::scratch::Scratch;

    /// Without [`Ending`], those who serve are waited for, for ever.
    #[test]
    fn a_panic_of_the_thread_that_watches_ends_all() {
        let scratch = Scratch::new();
        let sockets = [scratch.join("socket")];
        let (listener, closer) = Listener::bind(&sockets[0]).unwrap();
        let agent = testing::agent(scratch.path(), &SystemMoments);
        let servers = [Server::new(&agent, RULES)];
        let ended = catch_unwind(AssertUnwindSafe(|| {
            thread::scope(|scope| {
                let _closer = closer;
                let _ending = Ending { agent: &agent, servers: &servers, sockets: &sockets };
                scope.spawn(|| servers[0].serve(&listener, None));
                resume_unwind(Box::new("quietly"));
            });
        }));
        let ended: Result<(), _> = ended;
        assert!(
            ended.is_err()
                && agent.sessions.is_ending.load(Ordering::SeqCst)
                && !sockets[0].exists()
        );
    }
}
