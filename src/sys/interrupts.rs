//! Signals taken as messages instead of dying of them: those that ask the process to stop while it
//! runs a program, and all that would leave a silent terminal behind; and that a terminal has another
//! size.
//!
//! One thread waits for all of them, so each is answered in one place. A handler would have to be
//! `unsafe`, and could do next to nothing.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use super::clock;

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// `^C`: stop when you can.
    Request,
    /// SIGTERM or SIGHUP: stop now.
    Order,
}

/// Who is told of signals that ask the process to stop.
type Tell = Box<dyn FnMut(Interrupt) + Send>;

/// Who is told of signals that are for a program.
type PassOn = Box<dyn FnMut(i32) + Send>;

/// What becomes of a terminal that may be silent when a signal comes.
#[derive(Clone, Copy)]
pub(super) struct Terminal {
    /// Lets something happen with the terminal as it was before, and silences it again.
    pub(super) give_way: fn(&mut dyn FnMut()),
    /// Silences it again after this process was stopped, and says whether the process must be
    /// stopped again: it waits for an answer, in the background.
    pub(super) renew: fn() -> bool,
    /// Has it drawn again for another size.
    pub(super) resized: fn(),
}

static TERMINAL: OnceLock<Terminal> = OnceLock::new();
static TOLD: Mutex<Option<Tell>> = Mutex::new(None);
static PASSED: Mutex<Option<PassOn>> = Mutex::new(None);
static LISTENS: Mutex<bool> = Mutex::new(false);
/// How often SIGCONT was heard, and what rings then.
static CONTINUED: Mutex<u64> = Mutex::new(0);
static IS_CONTINUED: Condvar = Condvar::new();

/// From now on, `tell` is called for each signal that asks the process to stop, in a thread of its
/// own. The calling thread, and those it starts afterwards, no longer get these signals.
///
/// # Errors
/// What the system says; the process then dies of these signals as before.
pub(crate) fn listen(tell: impl FnMut(Interrupt) + Send + 'static) -> io::Result<()> {
    let signals = asking();
    signals.thread_block()?;
    *lock(&TOLD) = Some(Box::new(tell));
    start().inspect_err(|_refused| {
        *lock(&TOLD) = None;
        // It could be blocked, so it can be unblocked.
        let _unblocked = signals.thread_unblock();
    })
}

/// Signals that ask the process to stop are for a program that it waits for, up to the drop.
pub(crate) struct Left(Option<Tell>);

/// Leaves signals that ask the process to stop to the program that it is about to wait for, which has
/// the terminal. That program must be started with [`unblock`].
///
/// # Errors
/// What the system says.
pub(crate) fn leave() -> io::Result<Left> {
    let before = lock(&TOLD).take();
    let left = Left(before);
    left_to_other().thread_block()?;
    listen(|_interrupt| ())?;
    Ok(left)
}

impl Drop for Left {
    fn drop(&mut self) {
        let before = self.0.take();
        // What came meanwhile may not have been heard yet. It is before this is: of the signals that
        // wait, the one of the lowest number comes first.
        let continued = lock(&CONTINUED);
        let count = *continued;
        if kill(Pid::this(), Signal::SIGCONT).is_ok() {
            let is_unheard = |continued: &mut u64| *continued == count;
            let heard = IS_CONTINUED.wait_timeout_while(continued, PATIENCE, is_unheard);
            drop(heard.unwrap_or_else(PoisonError::into_inner));
        }
        let mut signals = left_to_other();
        if before.is_some() {
            asking().iter().for_each(|signal| signals.remove(signal));
        }
        *lock(&TOLD) = before;
        let _unblocked = signals.thread_unblock();
    }
}

/// From now on, `tell` is called with the number of each signal that asks this process for something, in
/// a thread of its own: they are for the program that it runs. Signals to stop and to go on do what
/// they did.
///
/// # Errors
/// What the system says.
pub(crate) fn pass_on(tell: impl FnMut(i32) + Send + 'static) -> io::Result<()> {
    let (asking, others) = (passed_on(), others());
    asking.thread_block()?;
    others.thread_block()?;
    *lock(&PASSED) = Some(Box::new(tell));
    start()?;
    let listener = move || {
        if others.thread_block().is_ok() {
            while let Ok(signal) = others.wait() {
                lock(&PASSED).as_mut().into_iter().for_each(|tell| tell(number_of(signal)));
            }
        }
    };
    thread::Builder::new().name("others".to_owned()).spawn(listener).map(drop)
}

/// Ends this process by a signal, as a program was ended that it ran. Comes back only where that signal
/// does not end processes.
pub(crate) fn end_by(signal: i32) {
    let Ok(signal) = Signal::try_from(signal) else { return };
    let alone: SigSet = [signal].into_iter().collect();
    if alone.thread_unblock().is_ok() {
        let _ended = kill(Pid::this(), signal);
    }
}

