//! Four processes write, and are killed at random moments. Whatever exited with 0 is there, with
//! the right value.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::{done, is_long, must_be_sound, names, value};
use crate::harness::Sandbox;

const WRITERS: usize = 4;

/// The value with which a writer's changing secret begins.
const FIRST: &str = "first";

/// The exit code of what was killed.
const KILLED: i32 = 137;

/// What a writer knows of its secrets.
#[derive(Default)]
struct Written {
    /// Names and values of secrets that were acknowledged.
    created: Vec<(String, String)>,
    /// Names and values of those whose creation was killed: they may be there.
    attempted: Vec<(String, String)>,
    /// The values that its changing secret may have: the last acknowledged, and the attempts after.
    possible: Vec<String>,
    acknowledged: usize,
    killed: usize,
    /// How often a kill left a journal.
    interrupted: usize,
}

#[test]
fn what_was_acknowledged_outlives_every_kill() {
    let time = Duration::from_secs(if is_long() { 300 } else { 8 });
    let seed = UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    println!("seed {seed}");
    let sandbox = Sandbox::with_vault();
    for number in 0..WRITERS {
        done(&sandbox, &format!("create-secret --name changing-{number} --secret-string {FIRST}"));
    }
    let end = Instant::now() + time;
    let pace = AtomicU64::new(40_000);
    let written: Vec<Written> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|number| {
                let dice = Dice(u64::from(seed) * 4 + u64::try_from(number).unwrap() + 1);
                let (sandbox, pace) = (&sandbox, &pace);
                scope.spawn(move || write_until(end, (sandbox, pace), number, dice))
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    must_be_sound(&sandbox, "after the kills");

    let there = names(&sandbox);
    let mut lost = String::new();
    for (number, writer) in written.iter().enumerate() {
        for (name, expected) in &writer.created {
            if value(&sandbox, name).as_ref() != Some(expected) {
                writeln!(lost, "{name} was acknowledged, and is not there").unwrap();
            }
        }
        for (name, expected) in writer.attempted.iter().filter(|(name, _)| there.contains(name)) {
            if value(&sandbox, name).as_ref() != Some(expected) {
                writeln!(lost, "{name} is there with a wrong value").unwrap();
            }
        }
        let changing = value(&sandbox, &format!("changing-{number}"));
        if !changing.is_some_and(|found| writer.possible.contains(&found)) {
            writeln!(lost, "changing-{number} has a value that was replaced").unwrap();
        }
    }
    let count = |of: fn(&Written) -> usize| written.iter().map(of).sum::<usize>();
    let (acknowledged, killed) = (count(|w| w.acknowledged), count(|w| w.killed));
    let interrupted = count(|w| w.interrupted);
    println!("{acknowledged} acknowledged, {killed} killed, {interrupted} with a journal left");
    assert!(lost.is_empty(), "\n{lost}");
    assert!(acknowledged > 0 && killed > 0 && interrupted > 0);
}

/// Creates secrets and changes one, and kills every second attempt or so.
fn write_until(
    end: Instant,
    (sandbox, pace): (&Sandbox, &AtomicU64),
    number: usize,
    mut dice: Dice,
) -> Written {
    let journal = sandbox.home().join(".local/share/strongroom/default.vault-journal");
    let mut written = Written::default();
    written.possible.push(FIRST.to_owned());
    for step in 0.. {
        if Instant::now() > end {
            break;
        }
        let creates = dice.roll().is_multiple_of(2);
        let (command, option, name) = if creates {
            ("create-secret", "--name", format!("new-{number}-{step}"))
        } else {
            ("put-secret-value", "--secret-id", format!("changing-{number}"))
        };
        let value = format!("{step}-{:x}", dice.roll());
        let words = [command, option, &name, "--secret-string", &value].map(str::to_owned);
        let moment = Duration::from_micros(dice.roll() % pace.load(Ordering::Relaxed));
        let outcome = sandbox.invocation("strongroom", &words).start().finish_within(moment);
        match (outcome.code, creates) {
            (0, true) => written.created.push((name, value)),
            (0, false) => written.possible = vec![value],
            (KILLED, true) => written.attempted.push((name, value)),
            (KILLED, false) => written.possible.push(value),
            (code, _) => panic!("{words:?} exited with {code}: {}", outcome.stderr_text()),
        }
        // So that about one half is killed, however fast the machine is.
        let now = pace.load(Ordering::Relaxed);
        if outcome.code == KILLED {
            written.killed += 1;
            written.interrupted += usize::from(journal.exists());
            pace.store(now + now / 16, Ordering::Relaxed);
        } else {
            written.acknowledged += 1;
            pace.store(now - now / 16, Ordering::Relaxed);
        }
    }
    written
}

/// Numbers that look random (xorshift64), the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
