//! Replication into another account, which is another vault: what the two secrets say of each other,
//! and what waits to be told. That one becomes a copy of the other is the work of `service/peers`.

use super::replicas::require_primary;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::rules::arn;
use crate::vault::across::{Bond, CrossReplica, Trouble};
use crate::vault::peers::Owed;
use crate::vault::record::Record;

structure! {
    /// The primary of a replica in another account.
    pub(crate) struct CrossAccountPrimary {
        /// The ARN of the primary.
        arn: Option<String> => "PrimarySecretARN",
        /// `InSync`, `Pending` or `Detached`.
        status: Option<String> => "ReplicationStatus",
        /// What the status means.
        status_message: Option<String> => "StatusMessage",
    }
}

structure! {
    /// A replica in another account.
    pub(crate) struct CrossAccountReplica {
        /// The ARN of the replica.
        arn: Option<String> => "ReplicaSecretARN",
        /// The role that was named when it was associated.
        role_arn: Option<String> => "ReplicationRoleARN",
        /// `InSync`, `InProgress`, `Failed` or `Detached`.
        status: Option<String> => "ReplicationStatus",
        /// What went wrong, or that nothing did.
        status_message: Option<String> => "StatusMessage",
    }
}

/// Refuses to delete a secret that has a replica in another account, or is one.
///
/// # Errors
/// `InvalidParameterException`; AWS's texts are not known.
pub(crate) fn require_deletable(record: &Record) -> Result<(), Fault> {
    require_primary(record)?;
    match associated(record) {
        Some(replica) => Err(Fault::invalid_parameter(format!(
            "You can't delete secret {} that still has a cross-account replica: {}.",
            arn::arn_of(record),
            replica.arn
        ))),
        None => Ok(()),
    }
}

/// Returns the replica that is associated, even if it was made a secret of its own since.
fn associated(record: &Record) -> Option<&CrossReplica> {
    record.cross_replica.as_ref().filter(|replica| replica.bond != Bond::Detaching)
}

/// Forgets a replica that was let go and has not been told, since its primary goes.
pub(crate) fn forget(cx: &mut Context<'_, '_>, primary: &mut Record) -> Result<(), Failure> {
    match primary.cross_replica.take() {
        Some(replica) => count(cx, &replica.arn, replica.waits(), false),
        None => Ok(()),
    }
}

/// Notes that a primary is about to change: its replica has to follow.
pub(crate) fn follow_change(cx: &mut Context<'_, '_>, primary: &mut Record) -> Result<(), Failure> {
    let edition = match &primary.cross_replica {
        Some(replica) if replica.bond == Bond::Attached => draw(cx)?,
        Some(_) | None => return Ok(()),
    };
    let Some(replica) = &mut primary.cross_replica else { return Ok(()) };
    let waited = replica.waits();
    replica.change_to(edition);
    let arn = replica.arn.clone();
    count(cx, &arn, waited, true)?;
    owe(cx, primary)
}

/// Says that a peer has to be told of this secret once the transaction is over.
pub(super) fn owe(cx: &mut Context<'_, '_>, primary: &Record) -> Result<(), Failure> {
    if let Some(replica) = &primary.cross_replica {
        let account = account_of(&replica.arn).to_owned();
        cx.vault()?.owe(Owed { account, arn: arn::arn_of(primary) });
    }
    Ok(())
}

/// Keeps count of the replicas that wait for the peer that has the one of this ARN.
pub(crate) fn count(
    cx: &mut Context<'_, '_>,
    arn: &str,
    waited: bool,
    waits: bool,
) -> Result<(), Failure> {
    if waited != waits {
        cx.vault()?.change_peer(account_of(arn), |peer| {
            let change = if waits { 1 } else { -1 };
            peer.waiting = peer.waiting.saturating_add_signed(change);
        });
    }
    Ok(())
}

/// Returns `CrossAccountPrimary`.
pub(crate) fn primary_status(record: &Record) -> Option<CrossAccountPrimary> {
    let primary = record.cross_primary.as_ref()?;
    let (status, message) = match (primary.is_detached, primary.edition) {
        (true, _) => (
            "Detached",
            "The replica is detached from its primary and gets no more updates. \
             StopReplicationToReplica makes it a standalone secret.",
        ),
        (false, None) if record.versions.is_empty() => {
            ("Pending", "The replica waits for its primary to be associated with it.")
        }
        // A version was lost, or the rest was never sent.
        (false, None) => (
            "Pending",
            "The replica lacks something that its primary has, which is sent when the primary's vault \
             is synchronized with `strongroom peer sync`.",
        ),
        (false, Some(_)) => ("InSync", "Replication succeeded"),
    };
    Some(CrossAccountPrimary {
        arn: Some(primary.arn.clone()),
        status: Some(status.to_owned()),
        status_message: Some(message.to_owned()),
    })
}

