//! One run of a program, from its start until nothing of it is left: its streams are read within
//! bounds, its time is limited, and it is killed with all it started.
//!
//! Does not know what the program is to do, nor any secret but the bytes it is handed.

use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::confine::Freedom;
use super::output::{self, Amount, Captured, Keep};
use super::spawn::{self, Program};
use crate::sys::interrupts::Interrupt;
use crate::sys::secret::Secret;

/// What is run, and how long at most.
pub(crate) struct Run<'a> {
    /// The path and the arguments.
    pub(crate) argv: &'a [String],
    /// Its whole environment.
    pub(crate) environment: Vec<(String, String)>,
    /// What it may do that others may not.
    pub(crate) freedoms: Vec<Freedom>,
    /// What it reads.
    pub(crate) stdin: Secret<Vec<u8>>,
    /// What is kept of what it writes to stdout.
    pub(crate) keep: Keep,
    /// How long it may take.
    pub(crate) time: Duration,
    /// A secret mark that tells its output from our own.
    pub(crate) mark: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with an exit code.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// It took too long.
    TimedOut,
    /// It wrote too much.
    Flooded,
    /// Somebody asked for it.
    Interrupted,
    /// What it was for was called off meanwhile.
    CalledOff,
    /// It never began.
    NotStarted(String),
}

/// What a run left.
pub(crate) struct Outcome {
    pub(crate) end: End,
    /// What was kept of stdout.
    pub(crate) stdout: Secret<Vec<u8>>,
    /// How much stdout there was.
    pub(crate) written: u64,
    /// The end of stderr.
    pub(crate) stderr: Secret<Vec<u8>>,
    /// Whether something of it could not be killed.
    pub(crate) is_left_over: bool,
}

/// What happens while a program runs. Lives as long as the rotation; each run has a number, so that
/// what comes late from one is not taken for the next.
pub(crate) struct RunEvents {
    sender: Sender<Event>,
    receiver: Receiver<Event>,
    run: u32,
    closed: u32,
    requests: u32,
}

enum Event {
    Interrupt(Interrupt),
    Flood(u32),
    Closed(u32),
    Ended(u32),
}

impl RunEvents {
    /// Begins to listen to signals.
    pub(crate) fn open() -> io::Result<Self> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let to = sender.clone();
        crate::sys::interrupts::listen(move |interrupt| {
            // The rotation is over, so it is about to end anyway.
            drop(to.send(Event::Interrupt(interrupt)));
        })?;
        Ok(Self { sender, receiver, run: 0, closed: 0, requests: 0 })
    }

    /// Listens to whoever has the other half, where the signals of this process are not about one run.
    pub(crate) fn remote() -> (Self, Stopper) {
        let (sender, receiver) = std::sync::mpsc::channel();
        let stopper = Stopper(sender.clone());
        (Self { sender, receiver, run: 0, closed: 0, requests: 0 }, stopper)
    }

    /// Whether somebody has asked to stop.
    pub(crate) fn is_stop_requested(&mut self) -> bool {
        while let Ok(event) = self.receiver.try_recv() {
            if let Event::Interrupt(_) = event {
                self.requests = self.requests.saturating_add(1);
            }
        }
        self.requests > 0
    }
}

/// Asks a run to stop, from any thread.
pub(crate) struct Stopper(Sender<Event>);

impl Stopper {
    /// Asks as a signal would.
    pub(crate) fn stop(&self, interrupt: Interrupt) {
        // It may be over.
        drop(self.0.send(Event::Interrupt(interrupt)));
    }
}

/// Who is told of a run, and asked about it.
pub(crate) struct Attendant<'a> {
    /// Called once when somebody asks to stop and the run goes on.
    pub(crate) stop_requested: &'a dyn Fn(),
    /// Asked now and then whether what the program is for was called off.
    pub(crate) is_called_off: &'a dyn Fn() -> bool,
}

