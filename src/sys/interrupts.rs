//! Signals that ask the process to stop, taken as messages instead of dying of them.

use std::io;
use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// `^C`: stop when you can.
    Wish,
    /// SIGTERM or SIGHUP: stop now.
    Order,
}

/// From now on, `tell` is called for each signal that asks the process to stop, in a thread of its
/// own. The calling thread, and those it starts afterwards, no longer get these signals.
///
/// # Errors
/// What the system says; the process then dies of these signals as before.
pub(crate) fn listen(mut tell: impl FnMut(Interrupt) + Send + 'static) -> io::Result<()> {
    let signals = asking();
    signals.thread_block()?;
    let listener = move || {
        while let Ok(signal) = signals.wait() {
            tell(if signal == Signal::SIGINT { Interrupt::Wish } else { Interrupt::Order });
        }
    };
    thread::Builder::new().name("interrupts".to_owned()).spawn(listener).map(drop)
}

/// Lets the calling thread get all signals, as a program expects to be started.
pub(super) fn unblock() -> io::Result<()> {
    Ok(SigSet::empty().thread_set_mask()?)
}

fn asking() -> SigSet {
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect()
}