/// Returns `CrossAccountReplicas`.
pub(crate) fn replica_status(
    cx: &mut Context<'_, '_>,
    record: &Record,
) -> Result<Option<Vec<CrossAccountReplica>>, Failure> {
    let Some(replica) = associated(record) else { return Ok(None) };
    let account = account_of(&replica.arn);
    let peer = cx.vault()?.state().peer(account).map(|peer| peer.name.clone());
    let (status, message) = told(replica, account, peer.as_deref());
    Ok(Some(vec![CrossAccountReplica {
        arn: Some(replica.arn.clone()),
        role_arn: replica.role_arn.clone(),
        status: Some(status.to_owned()),
        status_message: Some(message),
    }]))
}

/// Returns the status of a replica, and what it means.
fn told(replica: &CrossReplica, account: &str, peer: Option<&str>) -> (&'static str, String) {
    match replica.bond {
        // The latter is not shown.
        Bond::Detached | Bond::Detaching => (
            "Detached",
            "The replica is a standalone secret now and gets no more updates. \
             DisassociateCrossAccountReplica forgets it."
                .to_owned(),
        ),
        Bond::Attached if replica.is_in_sync() => ("InSync", "Replication succeeded".to_owned()),
        Bond::Attached => match replica.trouble {
            Some(trouble) if !trouble.passes() => {
                let why = waiting(Some(trouble), account, peer);
                ("Failed", format!("Replication failed: {why}"))
            }
            trouble => ("InProgress", waiting(trouble, account, peer)),
        },
    }
}

/// Says what a replica waits for.
fn waiting(trouble: Option<Trouble>, account: &str, peer: Option<&str>) -> String {
    match (trouble, peer) {
        (Some(Trouble::NoPeer), _) | (_, None) => explained(Trouble::NoPeer, account, None),
        (None, Some(name)) => format!(
            "Waiting for peer {name} (account {account}); `strongroom peer sync` brings it up to date."
        ),
        (Some(trouble), peer) => explained(trouble, account, peer),
    }
}

/// Says what is in the way between a replica and its primary, and what to do about it, after which
/// the replica is brought up to date.
pub(crate) fn explained(trouble: Trouble, account: &str, peer: Option<&str>) -> String {
    explained_then(trouble, account, peer, "run `strongroom peer sync`")
}

/// Says what is in the way of an operation, and what to do about it before it is tried again.
pub(crate) fn explained_before(trouble: Trouble, account: &str, peer: Option<&str>) -> String {
    explained_then(trouble, account, peer, "try again")
}

fn explained_then(trouble: Trouble, account: &str, peer: Option<&str>, then: &str) -> String {
    let Some(name) = peer else {
        return format!(
            "No peer of account {account} is known; `strongroom peer add PATH` makes its vault known."
        );
    };
    let (what, remedy) = described(trouble);
    let then = if trouble.passes() { format!(", and {then}") } else { String::new() };
    format!("Peer {name} (account {account}) {what}; {remedy}{then}.")
}

/// Returns what is wrong with a peer, or a replica in it, and what to do about it. What passes is
/// followed by what has to be done then.
fn described(trouble: Trouble) -> (&'static str, &'static str) {
    match trouble {
        Trouble::NoPeer => ("is not known", "run `strongroom peer add PATH`"),
        Trouble::Absent => ("is not there: its file is missing", "bring it back"),
        Trouble::Locked => {
            ("is locked", "unlock its vault, or give --peer-keyfile or --peer-passphrase-file")
        }
        Trouble::ReadOnly => ("can only be read", "make its file and medium writable"),
        Trouble::Full => ("has no space left where it is", "make room"),
        Trouble::Busy => ("is kept busy by another process", "wait for it"),
        Trouble::Failed => {
            ("could not be written", "look at its vault with `strongroom --vault PATH check`")
        }
        Trouble::Damaged => (
            "is damaged, or no vault",
            "look at it with `strongroom --vault PATH check`; a vault put in its place is made known \
             by `strongroom peer add PATH`",
        ),
        Trouble::OtherVault => (
            "has another vault in its place",
            "put the right one there, or take this one with `strongroom peer add PATH`",
        ),
        Trouble::OlderCopy => (
            "is an older copy than was seen, or was changed apart from it",
            "put the newest one there, or take this one with `strongroom peer add PATH`",
        ),
        Trouble::Newer => ("was written by a later version of strongroom", "update this one"),
        Trouble::Missing => (
            "has no such secret",
            "make it there with `create-secret --cross-account-primary-arn`, and associate it",
        ),
        Trouble::NotOurs => {
            ("has a secret there that names another primary", "associate another replica")
        }
        Trouble::Apart => (
            "has a replica that is no copy of what it was last told, as after one of the vaults was \
             restored from a copy, and nothing was overwritten",
            "`associate-cross-account-replica` once more makes it a copy of this secret",
        ),
        Trouble::Refused => {
            ("cannot take what this secret has", "one of the two is beyond a limit")
        }
    }
}

/// Returns the account in an ARN.
pub(crate) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

pub(super) fn draw(cx: &mut Context<'_, '_>) -> Result<u64, Failure> {
    Ok(cx.vault()?.draw_edition()?)
}
