//! The format is what docs/format.md says, for ever: its vectors are on the page, and vaults that
//! were once written are read as what was written into them.
//!
//! `reader.py` reads the same files without a line of the program's.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::harness::files::{names_in, write};
use crate::harness::{Sandbox, hex, repository};

/// Each golden vault opens with each of its credentials, and holds what was put into it.
#[test]
fn golden_vaults_are_read_as_they_were_written() {
    let vaults = json("vaults.json");
    let files = names_in(&golden(""));
    let files = files.iter().filter(|name| Path::new(name).extension() == Some("vault".as_ref()));
    assert!(files.eq(vaults.keys()), "files in tests/format/v1 and names in vaults.json");
    for (name, expected) in &vaults {
        for credential in expected["credentials"].as_array().unwrap() {
            let sandbox = with_golden(name, credential);
            let checked = strongroom(&sandbox, "check --query Status");
            assert_eq!(checked, Value::from("clean"), "{name} with {credential}");
        }
        let sandbox = with_golden(name, &expected["credentials"][0]);
        let mut events: Vec<Value> = array(&strongroom(&sandbox, "list-events --query Events"));
        events.reverse();
        let events: Vec<Value> = events
            .iter()
            .map(|event| format!("{}: {}", text(&event["EventName"]), text(&event["Outcome"])))
            .map(Value::from)
            .collect();
        assert_eq!(events, array(&expected["events"]), "{name}");
        let archive = golden(&name.replace(".vault", ".archive"));
        if archive.exists() {
            let archived = format!("list-events --from-archive {}", archive.display());
            let archived = strongroom(&sandbox, &archived);
            assert_eq!(archived["Chain"], "joined", "{name}");
            let listed = strongroom(&sandbox, "list-events");
            assert_eq!(archived["Events"], listed["Events"], "{name}");
        }
        for (place, secret) in expected["secrets"].as_object().unwrap() {
            check_secret(&sandbox, place, secret);
        }
        check_lists(&sandbox, expected["secrets"].as_object().unwrap());
        check_access_keys(&sandbox, &expected["access_keys"]);
    }
}

/// What the page prints is in the file that the tests of `crypto` and the reader are checked with.
#[test]
fn the_page_has_the_vectors() {
    let vectors = json("vectors.json");
    let page = fs::read_to_string(repository().join("docs/format.md")).unwrap();
    let (_, section) = page.split_once("## Test vectors").unwrap();
    let block = section.split("```").nth(1).unwrap();
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '-' || sign == ':';
    let mut found = BTreeSet::new();
    for word in
        block.split_whitespace().filter(|word| word.len() >= 20 && word.chars().all(is_part))
    {
        let holders = vectors.iter().filter(|(_, vector)| text(vector).contains(word));
        let names: Vec<String> = holders.map(|(name, _)| name.clone()).collect();
        assert!(!names.is_empty(), "{word} is no vector");
        found.extend(names);
    }
    // Numbers are too short to be looked for.
    let all: BTreeSet<String> = vectors.keys().cloned().collect();
    let missing: Vec<&String> = all.difference(&found).collect();
    assert_eq!(missing, ["bucket", "node", "padme"], "vectors that the page has not");
}

/// The tables of the page are those of the program, to the byte.
#[test]
fn the_page_has_the_schema() {
    let page = fs::read_to_string(repository().join("docs/format.md")).unwrap();
    let block = page.split("```sql\n").nth(1).unwrap().split("```").next().unwrap();
    let schema = fs::read_to_string(repository().join("src/store/schema.sql")).unwrap();
    assert_eq!(block, schema);
}

/// A sandbox with a copy of a golden vault and the variables that unlock it.
fn with_golden(name: &str, credential: &Value) -> Sandbox {
    let mut sandbox = Sandbox::empty();
    let mut put = |variable: &str, name: &str, content: &[u8]| {
        let path = sandbox.home().join(name);
        write(&path, content);
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        sandbox.environment.insert(variable.to_owned(), path.to_str().unwrap().to_owned());
    };
    put("STRONGROOM_VAULT", "vault", &fs::read(golden(name)).unwrap());
    for (kind, secret) in credential.as_object().unwrap() {
        let (variable, name) = match kind.as_str() {
            "keyfile" => ("STRONGROOM_KEYFILE", "keyfile"),
            "passphrase" | "recovery_code" => ("STRONGROOM_PASSPHRASE_FILE", "passphrase"),
            other => panic!("{other} is no credential"),
        };
        put(variable, name, text(secret).as_bytes());
    }
    sandbox
}

