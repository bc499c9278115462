//! A vault that is held open, and what must hold each time it is used.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::endpoints::Endpoints;
pub(super) use super::gone::Gone;
use super::grants::Grants;
use super::identity::{FileIdentity, Written};
use super::limits::{Limits, Times};
use super::long_work::LongWork;
pub(super) use super::long_work::lock;
use super::messages::{Reads, Unlock};
use crate::service::names;
use crate::store::{self, Mode};
use crate::sys::clock::{self, Moment, Moments};
use crate::sys::files::FileFault;
use crate::sys::login::Login;
use crate::sys::secret::Secret;
use crate::vault::names::Known;
use crate::vault::transaction::{Access, RequestContext};
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
    pub(super) long_work: LongWork,
    /// Where it is AWS's endpoint until it is locked.
    pub(super) endpoints: Mutex<Endpoints>,
    /// Why it cannot be used any more, where somebody found that out who could not lock it.
    given_up: Mutex<Option<Gone>>,
    /// The file as it was when it was last used here.
    written: Mutex<Option<Written>>,
    /// Since when reads wait to be logged.
    waiting_since: Mutex<Option<Moment>>,
    /// Whether somebody is at work on writing them.
    is_writing: AtomicBool,
    /// Whether its names are to be read before somebody completes one.
    is_to_read_ahead: AtomicBool,
    /// Held by whoever does.
    reading_ahead: Mutex<()>,
    /// Whether it is being locked: whoever waits for the vault does without.
    is_closing: AtomicBool,
    /// `None` once it is locked.
    pub(super) vault: Mutex<Option<Vault>>,
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
    /// The time of day at which that is over.
    pub(super) until_ms: i64,
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

