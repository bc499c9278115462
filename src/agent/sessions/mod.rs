//! The vaults that are held open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::messages::Unlock;
use super::place::{self, Place};
use super::session::{Gone, Session, lock};
use crate::crypto;
use crate::crypto::fingerprint;
use crate::service::caller::Caller;
use crate::sys::clock::{Moment, Moments};
use crate::vault;
use crate::vault::transaction::RequestContext;

/// All of them.
pub(super) struct Sessions {
    /// Where the system says what login sessions there are.
    logins: PathBuf,
    /// Where the tokens of vaults are kept.
    place: Place,
    vaults: Mutex<Vaults>,
    /// Rings when one is locked, or opened.
    closed: Condvar,
    /// Whether the process is to end: no vault is held open any more that was not before.
    pub(super) is_ending: AtomicBool,
}

#[derive(Default)]
struct Vaults {
    /// Those that are unlocked, by their paths.
    held: BTreeMap<PathBuf, Arc<Session>>,
    /// Those that are being locked: nobody finds them any more, but their keys are there.
    closing: Vec<Arc<Session>>,
    /// How many are being opened: their keys are there, and nobody finds them yet.
    opening: usize,
}

/// What takes its time, as it waits for whoever uses a vault.
#[derive(Clone)]
pub(super) enum Due {
    /// To lock a vault that nobody finds any more.
    Close(Arc<Session>),
    /// To write the reads that have waited long enough.
    Write(Arc<Session>),
    /// To read the names of a large vault before somebody completes one.
    ReadAhead(Arc<Session>),
}

impl Sessions {
    /// None yet, for users whose login sessions are told here, and whose tokens are kept there.
    pub(super) fn of(logins: &Path, place: Place) -> Self {
        let (vaults, closed, is_ending) = Default::default();
        Self { logins: logins.to_owned(), place, vaults, closed, is_ending }
    }

    /// Holds a vault open. Whoever knows its key and unlocks it once more is given the same token; the
    /// token of a vault that was replaced never leads to another. `None` where all is being locked.
    pub(super) fn open(
        &self,
        unlock: Unlock,
        now: Moment,
        context: RequestContext<'_>,
    ) -> Result<Option<Arc<Session>>, vault::Error> {
        let _opening = Opening::begin(self);
        // Its key goes before that ends.
        let unlock = unlock;
        let token = place::new_token(context.entropy).map_err(crypto::Error::from)?;
        let session = Session::open(unlock, &self.logins, token, now)?;
        let mut vaults = self.lock();
        // Under the lock of all: what is held now is found by whoever locks all, or nothing is.
        if self.is_ending.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let known = vaults.held.get(&session.path);
        // What was granted of one whose time is over ends with it.
        let goes_on = |known: &&Arc<Session>| known.is_same(&session) && known.end(now).is_none();
        if let Some(known) = known.filter(goes_on) {
            let known = Arc::clone(known);
            // Under the lock of all: it could be closed meanwhile, as its time is over.
            known.renew_terms(&session);
            drop(vaults);
            known.renew_vault(&session);
            return Ok(Some(known));
        }
        let session = Arc::new(session);
        let replaced = vaults.held.insert(session.path.clone(), Arc::clone(&session));
        let replaced = replaced.map(|replaced| vaults.begin_closing(replaced));
        drop(vaults);
        if let Some(replaced) = replaced {
            self.close(&replaced, context);
        }
        Ok(Some(session))
    }

    /// Finds the vault that something was granted of, and the holder of this token.
    pub(super) fn find_grant(
        &self,
        token: &str,
        now: Moment,
    ) -> Option<(Arc<Session>, Arc<Caller>)> {
        let mut found = None;
        for session in self.all() {
            let holder = lock(&session.grants).holder(token, now);
            found = holder.map(|holder| (session, holder)).or(found);
        }
        found
    }

    /// Finds the vault of a token. The time it takes reveals how many there are and nothing else.
    pub(super) fn find(&self, token: &str) -> Option<Arc<Session>> {
        let vaults = self.lock();
        let mut found = None;
        for session in vaults.held.values() {
            if fingerprint::is_same(token, session.token.expose()) {
                found = Some(Arc::clone(session));
            }
        }
        found
    }

    /// Has nobody find one vault any more, or any. Returns those, which are to be [`Self::close`]d, and
    /// those that somebody else is about to close.
    pub(super) fn begin_closing(
        &self,
        path: Option<&Path>,
    ) -> (Vec<Arc<Session>>, Vec<Arc<Session>>) {
        let mut vaults = self.lock();
        let is_meant = |held: &Path| path.is_none_or(|path| held == path);
        let others = vaults.closing.iter().filter(|session| is_meant(&session.path));
        let others = others.cloned().collect();
        let taken: Vec<_> = vaults.held.extract_if(.., |held, _| is_meant(held)).collect();
        let own = taken.into_iter().map(|(_, session)| vaults.begin_closing(session)).collect();
        (own, others)
    }

