//! Something in the clipboard for a while: put there, and taken out again, by a process of its own that
//! outlives the command and the terminal.
//!
//! It is this very program, started once more with [`FIRST_WORD`]; what it is to do and the value come
//! over a stream. It clears what is still ours, and puts back what was there. One process at a time
//! looks after a clipboard: the next one has it end first, so that no secret is taken for what was
//! there before.

mod board;
mod holder;
mod job;
mod tool;
mod wayland;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal};

pub(crate) use board::Board;
use holder::Holder;
pub(crate) use job::Job;

use crate::sys::alarm::{Alarm, Bell};
use crate::sys::clock::{self, Moments, Stopwatch, SystemMoments};
use crate::sys::lock::{self, Held};
use crate::sys::{detach, interrupts};

/// The first word of the command line by which this program starts the process.
pub(crate) const FIRST_WORD: &str = "clipboard-process";

/// Starts the process, and waits until the clipboard has the value. The terminal, if that is what has
/// the clipboard, is `terminal`.
///
/// # Errors
/// Why not, for a person to read.
pub(crate) fn start(job: &Job, terminal: Stdio) -> Result<(), String> {
    let started = detach::start_with(&[OsStr::new(FIRST_WORD)], terminal);
    let mut stream = started.map_err(|error| error.to_string())?;
    job.send(&stream).map_err(|error| error.to_string())?;
    let mut answer = String::new();
    // Whoever has the clipboard may hang; the prompt comes back all the same.
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    match stream.read_to_string(&mut answer) {
        Ok(_) if answer == DONE => Ok(()),
        Ok(0) => Err("the process that was to look after it has ended".to_owned()),
        Ok(_) => Err(answer),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err("it does not answer".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Is the process, as [`start`] started it. Returns the exit code when it ends.
pub(crate) fn be(words: &[OsString]) -> u8 {
    let [descriptor] = words else { return FAILED };
    let Ok(mut stream) = detach::set_up(descriptor) else { return FAILED };
    let Some(job) = Job::receive(&stream) else { return FAILED };
    let outcome = Watch::begin(&job);
    let answer = outcome.as_ref().err().map_or(DONE, String::as_str);
    // Whoever asked may have gone. The value stays for its time all the same.
    drop(stream.write_all(answer.as_bytes()));
    drop(stream);
    match outcome {
        Ok(watch) => {
            watch.sit(&job);
            0
        }
        Err(_told) => FAILED,
    }
}

/// One that looks after a clipboard.
struct Watch {
    holder: Holder,
    alarm: Alarm,
    bell: Arc<Bell>,
    is_asked_to_end: Arc<AtomicBool>,
    _lock: Held,
}

impl Watch {
    /// Puts the value into the clipboard.
    fn begin(job: &Job) -> Result<Self, String> {
        let lock = take_over(&job.lock)?;
        let (alarm, bell) = Alarm::new(None).map_err(|error| error.to_string())?;
        let bell = Arc::new(bell);
        let is_asked_to_end = Arc::new(AtomicBool::new(false));
        let (rung, asked) = (Arc::clone(&bell), Arc::clone(&is_asked_to_end));
        let listens = interrupts::listen(move |_| {
            asked.store(true, Ordering::SeqCst);
            rung.ring();
        });
        listens.map_err(|error| error.to_string())?;
        let holder = Holder::fill(job)?;
        Ok(Self { holder, alarm, bell, is_asked_to_end, _lock: lock })
    }

    /// Waits until the time is over, somebody asks to end, or the clipboard has something else; then
    /// takes out what is still ours.
    fn sit(mut self, job: &Job) {
        let until = SystemMoments.moment().boot_ms.saturating_add(job.ms);
        self.holder.tell_end(&self.bell);
        loop {
            let left = until.saturating_sub(SystemMoments.moment().boot_ms);
            let is_over = left <= 0 || self.is_asked_to_end.load(Ordering::SeqCst);
            if is_over || self.holder.has_lost() {
                break;
            }
            let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
            if self.alarm.wait(Some(left)).is_err() {
                break;
            }
        }
        self.holder.empty(job);
    }
}

/// Takes the lock of a clipboard. Whoever has it is asked to put back what was there, and end.
fn take_over(path: &Path) -> Result<Held, String> {
    let waiting = Stopwatch::start();
    let mut asked = None;
    loop {
        if let Some(held) = lock::take(path).map_err(|fault| fault.to_string())? {
            held.sign().map_err(|error| error.to_string())?;
            return Ok(held);
        }
        let other = lock::signer(path).filter(|other| is_one_of_us(*other));
        if other.is_some() && other != asked {
            let pid = other.and_then(|other| Pid::from_raw(i32::try_from(other).ok()?));
            // It may end just now.
            let _ended = pid.map(|pid| rustix::process::kill_process(pid, Signal::TERM));
            asked = other;
        }
        if waiting.elapsed() > PATIENCE {
            return Err("another process of strongroom has it and does not end".to_owned());
        }
        clock::pause(ROUND);
    }
}

/// Whether a process looks after a clipboard, as far as the system tells.
fn is_one_of_us(process: u32) -> bool {
    let line = std::fs::read(format!("/proc/{process}/cmdline"));
    let words =
        |line: Vec<u8>| line.split(|byte| *byte == 0).any(|word| word == FIRST_WORD.as_bytes());
    line.map_or(!cfg!(target_os = "linux"), words)
}

/// What is answered when the clipboard has the value.
const DONE: &str = "+";
/// How long is waited for a clipboard, or for another process to leave it.
const PATIENCE: Duration = Duration::from_secs(10);
const ROUND: Duration = Duration::from_millis(10);
/// It was not to be.
const FAILED: u8 = 1;
