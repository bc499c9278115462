//! Makes all replicas what their primary is.

use super::replicas::{is_replica, namespace_of, replicas};
use crate::model::order;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::versions;
use crate::vault::record::{Record, Replica, ReplicaState, Replication, Version};

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
        cross_replica: None,
        cross_primary: None,
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
    let mut own = order::map_of(own.into_iter().map(|version| (version.id.clone(), version)));
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
