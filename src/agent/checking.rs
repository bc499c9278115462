//! What the agent answers to whoever has all of a vault, or of a copy of it, read and verified.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use serde_json::Value as Json;

use super::door::Agent;
use super::long_work::Said;
use super::messages::{Check, Refused, Reply};
use super::session::{Gone, Use};
use crate::gateway::json::tagged;
use crate::store::{self, Halt};
use crate::sys::socket::Peer;
use crate::upkeep::check;
use crate::upkeep::notices;
use crate::vault::check::RowsDone;
use crate::vault::transaction::RequestContext;
use crate::vault::{self, Vault};

impl Agent<'_> {
    /// Checks a vault in an opening of its own, so that others use it meanwhile.
    pub(super) fn check(&self, peer: Peer, stream: &UnixStream, asked: Check) -> Reply {
        let refused = |refused| Reply { outcome: Err(refused), notices: Vec::new() };
        let Check { token, copy, tells } = asked;
        let session = match self.session(&token) {
            Ok(session) => session,
            Err(locked) => return refused(locked),
        };
        let halt = Halt::default();
        let mut opened = None;
        let mut reply = self.used_of(peer, &session, Use::Counts, |vault, circumstances| {
            // Before the vault can be locked: the lock stops it.
            let called = halt.clone();
            let begun = session.long_work.begin(Arc::new(move |_interrupt| called.call()));
            // What waits to be logged was before.
            let ready = vault.write_waiting_reads(circumstances.context());
            let own = ready.and_then(|()| match &copy {
                None => vault.again_until(&halt),
                Some(path) => vault.open_copy_until(path, &halt),
            });
            let own = own.map(|own| opened = begun.map(|begun| (own, begun)));
            let own = own.map_err(|error| self.refused(error.into()));
            (own.map(|()| Json::Null), notices::of(vault))
        });
        if reply.outcome.is_err() {
            return reply;
        }
        let locked = || Refused::Locked(Gone::Locked.told().to_owned());
        let Some((mut own, begun)) = opened else { return refused(locked()) };
        let mut tell = |rows: RowsDone| {
            if tells {
                Said::of_rows(rows).say_to(stream);
            }
        };
        let work = || found(&mut own, copy.is_some(), self.context(), &mut tell);
        let found = begun.heeding(stream, work);
        // The keys are gone before the lock goes on.
        drop(own);
        drop(begun);
        reply.outcome = found.map_err(|error| {
            if matches!(error, vault::Error::Store(store::Error::CalledOff)) {
                return locked();
            }
            // Whoever opens the file himself may still list what is wrong.
            if error.is_damage() && copy.is_none() {
                return Refused::Locked(DAMAGED.to_owned());
            }
            self.refused(error.into())
        });
        reply
    }
}

fn found(
    own: &mut Vault,
    is_copy: bool,
    context: RequestContext<'_>,
    tell: &mut dyn FnMut(RowsDone),
) -> Result<Json, vault::Error> {
    // What a repair would do to a copy, nobody asks.
    let checked = if is_copy {
        check::check(own, context, tell).map(check::Checked::of_findings)
    } else {
        check::survey(own, context, tell)
    };
    checked.map(|checked| tagged(&checked.shown()))
}

const DAMAGED: &str = "the vault is too damaged to be checked with the keys that the agent holds";

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
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
    use crate::sys::clock::{SystemClock, SystemMoments};
    use crate::sys::entropy::{CountingEntropy, SystemEntropy};
    use crate::sys::scratch::Scratch;
    use crate::sys::secret::Secret;
    use crate::sys::socket;
    use crate::vault::Origin;
    use crate::vault::transaction::Access;

    fn explained(name: &str) -> Explained {
        Explained { name: name.into(), message: "m".into(), hint: None, exit_code: 255 }
    }

    /// An agent that holds a new vault open, and the token for it.
    fn agent(scratch: &Scratch) -> (Agent<'static>, Secret<String>) {
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
            moments: &SystemMoments,
            clock: &SystemClock,
            entropy: &SystemEntropy,
            origin,
            explain: Explain {
                vault: |error| explained(&error.to_string()),
                file: |fault| explained(&fault.to_string()),
            },
            wake: &|| (),
            is_ending: AtomicBool::new(false),
            has_begun: AtomicBool::new(false),
        };
        let limits = Limits { idle_ms: 60_000, age_ms: 60_000 };
        let reads = Reads::Batched;
        let unlock = Unlock { path, key, limits, anchors: None, reads, login: None };
        let told = agent.unlock(unlock).unwrap();
        (agent, Secret::new(told["token"].as_str().unwrap().to_owned()))
    }

    fn check(token: &Secret<String>, copy: Option<&Path>) -> Check {
        let token = Secret::new(token.expose().clone());
        Check { token, copy: copy.map(Path::to_owned), tells: true }
    }

    /// The check is held up where it tells how far it is. Without an opening of its own, nobody else would
    /// be answered before it has ended; and the lock would not wait for its end.
    #[test]
    fn a_vault_is_used_while_it_is_checked_and_not_locked_before_that_has_ended() {
        let scratch = Scratch::new();
        let (agent, token) = agent(&scratch);
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let full = loop {
            if let Err(error) = (&ours).write(&[0; 4096]) {
                break error.kind();
            }
        };
        assert_eq!(full, ErrorKind::WouldBlock);
        ours.set_nonblocking(false).unwrap();
        let peer = socket::peer(&ours).unwrap();
        let session = agent.session(&token).ok().unwrap();
        thread::scope(|scope| {
            let checking = scope.spawn(|| agent.check(peer, &ours, check(&token, None)));
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
        let after = agent.check(peer, &ours, check(&token, None));
        assert!(matches!(after.outcome, Err(Refused::Locked(_))));
    }

    /// Nothing of a copy is remembered, and one of another vault is none.
    #[test]
    fn a_copy_is_verified_with_the_same_keys() {
        let scratch = Scratch::new();
        let (agent, token) = agent(&scratch);
        let outcome = |copy: Option<&Path>| {
            let (ours, _theirs) = UnixStream::pair().unwrap();
            agent.check(socket::peer(&ours).unwrap(), &ours, check(&token, copy)).outcome
        };
        let (vault, copy) = (scratch.join("vault"), scratch.join("copy"));
        let clean = outcome(None).ok();
        assert!(clean.is_some());
        std::fs::copy(&vault, &copy).unwrap();
        assert_eq!(outcome(Some(&copy)).ok(), clean);
        Store::open_copy(&copy).unwrap();
        let other = scratch.join("other");
        let origin = Origin::default();
        let context =
            RequestContext { now: Timestamp(5), entropy: &SystemEntropy, origin: &origin };
        Vault::testing_in(Store::create(&other).unwrap(), context).appear().unwrap();
        for (path, expected) in [
            (&other, "the vault was altered or is damaged"),
            (&scratch.join("none"), "there is no"),
        ] {
            let Err(Refused::Vault(told)) = outcome(Some(path)) else { panic!("{path:?}") };
            assert!(told.name.contains(expected), "{}", told.name);
        }
    }
}
