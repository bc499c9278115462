//! Changes where a secret is replicated to: more regions, fewer, or a replica on its own.

use std::collections::BTreeSet;

use super::associate;
use super::replicas::{
    find_primary, find_replica, is_replica, namespace_of, primary_region, replicas,
    require_primary, status,
};
use crate::model::types::{ReplicaRegion, ReplicationStatus};
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::repository;
use crate::service::versions;
use crate::vault::audit::Event;
use crate::vault::record::{Record, Replica, ReplicaState, Replication};
use crate::vault::transaction::Transaction;

/// Whether a replica may take the name from a secret of its region: `ForceOverwriteReplicaSecret`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overwrite {
    /// It may not, which is AWS's default.
    Never,
    /// It may; the other secret is erased at once.
    Forced,
}

impl Overwrite {
    /// Reads `ForceOverwriteReplicaSecret`.
    pub(crate) fn asked(force: Option<bool>) -> Self {
        if force == Some(true) { Self::Forced } else { Self::Never }
    }
}

/// Refuses regions that no secret can be replicated to: none, or one twice.
pub(crate) fn check_regions(asked: &[ReplicaRegion]) -> Result<(), Fault> {
    let mut given = BTreeSet::new();
    for replica in asked {
        let region = replica.region.as_ref().ok_or_else(bad_region)?;
        if !given.insert(region.0.as_str()) {
            return Err(bad_region());
        }
    }
    Ok(())
}

fn bad_region() -> Fault {
    Fault::invalid_parameter("Invalid replica region.")
}

/// Notes the regions that a secret is to be replicated to, and makes room for the replicas. They
/// are made when the secret is stored.
///
/// Returns `ReplicationStatus` as AWS answers such a request: what is new is not finished yet.
///
/// # Errors
/// `InvalidParameterException` for the secret's own region, none, or one given twice.
pub(crate) fn add(
    cx: &mut Context<'_, '_>,
    primary: &mut Record,
    asked: Vec<ReplicaRegion>,
    overwrite: Overwrite,
) -> Result<Vec<ReplicationStatus>, Failure> {
    check_regions(&asked)?;
    let mut submitted: Vec<String> = Vec::new();
    for ReplicaRegion { region, kms_key_id } in asked {
        let region = region.map(|region| region.0);
        let region = region.filter(|region| *region != primary.namespace.region);
        let region = region.ok_or_else(bad_region)?;
        let key = kms_key_id.map(|key| key.0).filter(|key| !key.is_empty());
        if submit(cx, primary, Replica::new(region.clone(), key), overwrite)? {
            submitted.push(region);
        }
    }
    if replicas(primary).len() > MAX_REPLICAS {
        return Err(Fault::invalid_parameter(format!(
            "You can't replicate a secret to more than {MAX_REPLICAS} regions."
        ))
        .into());
    }
    let mut status = status(cx, primary)?;
    for shown in &mut status {
        if shown.region.as_ref().is_some_and(|region| submitted.contains(region)) {
            shown.status = Some("InProgress".to_owned());
            shown.status_message = None;
        }
    }
    Ok(status)
}

/// Notes one region, unless there is a replica in it already. Returns whether it did.
fn submit(
    cx: &mut Context<'_, '_>,
    primary: &mut Record,
    mut replica: Replica,
    overwrite: Overwrite,
) -> Result<bool, Failure> {
    let earlier = replicas(primary).iter().position(|other| other.region == replica.region);
    match cx.vault()?.find(&namespace_of(primary, &replica), &primary.name)? {
        None => {}
        Some(record) if earlier.is_some() && is_replica(&record, primary) => return Ok(false),
        Some(other) if overwrite == Overwrite::Forced && may_go(&other) => {
            cx.vault()?.record("Overwrite", Event::SUCCESS, Transaction::subject(&other))?;
            cx.vault()?.remove(&other)?;
        }
        Some(_) => replica.state = ReplicaState::NameTaken,
    }
    if let Replication::Primary(replicas) = &mut primary.replication {
        match earlier.and_then(|index| replicas.get_mut(index)) {
            Some(place) => *place = replica,
            None => replicas.push(replica),
        }
    }
    Ok(true)
}

/// Whether nothing follows a secret, and it follows nothing.
fn may_go(other: &Record) -> bool {
    let is_across = other.cross_replica.is_some() || other.cross_primary.is_some();
    primary_region(other).is_none() && !is_across
}

/// Erases the replicas in these regions; one that is not replicated to is no error.
pub(crate) fn remove(
    cx: &mut Context<'_, '_>,
    primary: &mut Record,
    regions: &[String],
) -> Result<(), Failure> {
    let leaves = |replica: &Replica| regions.contains(&replica.region);
    for replica in replicas(primary).iter().filter(|replica| leaves(replica)) {
        if let Some(record) = find_replica(cx, primary, replica)? {
            cx.vault()?.remove(&record)?;
        }
    }
    if let Replication::Primary(replicas) = &mut primary.replication {
        replicas.retain(|replica| !leaves(replica));
    }
    Ok(())
}

/// Makes a replica a secret that follows no other. Works even where the primary is lost.
///
/// # Errors
/// `InvalidParameterException` for a secret that is no replica; AWS's text is not known.
pub(crate) fn promote(cx: &mut Context<'_, '_>, replica: &mut Record) -> Result<(), Failure> {
    if require_primary(replica).is_ok() {
        return Err(Fault::invalid_parameter(
            "Operation not permitted on a secret that isn't a replica. Call must be made in \
             replica secret's region.",
        )
        .into());
    }
    if replica.cross_primary.is_some() {
        return associate::promote(cx, replica);
    }
    if let Some(mut primary) = find_primary(cx, replica)? {
        if let Replication::Primary(replicas) = &mut primary.replication {
            replicas.retain(|other| other.region != replica.namespace.region);
        }
        repository::store(cx, &mut primary)?;
    }
    replica.replication = Replication::Primary(Vec::new());
    // Two secrets that one function rotates would lock each other out: it has to be turned on
    // again.
    if let Some(rotation) = &mut replica.rotation {
        rotation.enabled = false;
    }
    repository::store(cx, replica)
}

/// Names another key for a replica, which is all that can be changed of one.
pub(crate) fn set_key(
    cx: &mut Context<'_, '_>,
    replica: &mut Record,
    kms_key_id: Option<String>,
) -> Result<(), Failure> {
    if replica.cross_primary.is_some() {
        associate::check_key(kms_key_id.as_deref())?;
        if replica.kms_key_id == kms_key_id {
            return Ok(());
        }
        replica.kms_key_id = kms_key_id;
        versions::follow_key(replica);
        return repository::store(cx, replica);
    }
    let mut primary = find_primary(cx, replica)?;
    let entry = primary.as_mut().and_then(|primary| match &mut primary.replication {
        Replication::Primary(replicas) => {
            replicas.iter_mut().find(|other| other.region == replica.namespace.region)
        }
        Replication::Replica { .. } => None,
    });
    match entry {
        None => require_primary(replica)?,
        Some(entry) if entry.kms_key_id == kms_key_id => return Ok(()),
        Some(entry) => entry.kms_key_id = kms_key_id,
    }
    primary.map_or(Ok(()), |mut primary| repository::store(cx, &mut primary))
}

/// The most regions of a secret besides its own: ours, more than AWS has.
const MAX_REPLICAS: usize = 50;
