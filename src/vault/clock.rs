//! How far the clock is believed. One rule for all dates: see docs/format.md, "Time".
//!
//! A machine that wakes up in 1970 or 2099 must not erase anything too early, nor keep anything from
//! being erased, nor give anything a date that its window then starts from.

use super::transaction::Transaction;
use crate::model::time::{DAY_MS, Timestamp};

/// How far the clock may run ahead of the last commit before nothing is done that relies on it.
const MAX_REST: i64 = 400 * DAY_MS;

/// How far it may be behind the last commit without anybody being told: clocks are set right.
const LARGEST_CORRECTION: i64 = DAY_MS;

/// How the clock compares with the time of the last commit, which was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockState {
    /// It is where it can be.
    Believed,
    /// It is more than a day behind.
    Behind,
    /// It is more than 400 days ahead.
    Ahead,
}

impl ClockState {
    /// Judges a clock by the time of the last commit.
    pub(crate) fn of(clock: Timestamp, last: Timestamp) -> Self {
        let ahead = clock.0.saturating_sub(last.0);
        if ahead > MAX_REST {
            Self::Ahead
        } else if ahead < -LARGEST_CORRECTION {
            Self::Behind
        } else {
            Self::Believed
        }
    }

    /// Names it for `status`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Believed => "believed",
            Self::Behind => "behind",
            Self::Ahead => "ahead",
        }
    }
}

impl Transaction<'_> {
    /// Judges the clock. Before the first commit there is nothing to compare it with.
    pub(crate) fn clock_state(&self) -> ClockState {
        if self.state.generation == 0 {
            ClockState::Believed
        } else {
            ClockState::of(self.now(), self.state.time)
        }
    }

    /// Returns the time for whatever is given a date: the clock's or the last commit's, whichever is
    /// later, so that a window never ends too early; the last commit's where the clock is too far
    /// ahead.
    pub(crate) fn date(&self) -> Timestamp {
        match self.clock_state() {
            ClockState::Ahead => self.state.time,
            ClockState::Believed | ClockState::Behind => self.state.time.max(self.now()),
        }
    }

    /// Returns the time until which windows are over: the clock's, so that one that was ahead once
    /// and is right again erases what is due; the last commit's where it is too far ahead.
    pub(crate) fn due_time(&self) -> Timestamp {
        match self.clock_state() {
            ClockState::Ahead => self.state.time,
            ClockState::Believed | ClockState::Behind => self.now(),
        }
    }

    /// Believes the clock, whatever the last commit said.
    pub(crate) fn accept_clock(&mut self) {
        self.state.time = self.now();
        self.is_changed = true;
    }
}
