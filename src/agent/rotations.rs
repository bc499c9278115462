//! Rotations that the agent runs for a command, which need no key but the one that is held here.
//!
//! What the command would have said meanwhile, it is told in frames before the reply; that somebody
//! asks it to stop, or that it is gone, ends the rotation as `^C` would.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::messages::{STOP, STOP_NOW};
use crate::gateway::answers::Circumstances;
use crate::gateway::frames::Framing;
use crate::programs::launch::{RunEvents, Stopper};
use crate::programs::spawn;
use crate::rotation::machine::Machine;
use crate::rotation::runner::Runner;
use crate::sys::interrupts::Interrupt;
use crate::vault::Vault;

/// The rotations of one vault.
#[derive(Default)]
pub(super) struct Rotations {
    running: Mutex<Running>,
    /// Rings when one has ended.
    ended: Condvar,
}

#[derive(Default)]
struct Running {
    /// Whether none begins any more.
    is_closed: bool,
    stoppers: Vec<Arc<Stopper>>,
}

/// A rotation that has begun, and until when it counts as running.
pub(super) struct Begun<'a> {
    rotations: &'a Rotations,
    events: RunEvents,
    stopper: Arc<Stopper>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let is_other = |other: &Arc<Stopper>| !Arc::ptr_eq(other, &self.stopper);
        lock(&self.rotations.running).stoppers.retain(is_other);
        self.rotations.ended.notify_all();
    }
}

/// What a rotation is run for.
pub(super) struct Client<'a> {
    pub(super) stream: &'a UnixStream,
    pub(super) machine: Machine,
    /// Whether it wants to hear what programs say that succeed.
    pub(super) shows: bool,
}

impl Rotations {
    /// Whether any runs.
    pub(super) fn are_running(&self) -> bool {
        !lock(&self.running).stoppers.is_empty()
    }

    /// Begins one; `None` where the vault is being locked. From now on it is stopped with the others.
    pub(super) fn begin(&self) -> Option<Begun<'_>> {
        let (events, stopper) = RunEvents::remote();
        let stopper = Arc::new(stopper);
        let mut running = lock(&self.running);
        if running.is_closed {
            return None;
        }
        running.stoppers.push(Arc::clone(&stopper));
        Some(Begun { rotations: self, events, stopper })
    }

    /// Stops all at once, and has no more begin.
    pub(super) fn stop(&self) {
        let mut running = lock(&self.running);
        running.is_closed = true;
        for stopper in &running.stoppers {
            stopper.stop(Interrupt::Order);
        }
    }

    /// Waits until all have ended.
    pub(super) fn wait(&self) {
        let running = lock(&self.running);
        let ended = self.ended.wait_while(running, |running| !running.stoppers.is_empty());
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Begun<'_> {
    /// Lends a client what a rotation is run with, when it is its turn; `None` if it is stopped before.
    pub(super) fn run<T>(
        mut self,
        vault: &mut Vault,
        client: &Client<'_>,
        circumstances: Circumstances<'_>,
        work: impl FnOnce(&mut Runner<'_>) -> T,
    ) -> Option<T> {
        let say = |kind: &str, text: &str| {
            let message = json!({ kind: text }).to_string();
            // Nobody has to listen.
            drop(Framing::Frame.write(client.stream, message.as_bytes(), PATIENCE));
        };
        let (tell, show) = (|text: &str| say("tell", text), |text: &str| say("show", text));
        thread::scope(|scope| {
            let stopper = &self.stopper;
            scope.spawn(move || heed(client.stream, stopper));
            let _heard = UntilHere(client.stream);
            let events = &mut self.events;
            let _alone = Alone::wait(|| events.is_stop_requested())?;
            // What a program leaves behind becomes this process's, and is killed after each run.
            drop(spawn::adopt());
            let show: Option<&dyn Fn(&str)> = if client.shows { Some(&show) } else { None };
            let machine = &client.machine;
            Some(work(&mut Runner { vault, machine, circumstances, events, tell: &tell, show }))
        })
    }
}

/// Ends the listening to a client; the reply is written all the same.
struct UntilHere<'a>(&'a UnixStream);

impl Drop for UntilHere<'_> {
    fn drop(&mut self) {
        drop(self.0.shutdown(Shutdown::Read));
    }
}

/// The turn to run programs: whatever this process has started is killed after each of them, so that
/// there is one at a time.
struct Alone;

static IS_TAKEN: Mutex<bool> = Mutex::new(false);
static IS_FREE: Condvar = Condvar::new();

impl Alone {
    /// Waits for the turn; `None` if it is stopped before.
    fn wait(mut is_stopped: impl FnMut() -> bool) -> Option<Self> {
        let mut is_taken = lock(&IS_TAKEN);
        loop {
            if is_stopped() {
                return None;
            }
            if !*is_taken {
                *is_taken = true;
                return Some(Self);
            }
            let waited = IS_FREE.wait_timeout(is_taken, LOOK);
            is_taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        *lock(&IS_TAKEN) = false;
        IS_FREE.notify_one();
    }
}

/// Listens to the client until it is gone.
fn heed(stream: &UnixStream, stopper: &Stopper) {
    loop {
        match Framing::Frame.read(stream, Instant::now() + LONG, STOP_NOW.len()) {
            Ok(Some(message)) if message.expose() == STOP => stopper.stop(Interrupt::Request),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
            Ok(_) | Err(_) => return stopper.stop(Interrupt::Order),
        }
    }
}

/// Reads what a rotation says before its reply: what is told, or shown.
pub(crate) fn said(message: &[u8]) -> Option<Said> {
    let json: Json = serde_json::from_slice(message).ok()?;
    let text = |kind: &str| json.get(kind).and_then(Json::as_str).map(str::to_owned);
    text("tell").map(Said::Told).or_else(|| text("show").map(Said::Shown))
}

/// Something that a rotation says while it runs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// What a person should know.
    Told(String),
    /// What its program wrote.
    Shown(String),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const PATIENCE: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_hours(1);
/// How often one that waits for its turn looks whether it is stopped.
const LOOK: Duration = Duration::from_millis(100);
