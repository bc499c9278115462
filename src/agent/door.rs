//! The agent's door to the gateway: what each message is answered.

use std::os::unix::net::UnixStream;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::chores::Chore;
use super::messages::{Ask, Pages, Refused, Reply};
use super::paths;
use super::session::{Gone, Outlook, Session, Use, lock};
use super::sessions::Sessions;
use crate::gateway::answers::{Answers, Circumstances, Region};
use crate::gateway::frames::Framing;
use crate::gateway::json::{from_json, tagged, to_json, untagged};
use crate::gateway::server::{Door, Rules};
use crate::model::shape::Shaped;
use crate::model::types::RegionName;
use crate::model::value::Value;
use crate::rotation::remote::Explain;
use crate::service::caller::Caller;
use crate::service::constraints;
use crate::service::dispatch;
use crate::service::elsewhere;
use crate::service::failure::Failure;
use crate::service::operation::Entry;
use crate::service::operations;
use crate::service::peers::task::Task;
use crate::service::rules::paging::{self, PageBoundaries};
use crate::sys::clock::{Clock, Moment, Moments};
use crate::sys::entropy::Entropy;
use crate::sys::key_place;
use crate::sys::process::Actor;
use crate::sys::secret::Secret;
use crate::upkeep::notices;
use crate::vault::transaction::RequestContext;
use crate::vault::{self, Origin, Vault};

/// What is heard at the socket.
pub(super) const RULES: Rules = Rules {
    framing: Framing::Frame,
    at_once: 64,
    longest: 4 << 20,
    patience: Duration::from_secs(10),
    grace: Duration::from_secs(1),
    is_for_one: false,
};

/// What the agent knows, and whom it serves.
pub(crate) struct Agent<'a> {
    pub(super) sessions: Sessions,
    pub(super) moments: &'a (dyn Moments + Sync),
    pub(super) clock: &'a (dyn Clock + Sync),
    pub(super) entropy: &'a (dyn Entropy + Sync),
    /// As whom the agent itself acts.
    pub(super) origin: Origin,
    pub(super) explain: Explain,
    /// Tells the thread that waits for the time to be over that there is something new.
    pub(super) wake: &'a (dyn Fn() + Sync),
    /// Whether anything was to be unlocked yet.
    pub(super) has_begun: AtomicBool,
}

