//! Replication into another account, which is another vault: what the two secrets may do, and what
//! they say of each other. That one becomes a copy of the other is the work of `service/peers`.

use super::replicas::require_primary;
use crate::model::types::SecretArn;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::repository;
use crate::service::rules::arn::{self, Place, SecretRef};
use crate::vault::across::{Bond, CrossPrimary, CrossReplica, Restriction, Trouble};
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

/// What is asked of a replica that is associated.
pub(crate) struct Association {
    pub(crate) arn: SecretArn,
    pub(crate) restriction: Option<Restriction>,
    pub(crate) role_arn: Option<String>,
}

/// Refuses the ARN of anything but a secret in another account, in the same region.
///
/// # Errors
/// `InvalidParameterException`; AWS's texts are not known.
pub(crate) fn check_arn(
    cx: &mut Context<'_, '_>,
    arn: &SecretArn,
    member: &str,
) -> Result<(), Failure> {
    let here = cx.namespace()?;
    let refused = |why: &str| Fault::invalid_parameter(format!("Invalid {member}: {why}"));
    let Ok(SecretRef::Arn { place, tail }) = SecretRef::parse(&arn.0) else {
        return Err(refused("it must be the ARN of a secret.").into());
    };
    let is_account = place.account.len() == 12 && place.account.bytes().all(|b| b.is_ascii_digit());
    let is_whole = SecretRef::Arn { place, tail }.candidate(place).is_some_and(|c| c.is_whole());
    if !is_account || !is_whole {
        return Err(refused("it must be the complete ARN of a secret.").into());
    }
    if place.region != here.region {
        return Err(refused("the secret must be in the same region.").into());
    }
    if place.account == here.account {
        return Err(refused("the secret must be in another account.").into());
    }
    Ok(())
}

/// Associates a replica with its primary, or does so again, which brings the replica up to date
/// whatever it is a copy of. It follows when the peer is told.
///
/// # Errors
/// `LimitExceededException` for a second replica.
pub(crate) fn associate(
    cx: &mut Context<'_, '_>,
    primary: &mut Record,
    asked: Association,
) -> Result<(), Failure> {
    check_arn(cx, &asked.arn, "CrossAccountReplicaARN")?;
    let SecretArn(arn) = asked.arn;
    let earlier = primary.cross_replica.take();
    let waited = earlier.as_ref().is_some_and(CrossReplica::waits);
    if let Some(other) = earlier.as_ref().filter(|other| other.arn != arn) {
        if other.bond == Bond::Attached {
            return Err(Fault::new(
                Code::LimitExceeded,
                "You can't associate more than one cross-account replica with a secret.",
            )
            .into());
        }
        count(cx, &other.arn, waited, false)?;
    }
    let same = earlier.filter(|other| other.arn == arn);
    let waited = waited && same.is_some();
    let mut replica = CrossReplica::new(arn, draw(cx)?);
    if let Some(same) = same {
        replica.unknown = same.unknown;
        replica.role_arn = same.role_arn;
        replica.restriction = same.restriction;
    }
    replica.role_arn = asked.role_arn.or(replica.role_arn);
    replica.restriction = asked.restriction.or(replica.restriction);
    count(cx, &replica.arn, waited, true)?;
    primary.cross_replica = Some(replica);
    repository::store(cx, primary)
}

/// Lets a replica go, which stays what it is and follows no more.
///
/// # Errors
/// `InvalidRequestException` where that is no replica of this secret.
pub(crate) fn disassociate(
    cx: &mut Context<'_, '_>,
    primary: &mut Record,
    arn: &SecretArn,
) -> Result<(), Failure> {
    check_arn(cx, arn, "CrossAccountReplicaARN")?;
    let associated = primary.cross_replica.as_mut().filter(|replica| replica.arn == arn.0);
    let Some(replica) = associated else {
        return Err(Fault::invalid_request(
            "The secret isn't associated with this cross-account replica.",
        )
        .into());
    };
    if replica.bond != Bond::Attached {
        return owe(cx, primary);
    }
    let waited = replica.waits();
    replica.bond = Bond::Detaching;
    replica.trouble = None;
    let arn = replica.arn.clone();
    count(cx, &arn, waited, true)?;
    repository::store(cx, primary)?;
    owe(cx, primary)
}

/// Makes a replica of another account a secret of its own.
pub(crate) fn promote(cx: &mut Context<'_, '_>, replica: &mut Record) -> Result<(), Failure> {
    if let Some(CrossPrimary { arn, .. }) = replica.cross_primary.take() {
        let account = account_of(&arn).to_owned();
        cx.vault()?.owe(Owed { account, arn });
    }
    repository::store(cx, replica)
}

