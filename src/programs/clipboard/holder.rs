//! Who has the value for the clipboard, what was there before, and how the one becomes the other.

use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions};

use super::board::{Board, HINT};
use super::job::Job;
use super::tool;
use super::wayland::{End, Offer};
use crate::sys::alarm::Bell;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::secret::Secret;
use crate::sys::{files, streams};

/// Somebody who has the value.
pub(super) struct Holder {
    /// What was there, if it may be put back.
    before: Option<Secret<Vec<u8>>>,
    server: Server,
    /// Whether something else has taken the value's place.
    has_lost: Arc<AtomicBool>,
    environment: Vec<(String, String)>,
    /// Where wl-copy may write.
    place: PathBuf,
}

/// Who hands the value out, until something else takes its place.
enum Server {
    /// Nobody: macOS and a terminal keep it themselves.
    Nobody,
    /// A program.
    Program(Child),
    /// This process, before and while it does.
    Offer(Offer),
    Served(End),
}

impl Holder {
    /// Puts a value into the clipboard.
    ///
    /// # Errors
    /// Why not, for a person to read.
    pub(super) fn fill(job: &Job) -> Result<Self, String> {
        let board = job.board;
        // wl-copy has a file of what it offers: it is to be in memory, and nobody else's to read.
        let place = job.lock.with_extension("files");
        let mut environment = job.environment.clone();
        if board == Board::Wayland {
            drop(fs::remove_dir_all(&place));
            files::create_private_dir(&place).map_err(|fault| fault.to_string())?;
            environment.retain(|(name, _)| name != "TMPDIR");
            environment.push(("TMPDIR".to_owned(), place.to_string_lossy().into_owned()));
        }
        let mut holder = Self {
            before: None,
            server: Server::Nobody,
            has_lost: Arc::default(),
            environment,
            place,
        };
        if board.is_terminal() {
            let sequence = board.sequence(job.value.expose());
            streams::write_stdout(sequence.expose()).map_err(|error| error.to_string())?;
            return Ok(holder);
        }
        holder.before = holder.text(board).filter(|before| before.expose() != job.value.expose());
        let filled = holder.serve(job);
        filled.inspect_err(|_| holder.clean())?;
        Ok(holder)
    }

    fn serve(&mut self, job: &Job) -> Result<(), String> {
        let board = job.board;
        if board == Board::MacOs {
            let is_there = tool::feed(board.leave(), &self.environment, job.value.expose());
            return if is_there { Ok(()) } else { Err("pbcopy failed".to_owned()) };
        }
        if board == Board::Wayland
            && let Some(offer) = Offer::make(job.value.expose(), &self.environment)
        {
            self.server = Server::Offer(offer);
            return Ok(());
        }
        let is_marked = board == Board::Wayland && self.can_mark();
        let argv = board.serve(is_marked);
        let started = tool::start(argv, &self.environment, job.value.expose());
        let mut child = started.map_err(|error| error.to_string())?;
        let waiting = Stopwatch::start();
        let mut round = Duration::from_millis(5);
        loop {
            if tool::has_ended_within(&mut child, round) {
                let name = argv.first().copied().unwrap_or_default();
                return Err(match tool::complaint(&mut child) {
                    nothing if nothing.is_empty() => format!("{name} failed"),
                    complaint => format!("{name}: {complaint}"),
                });
            }
            let now = tool::output(board.read(), &self.environment);
            if now.is_some_and(|now| now.expose() == job.value.expose()) {
                break;
            }
            if waiting.elapsed() > PATIENCE {
                stop(&mut child);
                return Err("it does not take what it is given".to_owned());
            }
            // Where a compositor lets only windows look, each look is one that flickers.
            round = round.saturating_mul(2);
        }
        self.server = Server::Program(child);
        Ok(())
    }

    /// Whether wl-copy can tell that what it offers is secret.
    fn can_mark(&self) -> bool {
        let help = tool::output(&["wl-copy", "--help"], &self.environment);
        help.is_some_and(|help| String::from_utf8_lossy(help.expose()).contains("--sensitive"))
    }