pub(crate) fn run(run: Run<'_>, events: &mut RunEvents, attendant: &Attendant<'_>) -> Outcome {
    events.run = events.run.saturating_add(1);
    events.closed = 0;
    let Run { argv, environment, freedoms, stdin, keep, time, mark } = run;
    let program = Program { argv, environment: &environment, freedoms: &freedoms };
    let mut program = match spawn::start(&program, mark) {
        Ok(program) => program,
        Err(error) => return not_started(error.to_string()),
    };
    let child = program.child_mut();
    let (input, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let process = program.number();
    let number = events.run;
    if let Some(mut input) = input {
        // A program need not read all of it.
        thread::spawn(move || drop(input.write_all(stdin.expose())));
    }
    let stdout = stdout.map(|stream| listen(stream, keep, number, events.sender.clone()));
    let stderr = stderr.map(|stream| listen(stream, Keep::End, number, events.sender.clone()));
    let ended = events.sender.clone();
    thread::spawn(move || {
        spawn::wait_for_end(process);
        drop(ended.send(Event::Ended(number)));
    });
    let why = attend(events, process, time, attendant);
    spawn::kill(process);
    let status = program.child_mut().wait();
    let is_left_over = !spawn::sweep();
    wait_for_streams(events);
    let stderr = finish(stderr);
    let end = match (why, status) {
        (_, Ok(_)) if program.start_failure(&stderr.1).is_some() => {
            let told = program.start_failure(&stderr.1).unwrap_or_default();
            End::NotStarted(String::from_utf8_lossy(told).into_owned())
        }
        (Some(why), _) => why,
        (None, Ok(status)) => ended_by(status),
        (None, Err(error)) => End::NotStarted(error.to_string()),
    };
    let (written, stdout) = finish(stdout);
    let (stdout, stderr) = (Secret::new(stdout), Secret::new(stderr.1));
    Outcome { end, stdout, written, stderr, is_left_over }
}

fn not_started(why: String) -> Outcome {
    let nothing = || Secret::new(Vec::new());
    let (stdout, stderr) = (nothing(), nothing());
    Outcome { end: End::NotStarted(why), stdout, written: 0, stderr, is_left_over: false }
}

fn ended_by(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, Some(signal)) => End::Signalled(signal),
        (None, None) => End::Signalled(0),
    }
}

type Shared = Arc<Mutex<Captured>>;

fn listen(
    stream: impl io::Read + Send + 'static,
    keep: Keep,
    number: u32,
    events: Sender<Event>,
) -> Shared {
    let captured = Arc::new(Mutex::new(Captured::new(keep)));
    let sink = Arc::clone(&captured);
    thread::spawn(move || {
        output::drain(stream, |chunk| {
            let mut captured = sink.lock().unwrap_or_else(PoisonError::into_inner);
            if captured.take(chunk) == Amount::TooMuch {
                drop(events.send(Event::Flood(number)));
            }
        });
        drop(events.send(Event::Closed(number)));
    });
    captured
}

/// Takes what was captured. The reader may still hold on to a stream that something keeps open.
fn finish(captured: Option<Shared>) -> (u64, Vec<u8>) {
    let Some(captured) = captured else { return (0, Vec::new()) };
    let mut captured = captured.lock().unwrap_or_else(PoisonError::into_inner);
    let captured = std::mem::replace(&mut *captured, Captured::new(Keep::Nothing));
    let mut bytes = Secret::new(Vec::new());
    let total = captured.total();
    std::mem::swap(bytes.expose_mut(), captured.into_bytes().expose_mut());
    (total, std::mem::take(bytes.expose_mut()))
}

/// Waits for the program's end, which may be made to come. `None` if it came by itself.
fn attend(
    events: &mut RunEvents,
    process: spawn::Number,
    time: Duration,
    attendant: &Attendant<'_>,
) -> Option<End> {
    let mut deadline = Instant::now() + time;
    let mut why = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match events.receiver.recv_timeout(left.min(LOOK)) {
            Ok(Event::Ended(number)) if number == events.run => return why,
            Ok(Event::Flood(number)) if number == events.run => return Some(End::Flooded),
            Ok(Event::Closed(number)) if number == events.run => {
                events.closed = events.closed.saturating_add(1);
            }
            Ok(Event::Ended(_) | Event::Flood(_) | Event::Closed(_)) => {}
            Ok(Event::Interrupt(interrupt)) => {
                events.requests = events.requests.saturating_add(1);
                if interrupt == Interrupt::Order || events.requests > 1 {
                    return Some(End::Interrupted);
                }
                (attendant.stop_requested)();
            }
            Err(RecvTimeoutError::Timeout) => {
                let is_late = Instant::now() >= deadline;
                if is_late && why.is_some() {
                    return why;
                }
                if why.is_none() && (is_late || (attendant.is_called_off)()) {
                    spawn::ask_to_end(process);
                    why = Some(if is_late { End::TimedOut } else { End::CalledOff });
                    deadline = Instant::now() + GRACE;
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Some(End::TimedOut),
        }
    }
}

/// All are dead, so the streams end at once, unless somebody unreachable holds them.
fn wait_for_streams(events: &mut RunEvents) {
    let deadline = Instant::now() + STREAMS;
    while events.closed < 2 {
        let left = deadline.saturating_duration_since(Instant::now());
        match events.receiver.recv_timeout(left) {
            Ok(Event::Closed(number)) if number == events.run => {
                events.closed = events.closed.saturating_add(1);
            }
            Ok(Event::Interrupt(_)) => events.requests = events.requests.saturating_add(1),
            Ok(Event::Ended(_) | Event::Flood(_) | Event::Closed(_)) => {}
            Err(_) => return,
        }
    }
}

/// How often to check whether it was called off.
const LOOK: Duration = Duration::from_secs(1);
/// How long a program may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long streams may stay open after everybody is dead.
const STREAMS: Duration = Duration::from_secs(2);
