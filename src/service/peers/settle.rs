//! What came of telling a peer is noted in the primary's vault.

use super::link::{self, Outcome, find, unsigned};
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::replication::across;
use crate::vault::across::{Bond, CrossReplica, Trouble};
use crate::vault::audit::Event;
use crate::vault::transaction::Transaction;

/// Notes it, and returns how many replicas wait for that peer still. It is no change of the secret:
/// its date stays, and nobody has to follow.
pub(super) fn settle(cx: &mut Context<'_, '_>, outcome: &Outcome) -> Result<i64, Failure> {
    let account = across::account_of(&outcome.replica_arn).to_owned();
    let seen = outcome.generation.zip(outcome.commit.as_deref());
    if let Some(seen) = seen.and_then(|(generation, commit)| link::seen(generation, commit)) {
        let known = cx.vault()?.state().peer(&account).map(|peer| peer.seen);
        if known.is_some_and(|known| seen.generation > known.generation) {
            cx.vault()?.change_peer(&account, |peer| peer.seen = seen);
        }
    }
    if let Some(mut record) = find(cx, &outcome.primary_arn)?
        && let Some(before) = record.cross_replica.take()
        && before.arn == outcome.replica_arn
    {
        record.cross_replica = note(before.clone(), outcome);
        if record.cross_replica.as_ref() != Some(&before) {
            let waits = record.cross_replica.as_ref().is_some_and(CrossReplica::waits);
            let waited = before.waits();
            across::count(cx, &outcome.replica_arn, waited, waits)?;
            let subject = Transaction::subject(&record);
            let told = match outcome.trouble.map(unsigned).and_then(Trouble::numbered) {
                Some(trouble) => format!("{trouble:?}"),
                None => Event::SUCCESS.to_owned(),
            };
            let vault = cx.vault()?;
            vault.update(&mut record)?;
            vault.record("SyncReplica", &told, subject)?;
        }
    }
    let left = cx.vault()?.state().peer(&account).map_or(0, |peer| peer.waiting);
    Ok(link::signed(left))
}

/// Returns what there is to say of a replica now: nothing, once one that was let go has been told.
fn note(mut replica: CrossReplica, outcome: &Outcome) -> Option<CrossReplica> {
    let edition = outcome.edition.map(unsigned);
    let trouble = outcome.trouble.map(unsigned).and_then(Trouble::numbered);
    if let Some(trouble) = trouble {
        if replica.bond != Bond::Detached {
            replica.trouble = Some(trouble);
        }
    } else if outcome.is_free {
        // Somebody may have associated it again, or let it go, since it was told.
        match (replica.bond, outcome.is_attached) {
            (Bond::Detaching, false) => return None,
            (Bond::Attached, true) => {
                replica.bond = Bond::Detached;
                replica.trouble = None;
            }
            (Bond::Attached, false) | (Bond::Detaching, true) | (Bond::Detached, _) => {}
        }
    } else if let Some(edition) = edition
        && replica.bond == Bond::Attached
        && replica.knows(edition)
    {
        replica.held = vec![edition];
        replica.trouble = None;
    }
    Some(replica)
}
