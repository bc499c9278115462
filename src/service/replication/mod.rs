//! Replication: a secret that stands in other regions too, and is the same there.
//!
//! A replica is a record of its own under the same name and ARN suffix. All that is in it comes
//! from its primary, in the transaction that changes the primary, so that it is never behind; only
//! the key it names and the days it was read are its own. [`follow`] is what writes replicas.
//!
//! What AWS does not say is decided so: a name that another replica or a primary with replicas has
//! is not overwritten, even where that is asked for, and a region that has a replica keeps it as it
//! is.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::failure::Failure;
use super::fault::Fault;
use super::versions;
use crate::model::types::{ReplicaRegion, ReplicationStatus};
use crate::vault::audit::Event;
use crate::vault::record::{Namespace, Record, Replica, ReplicaState, Replication, Version};
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

/// Refuses to change a replica (docs/behaviour.md, "Replicas").
pub(crate) fn require_primary(record: &Record) -> Result<(), Fault> {
    match &record.replication {
        Replication::Primary(_) => Ok(()),
        Replication::Replica { .. } => Err(Fault::invalid_parameter(
            "Operation not permitted on a replica secret. Call must be made in primary secret's \
             region.",
        )),
    }
}

/// Returns `PrimaryRegion`: only secrets that are replicated have one.
pub(crate) fn primary_region(record: &Record) -> Option<&str> {
    match &record.replication {
        Replication::Primary(replicas) if replicas.is_empty() => None,
        Replication::Primary(_) => Some(&record.namespace.region),
        Replication::Replica { primary_region } => Some(primary_region),
    }
}

/// Returns the regions that a secret is replicated to, even where that failed.
pub(crate) fn regions(record: &Record) -> Vec<&str> {
    replicas(record).iter().map(|replica| replica.region.as_str()).collect()
}

/// Returns `ReplicationStatus`: how each replica stands.
pub(crate) fn status(
    cx: &mut Context<'_, '_>,
    record: &Record,
) -> Result<Vec<ReplicationStatus>, Failure> {
    replicas(record).iter().map(|replica| one_status(cx, record, replica)).collect()
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
    if let Some(mut primary) = find_primary(cx, replica)? {
        if let Replication::Primary(replicas) = &mut primary.replication {
            replicas.retain(|other| other.region != replica.namespace.region);
        }
        cx.store(&mut primary)?;
    }
    replica.replication = Replication::Primary(Vec::new());
    // Two secrets that one function rotates would lock each other out: it has to be turned on
    // again.
    if let Some(rotation) = &mut replica.rotation {
        rotation.enabled = false;
    }
    cx.store(replica)
}

/// Names another key for a replica, which is all that can be changed of one.
pub(crate) fn set_key(
    cx: &mut Context<'_, '_>,
    replica: &Record,
    kms_key_id: Option<String>,
) -> Result<(), Failure> {
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
    primary.map_or(Ok(()), |mut primary| cx.store(&mut primary))
}

/// Makes all replicas what their primary is about to be. One that is missing is made.
pub(crate) fn mirror_replicas(
    cx: &mut Context<'_, '_>,
    primary: &mut Record,
) -> Result<(), Failure> {
    let mut followers = replicas(primary).to_vec();
    for replica in &mut followers {
        if replica.state == ReplicaState::InSync {
            replica.state = renew(cx, primary, replica)?;
        }
    }
    if let Replication::Primary(replicas) = &mut primary.replication {
        *replicas = followers;
    }
    Ok(())
}

/// Writes one replica, unless its name is taken.
fn renew(
    cx: &mut Context<'_, '_>,
    primary: &Record,
    replica: &Replica,
) -> Result<ReplicaState, Failure> {
    let namespace = namespace_of(primary, replica);
    let found = cx.vault()?.find(&namespace, &primary.name)?;
    let is_new = found.is_none();
    let own = match found {
        Some(record) if is_replica(&record, primary) => record,
        Some(_) => return Ok(ReplicaState::NameTaken),
        None => {
            let suffix = primary.arn_suffix.clone();
            let mut record = Record::new(namespace, primary.name.clone(), suffix, primary.created);
            cx.vault()?.assign_row(&mut record)?;
            record
        }
    };
    let has_new_key = own.kms_key_id != replica.kms_key_id;
    let mut copy = Record {
        rid: own.rid,
        namespace: own.namespace,
        kms_key_id: replica.kms_key_id.clone(),
        accessed: own.accessed,
        revision: own.revision,
        versions: Vec::new(),
        replication: Replication::Replica { primary_region: primary.namespace.region.clone() },
        progress: None,
        unknown: own.unknown,
        ..primary.clone()
    };
    copy_versions(cx, primary, &mut copy, own.versions)?;
    if has_new_key {
        versions::follow_key(&mut copy);
    }
    if is_new {
        cx.vault()?.insert(&mut copy)?;
    } else {
        cx.vault()?.update(&mut copy)?;
    }
    Ok(ReplicaState::InSync)
}

