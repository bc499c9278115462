//! How far long work is, for a person who waits for it: a line that fits the terminal, and nothing
//! anywhere else.

use std::time::Duration;

use super::terminal;
use crate::sys::clock::Stopwatch;
use crate::vault::check::RowsDone;

/// Work on fewer rows ends before anybody could read about it.
const LONG_WORK: u64 = 2_000;
/// How often the line is drawn anew at most.
const PAUSE: Duration = Duration::from_millis(100);
/// After how long a guess at what is left is worth something.
const LEARNT: Duration = Duration::from_secs(2);
/// What a bar has at least, and at most.
const SHORT: usize = 10;
const LONG: usize = 40;

/// Tells at the terminal how far long work is.
pub(super) fn progress() -> impl FnMut(RowsDone) {
    let mut bar = Bar::default();
    move |RowsDone { step, done, total }| bar.tell(step, done, total)
}

/// The line that tells how far long work is.
#[derive(Default)]
pub(super) struct Bar {
    step: String,
    since: Option<Stopwatch>,
    drawn: Option<Stopwatch>,
}

impl Bar {
    /// Tells how far it is now.
    pub(super) fn tell(&mut self, step: &str, done: u64, total: u64) {
        if total < LONG_WORK {
            return;
        }
        let Some(columns) = terminal::drawable_columns() else { return };
        if self.step != step {
            *self = Self { step: step.to_owned(), ..Self::default() };
        }
        let elapsed = self.since.get_or_insert_with(Stopwatch::start).elapsed();
        if done < total && self.drawn.is_some_and(|drawn| drawn.elapsed() < PAUSE) {
            return;
        }
        self.drawn = Some(Stopwatch::start());
        terminal::update(&line(step, (done.min(total), total), elapsed, columns));
    }
}

/// Returns the line: what is done, a bar where there is room for one, and how long it may take still.
fn line(step: &str, (done, total): (u64, u64), elapsed: Duration, columns: usize) -> String {
    let percent = done.saturating_mul(100).checked_div(total).unwrap_or(100);
    let mut text = format!("{percent:>3} %");
    if done > 0 && done < total && elapsed >= LEARNT {
        let left = u128::from(total - done) * elapsed.as_millis() / u128::from(done);
        text.extend([", about ", &told(left.div_ceil(1000)), " left"]);
    }
    // The last column stays empty: some terminals go to the next line for it.
    let columns = columns.saturating_sub(1);
    let taken = step.chars().count() + text.chars().count() + "  [] ".len();
    let room = columns.saturating_sub(taken).min(LONG);
    let line = if room < SHORT {
        format!("{step} {text}")
    } else {
        let filled = usize::try_from(percent).unwrap_or(100) * room / 100;
        format!("{step}  [{}{}] {text}", "=".repeat(filled), " ".repeat(room - filled))
    };
    line.chars().take(columns).collect()
}

/// Returns a time in words.
fn told(seconds: u128) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_fits() {
        let seconds = Duration::from_secs;
        for (done, elapsed, columns, expected) in [
            (0, 0, 40, "secrets  [                      ]   0 %"),
            (2_500, 1, 40, "secrets  [=====                 ]  25 %"),
            (2_500, 30, 60, "secrets  [======                   ]  25 %, about 90 s left"),
            (2_500, 30, 40, "secrets  25 %, about 90 s left"),
            (
                5_000,
                600,
                80,
                "secrets  [====================                    ]  50 %, about 10 min left",
            ),
            (10_000, 60, 40, "secrets  [======================] 100 %"),
            (2_500, 30, 12, "secrets  25"),
        ] {
            let line = line("secrets", (done, 10_000), seconds(elapsed), columns);
            assert_eq!(line, expected);
            assert!(line.chars().count() < columns);
        }
        assert_eq!(told(7_201), "3 h");
    }
}
