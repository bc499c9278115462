//! Many clients of the agent at once: whether each gets its own answers, and how soon.

use std::io;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::fixture::{BenchFixture, name};
use super::samples::Samples;

/// How many commands a client runs: one write, and then reads.
const COMMANDS: usize = 10;

/// What a number of clients saw.
pub(crate) struct Crowd {
    /// How long each command took, as a whole process.
    pub(crate) samples: Samples,
    /// How many commands failed, or answered what is not so.
    pub(crate) wrong: usize,
    /// From the first command to the last.
    pub(crate) whole: Duration,
}

impl Crowd {
    /// Has so many clients at once each change a secret of its own and read it back, `rounds` times
    /// over: nine commands in ten read.
    pub(crate) fn gather(
        fixture: &BenchFixture,
        clients: usize,
        rounds: usize,
    ) -> io::Result<Self> {
        let before = Instant::now();
        let seen = thread::scope(|scope| {
            let attend = |client| move || attend(fixture, client, rounds);
            let threads: Vec<_> = (0..clients).map(|client| scope.spawn(attend(client))).collect();
            let joined = threads.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
            });
            joined.collect::<io::Result<Vec<_>>>()
        })?;
        let whole = before.elapsed();
        let wrong = seen.iter().map(|(_, wrong)| wrong).sum();
        let times = seen.into_iter().flat_map(|(times, _)| times).collect();
        Ok(Self { samples: Samples::of(times), wrong, whole })
    }

    /// Returns how many commands there were in a second.
    pub(crate) fn rate(&self) -> f64 {
        let commands = u32::try_from(self.samples.runs()).unwrap_or(u32::MAX);
        f64::from(commands) / self.whole.as_secs_f64()
    }
}

fn attend(
    fixture: &BenchFixture,
    client: usize,
    rounds: usize,
) -> io::Result<(Vec<Duration>, usize)> {
    let name = name(client);
    let (mut times, mut wrong) = (Vec::new(), 0);
    let mut run = |mut command: Command, is_right: &dyn Fn(&[u8]) -> bool| {
        let before = Instant::now();
        let output = command.stdout(Stdio::piped()).output()?;
        times.push(before.elapsed());
        wrong += usize::from(!output.status.success() || !is_right(&output.stdout));
        io::Result::Ok(())
    };
    for round in 0..rounds {
        let value = format!("what client {client} wrote in round {round}");
        let put = ["put-secret-value", "--secret-id", &name, "--secret-string", &value];
        run(fixture.through_agent(&put), &|_| true)?;
        for _ in 1..COMMANDS {
            let get = ["get-secret-value", "--secret-id", &name, "--query", "SecretString"];
            let wanted = format!("{value}\n");
            run(fixture.through_agent(&[&get[..], &["--output", "text"]].concat()), &|answer| {
                answer == wanted.as_bytes()
            })?;
        }
    }
    Ok((times, wrong))
}