impl Session {
    /// Opens a vault, for whoever has this token.
    pub(super) fn open(
        unlock: Unlock,
        logins: &Path,
        token: Secret<String>,
        now: Moment,
    ) -> Result<Self, vault::Error> {
        let Unlock { path, key, limits, anchors, reads, login, serve: _ } = unlock;
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
            long_work: LongWork::default(),
            endpoints: Mutex::default(),
            given_up: Mutex::default(),
            written: Mutex::default(),
            waiting_since: Mutex::default(),
            is_writing: AtomicBool::new(false),
            is_to_read_ahead: AtomicBool::new(true),
            reading_ahead: Mutex::default(),
            is_closing: AtomicBool::new(false),
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
        // While it was waited for.
        if self.is_closing.load(Ordering::SeqCst) {
            return Err(Gone::Locked);
        }
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

    /// Does what every use begins with, and nothing else: a processor that has done something else since
    /// takes twice as long for it, and whoever has come is not ready to ask yet.
    pub(super) fn prepare(&self, now: Moment, context: RequestContext<'_>) {
        if self.end(now).is_some() {
            return;
        }
        let is_as_it_was = |(identity, written)| {
            identity == self.identity && *lock(&self.written) == Some(written)
        };
        if let Ok(mut guard) = self.vault.try_lock()
            && let Some(vault) = guard.as_mut()
            && FileIdentity::at(&self.path).is_ok_and(is_as_it_was)
        {
            // What is wrong with it whoever asks is told.
            drop(vault.begin(Access::Read, context));
        }
    }

    /// Returns in how many milliseconds reads have waited long enough, if any wait that nobody is at
    /// work on.
    pub(super) fn waiting_ms(&self, now: Moment) -> Option<i64> {
        let since =
            (*lock(&self.waiting_since)).filter(|_| !self.is_writing.load(Ordering::SeqCst))?;
        let limits = Limits { idle_ms: LONGEST_WAIT_MS, age_ms: LONGEST_WAIT_MS };
        Some(limits.left_ms(Times { opened: since, used: since }, now))
    }

    /// Returns in how many milliseconds it is time to [`Self::read_ahead`] if nobody uses the vault until
    /// then; `None` if nobody is to.
    pub(super) fn reading_ahead_ms(&self, now: Moment) -> Option<i64> {
        self.is_to_read_ahead.load(Ordering::SeqCst).then(|| self.quiet_in_ms(now))
    }

    fn quiet_in_ms(&self, now: Moment) -> i64 {
        QUIET.left_ms(lock(&self.terms).times, now)
    }

    /// Takes it upon the caller to [`Self::read_ahead`].
    pub(super) fn begin_reading_ahead(&self) {
        self.is_to_read_ahead.store(false, Ordering::SeqCst);
    }

    /// Has somebody [`Self::read_ahead`] once more: another process may have changed more since than is read
    /// while a shell waits.
    pub(super) fn go_on_reading_ahead(&self) {
        self.is_to_read_ahead.store(true, Ordering::SeqCst);
    }

    /// Reads the names of a large vault, a few at a time, until somebody uses it, who waits for no more.
    pub(super) fn read_ahead(&self, moments: &dyn Moments, context: RequestContext<'_>) {
        // One is enough: it ends when there is nothing more to read.
        let Ok(_reading) = self.reading_ahead.try_lock() else { return };
        let read = |vault: &mut Vault| names::read_ahead(vault, AHEAD_AT_ONCE, context);
        while let Ok(Used { done: Ok(Known::Some), .. }) =
            self.used_at(moments.moment(), Use::Looks, context, read)
        {
            clock::pause(Duration::from_millis(1));
            if self.quiet_in_ms(moments.moment()) > 0 {
                return self.go_on_reading_ahead();
            }
        }
    }

    /// Takes it upon the caller to [`Self::write_waiting`].
    pub(super) fn begin_writing(&self) {
        self.is_writing.store(true, Ordering::SeqCst);
    }

    /// Writes the reads that wait, when whoever uses the vault now has ended. What cannot be written
    /// waits anew: others have their turn meanwhile.
    pub(super) fn write_waiting(&self, moments: &dyn Moments, context: RequestContext<'_>) {
        let _writing = Writing(self);
        let mut guard = self.sound_vault();
        let vault = guard.as_deref_mut().and_then(Option::as_mut);
        // What is locked or half done has nothing more to write.
        let is_done = vault.is_none_or(|vault| self.write(vault, context));
        *lock(&self.waiting_since) = (!is_done).then(|| moments.moment());
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

    /// Returns the file as this process left it, if it is still so.
    pub(super) fn file_unchanged(&self) -> Option<Written> {
        let (identity, written) = FileIdentity::at(&self.path).ok()?;
        let is_same = identity == self.identity && *lock(&self.written) == Some(written);
        is_same.then_some(written)
    }

    /// Remembers the file as this process leaves it.
    fn note_file(&self) {
        *lock(&self.written) = FileIdentity::at(&self.path).ok().map(|(_, written)| written);
    }

    /// Whether it is the same file, with the same key.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.identity, self.commit) == (other.identity, other.commit)
    }

    /// Goes on under the terms of another that was just opened.
    pub(super) fn renew_terms(&self, other: &Self) {
        std::mem::swap(&mut *lock(&self.terms), &mut *lock(&other.terms));
    }

    /// Goes on with the keys of another that was just opened, which are the same, when whoever uses the
    /// vault now has ended. Grants stay, and so does long work, and the reads that wait.
    pub(super) fn renew_vault(&self, other: &Self) {
        let mut guard = lock(&self.vault);
        let mut opened = lock(&other.vault);
        // Locked meanwhile, it stays so.
        if let (Some(vault), Some(opened)) = (guard.as_mut(), opened.as_mut()) {
            std::mem::swap(vault, opened);
            vault.take_waiting_reads(opened);
            self.is_to_read_ahead.store(true, Ordering::SeqCst);
        }
    }

    /// Has nobody begin to use it any more, and long work stop.
    pub(super) fn begin_closing(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
        self.long_work.stop();
    }

    /// Forgets the keys, when whoever uses them now has ended, and after what waits is written.
    pub(super) fn close(&self, context: RequestContext<'_>) {
        self.begin_closing();
        self.long_work.wait();
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

    /// Counts long work that goes on as use.
    pub(super) fn count_long_work(&self, now: Moment) {
        if self.long_work.is_running() {
            lock(&self.terms).times.used = now;
        }
    }

    /// Has it locked by the thread that watches, as the lock waits for whoever calls this.
    pub(super) fn give_up(&self, gone: Gone) {
        *lock(&self.given_up) = Some(gone);
    }

    /// Returns why it must be locked, if it must.
    pub(super) fn end(&self, now: Moment) -> Option<Gone> {
        if let Some(gone) = *lock(&self.given_up) {
            return Some(gone);
        }
        self.count_long_work(now);
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
        Outlook {
            opened: times.opened,
            left_ms: limits.left_ms(*times, now),
            until_ms: limits.until_ms(*times, now),
            age_ms: limits.age_ms,
            reads: *reads,
        }
    }
}

/// Writing what waits, however it ends.
struct Writing<'a>(&'a Session);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.is_writing.store(false, Ordering::SeqCst);
    }
}

/// How long a read waits to be logged, in milliseconds.
pub(super) const LONGEST_WAIT_MS: i64 = 2_000;
/// How many wait at the most while they can be written.
const MOST_WAITING: usize = 1_000;
/// How many names are read at once ahead of whoever asks: some milliseconds.
const AHEAD_AT_ONCE: usize = 500;
/// For how long nobody has used a vault whose names are read ahead: a script's commands follow sooner.
pub(super) const QUIET: Limits = Limits { idle_ms: 40, age_ms: i64::MAX };
