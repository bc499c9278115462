//! What a program writes, on its way to where it would have gone: read from pipes, hushed, and written.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, PipeReader, PipeWriter, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::hush::{Hush, Hushed};
use super::pty::Pair;
use crate::sys::secret::Secret;
use crate::sys::streams;

/// Where what is read goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Stdout,
    Stderr,
}

impl Way {
    pub(super) fn is_terminal(self) -> bool {
        self.stream().is_terminal()
    }

    fn stream(self) -> BorrowedFd<'static> {
        match self {
            Self::Stdout => rustix::stdio::stdout(),
            Self::Stderr => rustix::stdio::stderr(),
        }
    }
}

/// The pipes that a program is about to write into.
pub(super) struct Passage {
    lanes: Vec<Lane>,
}

/// One of them.
struct Lane {
    from: OwnedFd,
    way: Way,
    hush: Hush,
}

/// What is passed on while a program runs.
pub(super) struct Passing {
    threads: Vec<JoinHandle<io::Result<()>>>,
    /// Rings when it is dropped.
    _bell: PipeWriter,
}

impl Passage {
    /// Has a program that is about to be started write into pipes, and into this pseudo-terminal where
    /// it would write to a terminal. What would go to one place goes through one pipe: in its order, and
    /// with what is in parts on both.
    pub(super) fn open(
        hushed: &Arc<Hushed>,
        command: &mut Command,
        pair: Option<&Pair>,
    ) -> io::Result<Self> {
        let lane = |from: OwnedFd, way| Lane { from, way, hush: Hush::new(Arc::clone(hushed)) };
        let mut lanes = Vec::new();
        let shown = pair.map(|pair| {
            if Way::Stdout.is_terminal() { (pair, Way::Stdout) } else { (pair, Way::Stderr) }
        });
        if let Some((pair, way)) = shown {
            lanes.push(lane(pair.ours.try_clone()?, way));
        }
        let mut one_place = is_one_place()?.then(io::pipe).transpose()?;
        for way in [Way::Stdout, Way::Stderr] {
            let into = match (pair, &mut one_place) {
                (Some(pair), _) if way.is_terminal() => Stdio::from(pair.theirs.try_clone()?),
                (_, Some((from, into))) => {
                    if way == Way::Stdout {
                        lanes.push(lane(from.try_clone()?.into(), way));
                    }
                    Stdio::from(into.try_clone()?)
                }
                (_, None) => {
                    let (from, into) = io::pipe()?;
                    lanes.push(lane(from.into(), way));
                    Stdio::from(into)
                }
            };
            match way {
                Way::Stdout => command.stdout(into),
                Way::Stderr => command.stderr(into),
            };
        }
        Ok(Self { lanes })
    }

    /// Begins to pass on.
    pub(super) fn begin(self) -> io::Result<Passing> {
        let (heard, bell) = io::pipe()?;
        let mut threads = Vec::new();
        for lane in self.lanes {
            let heard = heard.try_clone()?;
            threads.push(thread::Builder::new().spawn(move || lane.pass_on(&heard))?);
        }
        Ok(Passing { threads, _bell: bell })
    }
}

impl Passing {
    /// The program has ended: passes on what it has written, and nothing of what others write that it
    /// left behind. Returns why something could not be written, if that is not because nobody reads.
    pub(super) fn finish(self) -> Option<io::Error> {
        let Self { threads, _bell: bell } = self;
        drop(bell);
        // One that panicked has said so.
        let outcomes = threads.into_iter().filter_map(|thread| thread.join().ok());
        let failures: Vec<io::Error> = outcomes.filter_map(Result::err).collect();
        failures.into_iter().find(|error| error.kind() != ErrorKind::BrokenPipe)
    }
}

/// What has happened.
enum Event {
    /// There is something to read, or there never will be.
    Ready,
    /// The program has ended.
    Over,
    /// Nothing came.
    Quiet,
}

impl Lane {
    fn pass_on(self, bell: &PipeReader) -> io::Result<()> {
        let Self { from, way, mut hush } = self;
        let mut from = File::from(from);
        let mut chunk = Secret::new(vec![0; CHUNK]);
        let mut outcome = Ok(());
        let mut is_over = false;
        while outcome.is_ok() {
            let mut sink = |shown: &[u8]| {
                if outcome.is_ok() {
                    outcome = streams::write_all(way.stream(), shown);
                }
            };
            match wait(&from, bell, is_over, hush.is_impatient()) {
                Event::Ready => match from.read(chunk.expose_mut()) {
                    Ok(length) if length > 0 => {
                        hush.take(chunk.expose().get(..length).unwrap_or_default(), &mut sink);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(_) | Err(_) => break,
                },
                Event::Quiet if is_over => break,
                Event::Quiet => hush.show(&mut sink),
                Event::Over => is_over = true,
            }
        }
        let mut sink = |shown: &[u8]| {
            if outcome.is_ok() {
                outcome = streams::write_all(way.stream(), shown);
            }
        };
        hush.finish(&mut sink);
        // Where nobody reads any more, the program learns that as it would have: nobody reads this.
        outcome
    }
}

fn wait(from: &File, bell: &PipeReader, is_over: bool, is_impatient: bool) -> Event {
    let time = match (is_over, is_impatient) {
        (true, _) => Some(Timespec { tv_sec: 0, tv_nsec: 0 }),
        (false, true) => Some(QUIET),
        (false, false) => None,
    };
    let mut both = [PollFd::new(from, PollFlags::IN), PollFd::new(bell, PollFlags::IN)];
    // One that was heard is heard for ever.
    let heard = if is_over { 1 } else { 2 };
    match poll(both.get_mut(..heard).unwrap_or_default(), time.as_ref()) {
        Err(Errno::INTR) if is_over => Event::Over,
        Err(_) | Ok(0) => Event::Quiet,
        Ok(_) if both.first().is_some_and(|from| !from.revents().is_empty()) => Event::Ready,
        Ok(_) => Event::Over,
    }
}

/// Whether stdout and stderr are one file, pipe or terminal.
fn is_one_place() -> io::Result<bool> {
    let place = |way: Way| rustix::fs::fstat(way.stream()).map(|stat| (stat.st_dev, stat.st_ino));
    Ok(place(Way::Stdout)? == place(Way::Stderr)?)
}

/// How much is read at once.
const CHUNK: usize = 64 << 10;
/// For how long nothing comes before what waits is shown.
const QUIET: Timespec = Timespec { tv_sec: 0, tv_nsec: 30_000_000 };
