//! A program whose output goes through this process, and which has a terminal all the same: one of its
//! own, that behaves as the real one would. What is typed goes to it, it is resized with the real one,
//! and when it stops, this process's job stops, and goes on with it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal};

use super::hush::Hushed;
use super::monitor::{self, Ended, Word};
use super::passage::Passage;
use super::pty::{Pair, Real};
use crate::sys::interrupts;

/// Runs what these words become, in this environment, to its end. Tells when it was started.
pub(super) fn run(
    hushed: &Arc<Hushed>,
    (environment, words): (&[(OsString, OsString)], &[OsString]),
    stdin: Option<File>,
    begun: impl FnOnce(),
) -> io::Result<(Ended, Option<io::Error>)> {
    let real = Arc::new(Real::open()?);
    let pair = Pair::open(&real)?;
    let monitor::Beginning { mut command, mut told, open } =
        monitor::command(&pair.theirs, environment, words)?;
    let passage = Passage::open(hushed, &mut command, Some(&pair))?;
    match stdin {
        Some(stdin) => command.stdin(stdin),
        None if io::stdin().is_terminal() => command.stdin(Stdio::from(pair.theirs.try_clone()?)),
        None => command.stdin(Stdio::inherit()),
    };
    let Pair { ours, theirs } = pair;
    let ours = Arc::new(ours);
    let running = Arc::new(Mutex::new(None));
    let (terminal, resized, target) = (Arc::clone(&real), Arc::clone(&ours), Arc::clone(&running));
    interrupts::pass_on(move |signal| {
        if signal == Signal::WINCH.as_raw() {
            // Where it has no size, none is given to the other.
            drop(terminal.resize(&resized));
        } else {
            send(signal, &target);
        }
    })?;
    let mut monitor = command.spawn()?;
    begun();
    // Only the program writes to what it writes to.
    drop((command, open, theirs));
    let passing = passage.begin()?;
    real.make_raw();
    let (heard, bell) = io::pipe()?;
    let (keyboard, screen) = (Arc::clone(&real), Arc::clone(&ours));
    let typist = thread::Builder::new().spawn(move || keyboard.type_at(&screen, &heard))?;
    let ended = attend(&mut told, &real, &ours, &running);
    *running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    drop(bell);
    // One that panicked has said so.
    drop(typist.join());
    let status = monitor.wait()?;
    let lost = passing.finish();
    real.restore();
    // It was killed, and the program with it.
    Ok((ended.unwrap_or_else(|_silent| Ended::by(status)), lost))
}

/// Listens to what happens to the program, until it has ended.
fn attend(
    told: &mut std::os::unix::net::UnixStream,
    real: &Real,
    ours: &std::os::fd::OwnedFd,
    running: &Mutex<Option<Pid>>,
) -> io::Result<Ended> {
    loop {
        match Word::read(told)? {
            Word::Started(number) => {
                *running.lock().unwrap_or_else(PoisonError::into_inner) = Pid::from_raw(number);
            }
            Word::Stopped(signal) => {
                real.restore();
                interrupts::stop_job(signal);
                // Somebody has it go on.
                real.make_raw();
                drop(real.resize(ours));
                Word::GoOn.write(told)?;
            }
            Word::GoOn => {}
            Word::Exited(code) => return Ok(Ended::exited(Some(code))),
            Word::Signalled(signal) => return Ok(Ended::Signalled(signal)),
        }
    }
}

/// Sends the program a signal, if it runs.
pub(super) fn send(signal: i32, running: &Mutex<Option<Pid>>) {
    let running = running.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some(pid), Some(signal)) = (*running, Signal::from_named_raw(signal)) {
        // It may have just ended.
        let _ended = rustix::process::kill_process(pid, signal);
    }
}
