//! The server of an endpoint: who is heard, for how long, and how much of him.

use std::os::fd::AsFd;
use std::time::Duration;

use super::back::Back;
use crate::gateway::crowd::{Crowd, Guest, Host};
use crate::sys::connection;
use crate::sys::socket::{Listener, Listens};

/// Where an endpoint is, which is what its clients must call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// At this port of the loopback interface.
    Loopback(u16),
    /// At a socket in the file system.
    File,
}

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

/// Answers those who come to a socket, of one kind.
pub(crate) struct Server<'a, S> {
    back: &'a dyn Back,
    site: Site,
    rules: Rules,
    crowd: Crowd<S>,
}

impl<'a, S: AsFd + Send + Sync> Server<'a, S> {
    pub(crate) fn new(back: &'a dyn Back, site: Site, rules: Rules) -> Self {
        Self { back, site, rules, crowd: Crowd::new(rules.at_once, rules.grace) }
    }

    /// Answers those who come until the listener is closed.
    pub(crate) fn serve<L: Listens<Stream = S>>(&self, listener: &Listener<L>) {
        self.crowd.serve(listener, None, self);
    }

    /// Closes all connections and accepts no more. Requests in progress are still answered.
    pub(crate) fn close(&self) {
        self.crowd.close();
    }
}

impl<S: AsFd + Send + Sync> Host<S> for Server<'_, S> {
    fn attend(&self, guest: &Guest<'_, S>) {
        connection::hurry(guest.stream());
    }

    fn panicked(&self) {
        self.back.panicked();
    }
}
