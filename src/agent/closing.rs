//! Vaults are locked: because somebody asks for it, or because their time is over.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, Scope};

use serde_json::{Value as Json, json};

use super::door::Agent;
use super::session::Session;
use super::sessions::Due;

impl Agent<'_> {
    /// Locks a vault, or all and ends.
    pub(super) fn lock(&self, vault: Option<&Path>) -> Json {
        let locked = if vault.is_some() { self.close(vault) } else { self.end() };
        json!({ "locked": locked })
    }

    /// Locks all, and has the process end. Returns how many there were.
    pub(super) fn end(&self) -> usize {
        self.sessions.is_ending.store(true, Ordering::SeqCst);
        let closed = self.close(None);
        self.sessions.wait_for_openings();
        closed
    }

    /// Locks a vault, or all. Returns how many were locked from when this began to when it ended, by
    /// whomever.
    fn close(&self, vault: Option<&Path>) -> usize {
        // Whatever becomes of this thread, the one that watches goes on.
        let _waking = Waking(self.wake);
        let (own, others) = self.sessions.begin_closing(vault);
        let close = |session: &Arc<Session>| self.sessions.close(session, self.context());
        // None waits for those who use another.
        thread::scope(|scope| {
            let (last, apart) = own.split_last().unzip();
            for session in apart.unwrap_or_default() {
                if thread::Builder::new().spawn_scoped(scope, move || close(session)).is_err() {
                    close(session);
                }
            }
            last.inspect(|session| close(session));
        });
        self.sessions.wait_for(&others);
        own.len().saturating_add(others.len())
    }

    /// Does what is to be done at this time, each in a thread of its own as it may wait for those who use
    /// a vault. Returns in how many milliseconds there is more to do; `None` if none is unlocked.
    pub(super) fn attend<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) -> Option<i64> {
        let (due, left) = self.sessions.attend(self.moments.moment());
        for one in due {
            let carry_out = |one: &Due| self.sessions.carry_out(one, self.moments, self.context());
            let apart = one.clone();
            let work = move || {
                let _waking = Waking(self.wake);
                if catch_unwind(AssertUnwindSafe(|| carry_out(&apart))).is_err() {
                    self.end();
                }
            };
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                carry_out(&one);
            }
        }
        self.begin_endpoints(scope);
        left
    }
}

/// Wakes the thread that watches when it is dropped, in a panic too.
struct Waking<'a>(&'a (dyn Fn() + Sync));

impl Drop for Waking<'_> {
    fn drop(&mut self) {
        (self.0)();
    }
}