    /// Has nobody find a vault any more that cannot be held open, if that is still so: it may have been
    /// unlocked anew meanwhile.
    pub(super) fn begin_closing_for(
        &self,
        gone: Gone,
        session: &Arc<Session>,
        now: Moment,
    ) -> Option<Arc<Session>> {
        let mut vaults = self.lock();
        let is_it = vaults.held.get(&session.path).is_some_and(|known| Arc::ptr_eq(known, session));
        let is_renewed = matches!(gone, Gone::Over | Gone::LoggedOut) && session.end(now).is_none();
        let taken = if is_it && !is_renewed { vaults.held.remove(&session.path) } else { None };
        taken.map(|session| vaults.begin_closing(session))
    }

    /// Locks a vault that nobody finds any more, when whoever uses it now has ended.
    pub(super) fn close(&self, session: &Arc<Session>, context: RequestContext<'_>) {
        let _closing = Closing { sessions: self, session };
        session.close(context);
    }

    /// Waits until somebody else has closed these.
    pub(super) fn wait_for(&self, others: &[Arc<Session>]) {
        let is_closing = |vaults: &mut Vaults| {
            let is_one = |one| others.iter().any(|other| Arc::ptr_eq(other, one));
            vaults.closing.iter().any(is_one)
        };
        let closed = self.closed.wait_while(self.lock(), is_closing);
        drop(closed.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until none is being opened. What is refused then is gone with its key.
    pub(super) fn wait_for_openings(&self) {
        let closed = self.closed.wait_while(self.lock(), |vaults| vaults.opening > 0);
        drop(closed.unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether none is unlocked, and none is being locked. If so none will be: whoever is about to hold one
    /// open learns that the process ends.
    pub(super) fn end_if_gone(&self) -> bool {
        let vaults = self.lock();
        let are_gone = vaults.held.is_empty() && vaults.closing.is_empty();
        if are_gone {
            self.is_ending.store(true, Ordering::SeqCst);
        }
        are_gone
    }

    /// Has nobody find those any more whose time or login session is over. Returns what is to be done
    /// now, and in how many milliseconds there is more; `None` if none is unlocked. Waits for nobody who
    /// uses a vault.
    pub(super) fn attend(&self, now: Moment) -> (Vec<Due>, Option<i64>) {
        let (mut due, mut next) = (Vec::new(), None);
        for session in self.all() {
            if let Some(gone) = session.end(now) {
                due.extend(self.begin_closing_for(gone, &session, now).map(Due::Close));
            }
        }
        for session in self.all() {
            let mut left = session.outlook(now).left_ms;
            match session.reading_ahead_ms(now) {
                Some(0) => {
                    session.begin_reading_ahead();
                    due.push(Due::ReadAhead(Arc::clone(&session)));
                }
                Some(wait) => left = left.min(wait),
                None => {}
            }
            match session.waiting_ms(now) {
                Some(0) => {
                    session.begin_writing();
                    due.push(Due::Write(session));
                }
                Some(wait) => left = left.min(wait),
                None => {}
            }
            next = Some(next.map_or(left, |next: i64| next.min(left)));
        }
        (due, next)
    }

    /// Does what is due.
    pub(super) fn carry_out(&self, due: &Due, moments: &dyn Moments, context: RequestContext<'_>) {
        match due {
            Due::Close(session) => self.close(session, context),
            Due::Write(session) => session.write_waiting(moments, context),
            Due::ReadAhead(session) => session.read_ahead(moments, context),
        }
    }

    /// Returns all.
    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.lock().held.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vaults> {
        lock(&self.vaults)
    }
}

impl Vaults {
    /// Notes of one that was held that it is being locked.
    fn begin_closing(&mut self, session: Arc<Session>) -> Arc<Session> {
        session.begin_closing();
        self.closing.push(Arc::clone(&session));
        session
    }
}

/// Opening a vault, however that ends.
struct Opening<'a>(&'a Sessions);

impl<'a> Opening<'a> {
    fn begin(sessions: &'a Sessions) -> Self {
        let mut vaults = sessions.lock();
        vaults.opening = vaults.opening.saturating_add(1);
        Self(sessions)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut vaults = self.0.lock();
        vaults.opening = vaults.opening.saturating_sub(1);
        drop(vaults);
        self.0.closed.notify_all();
    }
}

/// Locking a vault, however that ends.
struct Closing<'a> {
    sessions: &'a Sessions,
    session: &'a Arc<Session>,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut vaults = self.sessions.lock();
        vaults.closing.retain(|other| !Arc::ptr_eq(other, self.session));
        // Under the lock of all: whoever unlocks it anew is given another token, and keeps that.
        if !vaults.held.contains_key(&self.session.path) {
            self.sessions.place.forget_token(&self.session.path);
        }
        drop(vaults);
        self.sessions.closed.notify_all();
    }
}

#[cfg(test)]
mod tests;
