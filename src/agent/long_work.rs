//! Work on a vault that takes long, beside what others have done with it: rotations, and reading all of it.
//!
//! What the client that asked for it would have said meanwhile, it is told in frames before the reply.
//! The lock stops it and waits for its end, as it uses the keys; and so does a client that is gone.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::messages::{STOP, STOP_NOW};
use crate::gateway::frames::Framing;
use crate::sys::interrupts::Interrupt;
use crate::vault::check::RowsDone;

/// What of one vault takes long.
#[derive(Default)]
pub(super) struct LongWork {
    running: Mutex<Running>,
    /// Rings when some has ended.
    ended: Condvar,
}

#[derive(Default)]
struct Running {
    /// Whether none begins any more.
    is_closed: bool,
    stops: Vec<(Stop, Manner)>,
}

/// Whether work is a reason to hold the vault open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// It uses the vault as long as it goes on.
    Works,
    /// It waits for others who may use it, and each of them counts for himself.
    Waits,
}

/// Stops one piece of work, from any thread.
pub(super) type Stop = Arc<dyn Fn(Interrupt) + Send + Sync>;

/// A piece of work that has begun, and until when it counts as running.
pub(super) struct Begun<'a> {
    work: &'a LongWork,
    stop: Stop,
}

/// A piece of work that has begun, with what it uses. In this order: the keys are gone before the lock
/// goes on, in a panic too.
pub(super) struct BegunWith<'a, T> {
    pub(super) own: T,
    pub(super) begun: Begun<'a>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let is_other = |(other, _): &(Stop, Manner)| !Arc::ptr_eq(other, &self.stop);
        lock(&self.work.running).stops.retain(is_other);
        self.work.ended.notify_all();
    }
}

impl LongWork {
    /// Whether any works.
    pub(super) fn is_running(&self) -> bool {
        lock(&self.running).stops.iter().any(|(_, manner)| *manner == Manner::Works)
    }

