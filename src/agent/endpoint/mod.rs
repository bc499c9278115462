//! What stands behind AWS's endpoint for a vault that is held open: who has which access key, and what
//! becomes of a call.
//!
//! The endpoint is in the process that holds the vault open, so that no secret access key leaves it. It
//! lasts as long as whoever asked for it is connected, or until the lock, which ends it: nobody is
//! answered by an endpoint whose vault is locked. That it listens does not hold the vault open; each call
//! does, as any other use.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope};
use std::time::Duration;

use serde_json::json;

use crate::agent::at::At;
use crate::agent::door::Agent;
use crate::agent::endpoints::Ready;
use crate::agent::grants::Grants;
use crate::agent::lasting::{LastingKey, LastingKeys};
use crate::agent::listening::{Ender, Heard};
use crate::agent::long_work::{BegunWith, Manner};
use crate::agent::messages::{Refused, Reply};
use crate::agent::session::{Gone, Session, Use, lock};
use crate::agent::temporary::TemporaryKey;
use crate::gateway::answers::{Answers, Circumstances, Region};
use crate::gateway::frames::Framing;
use crate::http::back::{self, Back, Call, Credential, Lent, Principal, Trouble};
use crate::http::rules::Rules;
use crate::http::server::Server;
use crate::http::site::Site;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::caller::{Caller, Presented, Signed};
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::identity::CallerIdentity;
use crate::service::rules::arn::Place;
use crate::sys::clock::Moment;
use crate::sys::entropy::Entropy;
use crate::sys::process::Actor;
use crate::sys::secret::Secret;
use crate::sys::socket::{Listener, Listens};
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, Vault};

impl Agent<'_> {
    /// Is the endpoint of a vault as long as a client is connected, which is told where. Answers here only
    /// if it cannot be.
    pub(super) fn serve(
        &self,
        who: &Actor,
        stream: &UnixStream,
        token: &Secret<String>,
        at: &At,
    ) -> Option<Reply> {
        let refused = |refused| Some(Reply { outcome: Err(refused), notices: Vec::new() });
        let session = match self.session(token) {
            Ok(session) => session,
            Err(locked) => return refused(locked),
        };
        // Before it counts as long work, which a lock that this brings about would wait for.
        let home = self.used_of(who, &session, Use::Counts, |vault, circumstances| {
            let home = vault.begin(Access::Read, circumstances.context()).map(|transaction| {
                let settings = &transaction.state().settings;
                json!({ "region": settings.region(), "account": settings.account() })
            });
            (home.map_err(|error| self.refused(error.into())), Vec::new())
        });
        let mut told = match home.outcome {
            Ok(told) => told,
            Err(why) => return refused(why),
        };
        // Before anything is listened at: the lock stops it.
        let ender = Ender::default();
        let begun = session.long_work.begin_in(Manner::Waits, ender.stop());
        let Some(begun) = begun else {
            return refused(Refused::Locked(Gone::Locked.told().to_owned()));
        };
        let ready = match Ready::begin(at, ender) {
            Ok(ready) => ready,
            Err(why) => return refused(Refused::Unheard(why)),
        };
        if let Some(members) = told.as_object_mut() {
            members.insert("endpoint".to_owned(), ready.listening.at.to_string().into());
        }
        let reply = Reply { outcome: Ok(told), notices: Vec::new() };
        Framing::Frame.write(stream, reply.write().expose(), PATIENCE).ok()?;
        let serving = BegunWith { own: Endpoint::of(self, &session), begun };
        serving.begun.heeding(stream, || serving.own.hear(&ready));
        None
    }

    /// Begins to listen where a vault that is about to be unlocked is to have an endpoint, unless it has
    /// one there.
    pub(super) fn prepare_endpoint(&self, vault: &Path, at: At) -> Result<Prepared, Refused> {
        let sessions = self.sessions.all();
        let mut own = sessions.iter().filter(|session| session.path == vault);
        let is_there = own.any(|session| lock(&session.endpoints).has(&at));
        let ready = (!is_there).then(|| Ready::at(&at)).transpose().map_err(Refused::Unheard)?;
        Ok(Prepared { at, ready })
    }

    /// Has those answered who come to new endpoints, by a thread for each.
    pub(super) fn begin_endpoints<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        for session in self.sessions.all() {
            for ready in lock(&session.endpoints).take_waiting() {
                let session = Arc::clone(&session);
                let hear = move || {
                    let stop = ready.ender.stop();
                    let begun = session.long_work.begin_in(Manner::Waits, stop);
                    let own = Endpoint::of(self, &session);
                    if let Some(serving) = begun.map(|begun| BegunWith { own, begun }) {
                        serving.own.hear(&ready);
                    }
                };
                // Where there can be no thread, nobody is heard.
                drop(thread::Builder::new().spawn_scoped(scope, hear));
            }
        }
    }
}