/// Refuses to delete a secret that has a replica in another account which follows it, or is one.
///
/// # Errors
/// `InvalidParameterException`; AWS's texts are not known.
pub(crate) fn require_deletable(record: &Record) -> Result<(), Fault> {
    require_primary(record)?;
    match &record.cross_replica {
        Some(replica) if replica.bond == Bond::Attached => Err(Fault::invalid_parameter(format!(
            "You can't delete secret {} that still has a cross-account replica: {}.",
            arn::arn_of(record),
            replica.arn
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Forgets a replica that was let go and has not been told, since its primary goes.
pub(crate) fn forget(cx: &mut Context<'_, '_>, primary: &mut Record) -> Result<(), Failure> {
    let Some(replica) = primary.cross_replica.as_mut() else { return Ok(()) };
    let (waited, arn) = (replica.waits(), replica.arn.clone());
    replica.bond = Bond::Detached;
    count(cx, &arn, waited, false)
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
fn owe(cx: &mut Context<'_, '_>, primary: &Record) -> Result<(), Failure> {
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
        (false, None) => ("Pending", "The replica waits for its primary to be associated with it."),
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
    let Some(replica) = &record.cross_replica else { return Ok(None) };
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
        Bond::Detached => ("Detached", "The replica gets no more updates.".to_owned()),
        Bond::Detaching => {
            let waits = waiting(replica.trouble, account, peer);
            (
                "Detached",
                format!("The replica gets no more updates, and has not been told. {waits}"),
            )
        }
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
    let peer = match peer {
        Some(name) => format!("peer {name} (account {account})"),
        None => {
            return format!(
                "No peer of account {account} is known; `strongroom peer add PATH` makes its vault \
                 known."
            );
        }
    };
    let sync = "then run `strongroom peer sync`.";
    match trouble {
        None | Some(Trouble::NoPeer) => {
            format!("Waiting for {peer}; `strongroom peer sync` brings it up to date.")
        }
        Some(Trouble::Absent) => {
            format!("Waiting for {peer}: its file is not there; bring it back, {sync}")
        }
        Some(Trouble::Locked) => format!(
            "Waiting for {peer}: it is locked; unlock it, or give --peer-keyfile or \
             --peer-passphrase-file, {sync}"
        ),
        Some(Trouble::ReadOnly) => {
            format!("Waiting for {peer}: it can only be read; make it writable, {sync}")
        }
        Some(Trouble::Full) => {
            format!("Waiting for {peer}: no space is left there; make room, {sync}")
        }
        Some(Trouble::Busy) => {
            format!("Waiting for {peer}: another process keeps it busy; wait, {sync}")
        }
        Some(Trouble::Failed) => format!(
            "Waiting for {peer}: it could not be written; see what is wrong with it, {sync}"
        ),
        Some(Trouble::Damaged) => format!(
            "the file of {peer} is damaged or no vault; run `strongroom --vault PATH check`, {sync}"
        ),
        Some(Trouble::OtherVault) => format!(
            "another vault is in the place of {peer}; put the right one there, or \
             `strongroom peer add PATH` again, {sync}"
        ),
        Some(Trouble::OlderCopy) => format!(
            "the file of {peer} is an older copy, or was changed apart from the one seen before; put \
             the newest one there, or accept this one by `strongroom peer add PATH` again, {sync}"
        ),
        Some(Trouble::Newer) => {
            format!("{peer} was written by a later version of strongroom; update this one, {sync}")
        }
        Some(Trouble::Missing) => format!(
            "{peer} has no such secret; make it with `create-secret --cross-account-primary-arn`, \
             {sync}"
        ),
        Some(Trouble::NotOurs) => format!(
            "the secret in {peer} does not name this one as its primary; associate another."
        ),
        Some(Trouble::Apart) => format!(
            "the replica in {peer} is a copy of a state of this secret that is not known here, as \
             after one of the vaults was restored from a copy; nothing was overwritten. \
             `strongroom associate-cross-account-replica` again makes it a copy of this secret."
        ),
        Some(Trouble::Refused) => {
            format!("{peer} cannot take what this secret has: one of the two is beyond a limit.")
        }
    }
}

/// Returns the account in an ARN.
pub(crate) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

fn draw(cx: &mut Context<'_, '_>) -> Result<u64, Failure> {
    Ok(cx.vault()?.draw_edition()?)
}

/// Returns the place that an ARN names.
pub(crate) fn place_of(arn: &str) -> Option<Place<'_>> {
    match SecretRef::parse(arn) {
        Ok(SecretRef::Arn { place, .. }) => Some(place),
        Ok(SecretRef::Name(_) | SecretRef::Elsewhere) | Err(_) => None,
    }
}
