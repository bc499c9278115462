//! The vaults that are held open.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::grants::Grants;
use super::identity::{FileIdentity, Written};
use super::limits::{Limits, Times};
use super::messages::{Reads, Unlock};
use super::place;
use super::rotations::Rotations;
use crate::crypto;
use crate::crypto::fingerprint;
use crate::service::caller::Caller;
use crate::store::{self, Mode};
use crate::sys::clock::Moment;
use crate::sys::files::FileFault;
use crate::sys::login::Login;
use crate::sys::secret::Secret;
use crate::vault::transaction::RequestContext;
use crate::vault::{self, LockedVault, OnDamagedSlot, OnRollback, UnlockPolicy, Vault};

/// A vault that is held open, for those who have its token.
pub(super) struct Session {
    pub(super) path: PathBuf,
    pub(super) token: Secret<String>,
    identity: FileIdentity,
    /// What no other vault's key has.
    commit: [u8; 32],
    terms: Mutex<Terms>,
    pub(super) grants: Mutex<Grants>,
    pub(super) rotations: Rotations,
    /// The file as it was when it was last used here.
    written: Mutex<Option<Written>>,
    /// Since when reads wait to be logged.
    waiting_since: Mutex<Option<Moment>>,
    /// `None` once it is locked.
    vault: Mutex<Option<Vault>>,
}

/// How long it is held open, and how.
struct Terms {
    limits: Limits,
    times: Times,
    reads: Reads,
    /// Its end locks the vault.
    login: Option<Login>,
}

/// What a person is told of it.
pub(super) struct Outlook {
    pub(super) opened: Moment,
    /// For how many milliseconds more it is held open if nobody uses it.
    pub(super) left_ms: i64,
    pub(super) age_ms: i64,
    pub(super) reads: Reads,
}

/// Whether somebody who uses a vault is a reason to hold it open for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Counts,
    Looks,
}

/// What came of using a vault.
pub(super) struct Used<T> {
    pub(super) done: T,
    /// Whether a read waits to be logged, where none did.
    pub(super) begins_to_wait: bool,
}

/// Why a vault is not held open any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Locked,
    /// Its time is over.
    Over,
    /// The login session is over.
    LoggedOut,
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
            Self::LoggedOut => "the vault was locked: the login session is over",
            Self::Replaced => "the vault was locked: another file is in its place",
            Self::Rekeyed => "the vault was locked: it was given another key",
        }
    }
}

impl Session {
    /// Opens a vault, for whoever has this token.
    fn open(
        unlock: Unlock,
        logins: &Path,
        token: Secret<String>,
        now: Moment,
    ) -> Result<Self, vault::Error> {
        let Unlock { path, key, limits, anchors, reads, login } = unlock;
        let policy = UnlockPolicy {
            anchors,
            on_rollback: OnRollback::Refuse,
            on_damaged_slot: OnDamagedSlot::Refuse,
        };
        let identity = || {
            let found = FileIdentity::at(&path).map(|(identity, _)| identity);
            found.map_err(|error| store::Error::from(FileFault::from_io(&path, error)))
        };
        let before = identity()?;
        let mut vault = LockedVault::open(&path, Mode::ReadWrite)?.unlock_by(&key, &policy)?;
        if reads == Reads::Batched {
            vault.let_reads_wait();
        }
        if identity()? != before {
            return Err(store::Error::Changed.into());
        }
        let terms = Terms {
            limits,
            times: Times { opened: now, used: now },
            reads,
            login: login.and_then(|id| Login::running(logins, &id)),
        };
        Ok(Self {
            path,
            token,
            identity: before,
            commit: vault.header().mk_commit,
            terms: Mutex::new(terms),
            grants: Mutex::default(),
            rotations: Rotations::default(),
            written: Mutex::default(),
            waiting_since: Mutex::default(),
            vault: Mutex::new(Some(vault)),
        })
    }

