//! The vaults that are held open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::identity::FileIdentity;
use super::limits::{Limits, Times};
use super::messages::Unlock;
use super::place;
use crate::crypto;
use crate::crypto::fingerprint;
use crate::store::{self, Mode};
use crate::sys::clock::Moment;
use crate::sys::entropy::Entropy;
use crate::sys::files::FileFault;
use crate::sys::secret::Secret;
use crate::vault::{self, LockedVault, OnDamagedSlot, OnRollback, UnlockPolicy, Vault};

/// A vault that is held open, for those who have its token.
pub(super) struct Session {
    pub(super) path: PathBuf,
    pub(super) token: Secret<String>,
    pub(super) limits: Limits,
    identity: FileIdentity,
    /// What no other vault's key has.
    commit: [u8; 32],
    times: Mutex<Times>,
    /// `None` once it is locked.
    vault: Mutex<Option<Vault>>,
}

/// Whether somebody who uses a vault is a reason to hold it open for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Counts,
    Looks,
}

/// Why a vault is not held open any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Locked,
    /// Its time is over.
    Over,
    /// Another file is where it was, or none.
    Replaced,
    /// It has other keys now.
    Rekeyed,
}

impl Gone {
    /// Says so.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::Locked => "the vault is locked",
            Self::Over => "the vault was locked: its time was over",
            Self::Replaced => "the vault was locked: another file is in its place",
            Self::Rekeyed => "the vault was locked: it was given another key",
        }
    }
}

impl Session {
    /// Opens a vault, for whoever has this token.
    fn open(unlock: Unlock, token: Secret<String>, now: Moment) -> Result<Self, vault::Error> {
        let Unlock { path, key, limits, anchors } = unlock;
        let policy = UnlockPolicy {
            anchors,
            on_rollback: OnRollback::Refuse,
            on_damaged_slot: OnDamagedSlot::Refuse,
        };
        let identity = || {
            let found = FileIdentity::at(&path);
            found.map_err(|error| store::Error::from(FileFault::from_io(&path, error)))
        };
        let before = identity()?;
        let vault = LockedVault::open(&path, Mode::ReadWrite)?.unlock_by(&key, &policy)?;
        if identity()? != before {
            return Err(store::Error::Changed.into());
        }
        let times = Mutex::new(Times { opened: now, used: now });
        let commit = vault.header().mk_commit;
        let vault = Mutex::new(Some(vault));
        Ok(Self { path, token, limits, identity: before, commit, times, vault })
    }

    /// Lends the vault.
    pub(super) fn used_at<T>(
        &self,
        now: Moment,
        how: Use,
        work: impl FnOnce(&mut Vault) -> T,
    ) -> Result<T, Gone> {
        if self.is_over(now) {
            return Err(Gone::Over);
        }
        if FileIdentity::at(&self.path).ok() != Some(self.identity) {
            return Err(Gone::Replaced);
        }
        if how == Use::Counts {
            lock(&self.times).used = now;
        }
        lock(&self.vault).as_mut().map(work).ok_or(Gone::Locked)
    }

    /// Whether it is the same file, with the same key.
    fn is_same(&self, other: &Self) -> bool {
        (self.identity, self.commit) == (other.identity, other.commit)
    }

    /// Forgets the keys, when whoever uses them now has ended.
    fn close(&self) {
        drop(lock(&self.vault).take());
    }

    /// Whether it must be locked.
    fn is_over(&self, now: Moment) -> bool {
        self.limits.are_over(*lock(&self.times), now)
    }

    /// Returns since when it is unlocked, and for how many milliseconds more.
    pub(super) fn times(&self, now: Moment) -> (Moment, i64) {
        let times = *lock(&self.times);
        (times.opened, self.limits.left_ms(times, now))
    }
}

/// All of them, by their paths.
#[derive(Default)]
pub(super) struct Sessions(Mutex<BTreeMap<PathBuf, Arc<Session>>>);

impl Sessions {
    /// Holds a vault open. Whoever knows its key and unlocks it once more is given the same token; the
    /// token of a vault that was replaced never leads to another.
    pub(super) fn open(
        &self,
        unlock: Unlock,
        now: Moment,
        entropy: &dyn Entropy,
    ) -> Result<Arc<Session>, vault::Error> {
        let token = place::new_token(entropy).map_err(crypto::Error::from)?;
        let mut session = Session::open(unlock, token, now)?;
        let mut sessions = self.lock();
        let known = sessions.get(&session.path);
        if let Some(known) = known.filter(|known| known.is_same(&session)) {
            session.token = Secret::new(known.token.expose().clone());
        }
        let session = Arc::new(session);
        let replaced = sessions.insert(session.path.clone(), Arc::clone(&session));
        drop(sessions);
        if let Some(replaced) = replaced {
            replaced.close();
        }
        Ok(session)
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
    pub(super) fn close(&self, path: &Path) -> bool {
        let session = self.lock().remove(path);
        session.inspect(|session| session.close()).is_some()
    }

    /// Locks all whose time is over, and returns how many milliseconds are left to the next.
    pub(super) fn expire(&self, now: Moment) -> Option<i64> {
        let is_over = |session: &&Arc<Session>| session.is_over(now);
        let over: Vec<PathBuf> =
            self.lock().values().filter(is_over).map(|session| session.path.clone()).collect();
        for path in over {
            self.close(&path);
        }
        self.all().iter().map(|session| session.times(now).1).min()
    }

    /// Returns all.
    pub(super) fn all(&self) -> Vec<Arc<Session>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Arc<Session>>> {
        lock(&self.0)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
