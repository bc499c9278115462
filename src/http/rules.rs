//! How much an endpoint hears, and for how long.

use std::time::Duration;

/// How much is heard, and for how long.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// The most connections at once; others wait for a place.
    pub(crate) at_once: usize,
    /// How long a connection keeps its place without a word while others wait for one.
    pub(crate) grace: Duration,
    /// How long a connection is kept between two requests.
    pub(crate) idle: Duration,
    /// How long the head of a request, its body, and the taking of an answer may take each.
    pub(crate) patience: Duration,
}

impl Rules {
    /// What clients need.
    pub(crate) const USUAL: Self = Self {
        at_once: 256,
        grace: Duration::from_secs(1),
        idle: Duration::from_mins(1),
        patience: Duration::from_secs(10),
    };
}
