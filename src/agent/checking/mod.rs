//! What the agent answers to whoever has all of a vault, or of a copy of it, read and verified.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::agent::door::Agent;
use crate::agent::long_work::{BegunWith, Said};
use crate::agent::messages::{Check, Refused, Reply};
use crate::agent::session::{Gone, Use};
use crate::gateway::json::tagged;
use crate::store::{self, Halt};
use crate::sys::process::Actor;
use crate::upkeep::check;
use crate::upkeep::notices;
use crate::vault::check::RowsDone;
use crate::vault::transaction::RequestContext;
use crate::vault::{self, Vault};

impl Agent<'_> {
    /// Checks a vault in an opening of its own, so that others use it meanwhile.
    pub(super) fn check(&self, who: &Actor, stream: &UnixStream, asked: Check) -> Reply {
        let refused = |refused| Reply { outcome: Err(refused), notices: Vec::new() };
        let Check { token, copy, tells } = asked;
        let session = match self.session(&token) {
            Ok(session) => session,
            Err(locked) => return refused(locked),
        };
        let halt = Halt::default();
        let mut opened = None;
        let mut reply = self.used_of(who, &session, Use::Counts, |vault, circumstances| {
            // Before the vault can be locked: the lock stops it.
            let called = halt.clone();
            let begun = session.long_work.begin(Arc::new(move |_interrupt| called.call()));
            // What waits to be logged was before.
            let ready = vault.write_waiting_reads(circumstances.context());
            let own = ready.and_then(|()| match &copy {
                None => vault.again_until(&halt),
                Some(path) => vault.open_copy_until(path, &halt),
            });
            let own = own.map(|own| opened = begun.map(|begun| BegunWith { own, begun }));
            let own = own.map_err(|error| self.refused(error.into()));
            (own.map(|()| Json::Null), notices::of(vault))
        });
        if reply.outcome.is_err() {
            return reply;
        }
        let locked = || Refused::Locked(Gone::Locked.told().to_owned());
        let Some(mut opened) = opened else { return refused(locked()) };
        let mut tell = |rows: RowsDone| {
            if tells {
                Said::of_rows(rows).say_to(stream);
            }
        };
        let BegunWith { own, begun } = &mut opened;
        let work = || found(own, copy.is_some(), self.context(), &mut tell);
        let found = begun.heeding(stream, work);
        let BegunWith { own, begun } = opened;
        drop(own);
        session.count_long_work(self.moments.moment());
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
mod tests;