/// An endpoint for a vault that is about to be unlocked.
pub(super) struct Prepared {
    at: At,
    /// `None` where the vault has it already.
    ready: Option<Ready>,
}

impl Prepared {
    /// Has the vault have it until the lock.
    pub(super) fn begin(self, session: &Session) -> Result<(), Refused> {
        let mut endpoints = lock(&session.endpoints);
        if endpoints.has(&self.at) {
            return Ok(());
        }
        // Another vault was where this one is, and its endpoint is gone with it.
        let ready = self.ready.map_or_else(|| Ready::at(&self.at), Ok);
        endpoints.add(ready.map_err(Refused::Unheard)?);
        Ok(())
    }
}

/// Who answers at an endpoint.
struct Endpoint<'a> {
    agent: &'a Agent<'a>,
    session: &'a Session,
    /// The vault's own keys.
    lasting: LastingKeys,
}

impl<'a> Endpoint<'a> {
    fn of(agent: &'a Agent<'a>, session: &'a Session) -> Self {
        Self { agent, session, lasting: LastingKeys::default() }
    }
}

impl Endpoint<'_> {
    /// Answers until it is ended.
    fn hear(&self, Ready { listening, ender }: &Ready) {
        match (&listening.heard, &listening.at) {
            (Heard::Loopback(listener), At::Port(port)) => {
                self.hear_at(listener, Site::Loopback(*port), ender);
            }
            (Heard::Loopback(_), At::Socket(_)) => {}
            (Heard::File(listener), _) => self.hear_at(listener, Site::File, ender),
        }
    }

    fn hear_at<L: Listens>(&self, listener: &Listener<L>, site: Site, ender: &Ender) {
        let server = Server::new(self, site, Rules::USUAL);
        thread::scope(|scope| {
            scope.spawn(|| server.serve(listener));
            ender.wait();
            server.close();
        });
    }

    /// Lends the vault. Where it cannot be used any more, the thread that watches locks it, as the lock waits
    /// for this one.
    fn lent<T>(
        &self,
        how: Use,
        work: impl FnOnce(&mut Vault, Circumstances<'_>) -> T,
    ) -> Result<T, Trouble> {
        let now = self.agent.moments.moment();
        let lent = self.agent.lent(&self.agent.origin, self.session, (now, how), work);
        lent.map_err(|gone| self.give_up(gone))
    }

    fn give_up(&self, gone: Gone) -> Trouble {
        match gone {
            Gone::Replaced | Gone::Rekeyed => self.session.give_up(gone),
            // The thread that watches sees that for itself, unless it was unlocked anew by then.
            Gone::Locked | Gone::Over | Gone::LoggedOut => {}
        }
        (self.agent.wake)();
        Trouble::Gone(gone.told())
    }

    /// Finds a key of a grant.
    fn temporary(
        &self,
        find: impl FnOnce(&Grants, Moment) -> Option<Arc<TemporaryKey>>,
    ) -> Option<Arc<TemporaryKey>> {
        find(&lock(&self.session.grants), self.agent.moments.moment())
    }

    /// Finds a key of the vault's own.
    fn lasting(&self, id: &str) -> Result<Option<Arc<LastingKey>>, Trouble> {
        if let Some(known) = self.lasting.known(id, self.session.file_unchanged()) {
            return Ok(Some(known));
        }
        let found = self.lent(Use::Looks, |vault, circumstances| {
            self.lasting.find(vault, id, self.session.file_unchanged(), circumstances.context())
        })?;
        found.map_err(|failure| self.failed(failure))
    }

    fn failed(&self, failure: Failure) -> Trouble {
        match failure {
            Failure::Vault(vault::Error::Rekeyed) => self.give_up(Gone::Rekeyed),
            Failure::Fault(_) | Failure::Vault(_) => Trouble::Failed(failure),
        }
    }
}

