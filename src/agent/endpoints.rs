//! The endpoints of a vault that last until it is locked.

use super::at::At;
use super::listening::{Ender, Listening};

/// Those that are heard, and those that are about to be.
#[derive(Default)]
pub(super) struct Endpoints {
    heard: Vec<At>,
    waiting: Vec<Ready>,
}

/// One at which nobody is heard yet: clients that have connected wait.
pub(super) struct Ready {
    pub(super) listening: Listening,
    pub(super) ender: Ender,
}

impl Ready {
    /// Begins to listen. What is wrong is told in a sentence.
    pub(super) fn at(at: &At) -> Result<Self, String> {
        Self::begin(at, Ender::default())
    }

    /// The same, ended by what there is already.
    pub(super) fn begin(at: &At, ender: Ender) -> Result<Self, String> {
        Ok(Self { listening: Listening::begin(at, &ender)?, ender })
    }
}

impl Endpoints {
    /// Whether one is there.
    pub(super) fn has(&self, at: &At) -> bool {
        self.heard.contains(at)
    }

    /// Adds one, which somebody is to [take](Self::take_waiting).
    pub(super) fn add(&mut self, ready: Ready) {
        self.heard.push(ready.listening.at.clone());
        self.waiting.push(ready);
    }

    /// Hands out those at which nobody is heard yet.
    pub(super) fn take_waiting(&mut self) -> Vec<Ready> {
        std::mem::take(&mut self.waiting)
    }

    /// Returns where they are, as clients take it.
    pub(super) fn shown(&self) -> Vec<String> {
        self.heard.iter().map(At::to_string).collect()
    }
}