impl Agent<'_> {
    /// Returns when and as whom the agent itself acts.
    pub(super) fn context(&self) -> RequestContext<'_> {
        Circumstances { clock: self.clock, entropy: self.entropy, origin: &self.origin }.context()
    }

    /// Answers; `None` where somebody else is to be asked.
    pub(super) fn reply(
        &self,
        who: &Actor,
        stream: &UnixStream,
        asked: Result<Ask, Refused>,
    ) -> Option<Reply> {
        let plain = |outcome| Reply { outcome, notices: Vec::new() };
        Some(match asked {
            Err(refused) => plain(Err(refused)),
            // Whoever is not answered has another agent begin when this one has ended.
            Ok(Ask::Unlock(unlock)) => plain(self.unlock(unlock)?),
            Ok(Ask::Lock { vault }) => plain(Ok(self.lock(vault.as_deref()))),
            Ok(Ask::Status) => plain(Ok(self.status())),
            Ok(Ask::Check(check)) => self.check(who, stream, check),
            Ok(Ask::Rotate(rotate)) => plain(self.rotate(who, stream, rotate)),
            Ok(Ask::Serve { token, at }) => return self.serve(who, stream, &token, &at),
            Ok(Ask::Grant { token, spec, how }) => plain(self.grant(who, &token, &spec, how)),
            Ok(Ask::Grants { token }) => plain(self.grants(&token)),
            Ok(Ask::Revoke { token, id }) => plain(self.revoke(who, &token, &id)),
            Ok(Ask::Identity { token, region }) => {
                plain(self.identity(who, &token, region.as_deref()))
            }
            Ok(Ask::Elsewhere { token, name }) => plain(self.elsewhere(who, &token, &name)),
            Ok(Ask::Peer { token, task }) => self.peer_task(who, &token, &task),
            Ok(Ask::Do { token, chore }) => self.chore(who, &token, chore),
            Ok(Ask::Call { token, operation, parameters, region, pages }) => {
                let Some(entry) = operations::ALL.iter().find(|entry| entry.name == operation)
                else {
                    let none = "there is no such operation".to_owned();
                    return Some(plain(Err(Refused::Malformed(none))));
                };
                let call = Called { entry, parameters, region, pages };
                let now = self.moments.moment();
                let granted = self.sessions.find_grant(token.expose(), now);
                let owner = || Some((self.sessions.find(token.expose())?, Arc::new(Caller::Owner)));
                let Some((session, caller)) = granted.or_else(owner) else {
                    return Some(plain(Err(unknown())));
                };
                self.used_of(who, &session, Use::Counts, |vault, circumstances| {
                    if !self.is_good(&session, &caller, &token) {
                        return (Err(unknown()), Vec::new());
                    }
                    let outcome = self.call(&caller, vault, call, circumstances);
                    let context = circumstances.context();
                    let mut notices = notices::of(vault);
                    notices.extend(notices::of_clock(context.now, vault.last_commit()));
                    (outcome, notices)
                })
            }
        })
    }

    /// Does a piece of work that is no operation.
    fn chore(&self, who: &Actor, token: &Secret<String>, chore: Chore) -> Reply {
        let is_offer = matches!(chore, Chore::Offer { .. });
        // A shell may ask for words at each key of any line.
        let is_look = is_offer || matches!(chore, Chore::Status { .. });
        let how = if is_look { Use::Looks } else { Use::Counts };
        let reply = self.used(who, token, how, |vault, circumstances| {
            let done = chore.run(vault, circumstances.context());
            let owed = owed(vault);
            let done = done.map(|answer| json!({ "answer": tagged(&answer), "owed": owed }));
            (done.map_err(|failure| self.refused(failure)), notices::of(vault))
        });
        if is_offer && let Ok(session) = self.session(token) {
            session.go_on_reading_ahead();
            (self.wake)();
        }
        reply
    }

    /// Does a part of what two vaults do together.
    fn peer_task(&self, who: &Actor, token: &Secret<String>, task: &Json) -> Reply {
        let Some(task) = untagged(task).and_then(Task::from_value) else {
            let refused = Refused::Malformed("there is no such task".to_owned());
            return Reply { outcome: Err(refused), notices: Vec::new() };
        };
        self.used(who, token, Use::Counts, |vault, circumstances| {
            let done = task.run(vault, circumstances.context());
            let done = done.map(|answer| tagged(&answer));
            (done.map_err(|failure| self.refused(failure)), notices::of(vault))
        })
    }

    /// Lends the vault of a token.
    fn used(
        &self,
        who: &Actor,
        token: &Secret<String>,
        how: Use,
        work: impl FnOnce(&mut Vault, Circumstances<'_>) -> Told,
    ) -> Reply {
        match self.session(token) {
            Ok(session) => self.used_of(who, &session, how, work),
            Err(refused) => Reply { outcome: Err(refused), notices: Vec::new() },
        }
    }

    /// Finds the vault of its owner's token.
    pub(super) fn session(&self, token: &Secret<String>) -> Result<Arc<Session>, Refused> {
        self.sessions.find(token.expose()).ok_or_else(unknown)
    }

    /// Whether a caller still has the right by which it was found, now that it has the vault: it may
    /// have waited for that, and its grant may have been revoked meanwhile.
    pub(super) fn is_good(
        &self,
        session: &Session,
        caller: &Caller,
        token: &Secret<String>,
    ) -> bool {
        match caller {
            Caller::Owner | Caller::Step(_) | Caller::Key(_) => true,
            Caller::Grant(_) => {
                let now = self.moments.moment();
                lock(&session.grants).holder(token.expose(), now).is_some()
            }
        }
    }

    /// Lends a vault.
    pub(super) fn used_of(
        &self,
        who: &Actor,
        session: &Arc<Session>,
        how: Use,
        work: impl FnOnce(&mut Vault, Circumstances<'_>) -> Told,
    ) -> Reply {
        let origin = Origin { actor: who.clone(), via: VIA.to_owned() };
        let now = self.moments.moment();
        let lent = self.lent(&origin, session, (now, how), work);
        let gone = match &lent {
            Ok((outcome, _)) => used_up(outcome).then_some(Gone::Rekeyed),
            Err(gone) => Some(*gone),
        };
        if let Some(gone) = gone {
            let closing = self.sessions.begin_closing_for(gone, session, now);
            closing.inspect(|session| self.sessions.close(session, self.context()));
            (self.wake)();
        }
        let refused = |gone: Gone| (Err(Refused::Locked(gone.told().to_owned())), Vec::new());
        let (outcome, notices) = lent.unwrap_or_else(refused);
        Reply { outcome, notices }
    }

    /// Lends a vault, and leaves it to the caller what becomes of one that cannot be used any more.
    pub(super) fn lent<T>(
        &self,
        origin: &Origin,
        session: &Session,
        (now, how): (Moment, Use),
        work: impl FnOnce(&mut Vault, Circumstances<'_>) -> T,
    ) -> Result<T, Gone> {
        let circumstances = Circumstances { clock: self.clock, entropy: self.entropy, origin };
        let context = circumstances.context();
        let used = session.used_at(now, how, context, |vault| work(vault, circumstances))?;
        if used.begins_to_wait {
            (self.wake)();
        }
        Ok(used.done)
    }

    fn call(
        &self,
        caller: &Caller,
        vault: &mut Vault,
        call: Called,
        circumstances: Circumstances<'_>,
    ) -> Result<Json, Refused> {
        let Called { entry, parameters, region, pages } = call;
        // It becomes a part of ARNs, which are what grants are about.
        let is_region = |name: &str| constraints::allows(RegionName::SHAPE, name);
        if !region.as_deref().is_none_or(is_region) {
            return Err(Refused::Malformed("that is no region".to_owned()));
        }
        let mut request = from_json(entry.input, &parameters).map_err(Refused::Malformed)?;
        dispatch::admit(entry, &request).map_err(|failure| self.refused(failure))?;
        if let (Value::Map(members), Some(most)) = (&mut request, pages.most) {
            members.push((paging::LIMIT.to_owned(), Value::Integer(most)));
        }
        let boundaries = pages.size.map(PageBoundaries::of);
        let vault = Mutex::new(vault);
        let region = Region::Asked(region.as_deref());
        let answers = Answers { vault: &vault, region, circumstances, unknown: "" };
        let answer = answers.run(caller, entry, request, boundaries.as_ref());
        let answer = answer.map_err(|failure| self.refused(failure));
        let owed = owed(vault.into_inner().unwrap_or_else(PoisonError::into_inner));
        let answer = answer?;
        let tokens = boundaries.map(PageBoundaries::into_tokens);
        Ok(json!({ "answer": to_json(&answer), "tokens": tokens, "owed": owed }))
    }

    fn elsewhere(&self, who: &Actor, token: &Secret<String>, name: &str) -> Result<Json, Refused> {
        let reply = self.used(who, token, Use::Looks, |vault, circumstances| {
            let found = elsewhere::find(vault, name, circumstances.context());
            let found = found.map(|found| {
                let (home, regions) = (found.home, found.regions);
                let (renamed, near) = (found.renamed, found.near);
                json!({ "home": home, "regions": regions, "renamed": renamed, "near": near })
            });
            (found.map_err(|error| self.refused(error.into())), Vec::new())
        });
        reply.outcome
    }

    pub(super) fn refused(&self, failure: Failure) -> Refused {
        match failure {
            Failure::Fault(fault) => Refused::Fault(fault),
            Failure::Vault(vault::Error::Rekeyed) => {
                Refused::Locked(Gone::Rekeyed.told().to_owned())
            }
            Failure::Vault(error) => Refused::Vault((self.explain.vault)(&error)),
        }
    }

    fn status(&self) -> Json {
        let sessions = self.sessions.all();
        let told: Vec<Json> = sessions.iter().map(|session| self.told(session)).collect();
        json!({ "pid": std::process::id(), "sessions": told })
    }

    pub(super) fn told(&self, session: &Arc<Session>) -> Json {
        let now: Moment = self.moments.moment();
        let Outlook { opened, until_ms, age_ms, reads, .. } = session.outlook(now);
        json!({
            "vault": paths::encoded(&session.path),
            "since": opened.wall_ms,
            "until": until_ms,
            "reads": reads.name(),
            "held": key_place::are_keys_held(),
            "latest": opened.wall_ms.saturating_add(age_ms),
            "endpoints": lock(&session.endpoints).shown(),
        })
    }
}

/// Returns what peers have to be told of what was done, which whoever asked for it does.
fn owed(vault: &mut Vault) -> Json {
    vault.take_owed().iter().map(|owed| json!([owed.account, owed.arn])).collect()
}

/// What came of a vault's work, and what a person should know besides.
type Told = (Result<Json, Refused>, Vec<notices::Notice>);

/// An operation that was asked for.
struct Called {
    entry: &'static Entry,
    parameters: Json,
    region: Option<String>,
    pages: Pages,
}

/// Whether a vault cannot be used any more.
fn used_up(outcome: &Result<Json, Refused>) -> bool {
    matches!(outcome, Err(Refused::Locked(why)) if why == Gone::Rekeyed.told())
}

/// What somebody is told whose token nobody knows.
pub(super) fn unknown() -> Refused {
    Refused::Locked(Gone::Locked.told().to_owned())
}

impl Door for Agent<'_> {
    fn answer(
        &self,
        who: &Actor,
        stream: &UnixStream,
        message: Secret<Vec<u8>>,
    ) -> Option<Secret<Vec<u8>>> {
        let asked = Ask::read(message.expose());
        drop(message);
        Some(self.reply(who, stream, asked)?.write())
    }

    fn prepare(&self) {
        // Of several, nobody knows yet which.
        if let [session] = self.sessions.all().as_slice() {
            session.prepare(self.moments.moment(), self.context());
        }
    }

    /// What a vault was doing may be half done: nothing of it is used any more.
    fn panicked(&self) {
        self.end();
    }
}

/// How the audit log says that a call came this way.
pub(super) const VIA: &str = "agent";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::agent::grants::{Given, Term};
    use crate::agent::limits::Limits;
    use crate::agent::messages::{Reads, Unlock};
    use crate::agent::testing::{self, Opening};
    use crate::model::time::Timestamp;
    use crate::service::action::Action;
    use crate::service::caller::{Grant, Holder, Selection};
    use crate::service::known_policies::KnownPolicies;
    use crate::sys::clock::SystemMoments;
    use crate::sys::socket;

    /// Clocks at whose second look something happens: after a call was let in, and before it has the
    /// vault.
    struct Meanwhile<'a> {
        looks: AtomicUsize,
        session: OnceLock<Arc<Session>>,
        what: &'a (dyn Fn(&Session) + Sync),
    }

    impl Moments for Meanwhile<'_> {
        fn moment(&self) -> Moment {
            let looks = self.looks.fetch_add(1, Ordering::SeqCst);
            if let Some(session) = self.session.get().filter(|_| looks == 1) {
                (self.what)(session);
            }
            SystemMoments.moment()
        }
    }

    /// Has the holder of a grant call, while something happens. Returns what he is told, and whether the
    /// vault stays unlocked.
    fn called_while(what: &(dyn Fn(&Session) + Sync), message: &Json) -> (Json, bool) {
        let opening = Opening::new();
        let moments = Meanwhile { looks: AtomicUsize::new(0), session: OnceLock::new(), what };
        let nowhere = opening.scratch.path();
        let agent = testing::agent(nowhere, &moments);
        let limits = Limits { idle_ms: 3_600_000, age_ms: 3_600_000 };
        let unlock = testing::unlock(&opening.path(), Reads::AtOnce);
        assert!(agent.unlock(Unlock { limits, ..unlock }).unwrap().is_ok());
        let session = agent.sessions.all().remove(0);
        let region = "local-1".to_owned();
        let grant = Grant {
            id: "g1".to_owned(),
            label: None,
            actions: BTreeSet::from([Action::GetRandomPassword]),
            secrets: Selection { region, names: Vec::new(), tags: Vec::new() },
            until: Timestamp(i64::MAX),
            read_only: true,
            policies: Vec::new(),
            boundary: None,
            session: Vec::new(),
            holder: Holder::Session,
            principal_tags: Vec::new(),
            known: KnownPolicies::default(),
        };
        let now = SystemMoments.moment();
        let token = Secret::new("token".to_owned());
        let given = Given { token, key: None };
        let term = Term { lifetime_ms: 3_600_000, holder: None };
        lock(&session.grants).add(given, Caller::Grant(grant), now, term);
        moments.looks.store(0, Ordering::SeqCst);
        drop(moments.session.set(Arc::clone(&session)));

        let mut message = message.clone();
        message["version"] = super::super::messages::VERSION.into();
        message["token"] = "token".into();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = socket::peer(&ours).unwrap();
        let who = crate::sys::process::actor_of(peer.pid, peer.uid);
        let message = Secret::new(message.to_string().into_bytes());
        let answer = agent.answer(&who, &ours, message).unwrap();
        let is_open = agent.sessions.find(session.token.expose()).is_some();
        (serde_json::from_slice(answer.expose()).unwrap(), is_open)
    }

    /// Whoever waits for the vault is let in by then; what he was let in by may be gone when he has it.
    #[test]
    fn a_right_that_ends_while_a_call_waits_is_none() {
        let locked = json!({ "refused": { "kind": "locked", "message": "the vault is locked" } });
        for message in [
            json!({ "do": "call", "op": "GetRandomPassword", "params": {} }),
            json!({ "do": "identity" }),
        ] {
            let (answer, is_open) = called_while(&|_| {}, &message);
            assert!(!answer["ok"].is_null() && is_open, "{answer}");
            let revoke = |session: &Session| assert!(lock(&session.grants).revoke("g1"));
            assert_eq!(called_while(&revoke, &message), (locked.clone(), true));
            let (answer, _) = called_while(&Session::begin_closing, &message);
            assert_eq!(answer, locked);
        }
    }
}
