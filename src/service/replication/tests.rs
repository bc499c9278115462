use serde_json::{Value as Json, json};

use super::super::operation::Touch;
use super::super::operations;
use super::super::testing::{ARN, Bench};
use super::*;
use crate::vault::record::Kind;

const EU: &str = "eu-west-1";
const US: &str = "us-east-1";
const NOT_ON_A_REPLICA: &str =
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.";

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
            let expected = ("InvalidParameterException".to_owned(), NOT_ON_A_REPLICA.to_owned());
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
    let request = json!({"SecretId": "db", "ClientRequestToken": token(2), "SecretString": "two"});
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
        let request = json!({"SecretId": "db", "ClientRequestToken": token(8), "KmsKeyId": given});
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