    /// Lends the vault.
    pub(super) fn used_at<T>(
        &self,
        now: Moment,
        how: Use,
        context: RequestContext<'_>,
        work: impl FnOnce(&mut Vault) -> T,
    ) -> Result<Used<T>, Gone> {
        if let Some(gone) = self.end(now) {
            return Err(gone);
        }
        let mut guard = self.sound_vault().ok_or(Gone::Locked)?;
        let vault = guard.as_mut().ok_or(Gone::Locked)?;
        self.look_at_file(vault)?;
        if how == Use::Counts {
            lock(&self.terms).times.used = now;
        }
        vault.begin_anew();
        let done = work(vault);
        // While another process keeps the vault from being written, not every read waits for that.
        let waiting = vault.waiting_reads();
        if waiting > 0 && waiting.is_multiple_of(MOST_WAITING) {
            drop(vault.write_waiting_reads(context));
        }
        self.note_file();
        let mut waiting_since = lock(&self.waiting_since);
        let waited_since = *waiting_since;
        *waiting_since = (vault.waiting_reads() > 0).then(|| waited_since.unwrap_or(now));
        let begins_to_wait = waited_since.is_none() && waiting_since.is_some();
        Ok(Used { done, begins_to_wait })
    }

    /// Writes the reads that have waited long enough, and returns how many milliseconds are left to
    /// the next.
    fn write_waiting(&self, now: Moment, context: RequestContext<'_>) -> Option<i64> {
        let since = (*lock(&self.waiting_since))?;
        let left = Limits { idle_ms: LONGEST_WAIT_MS, age_ms: LONGEST_WAIT_MS }
            .left_ms(Times { opened: since, used: since }, now);
        if left > 0 {
            return Some(left);
        }
        let mut guard = self.sound_vault()?;
        let vault = guard.as_mut()?;
        let is_written = self.write(vault, context);
        *lock(&self.waiting_since) = (!is_written).then_some(now);
        (!is_written).then_some(LONGEST_WAIT_MS)
    }

    /// Writes the reads that wait, if the file is there that they belong to. Returns whether it did.
    fn write(&self, vault: &mut Vault, context: RequestContext<'_>) -> bool {
        let is_there = self.look_at_file(vault).is_ok();
        let is_written = is_there && vault.write_waiting_reads(context).is_ok();
        self.note_file();
        is_written
    }

    /// Requires that the file is there, and opens it anew if somebody wrote to it. SQLite knows of what
    /// SQLite wrote; but another file may have been copied over this one.
    fn look_at_file(&self, vault: &mut Vault) -> Result<(), Gone> {
        let found = FileIdentity::at(&self.path).ok();
        let found = found.filter(|(identity, _)| *identity == self.identity);
        let (_, written) = found.ok_or(Gone::Replaced)?;
        let is_as_it_was = *lock(&self.written) == Some(written);
        if !is_as_it_was && vault.open_file_anew().is_err() {
            return Err(Gone::Replaced);
        }
        Ok(())
    }

    /// Remembers the file as this process leaves it.
    fn note_file(&self) {
        *lock(&self.written) = FileIdentity::at(&self.path).ok().map(|(_, written)| written);
    }

    /// Whether it is the same file, with the same key.
    fn is_same(&self, other: &Self) -> bool {
        (self.identity, self.commit) == (other.identity, other.commit)
    }

    /// Goes on under the terms of another that was just opened, and with its keys, which are the same.
    /// Grants stay, and so do rotations, and the reads that wait.
    fn renew(&self, other: &Self) {
        let mut guard = lock(&self.vault);
        std::mem::swap(&mut *guard, &mut *lock(&other.vault));
        if let (Some(vault), Some(before)) = (guard.as_mut(), lock(&other.vault).as_mut()) {
            vault.take_waiting_reads(before);
        }
        std::mem::swap(&mut *lock(&self.terms), &mut *lock(&other.terms));
    }

    /// Forgets the keys, when whoever uses them now has ended, and after what waits is written.
    fn close(&self, context: RequestContext<'_>) {
        self.rotations.stop();
        self.rotations.wait();
        let mut guard = lock(&self.vault);
        *lock(&self.grants) = Grants::default();
        if let Some(mut vault) = guard.take()
            && !self.vault.is_poisoned()
        {
            // What cannot be written now goes with the keys.
            self.write(&mut vault, context);
        }
    }

