//! A stream of a program's output with the values left out that it was given: each is replaced by
//! `[strongroom:NAME]`, however it is commonly spelled, wherever the stream is cut into pieces, and
//! whether or not it is broken into lines or coloured.
//!
//! What may be the beginning of a value waits for what comes. So that a prompt is seen all the same,
//! three letters of it at the most are shown when nothing comes. A courtesy against accidents, not a
//! boundary: a program can always spell a secret in a way that nobody looks for.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::letters::{Letters, Within};
use super::needles::Needles;
use super::spelling::spellings;
use crate::sys::secret::Secret;

/// What is left out, made ready to be looked for.
pub(crate) struct Hushed {
    needles: Needles,
    /// What stands in the place of each value.
    labels: Vec<String>,
}

impl Hushed {
    /// Makes ready to leave out these values, each with its name. Those shorter than [`SHORTEST`] are
    /// left alone.
    pub(crate) fn new<'v>(values: impl IntoIterator<Item = (&'v str, &'v [u8])>) -> Self {
        let mut labels = Vec::new();
        let mut needles: Vec<(Vec<u8>, usize)> = Vec::new();
        let mut known = BTreeSet::new();
        for (name, value) in values {
            let value = value.trim_ascii();
            if is_short(value) || !known.insert(Vec::from(value)) {
                continue;
            }
            let label = labels.len();
            labels.push(format!("[strongroom:{name}]"));
            let lines = lines(value).map(<[u8]>::to_vec);
            for spelling in spellings(value).into_iter().chain(lines) {
                needles.extend(pieces(&spelling).map(|piece| (piece, label)));
            }
        }
        // They are in the needles, which are wiped.
        known.into_iter().map(Secret::new).for_each(drop);
        Self { needles: Needles::new(needles), labels }
    }
}

/// Whether a value is too short to be told from what is there by chance.
pub(crate) fn is_short(value: &[u8]) -> bool {
    value.trim_ascii().len() < SHORTEST
}

/// The lines of a value that has several, as far as they say something: a part of a key may be shown.
fn lines(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let has_several = value.contains(&b'\n');
    let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.filter(move |line| has_several && line.len() >= LINE && !line.starts_with(b"-----"))
}

/// Cuts what is long into pieces: each is left out by itself, and no more than one has to wait.
fn pieces(spelling: &[u8]) -> impl Iterator<Item = Vec<u8>> + use<> {
    let mut letters = Letters::default();
    letters.take(spelling, Within::Nothing);
    let bytes = std::mem::take(&mut letters.bytes);
    let last = bytes.len().checked_sub(PIECE).and_then(|start| bytes.get(start..));
    let last = last.map(<[u8]>::to_vec);
    let whole = bytes.chunks(PIECE).filter(|piece| bytes.len() <= PIECE || piece.len() == PIECE);
    let whole: Vec<Vec<u8>> = whole.map(<[u8]>::to_vec).collect();
    whole.into_iter().chain(last)
}

/// A stream that goes through.
pub(crate) struct Hush {
    hushed: Arc<Hushed>,
    /// What waits, as it came: it begins with a letter that may be the first of a value.
    held: Secret<Vec<u8>>,
    /// How much of it was shown already.
    shown: usize,
    /// How much of it is left out already, as part of something that began before it.
    covered: usize,
    /// What was left out last, if nothing was shown since.
    last: Option<usize>,
    within: Within,
    letters: Letters,
}

/// Where what goes through is written.
pub(crate) type Sink<'s> = dyn FnMut(&[u8]) + 's;

/// A part that is left out.
#[derive(Clone, Copy)]
struct Run {
    start: usize,
    end: usize,
    label: usize,
    /// Whether its label was written.
    is_told: bool,
}

impl Hush {
    pub(crate) fn new(hushed: Arc<Hushed>) -> Self {
        Self {
            hushed,
            held: Secret::new(Vec::new()),
            shown: 0,
            covered: 0,
            last: None,
            within: Within::Nothing,
            letters: Letters::default(),
        }
    }

    /// Lets through what can be told of what came.
    pub(crate) fn take(&mut self, chunk: &[u8], sink: &mut Sink<'_>) {
        let joined;
        let text = if self.held.expose().is_empty() {
            chunk
        } else {
            let mut held = std::mem::replace(&mut self.held, Secret::new(Vec::new()));
            held.expose_mut().extend_from_slice(chunk);
            joined = held;
            joined.expose()
        };
        let hushed = Arc::clone(&self.hushed);
        let within = self.letters.take(text, self.within);
        let waits = hushed.needles.beginning_at_end(&self.letters.bytes);
        let cut = waits.map_or(text.len(), |waits| self.letters.place(waits.start));
        let runs = self.runs(&hushed.needles, cut);
        self.write(text, cut, &runs, sink);
        let covered = runs.last().map_or(0, |run| run.end);
        self.covered = covered.saturating_sub(cut);
        self.shown = self.shown.saturating_sub(cut);
        self.held = Secret::new(text.get(cut..).unwrap_or_default().to_vec());
        self.within = if waits.is_some() { Within::Nothing } else { within };
    }