    /// Reads the text that is there, unless whoever put it there calls it secret.
    fn text(&self, board: Board) -> Option<Secret<Vec<u8>>> {
        if !board.types().is_empty() {
            let types = tool::output(board.types(), &self.environment)?;
            if String::from_utf8_lossy(types.expose()).lines().any(|line| line == HINT) {
                return None;
            }
        }
        tool::output(board.read(), &self.environment).filter(|text| !text.expose().is_empty())
    }

    /// Has the bell rung when something else takes the value's place.
    pub(super) fn tell_end(&mut self, bell: &Arc<Bell>) {
        let (bell, has_lost) = (Arc::clone(bell), Arc::clone(&self.has_lost));
        let tell = move || {
            has_lost.store(true, Ordering::SeqCst);
            bell.ring();
        };
        self.server = match std::mem::replace(&mut self.server, Server::Nobody) {
            Server::Program(child) => {
                let pid = Pid::from_child(&child);
                thread::spawn(move || {
                    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
                    while let Err(rustix::io::Errno::INTR) =
                        rustix::process::waitid(WaitId::Pid(pid), options)
                    {}
                    tell();
                });
                Server::Program(child)
            }
            Server::Offer(offer) => match offer.end() {
                Ok(end) => {
                    thread::spawn(move || {
                        offer.serve();
                        tell();
                    });
                    Server::Served(end)
                }
                // Without descriptors: the offer ends here.
                Err(_none_left) => Server::Nobody,
            },
            other @ (Server::Nobody | Server::Served(_)) => other,
        };
    }

    /// Whether something else has taken the value's place.
    pub(super) fn has_lost(&self) -> bool {
        self.has_lost.load(Ordering::SeqCst)
    }

    fn loses_within(&self, time: Duration) -> bool {
        let waiting = Stopwatch::start();
        while !self.has_lost() && waiting.elapsed() < time {
            clock::pause(ROUND);
        }
        self.has_lost()
    }

    /// Takes the value out if it is still there, and puts back what was there before.
    pub(super) fn empty(mut self, job: &Job) {
        let board = job.board;
        if board.is_terminal() {
            // The terminal may be gone.
            drop(streams::write_stdout(board.sequence(b"").expose()));
        } else if board == Board::MacOs {
            let now = tool::output(board.read(), &self.environment);
            if now.is_some_and(|now| now.expose() == job.value.expose()) {
                let before = self.before.take();
                let before = before.as_ref().map_or(&[][..], |before| before.expose());
                tool::feed(board.leave(), &self.environment, before);
            }
        } else if !self.has_lost() {
            let is_back = match (&self.before, &self.server) {
                (Some(before), _) => tool::feed(board.leave(), &job.environment, before.expose()),
                // So that it puts away its file.
                (None, Server::Program(_)) if board == Board::Wayland => {
                    tool::feed(&["wl-copy", "--clear"], &self.environment, b"")
                }
                (None, _) => false,
            };
            if !(is_back && self.loses_within(PATIENCE)) {
                match &mut self.server {
                    Server::Program(child) => stop(child),
                    Server::Served(end) => end.end(),
                    Server::Nobody | Server::Offer(_) => {}
                }
            }
        }
        self.clean();
    }

    fn clean(&self) {
        // There is none but of wl-copy, which has put away its files unless it was killed.
        drop(fs::remove_dir_all(&self.place));
    }
}

/// Ends a program that has something for the clipboard, which is empty then.
fn stop(child: &mut Child) {
    let _ended =
        rustix::process::kill_process(Pid::from_child(child), rustix::process::Signal::TERM);
    if !tool::has_ended_within(child, PATIENCE) {
        drop(child.kill());
    }
    drop(child.wait());
}

/// How long is waited for a clipboard to change hands.
const PATIENCE: Duration = Duration::from_secs(3);
const ROUND: Duration = Duration::from_millis(5);