    /// Begins some; `None` where the vault is being locked. From now on it is stopped with the rest.
    pub(super) fn begin(&self, stop: Stop) -> Option<Begun<'_>> {
        self.begin_in(Manner::Works, stop)
    }

    /// The same, of work that may only wait.
    pub(super) fn begin_in(&self, manner: Manner, stop: Stop) -> Option<Begun<'_>> {
        let mut running = lock(&self.running);
        if running.is_closed {
            return None;
        }
        running.stops.push((Arc::clone(&stop), manner));
        Some(Begun { work: self, stop })
    }

    /// Stops all at once, and has no more begin.
    pub(super) fn stop(&self) {
        let mut running = lock(&self.running);
        running.is_closed = true;
        for (stop, _) in &running.stops {
            stop(Interrupt::Order);
        }
    }

    /// Waits until all has ended.
    pub(super) fn wait(&self) {
        let running = lock(&self.running);
        let ended = self.ended.wait_while(running, |running| !running.stops.is_empty());
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Begun<'_> {
    /// Works, and listens to the client meanwhile.
    pub(super) fn heeding<T>(&self, client: &UnixStream, work: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            let stop = &self.stop;
            scope.spawn(move || heed(client, stop));
            let _heard = UntilHere(client);
            work()
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

/// Listens to the client until it is gone.
fn heed(stream: &UnixStream, stop: &Stop) {
    loop {
        match Framing::Frame.read(stream, Instant::now() + LONG, STOP_NOW.len()) {
            Ok(Some(message)) if message.expose() == STOP => stop(Interrupt::Request),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
            Ok(_) | Err(_) => return stop(Interrupt::Order),
        }
    }
}

/// Something that is said while work goes on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// What a person should know.
    Told(String),
    /// What a program wrote.
    Shown(String),
    /// How far the work is.
    Done { step: String, done: u64, total: u64 },
}

impl Said {
    /// Says how far work is.
    pub(super) fn of_rows(rows: RowsDone) -> Self {
        let RowsDone { step, done, total } = rows;
        Self::Done { step: step.to_owned(), done, total }
    }

    /// Says it to the client. Nobody has to listen.
    pub(super) fn say_to(&self, client: &UnixStream) {
        let message = match self {
            Self::Told(text) => json!({ "tell": text }),
            Self::Shown(text) => json!({ "show": text }),
            Self::Done { step, done, total } => json!({ "rows": [step, done, total] }),
        };
        drop(Framing::Frame.write(client, message.to_string().as_bytes(), PATIENCE));
    }

    /// Reads what is said before a reply; `None` if it is something else.
    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let json: Json = serde_json::from_slice(message).ok()?;
        let text = |kind: &str| json.get(kind).and_then(Json::as_str).map(str::to_owned);
        if let Some(rows) = json.get("rows") {
            let count = |index: usize| rows.get(index)?.as_u64();
            let step = rows.get(0)?.as_str()?.to_owned();
            return Some(Self::Done { step, done: count(1)?, total: count(2)? });
        }
        text("tell").map(Self::Told).or_else(|| text("show").map(Self::Shown))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const PATIENCE: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    /// What stops work, and what tells that it was.
    fn stop() -> (Stop, impl Fn() -> Option<Interrupt>) {
        let (sender, receiver) = channel();
        let stop: Stop = Arc::new(move |interrupt| sender.send(interrupt).unwrap_or_default());
        (stop, move || receiver.recv_timeout(PATIENCE).ok())
    }

    /// A vault at whose endpoint nobody asks for anything was never locked.
    #[test]
    fn work_that_waits_is_no_use_of_the_vault_and_is_stopped_all_the_same() {
        let (work, (first, stopped), (second, _)) = (LongWork::default(), stop(), stop());
        let waiting = work.begin_in(Manner::Waits, first).unwrap();
        assert!(!work.is_running());
        drop(work.begin(second).inspect(|_works| assert!(work.is_running())));
        work.stop();
        assert_eq!(stopped(), Some(Interrupt::Order));
        drop(waiting);
        work.wait();
    }

    #[test]
    fn work_is_stopped_with_the_rest_and_waited_for() {
        let (work, (first, first_stopped), (second, _)) = (LongWork::default(), stop(), stop());
        assert!(!work.is_running());
        let begun = work.begin(first);
        assert!(work.is_running());
        thread::scope(|scope| {
            scope.spawn(move || {
                assert_eq!(first_stopped(), Some(Interrupt::Order));
                drop(begun);
            });
            work.stop();
            work.wait();
            assert!(!work.is_running());
        });
        assert!(work.begin(second).is_none(), "something begins while the vault is locked");
    }

    /// Keys, and whether the lock waits for them still when they go.
    struct Keys<'a>(&'a LongWork, &'a AtomicBool);

    impl Drop for Keys<'_> {
        fn drop(&mut self) {
            self.1.store(self.0.is_running(), Ordering::SeqCst);
        }
    }

    #[test]
    fn what_work_uses_is_gone_when_it_has_ended_even_in_a_panic() {
        let (work, are_waited_for, (stop, _)) =
            (LongWork::default(), AtomicBool::new(false), stop());
        let begun = work.begin(stop).unwrap();
        let all = BegunWith { own: Keys(&work, &are_waited_for), begun };
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let all = all;
            all.begun.heeding(&ours, || resume_unwind(Box::new("quietly")));
        }));
        let panicked: Result<(), _> = panicked;
        assert!(panicked.is_err() && !work.is_running());
        assert!(
            are_waited_for.load(Ordering::SeqCst),
            "the lock went on before the keys were gone"
        );
    }

    #[test]
    fn work_is_stopped_by_whoever_asked_for_it_or_is_gone() {
        for message in [Some((STOP, Interrupt::Request)), Some((STOP_NOW, Interrupt::Order)), None]
        {
            let (work, (stop, stopped)) = (LongWork::default(), stop());
            let (ours, theirs) = UnixStream::pair().unwrap();
            match message {
                Some((message, _)) => Framing::Frame.write(&theirs, message, PATIENCE).unwrap(),
                None => drop(theirs.shutdown(Shutdown::Both)),
            }
            let expected = message.map_or(Interrupt::Order, |(_, interrupt)| interrupt);
            let found = work.begin(stop).unwrap().heeding(&ours, stopped);
            assert_eq!(found, Some(expected));
        }
    }

    #[test]
    fn what_is_said_is_read_as_it_was() {
        for said in [
            Said::Told("a".to_owned()),
            Said::Shown("b".to_owned()),
            Said::Done { step: "values".to_owned(), done: 1, total: 2 },
        ] {
            let (ours, theirs) = UnixStream::pair().unwrap();
            said.say_to(&ours);
            let read = Framing::Frame.read(&theirs, Instant::now() + PATIENCE, 100).unwrap();
            assert_eq!(Said::read(read.unwrap().expose()), Some(said));
        }
        for message in ["", "{}", r#"{"rows":["a"]}"#, r#"{"ok":{"tell":"x"}}"#] {
            assert_eq!(Said::read(message.as_bytes()), None, "{message}");
        }
    }
}
