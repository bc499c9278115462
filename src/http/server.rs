//! The server of an endpoint: who is heard, for how long, and how much of him.

use std::io;
use std::net::{IpAddr, Shutdown};
use std::os::fd::AsFd;
use std::time::Instant;

use super::back::Back;
use super::endpoint::Endpoint;
use super::exchange::{LINGER, Wire, converse};
use super::rules::Rules;
use super::site::Site;
use crate::gateway::crowd::{Crowd, Guest, Host};
use crate::sys::connection;
use crate::sys::socket::{Listener, Listens};

/// Answers those who come to a socket, of one kind.
pub(crate) struct Server<'a, S> {
    endpoint: Endpoint<'a>,
    rules: Rules,
    crowd: Crowd<S>,
}

impl<'a, S: AsFd + Send + Sync> Server<'a, S> {
    pub(crate) fn new(back: &'a dyn Back, site: Site, rules: Rules) -> Self {
        let crowd = Crowd::new(rules.at_once, rules.grace);
        Self { endpoint: Endpoint::new(back, site), rules, crowd }
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
        let address = connection::address(guest.stream());
        // A client who does not wait for the answer does not want it.
        drop(converse(&mut Line { guest, address }, &self.endpoint, &self.rules));
    }

    fn panicked(&self) {
        self.endpoint.back.panicked();
    }
}

/// The bytes of a guest.
struct Line<'g, S: AsFd + Send + Sync> {
    guest: &'g Guest<'g, S>,
    address: Option<IpAddr>,
}

impl<S: AsFd + Send + Sync> Wire for Line<'_, S> {
    fn read(&mut self, place: &mut [u8], until: Instant) -> io::Result<usize> {
        connection::read_some(self.guest.stream(), place, until)
    }

    fn write(&mut self, bytes: &[u8], until: Instant) -> io::Result<()> {
        connection::write_all(self.guest.stream(), bytes, until)
    }

    fn has_more(&mut self) -> bool {
        connection::has_more(self.guest.stream())
    }

    fn drain(&mut self) {
        connection::end(self.guest.stream(), Shutdown::Write);
        self.guest.is_heard();
        let until = Instant::now() + LINGER;
        let mut place = vec![0; DRAINED];
        while let Ok(1..) = self.read(&mut place, until) {}
    }

    fn listens(&mut self) {
        self.guest.is_heard();
    }

    fn answers(&mut self) -> bool {
        self.guest.is_answered()
    }

    fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// How much is thrown away at once, in bytes.
const DRAINED: usize = 64 << 10;
