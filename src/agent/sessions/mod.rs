//! The vaults that are held open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard};

use super::messages::Unlock;
use super::place;
use super::session::{Gone, Session, lock};
use crate::crypto;
use crate::crypto::fingerprint;
use crate::service::caller::Caller;
use crate::sys::clock::Moment;
use crate::vault;
use crate::vault::transaction::RequestContext;

/// All of them, by their paths.
pub(super) struct Sessions {
    /// Where the system says what login sessions there are.
    logins: PathBuf,
    held: Mutex<BTreeMap<PathBuf, Arc<Session>>>,
}

impl Sessions {
    /// None yet, for users whose login sessions are told here.
    pub(super) fn of(logins: &Path) -> Self {
        Self { logins: logins.to_owned(), held: Mutex::default() }
    }

    /// Holds a vault open. Whoever knows its key and unlocks it once more is given the same token; the
    /// token of a vault that was replaced never leads to another.
    pub(super) fn open(
        &self,
        unlock: Unlock,
        now: Moment,
        context: RequestContext<'_>,
    ) -> Result<Arc<Session>, vault::Error> {
        let token = place::new_token(context.entropy).map_err(crypto::Error::from)?;
        let session = Session::open(unlock, &self.logins, token, now)?;
        let mut sessions = self.lock();
        let known = sessions.get(&session.path);
        // What was granted of one whose time is over ends with it.
        let goes_on = |known: &&Arc<Session>| known.is_same(&session) && known.end(now).is_none();
        if let Some(known) = known.filter(goes_on) {
            let known = Arc::clone(known);
            // Under the lock of all: it could be closed meanwhile.
            known.renew(&session);
            return Ok(known);
        }
        let session = Arc::new(session);
        let replaced = sessions.insert(session.path.clone(), Arc::clone(&session));
        drop(sessions);
        if let Some(replaced) = replaced {
            replaced.close(context);
        }
        Ok(session)
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
        let sessions = self.lock();
        let mut found = None;
        for session in sessions.values() {
            if fingerprint::is_same(token, session.token.expose()) {
                found = Some(Arc::clone(session));
            }
        }
        found
    }

    /// Locks one vault. Returns whether it was unlocked.
    pub(super) fn close(&self, path: &Path, context: RequestContext<'_>) -> bool {
        let session = self.lock().remove(path);
        session.inspect(|session| session.close(context)).is_some()
    }

    /// Locks a vault that cannot be held open any more, if that is still so: it may have been unlocked
    /// anew meanwhile.
    pub(super) fn close_for(
        &self,
        gone: Gone,
        session: &Session,
        now: Moment,
        context: RequestContext<'_>,
    ) {
        let mut sessions = self.lock();
        let known = sessions.get(&session.path);
        let is_it = known.is_some_and(|known| ptr::eq(Arc::as_ptr(known), session));
        let is_renewed = matches!(gone, Gone::Over | Gone::LoggedOut) && session.end(now).is_none();
        let closed = if is_it && !is_renewed { sessions.remove(&session.path) } else { None };
        drop(sessions);
        closed.inspect(|session| session.close(context));
    }

    /// Locks all whose time or login session is over, writes what has waited long enough, and returns
    /// how many milliseconds are left to the next of either; `None` if none is unlocked.
    pub(super) fn attend(&self, now: Moment, context: RequestContext<'_>) -> Option<i64> {
        // Long work uses the vault as long as it goes on.
        for session in self.all() {
            session.count_long_work(now);
        }
        for session in self.all() {
            if let Some(gone) = session.end(now) {
                self.close_for(gone, &session, now, context);
            }
        }
        let sessions = self.all();
        let left = |session: &Arc<Session>| {
            let left = session.outlook(now).left_ms;
            session.write_waiting(now, context).map_or(left, |wait| wait.min(left))
        };
        sessions.iter().map(left).min()
    }

    /// Returns all.
    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Arc<Session>>> {
        lock(&self.held)
    }
}

#[cfg(test)]
mod tests;