    /// Finds what is left out and begins before `cut`.
    fn runs(&self, needles: &Needles, cut: usize) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        if let (Some(label), true) = (self.last, self.covered > 0) {
            runs.push(Run { start: 0, end: self.covered, label, is_told: true });
        }
        for place in needles.places(&self.letters.bytes) {
            let start = self.letters.place(place.range.start);
            let last = place.range.end.saturating_sub(1);
            let end = self.letters.place(last).saturating_add(1);
            if start >= cut {
                break;
            }
            match runs.last_mut() {
                Some(run) if start < run.end => run.end = run.end.max(end),
                Some(run) if run.label == place.label && start == run.end => run.end = end,
                Some(_) | None => {
                    let is_told = start == 0 && self.last == Some(place.label);
                    runs.push(Run { start, end, label: place.label, is_told });
                }
            }
        }
        runs
    }

    /// Writes the text up to `cut`, and labels in the place of what is left out.
    fn write(&mut self, text: &[u8], cut: usize, runs: &[Run], sink: &mut Sink<'_>) {
        let mut at = 0;
        for run in runs {
            self.write_plain(text, at, run.start.min(cut), sink);
            if !run.is_told {
                let label = self.hushed.labels.get(run.label).map_or("", String::as_str);
                sink(label.as_bytes());
            }
            // A colour that ends within it ends all the same.
            for gap in self.letters.gaps(run.start, run.end.min(cut)) {
                let gap = text.get(gap.start.max(self.shown)..gap.end).unwrap_or_default();
                if gap.windows(2).any(|two| two == b"\x1b[") {
                    sink(gap);
                }
            }
            self.last = Some(run.label);
            at = run.end.min(cut);
        }
        self.write_plain(text, at, cut, sink);
    }

    fn write_plain(&mut self, text: &[u8], from: usize, to: usize, sink: &mut Sink<'_>) {
        let plain = text.get(from.max(self.shown)..to).unwrap_or_default();
        if from < to {
            self.last = None;
        }
        if !plain.is_empty() {
            sink(plain);
        }
    }

    /// Whether something waits that is shown if nothing comes.
    pub(crate) fn is_impatient(&self) -> bool {
        let held = self.held.expose();
        let (hidden, letters) = (self.shown.max(self.covered), held.len());
        // Most of what waits is short; a line end makes it longer.
        hidden < letters && letters_in(held) <= SHOWN
    }

    /// Nothing comes: shows what waits, if that is no more than the first letters of a value.
    pub(crate) fn show(&mut self, sink: &mut Sink<'_>) {
        if self.is_impatient() {
            let hidden = self.shown.max(self.covered);
            let text = self.held.expose().get(hidden..).unwrap_or_default();
            sink(text);
            self.shown = self.held.expose().len();
        }
    }

    /// The stream is over: lets through what waits, but for what is a large part of a value.
    pub(crate) fn finish(&mut self, sink: &mut Sink<'_>) {
        let held = std::mem::replace(&mut self.held, Secret::new(Vec::new()));
        let text = held.expose();
        self.letters.take(text, Within::Nothing);
        let hushed = Arc::clone(&self.hushed);
        let mut runs = self.runs(&hushed.needles, text.len());
        if let Some(waits) = hushed.needles.beginning_at_end(&self.letters.bytes) {
            let letters = self.letters.bytes.len();
            let seen = letters.saturating_sub(waits.start);
            let is_much = seen >= MUCH || seen > SHOWN && seen.saturating_mul(2) >= waits.whole;
            let start = self.letters.place(waits.start);
            let end = self.letters.place(letters.saturating_sub(1)).saturating_add(1);
            match runs.last_mut() {
                Some(run) if start < run.end => run.end = run.end.max(end),
                _ if is_much => {
                    let is_told = start == 0 && self.last == Some(waits.label);
                    runs.push(Run { start, end, label: waits.label, is_told });
                }
                _ => {}
            }
        }
        self.write(text, text.len(), &runs, sink);
        (self.shown, self.covered, self.last) = (0, 0, None);
    }
}

fn letters_in(text: &[u8]) -> usize {
    let mut letters = Letters::default();
    letters.take(text, Within::Nothing);
    letters.bytes.len()
}

/// Shorter values occur in any text by chance.
pub(crate) const SHORTEST: usize = 6;
/// What is longer is looked for in pieces of this length.
const PIECE: usize = 256;
/// The shortest line of a longer value that is looked for by itself.
const LINE: usize = 16;
/// How many letters of a value are shown if nothing comes.
const SHOWN: usize = 3;
/// How many letters at the end of a stream are too many to be there by chance.
const MUCH: usize = 8;

#[cfg(test)]
mod tests;