impl Back for Endpoint<'_> {
    fn now(&self) -> Timestamp {
        Timestamp(self.agent.clock.now_ms())
    }

    fn entropy(&self) -> &dyn Entropy {
        self.agent.entropy
    }

    fn credential(&self, access_key_id: &str) -> Result<Option<Credential<'_>>, Trouble> {
        // One that is over is so by the signature's rules, too; a call looks anew.
        if let Some(key) = self.temporary(|grants, _now| grants.key_given(access_key_id)) {
            return Ok(Some(Credential {
                secret: copy(&key.secret),
                session_token: Some(copy(&key.session_token)),
                until: Some(key.grant.until),
                principal: Box::new(Holder { endpoint: self, right: Right::Temporary(key) }),
            }));
        }
        let key = self.lasting(access_key_id)?;
        Ok(key.map(|key| Credential {
            secret: copy(&key.secret),
            session_token: None,
            until: key.until,
            principal: Box::new(Holder { endpoint: self, right: Right::Lasting(key) }),
        }))
    }

    fn lend(&self, token: &str) -> Result<Option<Lent>, Trouble> {
        let key = self.temporary(|grants, now| grants.key_of(token, now));
        Ok(key.map(|key| Lent {
            access_key_id: key.id.clone(),
            secret: copy(&key.secret),
            session_token: copy(&key.session_token),
            until: key.grant.until,
        }))
    }

    fn local(&self, token: &str) -> Result<Option<Box<dyn Principal + '_>>, Trouble> {
        let key = self.temporary(|grants, now| grants.key_of(token, now));
        let Some(key) = key else { return Ok(None) };
        Ok(Some(Box::new(Holder { endpoint: self, right: Right::Temporary(key) })))
    }

    /// What the vault was doing may be half done: nothing is used any more. The thread that watches sees to
    /// it, as the lock waits for this one.
    fn panicked(&self) {
        self.agent.sessions.is_ending.store(true, Ordering::SeqCst);
        (self.agent.wake)();
    }
}

/// Whoever has a key.
struct Holder<'a> {
    endpoint: &'a Endpoint<'a>,
    right: Right,
}

/// By what a caller was known.
enum Right {
    /// A key that a grant has brought.
    Temporary(Arc<TemporaryKey>),
    /// A key of the vault's own.
    Lasting(Arc<LastingKey>),
}

impl Holder<'_> {
    /// Returns the caller, now that he has the vault; `None` if his right ended while he waited for it.
    fn caller(
        &self,
        shown: back::Presented<'_>,
        vault: &mut Vault,
        context: RequestContext<'_>,
    ) -> Result<Option<Caller>, Failure> {
        let found = match &self.right {
            Right::Temporary(key) => {
                let found = self.endpoint.temporary(|grants, now| grants.key(&key.id, now));
                found.map(|key| (Arc::clone(&key.grant), Some(key.issued)))
            }
            Right::Lasting(key) => {
                let found = self.endpoint.lasting.look_again(key, vault, context)?;
                found.map(|key| (Arc::clone(&key.grant), None))
            }
        };
        Ok(found.map(|(grant, token_issued)| {
            let presented = Presented {
                source_ip: shown.source_ip,
                user_agent: shown.user_agent.map(str::to_owned),
                // It has never left the machine.
                is_secure: true,
                token_issued,
            };
            Caller::Key(Signed { grant, presented })
        }))
    }

    /// Does something as the caller, who may know only then that he is none.
    fn done<T>(
        &self,
        how: Use,
        shown: back::Presented<'_>,
        work: impl FnOnce(&Caller, &mut Vault, Circumstances<'_>) -> Result<T, Failure>,
    ) -> Result<T, Trouble> {
        let done = self.endpoint.lent(how, |vault, circumstances| {
            let caller = self.caller(shown, vault, circumstances.context())?.ok_or_else(over)?;
            if let Right::Lasting(key) = &self.right {
                self.endpoint.lasting.note_use(&key.id, vault, circumstances.context());
            }
            work(&caller, vault, circumstances)
        })?;
        done.map_err(|failure| self.endpoint.failed(failure))
    }
}

impl Principal for Holder<'_> {
    fn call(&self, call: Call<'_>) -> Result<Value, Trouble> {
        let Call { entry, request, region, presented } = call;
        // Who names none asks where his grant is for.
        let own = match &self.right {
            Right::Temporary(key) => Some(key.grant.secrets.region.as_str()),
            Right::Lasting(_) => None,
        };
        self.done(Use::Counts, presented, |caller, vault, circumstances| {
            let vault = Mutex::new(vault);
            let region = Region::Asked(region.or(own));
            let answers = Answers { vault: &vault, region, circumstances, unknown: "" };
            answers.run(caller, entry, request, None)
        })
    }

    fn identity(&self, region: &str) -> Result<CallerIdentity, Trouble> {
        self.done(Use::Looks, back::Presented::default(), |caller, vault, circumstances| {
            let transaction = vault.begin(Access::Read, circumstances.context())?;
            let account = transaction.state().settings.account();
            Ok(CallerIdentity::of(caller, Place { account, region }))
        })
    }
}

/// What somebody is told whose right ended while he waited.
fn over() -> Failure {
    Fault::new(Code::AccessDenied, "The security token included in the request is invalid.").into()
}

fn copy(text: &Secret<String>) -> Secret<String> {
    Secret::new(text.expose().clone())
}

/// How long a client may take to hear where the endpoint is.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
