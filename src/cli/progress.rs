//! How far long work is, for a person who waits for it.

use super::terminal;
use crate::vault::check::RowsDone;

/// Work on fewer rows ends before anybody could read about it.
const LONG_WORK: u64 = 2_000;

/// Tells at the terminal how far long work is.
pub(super) fn progress() -> impl FnMut(RowsDone) {
    |RowsDone { step, done, total }| tell(step, done, total)
}

/// Tells how far it is now.
pub(super) fn tell(step: &str, done: u64, total: u64) {
    if terminal::is_watched() && total >= LONG_WORK {
        terminal::update(&format!("{step}: {} of {total}", done.min(total)));
    }
}

/// Ends the line that told how far work on so many rows was.
pub(super) fn end(total: u64) {
    if total >= LONG_WORK {
        terminal::finish();
    }
}
