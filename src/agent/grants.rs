//! What has been granted of a vault that is held open: it dies with that.

use std::sync::Arc;

use super::temporary::TemporaryKey;
use crate::crypto::fingerprint;
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::grants;
use crate::sys::clock::Moment;
use crate::sys::process::Watched;
use crate::sys::secret::Secret;

/// A grant, and the token by which its holder is known.
struct Granted {
    token: Secret<String>,
    caller: Arc<Caller>,
    /// With what its holder signs requests at an endpoint, if he may.
    key: Option<Arc<TemporaryKey>>,
    /// When it ends, by the clock that nobody sets; its own time is judged with each call.
    ends_boot_ms: i64,
    /// The process with which it ends, if it does.
    holder: Option<Watched>,
}

impl Granted {
    fn is_over(&self, now: Moment) -> bool {
        now.boot_ms >= self.ends_boot_ms || self.holder.as_ref().is_some_and(Watched::has_ended)
    }
}

/// What somebody is given with a grant.
pub(super) struct Given {
    pub(super) token: Secret<String>,
    pub(super) key: Option<Arc<TemporaryKey>>,
}

/// How long a grant lasts: for so long, and no longer than its holder lives, where that is watched.
pub(super) struct Term {
    pub(super) lifetime_ms: i64,
    pub(super) holder: Option<Watched>,
}

/// All grants of one vault.
#[derive(Default)]
pub(super) struct Grants(Vec<Granted>);

impl Grants {
    /// Hands a grant out.
    pub(super) fn add(&mut self, given: Given, caller: Caller, now: Moment, term: Term) {
        self.drop_over(now);
        let Term { lifetime_ms, holder } = term;
        let ends_boot_ms = now.boot_ms.saturating_add(lifetime_ms);
        let Given { token, key } = given;
        self.0.push(Granted { token, caller: Arc::new(caller), key, ends_boot_ms, holder });
    }

    /// Whether as many processes are watched as may be: each takes one of the agent's files.
    pub(super) fn watches_many(&self) -> bool {
        self.0.iter().filter(|granted| granted.holder.is_some()).count() >= MOST_WATCHED
    }

    /// Finds the holder of a token.
    pub(super) fn holder(&self, token: &str, now: Moment) -> Option<Arc<Caller>> {
        let mut found = None;
        for granted in self.good(now) {
            if fingerprint::is_same(token, granted.token.expose()) {
                found = Some(Arc::clone(&granted.caller));
            }
        }
        found
    }

    /// Finds an access key.
    pub(super) fn key(&self, access_key_id: &str, now: Moment) -> Option<Arc<TemporaryKey>> {
        let mut keys = self.good(now).filter_map(|granted| granted.key.as_ref());
        keys.find(|key| key.id == access_key_id).map(Arc::clone)
    }

    /// Finds an access key whose time may be over, so that its holder can be told that it is.
    pub(super) fn key_given(&self, access_key_id: &str) -> Option<Arc<TemporaryKey>> {
        let mut keys = self.0.iter().filter_map(|granted| granted.key.as_ref());
        keys.find(|key| key.id == access_key_id).map(Arc::clone)
    }

    /// Finds the access key of whoever has this token, or the key's own.
    pub(super) fn key_of(&self, token: &str, now: Moment) -> Option<Arc<TemporaryKey>> {
        let mut found = None;
        for granted in self.good(now) {
            let Some(key) = &granted.key else { continue };
            let tokens = [&granted.token, &key.session_token];
            let known = tokens.map(|known| fingerprint::is_same(token, known.expose()));
            if known.contains(&true) {
                found = Some(Arc::clone(key));
            }
        }
        found
    }

    /// Returns those that are not over.
    fn good(&self, now: Moment) -> impl Iterator<Item = &Granted> {
        self.0.iter().filter(move |granted| !granted.is_over(now))
    }

    /// Takes a grant back. Returns whether there was one.
    pub(super) fn revoke(&mut self, id: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|granted| id_of(&granted.caller) != Some(id));
        self.0.len() < before
    }

    /// Shows all, without their tokens.
    pub(super) fn shown(&mut self, now: Moment) -> Value {
        self.drop_over(now);
        let grants = self.0.iter().filter_map(|granted| match granted.caller.as_ref() {
            Caller::Grant(grant) => Some(grants::shown(grant)),
            Caller::Owner | Caller::Step(_) | Caller::Key(_) => None,
        });
        Value::List(grants.collect())
    }

    /// Whether there are as many as there may be.
    pub(super) fn is_full(&mut self, now: Moment) -> bool {
        self.drop_over(now);
        self.0.len() >= MOST
    }

    fn drop_over(&mut self, now: Moment) {
        self.0.retain(|granted| !granted.is_over(now));
    }
}

fn id_of(caller: &Caller) -> Option<&str> {
    match caller {
        Caller::Grant(grant) => Some(&grant.id),
        Caller::Owner | Caller::Step(_) | Caller::Key(_) => None,
    }
}

/// More than anybody can oversee.
const MOST: usize = 1_000;
/// Processes of which an end is waited for. Grants to more than these last until they are over or taken back.
const MOST_WATCHED: usize = 256;
