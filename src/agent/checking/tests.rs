use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

use super::*;
use crate::agent::limits::Limits;
use crate::agent::messages::{Reads, Unlock};
use crate::agent::place::Place;
use crate::agent::sessions::Sessions;
use crate::crypto::header::VaultId;
use crate::crypto::keys::MasterKey;
use crate::gateway::refusal::Explained;
use crate::model::time::Timestamp;
use crate::rotation::remote::Explain;
use crate::store::Store;
use crate::sys::clock::{Moment, Moments, SystemClock, SystemMoments};
use crate::sys::entropy::{CountingEntropy, SystemEntropy};
use crate::sys::scratch::Scratch;
use crate::sys::secret::Secret;
use crate::vault::Origin;
use crate::vault::transaction::Access;

fn explained(name: &str) -> Explained {
    Explained { name: name.into(), message: "m".into(), hint: None, exit_code: 255 }
}

/// An agent that holds a new vault open, and the token for it.
fn agent(scratch: &Scratch) -> (Agent<'static>, Secret<String>) {
    agent_at(scratch, &SystemMoments)
}

fn agent_at<'a>(
    scratch: &Scratch,
    moments: &'a (dyn Moments + Sync),
) -> (Agent<'a>, Secret<String>) {
    let (drawn, origin) = (CountingEntropy::default(), Origin::default());
    let context = RequestContext { now: Timestamp(5), entropy: &drawn, origin: &origin };
    let path = scratch.join("vault");
    Vault::testing_in(Store::create(&path).unwrap(), context).appear().unwrap();
    // The vault's own were drawn in the same order.
    let drawn = CountingEntropy::default();
    let id = VaultId::generate(&drawn).unwrap();
    let key = MasterKey::generate(&drawn).unwrap().vault_key(&id);
    let agent = Agent {
        sessions: Sessions::of(scratch.path(), Place::at(scratch.path())),
        moments,
        clock: &SystemClock,
        entropy: &SystemEntropy,
        origin,
        explain: Explain {
            vault: |error| explained(&error.to_string()),
            file: |fault| explained(&fault.to_string()),
        },
        wake: &|| (),
        has_begun: AtomicBool::new(false),
    };
    let limits = Limits { idle_ms: 60_000, age_ms: 600_000 };
    let reads = Reads::Batched;
    let unlock = Unlock { path, key, limits, anchors: None, reads, login: None, serve: None };
    let told = agent.unlock(unlock).unwrap().unwrap();
    (agent, Secret::new(told["token"].as_str().unwrap().to_owned()))
}

fn check(token: &Secret<String>, copy: Option<&Path>) -> Check {
    let token = Secret::new(token.expose().clone());
    Check { token, copy: copy.map(Path::to_owned), tells: true }
}

/// A stream into which nothing goes until its other end is read.
fn full() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let full = loop {
        if let Err(error) = (&ours).write(&[0; 4096]) {
            break error.kind();
        }
    };
    assert_eq!(full, ErrorKind::WouldBlock);
    ours.set_nonblocking(false).unwrap();
    (ours, theirs)
}

/// Clocks that are set by hand, in milliseconds.
struct Hands(AtomicI64);

impl Moments for Hands {
    fn moment(&self) -> Moment {
        let ms = self.0.load(Ordering::SeqCst);
        Moment { boot_ms: ms, wall_ms: ms }
    }
}

/// What the time without use counts from is the end of a check, also if nobody looked meanwhile.
#[test]
fn a_check_is_use_until_it_has_ended() {
    let scratch = Scratch::new();
    let hands = Hands(AtomicI64::new(1_000));
    let (agent, token) = agent_at(&scratch, &hands);
    let (ours, mut theirs) = full();
    let who = Actor::default();
    let session = agent.session(&token).ok().unwrap();
    thread::scope(|scope| {
        let checking = scope.spawn(|| agent.check(&who, &ours, check(&token, None)));
        while !session.long_work.is_running() {
            thread::yield_now();
        }
        let late = Moment { boot_ms: 70_000, wall_ms: 70_000 };
        let used = session.used_at(late, Use::Looks, agent.context(), |_| ());
        assert_eq!(used.err(), None, "locked while it is checked");
        hands.0.store(130_000, Ordering::SeqCst);
        let drain = scope.spawn(move || drop(theirs.read_to_end(&mut Vec::new())));
        assert!(checking.join().unwrap().outcome.is_ok());
        drop(ours.shutdown(std::net::Shutdown::Both));
        drain.join().unwrap();
    });
    let at = |ms| session.end(Moment { boot_ms: ms, wall_ms: ms });
    assert_eq!((at(189_000), at(190_000)), (None, Some(Gone::Over)));
}

/// The check is held up where it tells how far it is. Without an opening of its own, nobody else would
/// be answered before it has ended; and the lock would not wait for its end.
#[test]
fn a_vault_is_used_while_it_is_checked_and_not_locked_before_that_has_ended() {
    let scratch = Scratch::new();
    let (agent, token) = agent(&scratch);
    let (ours, mut theirs) = full();
    let who = Actor::default();
    let session = agent.session(&token).ok().unwrap();
    thread::scope(|scope| {
        let checking = scope.spawn(|| agent.check(&who, &ours, check(&token, None)));
        while !session.long_work.is_running() {
            thread::yield_now();
        }
        let read = |vault: &mut Vault| vault.begin(Access::Read, agent.context()).map(drop);
        let now = agent.moments.moment();
        let used = session.used_at(now, Use::Counts, agent.context(), read);
        assert!(used.ok().unwrap().done.is_ok());
        assert!(!checking.is_finished(), "the vault was not to be had before the check ended");
        let closing = scope.spawn(|| session.close(agent.context()));
        assert!(!closing.is_finished());
        // It goes on.
        let drain = scope.spawn(move || drop(theirs.read_to_end(&mut Vec::new())));
        let reply = checking.join().unwrap();
        closing.join().unwrap();
        drop(ours.shutdown(std::net::Shutdown::Both));
        drain.join().unwrap();
        // It may have been over before it heard of the lock.
        let found = reply.outcome.map_err(|refused| matches!(refused, Refused::Locked(_)));
        assert_ne!(found, Err(false));
    });
    let after = agent.check(&who, &ours, check(&token, None));
    assert!(matches!(after.outcome, Err(Refused::Locked(_))));
}

/// Nothing of a copy is remembered, and one of another vault is none.
#[test]
fn a_copy_is_verified_with_the_same_keys() {
    let scratch = Scratch::new();
    let (agent, token) = agent(&scratch);
    let outcome = |copy: Option<&Path>| {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        agent.check(&Actor::default(), &ours, check(&token, copy)).outcome
    };
    let (vault, copy) = (scratch.join("vault"), scratch.join("copy"));
    let clean = outcome(None).ok();
    assert!(clean.is_some());
    std::fs::copy(&vault, &copy).unwrap();
    assert_eq!(outcome(Some(&copy)).ok(), clean);
    Store::open_copy(&copy).unwrap();
    let other = scratch.join("other");
    let origin = Origin::default();
    let context = RequestContext { now: Timestamp(5), entropy: &SystemEntropy, origin: &origin };
    Vault::testing_in(Store::create(&other).unwrap(), context).appear().unwrap();
    for (path, expected) in
        [(&other, "the vault was altered or is damaged"), (&scratch.join("none"), "there is no")]
    {
        let Err(Refused::Vault(told)) = outcome(Some(path)) else { panic!("{path:?}") };
        assert!(told.name.contains(expected), "{}", told.name);
    }
}
