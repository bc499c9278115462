//! Times of runs, and the numbers that are reported about them.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

/// The times of one kind of work, sorted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

/// One kind of work, to be timed. What it prepares for itself is not part of its time.
pub(crate) type Work<'a> = Box<dyn FnMut() -> io::Result<Duration> + 'a>;

impl Samples {
    /// A single run.
    pub(crate) fn one(time: Duration) -> Self {
        Self(vec![time])
    }

    /// Several runs, as they came.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// The time that half of the runs stayed below.
    pub(crate) fn median(&self) -> Duration {
        self.at(50)
    }

    /// The time that 19 of 20 runs stayed below.
    pub(crate) fn p95(&self) -> Duration {
        self.at(95)
    }

    /// The time that 99 of 100 runs stayed below.
    pub(crate) fn p99(&self) -> Duration {
        self.at(99)
    }

    /// How many runs there were.
    pub(crate) fn runs(&self) -> usize {
        self.0.len()
    }

    fn at(&self, percent: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let index = last.saturating_mul(percent).div_ceil(100);
        self.0.get(index).copied().unwrap_or_default()
    }
}

/// Times several kinds of work in turns, so that what else the machine does slows all of them.
pub(crate) fn in_turns<const N: usize>(
    runs: usize,
    mut work: [Work<'_>; N],
) -> io::Result<[Samples; N]> {
    let mut samples = [const { Samples(Vec::new()) }; N];
    // The first round fills caches and is not counted.
    for round in 0..=runs {
        for (work, samples) in work.iter_mut().zip(&mut samples) {
            let time = work()?;
            if round > 0 {
                samples.0.push(time);
            }
        }
    }
    for samples in &mut samples {
        samples.0.sort_unstable();
    }
    Ok(samples)
}

/// Times something that happens in this process.
pub(crate) fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let before = Instant::now();
    work()?;
    Ok(before.elapsed())
}

/// A time with three digits and its unit.
pub(crate) struct Shown(pub(crate) Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        let (number, unit) = match seconds {
            s if s < 1e-3 => (s * 1e6, "µs"),
            s if s < 1.0 => (s * 1e3, "ms"),
            s => (s, "s"),
        };
        let digits = match number {
            n if n < 10.0 => 2,
            n if n < 100.0 => 1,
            _ => 0,
        };
        write!(f, "{number:.digits$} {unit}")
    }
}
