use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::*;
use crate::agent::messages::Reads;
use crate::agent::session::{LONGEST_WAIT_MS, QUIET, Use};
use crate::agent::testing::{LATE, NOW, Opening, unlock};
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::sys::entropy::{Entropy, NoEntropy, SystemEntropy};
use crate::sys::files;
use crate::upkeep::events::{self, EventFilter};
use crate::vault::audit::Subject;
use crate::vault::transaction::Access;
use crate::vault::{Origin, Vault};

/// A read that is logged, at once or later.
fn read(vault: &mut Vault, context: RequestContext<'_>) {
    let mut transaction = vault.begin(Access::Read, context).unwrap();
    transaction.record("ReadIt", "ok", Subject::default()).unwrap();
    transaction.commit().unwrap();
}

/// Without the look whether it is the same, the vault is locked that was unlocked last.
#[test]
fn what_became_of_an_opening_does_not_lock_the_next() {
    let opening = Opening::new();
    let context = opening.context();
    let open = |now| opening.open(None, Reads::AtOnce, now);

    let first = open(NOW);
    opening.close_for(Gone::Locked, &first, NOW);
    let second = open(NOW);
    assert_eq!(first.used_at(NOW, Use::Counts, context, |_| ()).err(), Some(Gone::Locked));
    opening.close_for(Gone::Locked, &first, NOW);
    assert!(opening.is_open(&second));

    // It was unlocked once more after somebody found that its time was over.
    assert!(Arc::ptr_eq(&second, &open(NOW)));
    opening.close_for(Gone::Over, &second, NOW);
    assert!(opening.is_open(&second));
    opening.close_for(Gone::Over, &second, LATE);
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
        let read = |vault: &mut Vault| read(vault, context);
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
        assert_eq!(session.waiting_ms(soon), Some(0));
        session.write_waiting(&soon, context);
        assert_eq!(session.waiting_ms(soon), None);
        let written = session.used_at(NOW, Use::Looks, context, entries).unwrap().done;
        assert_eq!(written, 1, "{reads:?}");
    }
}

/// Entropy that is drawn from when somebody lets it.
struct Held {
    arrived: Sender<()>,
    goes_on: Mutex<Receiver<()>>,
}

impl Entropy for Held {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoEntropy> {
        self.arrived.send(()).unwrap_or_default();
        lock(&self.goes_on).recv().unwrap_or_default();
        SystemEntropy.fill(buffer)
    }
}

/// A vault that is refused as all is being locked is gone, with its key, before that is told.
#[test]
fn what_is_refused_is_waited_for() {
    let opening = Opening::new();
    let ((arrived, arrival), (go_on, goes_on), (closed, closing)) =
        (channel(), channel(), channel());
    let entropy = Held { arrived, goes_on: Mutex::new(goes_on) };
    let (sessions, path, origin) = (&opening.sessions, opening.path(), Origin::default());
    thread::scope(|scope| {
        let opened = scope.spawn(|| {
            let context = RequestContext { now: Timestamp(5), entropy: &entropy, origin: &origin };
            sessions.open(unlock(&path, Reads::AtOnce), NOW, context).unwrap()
        });
        arrival.recv().unwrap();
        sessions.is_ending.store(true, Ordering::SeqCst);
        let (own, others) = sessions.begin_closing(None);
        assert!(own.is_empty() && others.is_empty());
        scope.spawn(move || {
            sessions.wait_for_openings();
            closed.send(()).unwrap();
        });
        let soon = closing.recv_timeout(Duration::from_millis(20));
        assert!(soon.is_err(), "the key was still there");
        go_on.send(()).unwrap();
        closing.recv().unwrap();
        assert!(opened.join().unwrap().is_none());
    });
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
    opening.close_for(Gone::Locked, &session, NOW);
    assert!(lock(&session.vault).is_none());
}

