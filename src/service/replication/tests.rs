use serde_json::{Value as Json, json};

use super::super::operation::Effect;
use super::super::operations;
use super::super::testing::{ARN, ServiceFixture};
use crate::vault::record::{Record, ValueKind, Version};

const EU: &str = "eu-west-1";
const US: &str = "us-east-1";
const NOT_ON_A_REPLICA: &str =
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.";

fn call(service: &mut ServiceFixture, region: &str, operation: &str, request: &Json) -> Json {
    let response = service.call_in(Some(region), operation, &request.to_string());
    serde_json::from_str(&response.unwrap()).unwrap()
}

fn home(service: &mut ServiceFixture, operation: &str, request: &Json) -> Json {
    call(service, "local-1", operation, request)
}

fn token(number: usize) -> String {
    format!("{number:032}")
}

/// A secret `db` with one version and replicas in two regions, one with a key of its own.
fn replicated() -> ServiceFixture {
    let mut service = ServiceFixture::new();
    let request = json!({
        "Name": "db",
        "ClientRequestToken": token(1),
        "SecretString": "one",
        "KmsKeyId": "alias/home",
        "AddReplicaRegions": [{"Region": EU, "KmsKeyId": "alias/eu"}, {"Region": US}],
    });
    home(&mut service, "CreateSecret", &request);
    service
}

fn record(service: &mut ServiceFixture, region: &str) -> Record {
    service.look(|vault| vault.find(&vault.namespace(region), "db").unwrap().unwrap())
}

