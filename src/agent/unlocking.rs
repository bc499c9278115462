//! What the agent answers to whoever hands a vault over.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value as Json, json};

use super::door::Agent;
use super::messages::{Refused, Unlock};
use super::session::Session;

impl Agent<'_> {
    /// Holds a vault open, and returns its token; `None` where all is being locked.
    pub(super) fn unlock(&self, unlock: Unlock) -> Option<Result<Json, Refused>> {
        let session = self.open(unlock);
        self.has_begun.store(true, Ordering::SeqCst);
        (self.wake)();
        let told = |session: Arc<Session>| {
            let token = session.token.expose();
            json!({ "token": token, "session": self.told(&session) })
        };
        Some(session.transpose()?.map(told))
    }

    /// Opens a vault, and its endpoint if it is to have one.
    fn open(&self, mut unlock: Unlock) -> Result<Option<Arc<Session>>, Refused> {
        let at = unlock.serve.take();
        // Before there is anything to take back.
        let prepared = at.map(|at| self.prepare_endpoint(&unlock.path, at)).transpose()?;
        let session = self.sessions.open(unlock, self.moments.moment(), self.context());
        let session = session.map_err(|error| Refused::Vault((self.explain.vault)(&error)))?;
        if let (Some(session), Some(prepared)) = (&session, prepared) {
            prepared.begin(session)?;
        }
        Ok(session)
    }
}