    /// Waits for the vault; `None` if a panic has left it half done.
    fn sound_vault(&self) -> Option<MutexGuard<'_, Option<Vault>>> {
        self.vault.lock().ok()
    }

    /// Returns why it must be locked, if it must.
    fn end(&self, now: Moment) -> Option<Gone> {
        let terms = lock(&self.terms);
        if terms.limits.are_over(terms.times, now) {
            return Some(Gone::Over);
        }
        let is_over = terms.login.as_ref().is_some_and(Login::has_ended);
        is_over.then_some(Gone::LoggedOut)
    }

    /// Returns since when it is unlocked, and for how long more.
    pub(super) fn outlook(&self, now: Moment) -> Outlook {
        let Terms { limits, times, reads, .. } = &*lock(&self.terms);
        let (opened, left_ms) = (times.opened, limits.left_ms(*times, now));
        Outlook { opened, left_ms, age_ms: limits.age_ms, reads: *reads }
    }
}

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
        // A rotation uses the vault as long as it runs.
        for session in self.all().iter().filter(|session| session.rotations.are_running()) {
            lock(&session.terms).times.used = now;
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

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a read waits to be logged, in milliseconds.
const LONGEST_WAIT_MS: i64 = 2_000;
/// How many wait at the most while they can be written.
const MOST_WAITING: usize = 1_000;

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    use super::*;
    use crate::crypto::header::VaultId;
    use crate::crypto::keys::MasterKey;
    use crate::model::time::Timestamp;
    use crate::model::value::Value;
    use crate::store::Store;
    use crate::sys::entropy::CountingEntropy;
    use crate::sys::files;
    use crate::sys::scratch::Scratch;
    use crate::upkeep::events::{self, EventFilter};
    use crate::vault::Origin;
    use crate::vault::audit::Subject;
    use crate::vault::transaction::Access;

    const NOW: Moment = Moment { boot_ms: 5, wall_ms: 5 };

    /// A vault that is opened again and again.
    struct Opening {
        scratch: Scratch,
        entropy: CountingEntropy,
        origin: Origin,
        sessions: Sessions,
    }

    impl Opening {
        fn new() -> Self {
            let scratch = Scratch::new();
            let logins = scratch.join("logins");
            files::create_private_dir(&logins).unwrap();
            let sessions = Sessions::of(&logins);
            let (entropy, origin) = (CountingEntropy::default(), Origin::default());
            let opening = Self { scratch, entropy, origin, sessions };
            Vault::testing_in(Store::create(&opening.path()).unwrap(), opening.context())
                .appear()
                .unwrap();
            opening
        }

        fn path(&self) -> PathBuf {
            self.scratch.join("vault")
        }

        fn context(&self) -> RequestContext<'_> {
            RequestContext { now: Timestamp(5), entropy: &self.entropy, origin: &self.origin }
        }

        /// Opens it for a second.
        fn open(&self, login: Option<&str>, reads: Reads, now: Moment) -> Arc<Session> {
            // The vault's own were drawn in the same order.
            let drawn = CountingEntropy::default();
            let id = VaultId::generate(&drawn).unwrap();
            let key = MasterKey::generate(&drawn).unwrap().vault_key(&id);
            let limits = Limits { idle_ms: 1_000, age_ms: 1_000 };
            let (path, login) = (self.path(), login.map(str::to_owned));
            let unlock = Unlock { path, key, limits, anchors: None, reads, login };
            self.sessions.open(unlock, now, self.context()).unwrap()
        }

        fn is_open(&self, session: &Session) -> bool {
            self.sessions.find(session.token.expose()).is_some()
        }
    }

    /// Without the look whether it is the same, the vault is locked that was unlocked last.
    #[test]
    fn what_became_of_an_opening_does_not_lock_the_next() {
        let opening = Opening::new();
        let (sessions, context) = (&opening.sessions, opening.context());
        let open = |now| opening.open(None, Reads::AtOnce, now);
        let late = Moment { boot_ms: 1_005, wall_ms: 1_005 };

        let first = open(NOW);
        assert!(sessions.close(&first.path, context));
        let second = open(NOW);
        assert_eq!(first.used_at(NOW, Use::Counts, context, |_| ()).err(), Some(Gone::Locked));
        sessions.close_for(Gone::Locked, &first, NOW, context);
        assert!(opening.is_open(&second));

        // It was unlocked once more after somebody found that its time was over.
        assert!(Arc::ptr_eq(&second, &open(NOW)));
        sessions.close_for(Gone::Over, &second, NOW, context);
        assert!(opening.is_open(&second));
        sessions.close_for(Gone::Over, &second, late, context);
        assert!(!opening.is_open(&second));
    }

    /// Reads that wait are not lost with the opening in which they were made, whatever the next one does
    /// with its own.
    #[test]
    fn reads_that_wait_are_kept_when_a_vault_is_unlocked_once_more() {
        for reads in [Reads::Batched, Reads::AtOnce] {
            let opening = Opening::new();
            let context = opening.context();
            let session = opening.open(None, Reads::Batched, NOW);
            let read = |vault: &mut Vault| {
                let mut transaction = vault.begin(Access::Read, context).unwrap();
                transaction.record("ReadIt", "ok", Subject::default()).unwrap();
                transaction.commit().unwrap();
            };
            let entries = |vault: &mut Vault| {
                let filter =
                    EventFilter { operation: Some("ReadIt".to_owned()), ..EventFilter::default() };
                let listed = events::list(vault, &filter, context).unwrap();
                let Some(Value::List(events)) = listed.get("Events") else { panic!("no list") };
                events.len()
            };
            assert!(session.used_at(NOW, Use::Looks, context, read).unwrap().begins_to_wait);
            {
                // Somebody else is writing.
                let mut other = lock(&session.vault).as_ref().unwrap().again().unwrap();
                let _writing = other.begin(Access::Write, context).unwrap();
                opening.open(None, reads, NOW);
            }
            let soon = Moment { boot_ms: 5 + LONGEST_WAIT_MS, wall_ms: 5 };
            assert_eq!(session.write_waiting(soon, context), None);
            let written = session.used_at(NOW, Use::Looks, context, entries).unwrap().done;
            assert_eq!(written, 1, "{reads:?}");
        }
    }

    /// What a panic left half done is not used, not even for what waits.
    #[test]
    fn nobody_uses_a_vault_after_a_panic() {
        let opening = Opening::new();
        let context = opening.context();
        let session = opening.open(None, Reads::Batched, NOW);
        let panic = |_: &mut Vault| resume_unwind(Box::new("quietly"));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            session.used_at(NOW, Use::Counts, context, panic).map(drop)
        }));
        assert!(panicked.is_err());
        assert_eq!(session.used_at(NOW, Use::Counts, context, |_| ()).err(), Some(Gone::Locked));
        assert!(opening.sessions.close(&session.path, context));
        assert!(lock(&session.vault).is_none());
    }

    /// Without the look at its time, what was granted of it goes on.
    #[test]
    fn a_vault_whose_time_is_over_is_unlocked_anew() {
        let opening = Opening::new();
        let late = Moment { boot_ms: 1_005, wall_ms: 1_005 };
        let before = opening.open(None, Reads::AtOnce, NOW);
        let after = opening.open(None, Reads::AtOnce, late);
        assert!(!opening.is_open(&before) && opening.is_open(&after));
    }

    /// Without the look at the login session, the vault stays unlocked.
    #[test]
    fn a_vault_is_locked_when_its_login_session_is_over() {
        let opening = Opening::new();
        let (sessions, context) = (&opening.sessions, opening.context());
        let logins = opening.scratch.join("logins");
        let say = |id: &str, state: &str| {
            let text = format!("UID=1000\nSTATE={state}\n");
            files::write_replacing(&logins.join(id), text.as_bytes()).unwrap();
        };
        let open = |login| opening.open(login, Reads::AtOnce, NOW);
        let attend = || sessions.attend(NOW, context);
        let used = |session: &Session| session.used_at(NOW, Use::Looks, context, |_| ()).err();

        say("2", "active");
        let session = open(Some("2"));
        assert_eq!((attend(), used(&session)), (Some(1_000), None));
        say("2", "closing");
        assert_eq!(used(&session), Some(Gone::LoggedOut), "before anybody has attended");
        assert_eq!(attend(), None);
        assert!(sessions.find(session.token.expose()).is_none());

        // A session that was over, that never was, or none: nothing ends.
        for login in [Some("2"), Some("3"), Some("../vault"), None] {
            let session = open(login);
            assert_eq!((attend(), used(&session)), (Some(1_000), None), "{login:?}");
        }
        // The last who unlocks it says with which session it ends.
        say("4", "online");
        open(Some("4"));
        std::fs::remove_file(logins.join("4")).unwrap();
        assert_eq!(attend(), None);
    }
}
