//! Rotations that the agent runs for a command, which need no key but the one that is held here.
//!
//! That somebody asks it to stop, or that whoever asked for it is gone, ends a rotation as `^C` would.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::long_work::{Begun, LongWork, Said};
use super::session::lock;
use crate::gateway::answers::Circumstances;
use crate::programs::launch::RunEvents;
use crate::programs::spawn;
use crate::rotation::machine::Machine;
use crate::rotation::runner::Runner;
use crate::vault::Vault;

/// A rotation that has begun.
pub(super) struct BegunRotation<'a> {
    begun: Begun<'a>,
    events: RunEvents,
}

/// What a rotation is run for.
pub(super) struct Client<'a> {
    pub(super) stream: &'a UnixStream,
    pub(super) machine: Machine,
    /// Whether it wants to hear what programs say that succeed.
    pub(super) shows: bool,
}

impl<'a> BegunRotation<'a> {
    /// Begins one; `None` where the vault is being locked.
    pub(super) fn begin(work: &'a LongWork) -> Option<Self> {
        let (events, stopper) = RunEvents::remote();
        let begun = work.begin(Arc::new(move |interrupt| stopper.stop(interrupt)))?;
        Some(Self { begun, events })
    }

    /// Lends a client what a rotation is run with, when it is its turn; `None` if it is stopped before.
    pub(super) fn run<T>(
        mut self,
        vault: &mut Vault,
        client: &Client<'_>,
        circumstances: Circumstances<'_>,
        work: impl FnOnce(&mut Runner<'_>) -> T,
    ) -> Option<T> {
        let tell = |text: &str| Said::Told(text.to_owned()).say_to(client.stream);
        let show = |text: &str| Said::Shown(text.to_owned()).say_to(client.stream);
        let events = &mut self.events;
        self.begun.heeding(client.stream, || {
            let _alone = Alone::wait(|| events.is_stop_requested())?;
            // What a program leaves behind becomes this process's, and is killed after each run.
            drop(spawn::adopt());
            let show: Option<&dyn Fn(&str)> = if client.shows { Some(&show) } else { None };
            let machine = &client.machine;
            Some(work(&mut Runner { vault, machine, circumstances, events, tell: &tell, show }))
        })
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

/// How often one that waits for its turn looks whether it is stopped.
const LOOK: Duration = Duration::from_millis(100);
