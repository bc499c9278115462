//! Who is a replica of whom, and how each is.

use crate::model::types::ReplicationStatus;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::vault::record::{Namespace, Record, Replica, ReplicaState, Replication};

/// Refuses to change a replica (docs/behaviour.md, "Replicas").
pub(crate) fn require_primary(record: &Record) -> Result<(), Fault> {
    match &record.replication {
        Replication::Primary(_) if record.cross_primary.is_some() => Err(Fault::invalid_parameter(
            "Operation not permitted on a replica secret. Call must be made in primary secret's \
             account.",
        )),
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

pub(crate) fn replicas(record: &Record) -> &[Replica] {
    match &record.replication {
        Replication::Primary(replicas) => replicas,
        Replication::Replica { .. } => &[],
    }
}

pub(crate) fn find_replica(
    cx: &mut Context<'_, '_>,
    primary: &Record,
    replica: &Replica,
) -> Result<Option<Record>, Failure> {
    let found = cx.vault()?.find(&namespace_of(primary, replica), &primary.name)?;
    Ok(found.filter(|record| is_replica(record, primary)))
}

pub(super) fn find_primary(
    cx: &mut Context<'_, '_>,
    replica: &Record,
) -> Result<Option<Record>, Failure> {
    let Replication::Replica { primary_region } = &replica.replication else { return Ok(None) };
    let account = replica.namespace.account.clone();
    let namespace = Namespace { account, region: primary_region.clone() };
    let found = cx.vault()?.find(&namespace, &replica.name)?;
    Ok(found.filter(|record| is_replica(replica, record)))
}

/// Whether a record is the replica of another, given that they have one name in one account.
pub(super) fn is_replica(record: &Record, primary: &Record) -> bool {
    let region = &primary.namespace.region;
    let follows = match &record.replication {
        Replication::Replica { primary_region } => primary_region == region,
        Replication::Primary(_) => false,
    };
    follows && record.arn_suffix == primary.arn_suffix
}

pub(crate) fn namespace_of(primary: &Record, replica: &Replica) -> Namespace {
    Namespace { account: primary.namespace.account.clone(), region: replica.region.clone() }
}

/// What AWS shows for a replica that names no key.
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";