/// Stops all of this process's job by a signal, and this process with it: comes back when it goes on.
pub(crate) fn stop_job(signal: i32) {
    let Ok(signal) = Signal::try_from(signal) else { return };
    let _stopped = nix::sys::signal::killpg(nix::unistd::getpgrp(), signal);
    // As a rule it has stopped by now, and goes on; where another thread has the signal, a moment later.
    clock::pause(MOMENT);
}

/// Lets the calling thread change whose the terminal is.
pub(crate) fn block_for_terminal() -> io::Result<()> {
    let alone: SigSet = [Signal::SIGTTOU].into_iter().collect();
    Ok(alone.thread_block()?)
}

#[expect(
    clippy::as_conversions,
    reason = "it is the number of a variant, and nothing else gives it"
)]
fn number_of(signal: Signal) -> i32 {
    signal as i32
}

/// Holds back whatever could end or stop this process at once: the terminal is restored first.
/// Comes before the terminal is changed, and is told how that is undone.
///
/// # Errors
/// What the system says; signals do then what they did before.
pub(super) fn hold_back(terminal: Terminal) -> io::Result<()> {
    TERMINAL.get_or_init(|| terminal);
    let signals = upsetting();
    signals.thread_block()?;
    start().inspect_err(|_refused| {
        let _unblocked = signals.thread_unblock();
    })
}

/// Ends what [`hold_back`] began.
pub(super) fn let_go() {
    let mut signals = upsetting();
    if lock(&TOLD).is_some() {
        asking().iter().for_each(|signal| signals.remove(signal));
    }
    let _unblocked = signals.thread_unblock();
}

/// Lets the calling thread get all signals, as a program expects to be started.
pub(crate) fn unblock() -> io::Result<()> {
    Ok(SigSet::empty().thread_set_mask()?)
}

/// Starts the one thread that waits for signals, unless it is there.
fn start() -> io::Result<()> {
    let mut listens = lock(&LISTENS);
    if !*listens {
        let listener = || {
            let signals = upsetting();
            if signals.thread_block().is_ok() {
                while let Ok(signal) = signals.wait() {
                    hear(signal);
                }
            }
        };
        thread::Builder::new().name("interrupts".to_owned()).spawn(listener).map(drop)?;
        *listens = true;
    }
    Ok(())
}

fn hear(signal: Signal) {
    // Both threads wait for a new size, and either may hear of it.
    if (passed_on().contains(signal) || others().contains(signal))
        && let Some(tell) = lock(&PASSED).as_mut()
    {
        tell(number_of(signal));
        return;
    }
    let terminal = TERMINAL.get();
    if signal == Signal::SIGCONT {
        if terminal.is_some_and(|terminal| (terminal.renew)()) {
            // As if it read there: until it is in the foreground.
            let _stopped = kill(Pid::this(), Signal::SIGTTIN);
        }
        let mut continued = lock(&CONTINUED);
        *continued = continued.wrapping_add(1);
        IS_CONTINUED.notify_all();
        return;
    }
    if signal == Signal::SIGWINCH {
        if let Some(terminal) = terminal {
            (terminal.resized)();
        }
        return;
    }
    let mut act = || {
        let is_request = signal == Signal::SIGINT;
        match lock(&TOLD).as_mut().filter(|_| asking().contains(signal)) {
            Some(tell) => tell(if is_request { Interrupt::Request } else { Interrupt::Order }),
            None => have_its_way(signal),
        }
    };
    match terminal {
        Some(terminal) => (terminal.give_way)(&mut act),
        None => act(),
    }
}

/// Lets a signal do what it does by default, or nothing where the parent of this process had it
/// ignore the signal.
fn have_its_way(signal: Signal) {
    let alone: SigSet = [signal].into_iter().collect();
    if alone.thread_unblock().is_ok() {
        // It reaches this thread before the call returns: all others hold it back.
        let _ended = kill(Pid::this(), signal);
        let _blocked = alone.thread_block();
    }
}

fn asking() -> SigSet {
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect()
}

/// Those that ask, and the one that tells whether they were heard.
fn left_to_other() -> SigSet {
    asking().iter().chain([Signal::SIGCONT]).collect()
}

/// Long enough for a thread to stop its process.
const MOMENT: Duration = Duration::from_millis(20);

fn passed_on() -> SigSet {
    asking().iter().chain([Signal::SIGQUIT]).collect()
}

/// Signals that programs have their own use for.
fn others() -> SigSet {
    [Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGWINCH].into_iter().collect()
}

fn upsetting() -> SigSet {
    let more = [Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGCONT, Signal::SIGWINCH];
    asking().iter().chain(more).collect()
}

/// Longer than a signal takes.
const PATIENCE: Duration = Duration::from_secs(1);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