/// Without the look at its time, what was granted of it goes on.
#[test]
fn a_vault_whose_time_is_over_is_unlocked_anew() {
    let opening = Opening::new();
    let before = opening.open(None, Reads::AtOnce, NOW);
    let after = opening.open(None, Reads::AtOnce, LATE);
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
    let attend = || opening.attend(NOW);
    let used = |session: &Session| session.used_at(NOW, Use::Looks, context, |_| ()).err();

    say("2", "active");
    let session = open(Some("2"));
    assert_eq!((attend(), used(&session)), (Some(QUIET.idle_ms), None));
    say("2", "closing");
    assert_eq!(used(&session), Some(Gone::LoggedOut), "before anybody has attended");
    assert_eq!(attend(), None);
    assert!(sessions.find(session.token.expose()).is_none());

    // A session that was over, that never was, or none: nothing ends.
    for login in [Some("2"), Some("3"), Some("../vault"), None] {
        let session = open(login);
        assert_eq!((attend(), used(&session)), (Some(QUIET.idle_ms), None), "{login:?}");
    }
    // The last who unlocks it says with which session it ends.
    say("4", "online");
    open(Some("4"));
    std::fs::remove_file(logins.join("4")).unwrap();
    assert_eq!(attend(), None);
}

/// A list may take long, and so may a process that keeps the vault from being written: it is nobody
/// else's business.
#[test]
fn a_vault_in_use_keeps_no_other_from_being_locked_and_written() {
    let opening = Opening::new();
    let context = opening.context();
    let [used, other] = [opening.open(None, Reads::Batched, NOW), opening.open_other(NOW)];
    used.used_at(NOW, Use::Looks, context, |vault| read(vault, context)).unwrap();
    let in_use = lock(&used.vault);
    // Its reads are due, and then all are over.
    let soon = Moment { boot_ms: 5 + LONGEST_WAIT_MS, wall_ms: 5 };
    used.begin_writing();
    assert_eq!(used.waiting_ms(soon), None, "somebody is at it");
    let (due, left) = opening.sessions.attend(LATE);
    assert_eq!((due.len(), left), (2, None));
    assert!(!opening.is_open(&used) && !opening.is_open(&other));
    // Unlocked anew meanwhile, which does not wait for it either.
    let anew = opening.open(None, Reads::AtOnce, LATE);
    for one in &due {
        let Due::Close(session) = one else { panic!("nothing is written any more") };
        if Arc::ptr_eq(session, &other) {
            opening.sessions.carry_out(one, &LATE, context);
        }
    }
    assert!(lock(&other.vault).is_none());
    assert!(!opening.sessions.end_if_gone() && in_use.is_some());
    drop(in_use);
    for one in &due {
        opening.sessions.carry_out(one, &LATE, context);
    }
    assert!(lock(&used.vault).is_none() && opening.is_open(&anew));
}

/// The lock of all was held until the vault's users had ended.
#[test]
fn whoever_unlocks_a_vault_in_use_keeps_nobody_from_others() {
    let opening = Opening::new();
    let [used, other] = [opening.open(None, Reads::AtOnce, NOW), opening.open_other(NOW)];
    let later = Moment { boot_ms: 500, wall_ms: 500 };
    let until = |session: &Session| session.outlook(later).until_ms;
    let before = until(&used);
    thread::scope(|scope| {
        let in_use = lock(&used.vault);
        let (sessions, path) = (&opening.sessions, opening.path());
        let unlocking = scope.spawn(move || {
            let (now, origin) = (Timestamp(5), &Origin::default());
            let context = RequestContext { now, entropy: &SystemEntropy, origin };
            sessions.open(unlock(&path, Reads::AtOnce), later, context).unwrap().unwrap()
        });
        while until(&used) == before {
            thread::yield_now();
        }
        assert!(opening.is_open(&other));
        drop(in_use);
        assert!(Arc::ptr_eq(&unlocking.join().unwrap(), &used));
    });
    assert!(lock(&used.vault).is_some());
}

/// It takes as long as it takes to find that out, and is not begun again at once: the vault is others'
/// meanwhile.
#[test]
fn what_cannot_be_written_waits_anew() {
    let opening = Opening::new();
    let context = opening.context();
    let session = opening.open(None, Reads::Batched, NOW);
    session.used_at(NOW, Use::Looks, context, |vault| read(vault, context)).unwrap();
    std::fs::rename(opening.path(), opening.scratch.join("away")).unwrap();
    session.begin_writing();
    session.write_waiting(&LATE, context);
    assert_eq!(session.waiting_ms(LATE), Some(LONGEST_WAIT_MS));
}

