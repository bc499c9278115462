//! Those who have come to a socket, each heard by a thread of his own.
//!
//! However many come, and whatever they send or keep back, only so many are heard at once, and who makes
//! no use of his place loses it to somebody who waits for one. Does not know what is said.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use crate::sys::connection;
use crate::sys::socket::{Listener, Listens};

/// Hears those who come.
pub(crate) trait Host<S: AsFd + Send + Sync>: Sync {
    /// Hears one, until he has no more to say.
    fn attend(&self, guest: &Guest<'_, S>);

    /// A thread has panicked: what it held may be half done.
    fn panicked(&self);
}

/// Those who are heard at a socket, and those who wait for it.
pub(crate) struct Crowd<S> {
    /// The most connections at once; others wait for a place.
    at_once: usize,
    /// How long a connection keeps its place without a word while others wait for one.
    grace: Duration,
    connections: Mutex<Connections<S>>,
    /// Rings when a place becomes free, or the crowd is sent away.
    moved: Condvar,
}

/// The open connections.
struct Connections<S> {
    is_closed: bool,
    next: u64,
    /// How many threads wait for who comes, or for a place for him.
    waiting: usize,
    open: BTreeMap<u64, Connection<S>>,
}

struct Connection<S> {
    stream: Arc<S>,
    /// Since when it has been listened to; `None` while it is answered.
    listened_to: Option<Instant>,
}

/// One who has a place, until this is dropped.
pub(crate) struct Guest<'c, S: AsFd + Send + Sync> {
    crowd: &'c Crowd<S>,
    number: u64,
    stream: Arc<S>,
}

impl<S: AsFd + Send + Sync> Crowd<S> {
    pub(crate) fn new(at_once: usize, grace: Duration) -> Self {
        let open = BTreeMap::new();
        let connections = Connections { is_closed: false, next: 0, waiting: 0, open };
        Self { at_once, grace, connections: Mutex::new(connections), moved: Condvar::new() }
    }

    /// Has those who come heard until the listener is closed, and first of all `first`, which is
    /// connected already.
    pub(crate) fn serve<L: Listens<Stream = S>>(
        &self,
        listener: &Listener<L>,
        first: Option<S>,
        host: &dyn Host<S>,
    ) {
        thread::scope(|scope| self.work(scope, (listener, host), first));
    }

    /// Hears one after the other, and sees to it that while this thread does, another waits for who
    /// comes next: whoever comes is heard by the thread that it wakes, and no other is woken.
    fn work<'scope, 'env: 'scope, L: Listens<Stream = S>>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        (listener, host): (&'env Listener<L>, &'env dyn Host<S>),
        mut first: Option<S>,
    ) {
        while self.is_wanted() {
            let Some(stream) = first.take().or_else(|| listener.accept()) else { return };
            let admitted = self.admit(stream);
            let is_last = self.is_last_to_wait();
            let next = move || self.work(scope, (listener, host), None);
            let is_alone = is_last && thread::Builder::new().spawn_scoped(scope, next).is_err();
            let Some(guest) = admitted else { continue };
            // Where there can be no other thread, those who come are turned away: this one must wait
            // for the next.
            if !is_alone {
                let attended = catch_unwind(AssertUnwindSafe(|| host.attend(&guest)));
                if attended.is_err() {
                    host.panicked();
                }
            }
        }
    }

    /// Whether another thread is needed to wait: one does, and one more is at hand for the next.
    fn is_wanted(&self) -> bool {
        let mut connections = self.connections();
        let is_wanted = connections.waiting < AT_HAND;
        connections.waiting += usize::from(is_wanted);
        is_wanted
    }

    /// Waits no more; whether nobody else does.
    fn is_last_to_wait(&self) -> bool {
        let mut connections = self.connections();
        connections.waiting = connections.waiting.saturating_sub(1);
        connections.waiting == 0
    }

    /// Closes all connections and takes nobody in any more. Who is being answered still is.
    pub(crate) fn close(&self) {
        let mut connections = self.connections();
        connections.is_closed = true;
        for open in connections.open.values() {
            connection::end(&*open.stream, Shutdown::Read);
        }
        drop(connections);
        self.moved.notify_all();
    }

    /// Waits for a place, and takes one away from somebody who makes no use of it.
    fn admit(&self, stream: S) -> Option<Guest<'_, S>> {
        let mut connections = self.connections();
        while !connections.is_closed && connections.open.len() >= self.at_once {
            let idle = |open: &&Connection<S>| {
                open.listened_to.is_some_and(|since| since.elapsed() >= self.grace)
            };
            if let Some(idle) = connections.open.values().find(idle) {
                connection::end(&*idle.stream, Shutdown::Both);
            }
            let waited = self.moved.wait_timeout(connections, self.grace);
            connections = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if connections.is_closed {
            return None;
        }
        let number = connections.next;
        connections.next = number.saturating_add(1);
        let stream = Arc::new(stream);
        let listened_to = Some(Instant::now());
        let connection = Connection { stream: Arc::clone(&stream), listened_to };
        connections.open.insert(number, connection);
        Some(Guest { crowd: self, number, stream })
    }

    /// Whether any are heard now.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.connections().open.is_empty()
    }

    fn connections(&self) -> MutexGuard<'_, Connections<S>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsFd + Send + Sync> Guest<'_, S> {
    pub(crate) fn stream(&self) -> &S {
        &self.stream
    }

    /// Notes that it is listened to from now on.
    pub(crate) fn is_heard(&self) {
        self.listen(Some(Instant::now()));
    }

    /// Notes that it has said something which is answered now; whether it is to be.
    pub(crate) fn is_answered(&self) -> bool {
        self.listen(None);
        !self.crowd.connections().is_closed
    }

    /// Whether there is nobody else.
    pub(crate) fn is_alone(&self) -> bool {
        self.crowd.connections().open.len() == 1
    }

    fn listen(&self, since: Option<Instant>) {
        if let Some(connection) = self.crowd.connections().open.get_mut(&self.number) {
            connection.listened_to = since;
        }
    }
}

impl<S: AsFd + Send + Sync> Drop for Guest<'_, S> {
    fn drop(&mut self) {
        self.crowd.connections().open.remove(&self.number);
        self.crowd.moved.notify_all();
    }
}

/// How many threads wait at most: to begin one takes longer than to answer most of what is asked.
const AT_HAND: usize = 2;