fn check_secret(sandbox: &Sandbox, place: &str, expected: &Value) {
    let (scope, name) = place.split_once(' ').unwrap();
    let region = scope.split_once('/').unwrap().1;
    let asked = format!("--region {region} --secret-id {name}");
    if expected["deleted"] == true {
        // Its recovery window is over sooner or later, and then it is gone.
        let words = format!("get-secret-value {asked}");
        let outcome = sandbox.strongroom(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(outcome.code, 254, "{place} is deleted: {}", outcome.stderr_text());
        return;
    }
    let described = strongroom(sandbox, &format!("describe-secret {asked}"));
    for (member, key) in [("Description", "description"), ("KmsKeyId", "kms_key_id")] {
        assert_eq!(described[member], expected[key], "{member} of {place}");
    }
    check_across(&described, expected, place);
    let tags = described["Tags"].as_array().into_iter().flatten();
    let tags: Vec<Value> =
        tags.map(|tag| Value::from(vec![tag["Key"].clone(), tag["Value"].clone()])).collect();
    assert_eq!(tags, expected["tags"].as_array().cloned().unwrap_or_default(), "{place}");

    let versions = format!("list-secret-version-ids --include-deprecated {asked}");
    let listed = strongroom(sandbox, &versions);
    let mut listed = array(&listed["Versions"]);
    listed.retain(|version| version["VersionId"].is_string());
    let expected = expected["versions"].as_object().unwrap();
    assert_eq!(listed.len(), expected.len(), "{place}");
    for (id, version) in expected {
        let found = listed.iter().find(|found| found["VersionId"] == **id).unwrap();
        let mut labels = found["VersionStages"].as_array().cloned().unwrap_or_default();
        labels.sort_by_key(|label| text(label).to_owned());
        assert_eq!(Value::from(labels), version["labels"], "{place} {id}");
        let value = strongroom(sandbox, &format!("get-secret-value --version-id {id} {asked}"));
        check_value(&value, version);
    }
}

/// What describing a secret says of another account: ARN and status; of one that was let go, nothing.
fn check_across(described: &Value, expected: &Value, place: &str) {
    let (replica, primary) = (&expected["cross_replica"], &expected["cross_primary"]);
    let found = &described["CrossAccountReplicas"][0];
    assert_eq!(found["ReplicationStatus"], replica["status"], "replica of {place}");
    let is_shown = !replica["status"].is_null();
    let arn = if is_shown { &replica["arn"] } else { &Value::Null };
    assert_eq!(&found["ReplicaSecretARN"], arn, "replica of {place}");
    assert_eq!(found["ReplicationRoleARN"], replica["role_arn"], "replica of {place}");
    let found = &described["CrossAccountPrimary"];
    assert_eq!(found["ReplicationStatus"], primary["status"], "primary of {place}");
    assert_eq!(found["PrimarySecretARN"], primary["arn"], "primary of {place}");
}

/// A short text is shown as it is, anything else by its hash and length.
fn check_value(found: &Value, expected: &Value) {
    let string = found["SecretString"].as_str();
    let binary = found["SecretBinary"].as_str().map(|text| STANDARD.decode(text).unwrap());
    let hash = |bytes: &[u8]| {
        let digest = Sha256::digest(bytes);
        (Some(hex(&digest)), Some(bytes.len()))
    };
    let length = expected["length"].as_u64().map(|length| usize::try_from(length).unwrap());
    let expects = |key: &str| (expected[key].as_str().map(str::to_owned), length);
    match (string, binary, expected["text"].as_str()) {
        (Some(found), None, Some(expected)) => assert_eq!(found, expected),
        (Some(found), None, None) => assert_eq!(hash(found.as_bytes()), expects("text_sha256")),
        (None, Some(found), None) => assert_eq!(hash(&found), expects("binary_sha256")),
        _ => panic!("{found} is not of the kind of {expected}"),
    }
}

/// A region's list has its secrets and no others.
fn check_lists(sandbox: &Sandbox, secrets: &Map<String, Value>) {
    let regions: BTreeSet<&str> =
        secrets.keys().map(|place| place.split(['/', ' ']).nth(1).unwrap()).collect();
    for region in regions {
        let list = format!("list-secrets --region {region} --query SecretList[].Name");
        let mut listed = array(&strongroom(sandbox, &list));
        listed.sort_by_key(|name| text(name).to_owned());
        let here = secrets.iter().filter(|(place, secret)| {
            place.split(['/', ' ']).nth(1) == Some(region) && secret["deleted"] != true
        });
        let mut expected: Vec<Value> =
            here.map(|(place, _)| Value::from(place.split_once(' ').unwrap().1)).collect();
        expected.sort_by_key(|name| text(name).to_owned());
        assert_eq!(listed, expected, "{region}");
    }
}

/// The access keys are those that were made, with the rights that they were made with.
fn check_access_keys(sandbox: &Sandbox, expected: &Value) {
    let listed = array(&strongroom(sandbox, "access-key list")["AccessKeyMetadata"]);
    let expected = expected.as_object().cloned().unwrap_or_default();
    assert_eq!(listed.len(), expected.len());
    for (id, key) in &expected {
        let found = listed.iter().find(|found| found["AccessKeyId"] == **id).unwrap();
        for (member, name) in [
            ("UserName", "user_name"),
            ("Path", "path"),
            ("Region", "region"),
            ("Operations", "operations"),
            ("Secrets", "secrets"),
            ("Policies", "policies"),
            ("Boundary", "boundary"),
            ("SessionPolicies", "session_policies"),
            ("PrincipalTags", "principal_tags"),
        ] {
            assert_eq!(found[member], key["rights"][name], "{member} of {id}");
        }
    }
}

fn strongroom(sandbox: &Sandbox, line: &str) -> Value {
    let outcome = sandbox.strongroom(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(outcome.code, 0, "{line}: {}", outcome.stderr_text());
    serde_json::from_slice(&outcome.stdout).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn array(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap()
}

fn golden(name: &str) -> PathBuf {
    repository().join("tests/format/v1").join(name)
}

fn json(name: &str) -> Map<String, Value> {
    serde_json::from_slice(&fs::read(golden(name)).unwrap()).unwrap()
}