/// It waits for the thread that is at it, instead of saying that nothing was to be locked.
#[test]
fn whoever_locks_what_is_being_locked_waits_for_that() {
    let opening = Opening::new();
    let (sessions, context) = (&opening.sessions, opening.context());
    let session = opening.open(None, Reads::AtOnce, NOW);
    let (own, others) = sessions.begin_closing(Some(&opening.path()));
    assert!(Arc::ptr_eq(&own[0], &session) && others.is_empty());
    for path in [None, Some(opening.path()), Some(opening.other_path())] {
        let (own, others) = sessions.begin_closing(path.as_deref());
        let is_meant = path != Some(opening.other_path());
        assert_eq!((own.len(), others.len()), (0, usize::from(is_meant)));
    }
    let (_, others) = sessions.begin_closing(None);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            sessions.wait_for(&others);
            lock(&session.vault).is_none()
        });
        sessions.close(&session, context);
        assert!(waiting.join().unwrap());
    });
    assert!(sessions.end_if_gone());
}

/// Whoever waits for his turn when the vault is locked does without it, whoever comes first then.
#[test]
fn nobody_begins_to_use_a_vault_that_is_being_locked() {
    let opening = Opening::new();
    let context = opening.context();
    let session = opening.open(None, Reads::AtOnce, NOW);
    let use_it = || session.used_at(NOW, Use::Counts, context, |_| ()).err();
    assert_eq!(use_it(), None);
    let (own, _) = opening.sessions.begin_closing(None);
    assert_eq!(use_it(), Some(Gone::Locked));
    // Nor does a key that was proved meanwhile open it again.
    let again = Session::open(
        unlock(&opening.path(), Reads::AtOnce),
        &opening.scratch.join("logins"),
        place::new_token(context.entropy).unwrap(),
        NOW,
    );
    opening.sessions.close(&own[0], context);
    session.renew_vault(&again.unwrap());
    assert!(lock(&session.vault).is_none());
}

/// A token that is good for nothing does not stay; one of a vault that was unlocked anew does.
#[test]
fn a_token_goes_with_its_vault() {
    let opening = Opening::new();
    let place = Place::at(opening.scratch.path());
    let keep = |session: &Session| {
        // As where there is no keyring.
        place.keep_token_for_user(&session.path, &session.token).unwrap();
    };
    let is_kept = || !place.tokens(&opening.path()).is_empty();
    let session = opening.open(None, Reads::AtOnce, NOW);
    keep(&session);
    assert!(is_kept());
    opening.attend(LATE);
    assert!(!is_kept());

    let before = opening.open(None, Reads::AtOnce, NOW);
    keep(&before);
    let (own, _) = opening.sessions.begin_closing(None);
    let after = opening.open(None, Reads::AtOnce, NOW);
    keep(&after);
    opening.sessions.close(&own[0], opening.context());
    assert_eq!(place.tokens(&opening.path())[0].0.expose(), after.token.expose());
    // What an agent left that was killed.
    place.forget_files();
    assert!(!is_kept());
}

/// What an agent holds open that ends, nobody can use: he was told that it is unlocked.
#[test]
fn an_agent_that_ends_holds_nothing_open_any_more() {
    let opening = Opening::new();
    let (sessions, context) = (&opening.sessions, opening.context());
    let again = || sessions.open(unlock(&opening.path(), Reads::AtOnce), NOW, context).unwrap();
    let session = again().unwrap();
    assert!(!sessions.end_if_gone() && again().is_some());
    opening.close_for(Gone::Locked, &session, NOW);
    assert!(sessions.end_if_gone());
    assert!(again().is_none());
    assert!(sessions.all().is_empty());
}

/// A script that used a large vault right after it was unlocked took three times as long.
#[test]
fn names_are_read_ahead_while_nobody_uses_the_vault() {
    let opening = Opening::new();
    let session = opening.open(None, Reads::AtOnce, NOW);
    let at = |ms| Moment { boot_ms: NOW.boot_ms + ms, wall_ms: NOW.wall_ms + ms };
    let quiet = QUIET.idle_ms;
    let is_read_ahead = |ms| {
        let (due, left) = opening.sessions.attend(at(ms));
        (due.iter().any(|due| matches!(due, Due::ReadAhead(_))), left)
    };
    assert_eq!(is_read_ahead(quiet - 10), (false, Some(10)));
    session.used_at(at(quiet - 10), Use::Counts, opening.context(), |_| ()).unwrap();
    assert_eq!(is_read_ahead(quiet), (false, Some(quiet - 10)));
    assert!(is_read_ahead(2 * quiet).0);
    assert!(!is_read_ahead(2 * quiet).0, "somebody is at it");
}
