use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::*;
use crate::agent::limits::Limits;
use crate::agent::messages::Reads;
use crate::agent::session::{LONGEST_WAIT_MS, Use};
use crate::crypto::header::VaultId;
use crate::crypto::keys::MasterKey;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::store::Store;
use crate::sys::entropy::CountingEntropy;
use crate::sys::files;
use crate::sys::scratch::Scratch;
use crate::upkeep::events::{self, EventFilter};
use crate::vault::audit::Subject;
use crate::vault::transaction::Access;
use crate::vault::{Origin, Vault};

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