/// Gives a replica the versions of its primary. A value is sealed for the record it belongs to, so
/// those that are new are sealed again; those that are gone are erased.
fn copy_versions(
    cx: &mut Context<'_, '_>,
    primary: &Record,
    copy: &mut Record,
    own: Vec<Version>,
) -> Result<(), Failure> {
    let own = own.into_iter().map(|version| (version.id.clone(), version));
    let mut own: BTreeMap<String, Version> = own.collect();
    for version in &primary.versions {
        let mut follower = own.remove(&version.id).unwrap_or_else(|| {
            let mut new = Version::new(version.id.clone(), None, version.created);
            new.kms_key_id.clone_from(&copy.kms_key_id);
            new
        });
        follower.stages.clone_from(&version.stages);
        if follower.value.is_none()
            && let Some(value) = cx.vault()?.value(primary, version)?
        {
            let stored = cx.vault()?.insert_value(copy.rid, &version.id, &value)?;
            follower.value = Some(stored);
        }
        copy.versions.push(follower);
    }
    for stored in own.into_values().filter_map(|gone| gone.value) {
        cx.vault()?.remove_value(&stored)?;
    }
    Ok(())
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
        Some(other) if overwrite == Overwrite::Forced && primary_region(&other).is_none() => {
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

fn one_status(
    cx: &mut Context<'_, '_>,
    primary: &Record,
    replica: &Replica,
) -> Result<ReplicationStatus, Failure> {
    let region = replica.region.clone();
    let (status, message) = match replica.state {
        ReplicaState::InSync => ("InSync", "Replication succeeded".to_owned()),
        ReplicaState::NameTaken => {
            let name = &primary.name;
            let message = format!(
                "Replication failed: Secret name {name} already exists in region {region}."
            );
            ("Failed", message)
        }
    };
    let record = find_replica(cx, primary, replica)?;
    let kms_key_id = replica.kms_key_id.clone().unwrap_or_else(|| DEFAULT_KEY.to_owned());
    Ok(ReplicationStatus {
        region: Some(region),
        kms_key_id: Some(kms_key_id),
        status: Some(status.to_owned()),
        status_message: Some(message),
        last_accessed_date: record.and_then(|record| record.accessed),
    })
}

fn replicas(record: &Record) -> &[Replica] {
    match &record.replication {
        Replication::Primary(replicas) => replicas,
        Replication::Replica { .. } => &[],
    }
}

fn find_replica(
    cx: &mut Context<'_, '_>,
    primary: &Record,
    replica: &Replica,
) -> Result<Option<Record>, Failure> {
    let found = cx.vault()?.find(&namespace_of(primary, replica), &primary.name)?;
    Ok(found.filter(|record| is_replica(record, primary)))
}

fn find_primary(cx: &mut Context<'_, '_>, replica: &Record) -> Result<Option<Record>, Failure> {
    let Replication::Replica { primary_region } = &replica.replication else { return Ok(None) };
    let account = replica.namespace.account.clone();
    let namespace = Namespace { account, region: primary_region.clone() };
    let found = cx.vault()?.find(&namespace, &replica.name)?;
    Ok(found.filter(|record| is_replica(replica, record)))
}

/// Whether a record is the replica of another, given that they have one name in one account.
fn is_replica(record: &Record, primary: &Record) -> bool {
    let region = &primary.namespace.region;
    let follows = match &record.replication {
        Replication::Replica { primary_region } => primary_region == region,
        Replication::Primary(_) => false,
    };
    follows && record.arn_suffix == primary.arn_suffix
}

fn namespace_of(primary: &Record, replica: &Replica) -> Namespace {
    Namespace { account: primary.namespace.account.clone(), region: replica.region.clone() }
}

/// The most regions of a secret besides its own: ours, more than AWS has.
const MAX_REPLICAS: usize = 50;

/// What AWS shows for a replica that names no key.
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";

#[cfg(test)]
mod tests;
