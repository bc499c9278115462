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

use super::context::{Context, Failure};
use super::fault::Fault;
use super::versions;
use crate::model::types::{ReplicaRegion, ReplicationStatus};
use crate::vault::audit::Event;
use crate::vault::record::{Record, Replica, ReplicaState, Replication, Scope, Version};
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
        Replication::Primary(_) => Some(&record.scope.region),
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
        let region = region.filter(|region| *region != primary.scope.region);
        let region = region.ok_or_else(bad_region)?;
        let key = kms_key_id.map(|key| key.0).filter(|key| !key.is_empty());
        if submit(cx, primary, Replica::new(region.clone(), key), overwrite)? {
            submitted.push(region);
        }
    }
    if replicas(primary).len() > MOST_REPLICAS {
        return Err(Fault::invalid_parameter(format!(
            "You can't replicate a secret to more than {MOST_REPLICAS} regions."
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
            replicas.retain(|other| other.region != replica.scope.region);
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
            replicas.iter_mut().find(|other| other.region == replica.scope.region)
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
pub(crate) fn follow(cx: &mut Context<'_, '_>, primary: &mut Record) -> Result<(), Failure> {
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
    let scope = scope_of(primary, replica);
    let found = cx.vault()?.find(&scope, &primary.name)?;
    let is_new = found.is_none();
    let own = match found {
        Some(record) if is_replica(&record, primary) => record,
        Some(_) => return Ok(ReplicaState::NameTaken),
        None => {
            let suffix = primary.arn_suffix.clone();
            let mut record = Record::new(scope, primary.name.clone(), suffix, primary.created);
            cx.vault()?.assign_row(&mut record)?;
            record
        }
    };
    let has_new_key = own.kms_key_id != replica.kms_key_id;
    let mut copy = Record {
        rid: own.rid,
        scope: own.scope,
        kms_key_id: replica.kms_key_id.clone(),
        accessed: own.accessed,
        revision: own.revision,
        versions: Vec::new(),
        replication: Replication::Replica { primary_region: primary.scope.region.clone() },
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
    match cx.vault()?.find(&scope_of(primary, &replica), &primary.name)? {
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
    let found = cx.vault()?.find(&scope_of(primary, replica), &primary.name)?;
    Ok(found.filter(|record| is_replica(record, primary)))
}

fn find_primary(cx: &mut Context<'_, '_>, replica: &Record) -> Result<Option<Record>, Failure> {
    let Replication::Replica { primary_region } = &replica.replication else { return Ok(None) };
    let account = replica.scope.account.clone();
    let scope = Scope { account, region: primary_region.clone() };
    let found = cx.vault()?.find(&scope, &replica.name)?;
    Ok(found.filter(|record| is_replica(replica, record)))
}

/// Whether a record is the replica of another, given that they have one name in one account.
fn is_replica(record: &Record, primary: &Record) -> bool {
    let region = &primary.scope.region;
    let follows = match &record.replication {
        Replication::Replica { primary_region } => primary_region == region,
        Replication::Primary(_) => false,
    };
    follows && record.arn_suffix == primary.arn_suffix
}

fn scope_of(primary: &Record, replica: &Replica) -> Scope {
    Scope { account: primary.scope.account.clone(), region: replica.region.clone() }
}

/// The most regions of a secret besides its own: ours, more than AWS has.
const MOST_REPLICAS: usize = 50;

/// What AWS shows for a replica that names no key.
const DEFAULT_KEY: &str = "alias/aws/secretsmanager";

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::operation::Touch;
    use super::super::operations;
    use super::super::testing::{ARN, Bench};
    use super::*;
    use crate::vault::record::Kind;

    const EU: &str = "eu-west-1";
    const US: &str = "us-east-1";
    const NOT_ON_A_REPLICA: &str = "Operation not permitted on a replica secret. Call must be made in primary secret's region.";

    fn call(bench: &mut Bench, region: &str, operation: &str, request: &Json) -> Json {
        let response = bench.call_in(Some(region), operation, &request.to_string());
        serde_json::from_str(&response.unwrap()).unwrap()
    }

    fn home(bench: &mut Bench, operation: &str, request: &Json) -> Json {
        call(bench, "local-1", operation, request)
    }

    fn token(number: usize) -> String {
        format!("{number:032}")
    }

    /// A secret `db` with one version and replicas in two regions, one with a key of its own.
    fn replicated() -> Bench {
        let mut bench = Bench::new();
        let request = json!({
            "Name": "db",
            "ClientRequestToken": token(1),
            "SecretString": "one",
            "KmsKeyId": "alias/home",
            "AddReplicaRegions": [{"Region": EU, "KmsKeyId": "alias/eu"}, {"Region": US}],
        });
        home(&mut bench, "CreateSecret", &request);
        bench
    }

    fn record(bench: &mut Bench, region: &str) -> Record {
        bench.look(|vault| vault.find(&vault.scope(region), "db").unwrap().unwrap())
    }

    /// Shows everything of a secret that its replicas share, its values too.
    fn shared(bench: &mut Bench, region: &str) -> String {
        let record = record(bench, region);
        let versions = bench.look(|vault| {
            let shown = record.versions.iter().map(|version| {
                let value = vault.value(&record, version).unwrap();
                let value = value.map(|value| value.expose_bytes().to_vec());
                let kind = version.value.map(|stored| stored.kind == Kind::Binary);
                format!("{} {:?} {value:?} {kind:?}", version.id, version.stages)
            });
            shown.collect::<Vec<_>>()
        });
        let Record { name, arn_suffix, description, created, changed, .. } = &record;
        let Record { rotated, deletion, tags, policy, secret_type, .. } = &record;
        format!(
            "{name} {arn_suffix} {description:?} {created:?} {changed:?} {rotated:?} \
             {deletion:?} {tags:?} {policy:?} {secret_type:?} {versions:#?}"
        )
    }

    #[track_caller]
    fn require_same(bench: &mut Bench) {
        let primary = shared(bench, "local-1");
        assert_eq!(shared(bench, EU), primary);
        assert_eq!(shared(bench, US), primary);
        bench.require_sound();
    }

    #[test]
    fn replicas_are_what_their_primary_is() {
        let mut bench = replicated();
        require_same(&mut bench);
        let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":
            {"AWS":"123456789012"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}"#;
        for (operation, mut request) in [
            ("PutSecretValue", json!({"SecretString": "two", "ClientRequestToken": token(2)})),
            (
                "PutSecretValue",
                json!({
                    "SecretBinary": "AP8=",
                    "ClientRequestToken": token(3),
                    "VersionStages": ["blue"],
                }),
            ),
            (
                "UpdateSecret",
                json!({
                    "SecretString": "three",
                    "ClientRequestToken": token(4),
                    "Description": "the database",
                    "KmsKeyId": "alias/other",
                    "Type": "kind",
                }),
            ),
            (
                "UpdateSecretVersionStage",
                json!({
                    "VersionStage": "AWSCURRENT",
                    "MoveToVersionId": token(3),
                    "RemoveFromVersionId": token(4),
                }),
            ),
            ("TagResource", json!({"Tags": [{"Key": "env", "Value": "prod"}, {"Key": "a"}]})),
            ("UntagResource", json!({"TagKeys": ["a"]})),
            ("PutResourcePolicy", json!({"ResourcePolicy": policy})),
            ("DeleteResourcePolicy", json!({})),
            ("UpdateSecret", json!({"Description": "", "ClientRequestToken": token(5)})),
        ] {
            bench.advance(1_000);
            let before = shared(&mut bench, EU);
            request["SecretId"] = "db".into();
            home(&mut bench, operation, &request);
            assert_ne!(shared(&mut bench, EU), before, "{operation}");
            require_same(&mut bench);
        }
    }

    #[test]
    fn versions_that_are_gone_are_erased_everywhere() {
        let mut bench = replicated();
        for number in 2..=102 {
            bench.advance(3_600_000);
            let request = json!({
                "SecretId": "db",
                "SecretString": number.to_string(),
                "ClientRequestToken": token(number),
            });
            home(&mut bench, "PutSecretValue", &request);
        }
        assert_eq!(record(&mut bench, EU).versions.len(), 100);
        assert_eq!(bench.look(|vault| vault.state().values), 300);
        require_same(&mut bench);
    }

    #[test]
    fn a_version_that_was_empty_is_filled_everywhere() {
        let mut bench = replicated();
        let mut primary = record(&mut bench, "local-1");
        let mut empty = Version::new(token(9), None, bench.now());
        empty.stages.push("AWSPENDING".to_owned());
        primary.versions.push(empty);
        bench.meddle(|vault| vault.update(&mut primary).unwrap());
        home(&mut bench, "TagResource", &json!({"SecretId": "db", "Tags": [{"Key": "a"}]}));
        require_same(&mut bench);
        let request = json!({
            "SecretId": "db",
            "SecretString": "new",
            "ClientRequestToken": token(9),
            "VersionStages": ["AWSPENDING"],
        });
        home(&mut bench, "PutSecretValue", &request);
        let request = json!({"SecretId": "db", "VersionStage": "AWSPENDING"});
        assert_eq!(call(&mut bench, EU, "GetSecretValue", &request)["SecretString"], "new");
        require_same(&mut bench);
    }

    #[test]
    fn no_operation_changes_a_replica() {
        let mut bench = replicated();
        let before = bench.stock();
        for entry in operations::ALL.iter().filter(|entry| entry.touch == Touch::Writes) {
            let requests = match entry.name {
                // Neither is about a replica that is to stay one.
                "CreateSecret" | "StopReplicationToReplica" => continue,
                "CancelRotateSecret" | "DeleteResourcePolicy" | "RestoreSecret" => vec![json!({})],
                "DeleteSecret" => vec![json!({}), json!({"ForceDeleteWithoutRecovery": true})],
                "PutResourcePolicy" => vec![json!({"ResourcePolicy": "{}"})],
                "PutSecretValue" => {
                    // The second would change nothing.
                    let again = json!({"SecretString": "one", "ClientRequestToken": token(1)});
                    vec![json!({"SecretString": "x", "ClientRequestToken": token(7)}), again]
                }
                "RemoveRegionsFromReplication" => vec![json!({"RemoveReplicaRegions": [US]})],
                "ReplicateSecretToRegions" => {
                    vec![json!({"AddReplicaRegions": [{"Region": "ap-south-1"}]})]
                }
                "RotateSecret" => {
                    let function = "arn:local:exec:/opt/rotate";
                    let request =
                        json!({"ClientRequestToken": token(7), "RotationLambdaARN": function});
                    vec![request, json!({"ClientRequestToken": token(7)})]
                }
                "TagResource" => vec![json!({"Tags": [{"Key": "a"}]}), json!({"Tags": []})],
                "UntagResource" => vec![json!({"TagKeys": ["a"]})],
                "UpdateSecret" => vec![
                    json!({"ClientRequestToken": token(7)}),
                    json!({"ClientRequestToken": token(7), "Description": "x"}),
                    json!({"ClientRequestToken": token(7), "Type": "x", "KmsKeyId": "x"}),
                    json!({"ClientRequestToken": token(7), "SecretString": "x", "KmsKeyId": "x"}),
                    json!({"ClientRequestToken": token(7), "SecretBinary": "AA==", "KmsKeyId": "x"}),
                ],
                "UpdateSecretVersionStage" => {
                    vec![json!({"VersionStage": "x", "MoveToVersionId": token(1)})]
                }
                other => panic!("say what a request for {other} looks like"),
            };
            for mut request in requests {
                request["SecretId"] = "db".into();
                let refused = bench.call_in(Some(EU), entry.name, &request.to_string());
                let expected =
                    ("InvalidParameterException".to_owned(), NOT_ON_A_REPLICA.to_owned());
                assert_eq!(refused, Err(expected), "{} {request}", entry.name);
            }
        }
        assert_eq!(bench.stock(), before);
    }

    #[test]
    fn a_replica_is_read_as_any_secret_is() {
        let mut bench = replicated();
        let suffix = record(&mut bench, "local-1").arn_suffix;
        let arn = format!("{}db-{suffix}", ARN.replace("local-1", EU));
        let id = json!({"SecretId": arn});
        let value = call(&mut bench, EU, "GetSecretValue", &id);
        assert_eq!((&value["ARN"], &value["SecretString"]), (&json!(arn), &json!("one")));
        let described = call(&mut bench, EU, "DescribeSecret", &id);
        assert_eq!(described["PrimaryRegion"], "local-1");
        assert_eq!(described.get("ReplicationStatus"), None);
        let listed = call(&mut bench, EU, "ListSecrets", &json!({}));
        assert_eq!(listed["SecretList"][0]["PrimaryRegion"], "local-1");
        for (region, count) in [("local-", 1), (EU, 0), ("!local-", 0)] {
            let filters = json!({"Filters": [{"Key": "primary-region", "Values": [region]}]});
            let listed = call(&mut bench, EU, "ListSecrets", &filters);
            assert_eq!(listed["SecretList"].as_array().map(Vec::len), Some(count), "{region}");
        }
        // Another region's ARN finds nothing, nor does a region without a replica.
        let elsewhere = bench.call_in(Some(US), "GetSecretValue", &id.to_string());
        assert_eq!(elsewhere.unwrap_err().0, "ResourceNotFoundException");
        let none = bench.call_in(Some("ap-south-1"), "GetSecretValue", r#"{"SecretId":"db"}"#);
        assert_eq!(none.unwrap_err().0, "ResourceNotFoundException");
    }

    #[test]
    fn keys_and_days_of_access_are_a_replicas_own() {
        let mut bench = replicated();
        let keys = |bench: &mut Bench, region: &str| {
            let listed = call(bench, region, "ListSecretVersionIds", &json!({"SecretId": "db"}));
            listed["Versions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|version| version["KmsKeyIds"][0].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(&mut bench, "local-1"), ["alias/home"]);
        assert_eq!(keys(&mut bench, EU), ["alias/eu"]);
        assert_eq!(keys(&mut bench, US), ["DefaultEncryptionKey"]);

        bench.advance(86_400_000);
        call(&mut bench, EU, "GetSecretValue", &json!({"SecretId": "db"}));
        let day = record(&mut bench, EU).accessed;
        assert_eq!(day, Some(bench.now().midnight()));
        let request =
            json!({"SecretId": "db", "ClientRequestToken": token(2), "SecretString": "two"});
        home(&mut bench, "PutSecretValue", &request);
        let replica = record(&mut bench, EU);
        let days: Vec<_> = replica.versions.iter().map(|version| version.accessed).collect();
        assert_eq!((replica.accessed, days), (day, vec![day, None]));
        assert_eq!(record(&mut bench, "local-1").accessed, None);
        let described = home(&mut bench, "DescribeSecret", &json!({"SecretId": "db"}));
        let expected = json!([
            {
                "Region": EU,
                "KmsKeyId": "alias/eu",
                "Status": "InSync",
                "StatusMessage": "Replication succeeded",
                "LastAccessedDate": day.unwrap().0,
            },
            {
                "Region": US,
                "KmsKeyId": "alias/aws/secretsmanager",
                "Status": "InSync",
                "StatusMessage": "Replication succeeded",
            },
        ]);
        assert_eq!(described["PrimaryRegion"], "local-1");
        assert_eq!(described["ReplicationStatus"], expected);

        // The key is changed where it is.
        for (given, shown) in [("alias/new", json!("alias/new")), ("", Json::Null)] {
            let request =
                json!({"SecretId": "db", "ClientRequestToken": token(8), "KmsKeyId": given});
            let response = call(&mut bench, EU, "UpdateSecret", &request);
            assert_eq!(response.get("VersionId"), None);
            let described = call(&mut bench, EU, "DescribeSecret", &json!({"SecretId": "db"}));
            assert_eq!(described.get("KmsKeyId").unwrap_or(&Json::Null), &shown);
            require_same(&mut bench);
        }
        assert_eq!(keys(&mut bench, EU), ["DefaultEncryptionKey"; 2]);
        assert_eq!(keys(&mut bench, "local-1"), ["alias/home"; 2]);
    }

    #[test]
    fn a_replica_that_is_lost_is_made_again() {
        let mut bench = replicated();
        let lost = record(&mut bench, EU);
        bench.meddle(|vault| vault.remove(&lost).unwrap());
        home(&mut bench, "TagResource", &json!({"SecretId": "db", "Tags": [{"Key": "a"}]}));
        require_same(&mut bench);
        assert_eq!(record(&mut bench, EU).kms_key_id.as_deref(), Some("alias/eu"));

        // Somebody took the name in between.
        let lost = record(&mut bench, EU);
        bench.meddle(|vault| vault.remove(&lost).unwrap());
        let other = json!({"Name": "db", "ClientRequestToken": token(1)});
        call(&mut bench, EU, "CreateSecret", &other);
        home(&mut bench, "UntagResource", &json!({"SecretId": "db", "TagKeys": ["a"]}));
        let described = home(&mut bench, "DescribeSecret", &json!({"SecretId": "db"}));
        assert_eq!(described["ReplicationStatus"][0]["Status"], "Failed");
        assert_eq!(described["ReplicationStatus"][1]["Status"], "InSync");
    }

    #[test]
    fn a_replica_whose_primary_is_lost_can_be_promoted_and_nothing_else() {
        let mut bench = replicated();
        let lost = record(&mut bench, "local-1");
        bench.meddle(|vault| vault.remove(&lost).unwrap());
        let key = json!({"SecretId": "db", "ClientRequestToken": token(8), "KmsKeyId": "x"});
        let refused = bench.call_in(Some(EU), "UpdateSecret", &key.to_string());
        assert_eq!(refused.unwrap_err().1, NOT_ON_A_REPLICA);

        // One that is made under the same name is another.
        let mut request = json!({"Name": "db", "ClientRequestToken": token(1)});
        request["AddReplicaRegions"] = json!([{"Region": EU}]);
        request["ForceOverwriteReplicaSecret"] = true.into();
        home(&mut bench, "CreateSecret", &request);
        let refused = bench.call_in(Some(EU), "UpdateSecret", &key.to_string());
        assert_eq!(refused.unwrap_err().1, NOT_ON_A_REPLICA);
        call(&mut bench, EU, "StopReplicationToReplica", &json!({"SecretId": "db"}));
        let described = home(&mut bench, "DescribeSecret", &json!({"SecretId": "db"}));
        assert_eq!(described["ReplicationStatus"][0]["Status"], "Failed");
        call(&mut bench, EU, "UpdateSecret", &key);
        bench.require_sound();
    }

    #[test]
    fn a_secret_is_made_with_its_replicas() {
        let mut bench = Bench::new();
        let mut request = json!({
            "Name": "db",
            "ClientRequestToken": token(1),
            "SecretString": "one",
            "AddReplicaRegions": [{"Region": EU, "KmsKeyId": "alias/eu"}, {"Region": "local-1"}],
        });
        // Nothing is made where not all of it can be.
        let before = bench.stock();
        let refused = bench.call("CreateSecret", &request.to_string());
        let message = "Invalid replica region.".to_owned();
        assert_eq!(refused, Err(("InvalidParameterException".to_owned(), message)));
        assert_eq!(bench.stock(), before);

        let other = json!({"Name": "db", "ClientRequestToken": token(9), "SecretString": "other"});
        call(&mut bench, US, "CreateSecret", &other);
        request["AddReplicaRegions"][1]["Region"] = US.into();
        let made = home(&mut bench, "CreateSecret", &request);
        let expected = json!([
            {"Region": EU, "KmsKeyId": "alias/eu", "Status": "InProgress"},
            {"Region": US, "KmsKeyId": "alias/aws/secretsmanager", "Status": "InProgress"},
        ]);
        assert_eq!(made["ReplicationStatus"], expected);
        let repeated = home(&mut bench, "CreateSecret", &request);
        let status = |response: &Json, index: usize| {
            response["ReplicationStatus"][index]["Status"].as_str().unwrap().to_owned()
        };
        assert_eq!(repeated["ARN"], made["ARN"]);
        assert_eq!([status(&repeated, 0), status(&repeated, 1)], ["InSync", "Failed"]);

        // Whoever asks for the same where the replica is did not make it.
        let again = bench.call_in(Some(EU), "CreateSecret", &request.to_string());
        let message = "The operation failed because the secret db already exists.".to_owned();
        assert_eq!(again, Err(("ResourceExistsException".to_owned(), message)));

        request["Name"] = "forced".into();
        request["ForceOverwriteReplicaSecret"] = true.into();
        let mut other = other;
        other["Name"] = "forced".into();
        call(&mut bench, US, "CreateSecret", &other);
        home(&mut bench, "CreateSecret", &request);
        let described = home(&mut bench, "DescribeSecret", &json!({"SecretId": "forced"}));
        assert_eq!([status(&described, 0), status(&described, 1)], ["InSync", "InSync"]);
        let id = json!({"SecretId": "forced"});
        assert_eq!(call(&mut bench, US, "GetSecretValue", &id)["SecretString"], "one");
        bench.require_sound();
    }

    #[test]
    fn what_has_replicas_cannot_be_deleted() {
        let mut bench = replicated();
        let arn = format!("{ARN}db-{}", record(&mut bench, "local-1").arn_suffix);
        let failed = json!({"SecretId": "db", "AddReplicaRegions": [{"Region": "ap-south-1"}]});
        let other = json!({"Name": "db", "ClientRequestToken": token(9)});
        call(&mut bench, "ap-south-1", "CreateSecret", &other);
        home(&mut bench, "ReplicateSecretToRegions", &failed);
        let before = bench.stock();
        for request in
            [r#"{"SecretId":"db"}"#, r#"{"SecretId":"db","ForceDeleteWithoutRecovery":true}"#]
        {
            let message = format!(
                "You can't delete secret {arn} that still has replica regions [ap-south-1, {EU}, \
                 {US}]."
            );
            let refused = bench.call("DeleteSecret", request);
            assert_eq!(refused, Err(("InvalidParameterException".to_owned(), message)));
        }
        assert_eq!(bench.stock(), before);
        let regions = json!({"SecretId": "db", "RemoveReplicaRegions": ["ap-south-1", EU, US]});
        home(&mut bench, "RemoveRegionsFromReplication", &regions);
        home(&mut bench, "DeleteSecret", &json!({"SecretId": "db"}));
    }

    #[test]
    fn only_what_is_replicated_has_a_primary_region() {
        let mut bench = replicated();
        let request = json!({"Name": "alone", "ClientRequestToken": token(1)});
        home(&mut bench, "CreateSecret", &request);
        let listed = home(&mut bench, "ListSecrets", &json!({}));
        let shown: Vec<_> = listed["SecretList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|secret| (secret["Name"].as_str(), secret["PrimaryRegion"].as_str()))
            .collect();
        assert_eq!(shown, [(Some("alone"), None), (Some("db"), Some("local-1"))]);
        let filters = json!({"Filters": [{"Key": "primary-region", "Values": ["local"]}]});
        let read = home(&mut bench, "BatchGetSecretValue", &filters);
        assert_eq!(read["SecretValues"].as_array().map(Vec::len), Some(1));
    }
}
