//! Rotations that the agent runs for a command, which need no key but the one that is held here.
//!
//! What the command would have said meanwhile, it is told in frames before the reply; that somebody
//! asks it to stop, or that it is gone, ends the rotation as `^C` would.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    running: Mutex<Vec<Arc<Stopper>>>,
    /// Held while one runs.
    turn: Mutex<()>,
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
        !lock(&self.running).is_empty()
    }

    /// Stops all at once, and waits until they have ended.
    pub(super) fn stop(&self) {
        for stopper in lock(&self.running).iter() {
            stopper.stop(Interrupt::Order);
        }
        drop(lock(&self.turn));
    }

    /// Lends a client what a rotation is run with.
    pub(super) fn run<T>(
        &self,
        vault: &mut Vault,
        client: &Client<'_>,
        circumstances: Circumstances<'_>,
        work: impl FnOnce(&mut Runner<'_>) -> T,
    ) -> T {
        let (mut events, stopper) = RunEvents::remote();
        let stopper = Arc::new(stopper);
        lock(&self.running).push(Arc::clone(&stopper));
        let mine = lock(&self.turn);
        // What a program leaves behind becomes this process's, and is killed after each run: of all that
        // this process has started, so that one of them runs at a time.
        let alone = lock(&ALONE);
        drop(spawn::adopt());
        let say = |kind: &str, text: &str| {
            let message = json!({ kind: text }).to_string();
            // Nobody has to listen.
            drop(Framing::Frame.write(client.stream, message.as_bytes(), PATIENCE));
        };
        let (tell, show) = (|text: &str| say("tell", text), |text: &str| say("show", text));
        let done = thread::scope(|scope| {
            scope.spawn(|| heed(client.stream, &stopper));
            let show: Option<&dyn Fn(&str)> = if client.shows { Some(&show) } else { None };
            let (machine, events) = (&client.machine, &mut events);
            let done =
                work(&mut Runner { vault, machine, circumstances, events, tell: &tell, show });
            // The one who listens stops; the reply is written all the same.
            drop(client.stream.shutdown(Shutdown::Read));
            done
        });
        drop((alone, mine));
        lock(&self.running).retain(|running| !Arc::ptr_eq(running, &stopper));
        done
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

/// One program of all rotations runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const PATIENCE: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_hours(1);
