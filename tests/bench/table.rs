//! The tables, in the form that docs/performance.md has them.

use std::fmt;
use std::time::Duration;

use super::crowd::Crowd;
use super::samples::{Samples, Shown};

/// What was measured, compared with what was promised.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    counts: Vec<(String, Option<usize>, u64)>,
    bounds: Vec<Bound>,
}

struct Row {
    what: String,
    size: Option<usize>,
    samples: Samples,
}

/// A promise, and what was found.
pub(crate) struct Bound {
    what: String,
    size: Option<usize>,
    found: String,
    allowed: String,
    is_met: bool,
}

impl Table {
    /// Adds what a piece of our work took.
    pub(crate) fn row(&mut self, what: &str, size: Option<usize>, samples: &Samples) {
        self.rows.push(Row { what: what.to_owned(), size, samples: samples.clone() });
    }

    /// Adds what somebody else's least work took.
    pub(crate) fn floor(&mut self, what: &str, size: Option<usize>, samples: &Samples) {
        self.row(&format!("*floor: {what}*"), size, samples);
    }

    /// Adds how many instructions something took.
    pub(crate) fn count(&mut self, what: &str, size: Option<usize>, instructions: u64) {
        self.counts.push((what.to_owned(), size, instructions));
    }

    /// Adds a promise.
    pub(crate) fn bound(&mut self, bound: Bound) {
        self.bounds.push(bound);
    }
}

impl Bound {
    /// No more than `most` times a floor, median against median.
    pub(crate) fn ratio(what: &str, ours: &Samples, floor: &Samples, most: f64) -> Self {
        let floor = floor.median().as_secs_f64();
        let ratio = if floor > 0.0 { ours.median().as_secs_f64() / floor } else { f64::INFINITY };
        Self::of(what, format!("{ratio:.2} ×"), format!("{most} ×"), ratio <= most)
    }

    /// No more than a time.
    pub(crate) fn time(what: &str, ours: &Samples, most: Duration) -> Self {
        let found = ours.median();
        Self::of(what, Shown(found).to_string(), Shown(most).to_string(), found <= most)
    }

    /// So many requests a second beside one client's, where every answer must be right.
    pub(crate) fn crowd(what: &str, crowd: &Crowd, single: &Crowd) -> Self {
        let (rate, beside, p99) = (crowd.rate(), single.rate(), Shown(crowd.samples.p99()));
        let wrong = crowd.wrong + single.wrong;
        let found = format!("{wrong} wrong; 99 % in {p99}; {rate:.0} a second, one {beside:.0}");
        Self::of(what, found, "0 wrong".to_owned(), wrong == 0)
    }

    /// So many a second, or more.
    pub(crate) fn rate(what: &str, found: f64, least: f64) -> Self {
        let shown = |rate: f64| format!("{rate:.0}");
        Self::of(what, shown(found), format!("{} or more", shown(least)), found >= least)
    }

    /// No more than so many bytes.
    pub(crate) fn bytes(what: &str, found: u64, most: u64) -> Self {
        let shown = |bytes: u64| {
            let tenths = bytes.saturating_mul(10) >> 20;
            format!("{}.{} MiB", tenths / 10, tenths % 10)
        };
        Self::of(what, shown(found), shown(most), found <= most)
    }

    /// Exactly as many.
    pub(crate) fn count(what: &str, found: usize, wanted: usize) -> Self {
        Self::of(what, found.to_string(), wanted.to_string(), found == wanted)
    }

    /// The same, of a vault of so many secrets.
    pub(crate) fn at(self, size: Option<usize>) -> Self {
        Self { size, ..self }
    }

    fn of(what: &str, found: String, allowed: String, is_met: bool) -> Self {
        Self { what: what.to_owned(), size: None, found, allowed, is_met }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| work | secrets | median | 95 % | runs |\n|---|---:|---:|---:|---:|")?;
        for Row { what, size, samples } in &self.rows {
            let (median, p95) = (Shown(samples.median()), Shown(samples.p95()));
            let (size, runs) = (number(*size), samples.runs());
            writeln!(f, "| {what} | {size} | {median} | {p95} | {runs} |")?;
        }
        writeln!(f, "\n| instructions | secrets | thousands |\n|---|---:|---:|")?;
        for (what, size, count) in &self.counts {
            let thousands = usize::try_from(count / 1_000).ok();
            writeln!(f, "| {what} | {} | {} |", number(*size), number(thousands))?;
        }
        writeln!(f, "\n| bound | secrets | found | at most | met |\n|---|---:|---:|---:|---|")?;
        for Bound { what, size, found, allowed, is_met } in &self.bounds {
            let met = if *is_met { "yes" } else { "**no**" };
            writeln!(f, "| {what} | {} | {found} | {allowed} | {met} |", number(*size))?;
        }
        Ok(())
    }
}

/// A count with its thousands separated; empty if there is no count.
fn number(count: Option<usize>) -> String {
    match count {
        None => String::new(),
        Some(count) if count < 1_000 => count.to_string(),
        Some(count) if count < 1_000_000 => format!("{},{:03}", count / 1_000, count % 1_000),
        Some(count) => {
            format!("{},{:03},{:03}", count / 1_000_000, count / 1_000 % 1_000, count % 1_000)
        }
    }
}
