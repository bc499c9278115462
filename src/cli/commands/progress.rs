//! How far long work is, for a person who waits for it.

use super::super::terminal;
use crate::vault::check::RowsDone;

/// Work on fewer rows ends before anybody could read about it.
const LONG_WORK: u64 = 2_000;

/// Tells at the terminal how far long work is.
pub(super) fn progress() -> impl FnMut(RowsDone) {
    let is_watched = terminal::is_watched();
    move |progress: RowsDone| {
        if is_watched && progress.total >= LONG_WORK {
            terminal::update(&format!(
                "{}: {} of {}",
                progress.step,
                progress.done.min(progress.total),
                progress.total
            ));
        }
    }
}
