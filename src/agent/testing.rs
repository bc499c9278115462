//! Vaults that are opened again and again, for tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::door::Agent;
use super::limits::Limits;
use super::messages::{Reads, Unlock};
use super::place::Place;
use super::session::{Gone, Session};
use super::sessions::{Due, Sessions};
use crate::crypto::header::VaultId;
use crate::crypto::keys::MasterKey;
use crate::gateway::refusal::Explained;
use crate::model::time::Timestamp;
use crate::rotation::remote::Explain;
use crate::store::Store;
use crate::sys::clock::{Moment, Moments, SystemClock};
use crate::sys::entropy::{CountingEntropy, SystemEntropy};
use crate::sys::files;
use crate::sys::scratch::Scratch;
use crate::vault::transaction::RequestContext;
use crate::vault::{Origin, Vault};

pub(super) const NOW: Moment = Moment { boot_ms: 5, wall_ms: 5 };
/// When the time of what was opened [`NOW`] is over.
pub(super) const LATE: Moment = Moment { boot_ms: 1_005, wall_ms: 1_005 };

/// Two vaults, neither of them open.
pub(super) struct Opening {
    pub(super) scratch: Scratch,
    entropy: CountingEntropy,
    origin: Origin,
    pub(super) sessions: Sessions,
}

impl Opening {
    pub(super) fn new() -> Self {
        let scratch = Scratch::new();
        let logins = scratch.join("logins");
        files::create_private_dir(&logins).unwrap();
        let sessions = Sessions::of(&logins, Place::at(scratch.path()));
        let (entropy, origin) = (CountingEntropy::default(), Origin::default());
        let opening = Self { scratch, entropy, origin, sessions };
        for path in [opening.path(), opening.other_path()] {
            let drawn = CountingEntropy::default();
            let context = RequestContext { entropy: &drawn, ..opening.context() };
            let mut vault = Vault::testing_in(Store::create(&path).unwrap(), context);
            vault.appear().unwrap();
        }
        opening
    }

    pub(super) fn path(&self) -> PathBuf {
        self.scratch.join("vault")
    }

    pub(super) fn other_path(&self) -> PathBuf {
        self.scratch.join("other")
    }

    pub(super) fn context(&self) -> RequestContext<'_> {
        RequestContext { now: Timestamp(5), entropy: &self.entropy, origin: &self.origin }
    }

    /// Opens the first for a second.
    pub(super) fn open(&self, login: Option<&str>, reads: Reads, now: Moment) -> Arc<Session> {
        let login = login.map(str::to_owned);
        let unlock = Unlock { login, ..unlock(&self.path(), reads) };
        self.sessions.open(unlock, now, self.context()).unwrap().unwrap()
    }

    /// Opens the other for a second.
    pub(super) fn open_other(&self, now: Moment) -> Arc<Session> {
        let unlock = unlock(&self.other_path(), Reads::AtOnce);
        self.sessions.open(unlock, now, self.context()).unwrap().unwrap()
    }

    pub(super) fn is_open(&self, session: &Session) -> bool {
        self.sessions.find(session.token.expose()).is_some()
    }

    /// Locks one, if somebody still can find it.
    pub(super) fn close_for(&self, gone: Gone, session: &Arc<Session>, now: Moment) {
        if let Some(session) = self.sessions.begin_closing_for(gone, session, now) {
            self.sessions.close(&session, self.context());
        }
    }

    /// Does what is due, and returns in how many milliseconds there is more.
    pub(super) fn attend(&self, now: Moment) -> Option<i64> {
        let (due, left) = self.sessions.attend(now);
        let carry_out = |one: &Due| self.sessions.carry_out(one, &now, self.context());
        due.iter().for_each(carry_out);
        left
    }
}

/// An agent that has nothing unlocked yet, by this machine's clock and randomness.
pub(super) fn agent<'a>(nowhere: &Path, moments: &'a (dyn Moments + Sync)) -> Agent<'a> {
    fn explained() -> Explained {
        Explained { name: String::new(), message: String::new(), hint: None, exit_code: 255 }
    }
    Agent {
        sessions: Sessions::of(nowhere, Place::at(nowhere)),
        moments,
        clock: &SystemClock,
        entropy: &SystemEntropy,
        origin: Origin::default(),
        explain: Explain { vault: |_| explained(), file: |_| explained() },
        wake: &|| {},
        has_begun: AtomicBool::new(false),
    }
}

/// Clocks that stand still.
impl Moments for Moment {
    fn moment(&self) -> Moment {
        *self
    }
}

/// What opens a vault for a second.
pub(super) fn unlock(path: &Path, reads: Reads) -> Unlock {
    // The vault's own were drawn in the same order.
    let drawn = CountingEntropy::default();
    let id = VaultId::generate(&drawn).unwrap();
    let key = MasterKey::generate(&drawn).unwrap().vault_key(&id);
    let limits = Limits { idle_ms: 1_000, age_ms: 1_000 };
    Unlock { path: path.to_owned(), key, limits, anchors: None, reads, login: None, serve: None }
}