/// Shows everything of a secret that its replicas share, its values too.
fn shared(service: &mut ServiceFixture, region: &str) -> String {
    let record = record(service, region);
    let versions = service.look(|vault| {
        let shown = record.versions.iter().map(|version| {
            let value = vault.value(&record, version).unwrap();
            let value = value.map(|value| value.expose_bytes().to_vec());
            let kind = version.value.map(|stored| stored.kind == ValueKind::Binary);
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
fn require_same(service: &mut ServiceFixture) {
    let primary = shared(service, "local-1");
    assert_eq!(shared(service, EU), primary);
    assert_eq!(shared(service, US), primary);
    service.require_sound();
}

#[test]
fn replicas_are_what_their_primary_is() {
    let mut service = replicated();
    require_same(&mut service);
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
        service.advance(1_000);
        let before = shared(&mut service, EU);
        request["SecretId"] = "db".into();
        home(&mut service, operation, &request);
        assert_ne!(shared(&mut service, EU), before, "{operation}");
        require_same(&mut service);
    }
}

#[test]
fn versions_that_are_gone_are_erased_everywhere() {
    let mut service = replicated();
    for number in 2..=102 {
        service.advance(3_600_000);
        let request = json!({
            "SecretId": "db",
            "SecretString": number.to_string(),
            "ClientRequestToken": token(number),
        });
        home(&mut service, "PutSecretValue", &request);
    }
    assert_eq!(record(&mut service, EU).versions.len(), 100);
    assert_eq!(service.look(|vault| vault.state().values), 300);
    require_same(&mut service);
}

#[test]
fn a_version_that_was_empty_is_filled_everywhere() {
    let mut service = replicated();
    let mut primary = record(&mut service, "local-1");
    let mut empty = Version::new(token(9), None, service.now());
    empty.stages.push("AWSPENDING".to_owned());
    primary.versions.push(empty);
    service.meddle(|vault| vault.update(&mut primary).unwrap());
    home(&mut service, "TagResource", &json!({"SecretId": "db", "Tags": [{"Key": "a"}]}));
    require_same(&mut service);
    let request = json!({
        "SecretId": "db",
        "SecretString": "new",
        "ClientRequestToken": token(9),
        "VersionStages": ["AWSPENDING"],
    });
    home(&mut service, "PutSecretValue", &request);
    let request = json!({"SecretId": "db", "VersionStage": "AWSPENDING"});
    assert_eq!(call(&mut service, EU, "GetSecretValue", &request)["SecretString"], "new");
    require_same(&mut service);
}

#[test]
fn no_operation_changes_a_replica() {
    let mut service = replicated();
    let before = service.snapshot();
    for entry in operations::ALL.iter().filter(|entry| entry.effect == Effect::Writes) {
        let across = "arn:aws:secretsmanager:eu-west-1:222222222222:secret:copy-a1B2c3";
        let requests = match entry.name {
            "AssociateCrossAccountReplica" | "DisassociateCrossAccountReplica" => {
                vec![json!({"CrossAccountReplicaARN": across})]
            }
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
            let refused = service.call_in(Some(EU), entry.name, &request.to_string());
            let expected = ("InvalidParameterException".to_owned(), NOT_ON_A_REPLICA.to_owned());
            assert_eq!(refused, Err(expected), "{} {request}", entry.name);
        }
    }
    assert_eq!(service.snapshot(), before);
}

#[test]
fn a_replica_is_read_as_any_secret_is() {
    let mut service = replicated();
    let suffix = record(&mut service, "local-1").arn_suffix;
    let arn = format!("{}db-{suffix}", ARN.replace("local-1", EU));
    let id = json!({"SecretId": arn});
    let value = call(&mut service, EU, "GetSecretValue", &id);
    assert_eq!((&value["ARN"], &value["SecretString"]), (&json!(arn), &json!("one")));
    let described = call(&mut service, EU, "DescribeSecret", &id);
    assert_eq!(described["PrimaryRegion"], "local-1");
    assert_eq!(described.get("ReplicationStatus"), None);
    let listed = call(&mut service, EU, "ListSecrets", &json!({}));
    assert_eq!(listed["SecretList"][0]["PrimaryRegion"], "local-1");
    for (region, count) in [("local-", 1), (EU, 0), ("!local-", 0)] {
        let filters = json!({"Filters": [{"Key": "primary-region", "Values": [region]}]});
        let listed = call(&mut service, EU, "ListSecrets", &filters);
        assert_eq!(listed["SecretList"].as_array().map(Vec::len), Some(count), "{region}");
    }
    // Another region's ARN finds nothing, nor does a region without a replica.
    let elsewhere = service.call_in(Some(US), "GetSecretValue", &id.to_string());
    assert_eq!(elsewhere.unwrap_err().0, "ResourceNotFoundException");
    let none = service.call_in(Some("ap-south-1"), "GetSecretValue", r#"{"SecretId":"db"}"#);
    assert_eq!(none.unwrap_err().0, "ResourceNotFoundException");
}

#[test]
fn keys_and_days_of_access_are_a_replicas_own() {
    let mut service = replicated();
    let keys = |service: &mut ServiceFixture, region: &str| {
        let listed = call(service, region, "ListSecretVersionIds", &json!({"SecretId": "db"}));
        listed["Versions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|version| version["KmsKeyIds"][0].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&mut service, "local-1"), ["alias/home"]);
    assert_eq!(keys(&mut service, EU), ["alias/eu"]);
    assert_eq!(keys(&mut service, US), ["DefaultEncryptionKey"]);

    service.advance(86_400_000);
    call(&mut service, EU, "GetSecretValue", &json!({"SecretId": "db"}));
    let day = record(&mut service, EU).accessed;
    assert_eq!(day, Some(service.now().midnight()));
    let request = json!({"SecretId": "db", "ClientRequestToken": token(2), "SecretString": "two"});
    home(&mut service, "PutSecretValue", &request);
    let replica = record(&mut service, EU);
    let days: Vec<_> = replica.versions.iter().map(|version| version.accessed).collect();
    assert_eq!((replica.accessed, days), (day, vec![day, None]));
    assert_eq!(record(&mut service, "local-1").accessed, None);
    let described = home(&mut service, "DescribeSecret", &json!({"SecretId": "db"}));
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
        let response = call(&mut service, EU, "UpdateSecret", &request);
        assert_eq!(response.get("VersionId"), None);
        let described = call(&mut service, EU, "DescribeSecret", &json!({"SecretId": "db"}));
        assert_eq!(described.get("KmsKeyId").unwrap_or(&Json::Null), &shown);
        require_same(&mut service);
    }
    assert_eq!(keys(&mut service, EU), ["DefaultEncryptionKey"; 2]);
    assert_eq!(keys(&mut service, "local-1"), ["alias/home"; 2]);
}

#[test]
fn a_replica_that_is_lost_is_made_again() {
    let mut service = replicated();
    let lost = record(&mut service, EU);
    service.meddle(|vault| vault.remove(&lost).unwrap());
    home(&mut service, "TagResource", &json!({"SecretId": "db", "Tags": [{"Key": "a"}]}));
    require_same(&mut service);
    assert_eq!(record(&mut service, EU).kms_key_id.as_deref(), Some("alias/eu"));

    // Somebody took the name in between.
    let lost = record(&mut service, EU);
    service.meddle(|vault| vault.remove(&lost).unwrap());
    let other = json!({"Name": "db", "ClientRequestToken": token(1)});
    call(&mut service, EU, "CreateSecret", &other);
    home(&mut service, "UntagResource", &json!({"SecretId": "db", "TagKeys": ["a"]}));
    let described = home(&mut service, "DescribeSecret", &json!({"SecretId": "db"}));
    assert_eq!(described["ReplicationStatus"][0]["Status"], "Failed");
    assert_eq!(described["ReplicationStatus"][1]["Status"], "InSync");
}

#[test]
fn a_replica_whose_primary_is_lost_can_be_promoted_and_nothing_else() {
    let mut service = replicated();
    let lost = record(&mut service, "local-1");
    service.meddle(|vault| vault.remove(&lost).unwrap());
    let key = json!({"SecretId": "db", "ClientRequestToken": token(8), "KmsKeyId": "x"});
    let refused = service.call_in(Some(EU), "UpdateSecret", &key.to_string());
    assert_eq!(refused.unwrap_err().1, NOT_ON_A_REPLICA);

    // One that is made under the same name is another.
    let mut request = json!({"Name": "db", "ClientRequestToken": token(1)});
    request["AddReplicaRegions"] = json!([{"Region": EU}]);
    request["ForceOverwriteReplicaSecret"] = true.into();
    home(&mut service, "CreateSecret", &request);
    let refused = service.call_in(Some(EU), "UpdateSecret", &key.to_string());
    assert_eq!(refused.unwrap_err().1, NOT_ON_A_REPLICA);
    call(&mut service, EU, "StopReplicationToReplica", &json!({"SecretId": "db"}));
    let described = home(&mut service, "DescribeSecret", &json!({"SecretId": "db"}));
    assert_eq!(described["ReplicationStatus"][0]["Status"], "Failed");
    call(&mut service, EU, "UpdateSecret", &key);
    service.require_sound();
}

#[test]
fn a_secret_is_made_with_its_replicas() {
    let mut service = ServiceFixture::new();
    let mut request = json!({
        "Name": "db",
        "ClientRequestToken": token(1),
        "SecretString": "one",
        "AddReplicaRegions": [{"Region": EU, "KmsKeyId": "alias/eu"}, {"Region": "local-1"}],
    });
    // Nothing is made where not all of it can be.
    let before = service.snapshot();
    let refused = service.call("CreateSecret", &request.to_string());
    let message = "Invalid replica region.".to_owned();
    assert_eq!(refused, Err(("InvalidParameterException".to_owned(), message)));
    assert_eq!(service.snapshot(), before);

    let other = json!({"Name": "db", "ClientRequestToken": token(9), "SecretString": "other"});
    call(&mut service, US, "CreateSecret", &other);
    request["AddReplicaRegions"][1]["Region"] = US.into();
    let made = home(&mut service, "CreateSecret", &request);
    let expected = json!([
        {"Region": EU, "KmsKeyId": "alias/eu", "Status": "InProgress"},
        {"Region": US, "KmsKeyId": "alias/aws/secretsmanager", "Status": "InProgress"},
    ]);
    assert_eq!(made["ReplicationStatus"], expected);
    let repeated = home(&mut service, "CreateSecret", &request);
    let status = |response: &Json, index: usize| {
        response["ReplicationStatus"][index]["Status"].as_str().unwrap().to_owned()
    };
    assert_eq!(repeated["ARN"], made["ARN"]);
    assert_eq!([status(&repeated, 0), status(&repeated, 1)], ["InSync", "Failed"]);

    // Whoever asks for the same where the replica is did not make it.
    let again = service.call_in(Some(EU), "CreateSecret", &request.to_string());
    let message = "The operation failed because the secret db already exists.".to_owned();
    assert_eq!(again, Err(("ResourceExistsException".to_owned(), message)));

    request["Name"] = "forced".into();
    request["ForceOverwriteReplicaSecret"] = true.into();
    let mut other = other;
    other["Name"] = "forced".into();
    call(&mut service, US, "CreateSecret", &other);
    home(&mut service, "CreateSecret", &request);
    let described = home(&mut service, "DescribeSecret", &json!({"SecretId": "forced"}));
    assert_eq!([status(&described, 0), status(&described, 1)], ["InSync", "InSync"]);
    let id = json!({"SecretId": "forced"});
    assert_eq!(call(&mut service, US, "GetSecretValue", &id)["SecretString"], "one");
    service.require_sound();
}

#[test]
fn what_has_replicas_cannot_be_deleted() {
    let mut service = replicated();
    let arn = format!("{ARN}db-{}", record(&mut service, "local-1").arn_suffix);
    let failed = json!({"SecretId": "db", "AddReplicaRegions": [{"Region": "ap-south-1"}]});
    let other = json!({"Name": "db", "ClientRequestToken": token(9)});
    call(&mut service, "ap-south-1", "CreateSecret", &other);
    home(&mut service, "ReplicateSecretToRegions", &failed);
    let before = service.snapshot();
    for request in
        [r#"{"SecretId":"db"}"#, r#"{"SecretId":"db","ForceDeleteWithoutRecovery":true}"#]
    {
        let message = format!(
            "You can't delete secret {arn} that still has replica regions [ap-south-1, {EU}, \
             {US}]."
        );
        let refused = service.call("DeleteSecret", request);
        assert_eq!(refused, Err(("InvalidParameterException".to_owned(), message)));
    }
    assert_eq!(service.snapshot(), before);
    let regions = json!({"SecretId": "db", "RemoveReplicaRegions": ["ap-south-1", EU, US]});
    home(&mut service, "RemoveRegionsFromReplication", &regions);
    home(&mut service, "DeleteSecret", &json!({"SecretId": "db"}));
}

#[test]
fn only_what_is_replicated_has_a_primary_region() {
    let mut service = replicated();
    let request = json!({"Name": "alone", "ClientRequestToken": token(1)});
    home(&mut service, "CreateSecret", &request);
    let listed = home(&mut service, "ListSecrets", &json!({}));
    let shown: Vec<_> = listed["SecretList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|secret| (secret["Name"].as_str(), secret["PrimaryRegion"].as_str()))
        .collect();
    assert_eq!(shown, [(Some("alone"), None), (Some("db"), Some("local-1"))]);
    let filters = json!({"Filters": [{"Key": "primary-region", "Values": ["local"]}]});
    let read = home(&mut service, "BatchGetSecretValue", &filters);
    assert_eq!(read["SecretValues"].as_array().map(Vec::len), Some(1));
}
