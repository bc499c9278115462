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
    let trouble = outcome.trouble.map(unsigned).and_then(Trouble::numbered);
    // Whatever it is, it is not what it was taken to be: it is in sync only when it was told anew.
    let anew = if trouble.is_some_and(denies) { Some(cx.vault()?.draw_edition()?) } else { None };
    if let Some(mut record) = find(cx, &outcome.primary_arn)?
        && let Some(replica) = &mut record.cross_replica
        && replica.arn == outcome.replica_arn
    {
        let before = replica.clone();
        note(replica, outcome);
        if let Some(edition) = anew.filter(|_| replica.is_in_sync()) {
            replica.change_to(edition);
        }
        if *replica != before {
            let (waited, waits) = (before.waits(), replica.waits());
            across::count(cx, &outcome.replica_arn, waited, waits)?;
            let subject = Transaction::subject(&record);
            let told = match trouble {
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

/// Whether a trouble says that there is no copy of the primary where one was.
fn denies(trouble: Trouble) -> bool {
    [Trouble::Missing, Trouble::NotOurs, Trouble::Apart].contains(&trouble)
}

fn note(replica: &mut CrossReplica, outcome: &Outcome) {
    let edition = outcome.edition.map(unsigned);
    if let Some(trouble) = outcome.trouble.map(unsigned).and_then(Trouble::numbered) {
        if replica.bond != Bond::Detached {
            replica.trouble = Some(trouble);
        }
    } else if outcome.is_free {
        replica.bond = Bond::Detached;
        replica.trouble = None;
    } else if let Some(edition) = edition
        && replica.bond == Bond::Attached
        && replica.knows(edition)
    {
        replica.held = vec![edition];
        replica.trouble = None;
    }
}
