//! Two vaults, a primary in one and its replica in the other; a delivery that is cut short anywhere.

use serde_json::{Value as Json, json};

use super::course::{self, Delivered, Far, Side};
use super::link::{Identity, told};
use super::task::Task;
use crate::crypto::header::VaultId;
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::failure::Failure;
use crate::service::testing::ServiceFixture;
use crate::vault::across::Trouble;
use crate::vault::peers::{Peer, Seen};
use crate::vault::record::{Record, ValueKind};
use crate::vault::state::Settings;

mod apart;
mod cut;
mod hostile;
mod vanish;

const FAR: &str = "222222222222";
const KEY: &str = "alias/other";

/// Two vaults that know each other.
struct Pair {
    near: ServiceFixture,
    far: ServiceFixture,
}

/// Where a delivery is cut short: before or after this many tasks in all.
#[derive(Clone, Copy, Debug)]
struct Cut {
    tasks: usize,
    is_done: bool,
}

const NEVER: Cut = Cut { tasks: usize::MAX, is_done: true };

struct One<'a> {
    service: &'a mut ServiceFixture,
    asked: &'a std::cell::Cell<usize>,
    cut: Cut,
}

impl One<'_> {
    /// Does a task as another process does it: by what was said.
    fn run(&mut self, task: Task) -> Result<Value, Option<Failure>> {
        let count = self.asked.get() + 1;
        self.asked.set(count);
        if count > self.cut.tasks || count == self.cut.tasks && !self.cut.is_done {
            return Err(None);
        }
        let read = Task::from_value(task.into_value());
        let answer = self.service.with(|vault, context| read.map(|task| task.run(vault, context)));
        let answer = answer.ok_or(None)?.map_err(Some)?;
        if count == self.cut.tasks {
            return Err(None);
        }
        Ok(answer)
    }
}

impl Side for One<'_> {
    type Error = Option<Failure>;

    fn ask(&mut self, task: Task) -> Result<Value, Self::Error> {
        self.run(task)
    }
}

impl Far for One<'_> {
    fn ask(&mut self, task: Task) -> Result<Value, Trouble> {
        self.run(task).map_err(|_failure| Trouble::Failed)
    }

    fn seen(&mut self) -> Option<Seen> {
        let identity = Far::ask(self, Task::Identify).ok()?;
        Identity::from_value(identity).ok()?.seen()
    }
}

impl Pair {
    fn new() -> Self {
        let (near, mut far) = (ServiceFixture::new(), ServiceFixture::new());
        far.meddle(|transaction| transaction.set(Settings::ACCOUNT, FAR));
        let mut pair = Self { near, far };
        let peer =
            Peer::new("stick".to_owned(), FAR.to_owned(), b"/far".to_vec(), VaultId([0; 16]));
        pair.near.meddle(|transaction| transaction.put_peer(peer).unwrap());
        pair
    }

    /// A pair with a primary and a replica that waits for it.
    fn waiting() -> Self {
        let mut pair = Self::new();
        pair.call("CreateSecret", &json!({"Name": "app/db", "SecretString": "one"})).unwrap();
        let primary = pair.arn();
        pair.call_far(
            "CreateSecret",
            &json!({"Name": "copy", "CrossAccountPrimaryARN": primary, "KmsKeyId": KEY}),
        )
        .unwrap();
        pair
    }

    /// A pair with a replica that follows.
    fn associated() -> Self {
        let mut pair = Self::waiting();
        pair.associate().unwrap();
        assert_eq!(pair.deliver(), Some(Delivered::Done));
        pair
    }

    fn call(&mut self, operation: &str, request: &Json) -> Result<Json, String> {
        call(&mut self.near, operation, request)
    }

    fn call_far(&mut self, operation: &str, request: &Json) -> Result<Json, String> {
        call(&mut self.far, operation, request)
    }

    fn arn(&mut self) -> String {
        arn(&self.call("DescribeSecret", &json!({"SecretId": "app/db"})).unwrap())
    }

    fn replica_arn(&mut self) -> String {
        arn(&self.call_far("DescribeSecret", &json!({"SecretId": "copy"})).unwrap())
    }

    fn associate(&mut self) -> Result<Json, String> {
        let replica = self.replica_arn();
        self.call(
            "AssociateCrossAccountReplica",
            &json!({"SecretId": "app/db", "CrossAccountReplicaARN": replica}),
        )
    }

    fn disassociate(&mut self) -> Result<Json, String> {
        let replica = self.replica_arn();
        self.call(
            "DisassociateCrossAccountReplica",
            &json!({"SecretId": "app/db", "CrossAccountReplicaARN": replica}),
        )
    }

    fn put(&mut self, value: &str) {
        self.call("PutSecretValue", &json!({"SecretId": "app/db", "SecretString": value})).unwrap();
    }

    fn deliver(&mut self) -> Option<Delivered> {
        self.deliver_until(NEVER)
    }

    /// Delivers until it is cut short, where it answers `None`.
    fn deliver_until(&mut self, cut: Cut) -> Option<Delivered> {
        let arn = self.arn();
        let asked = std::cell::Cell::new(0);
        let near = &mut One { service: &mut self.near, asked: &asked, cut };
        let far = &mut One { service: &mut self.far, asked: &asked, cut };
        let delivered = course::deliver(near, far, &arn);
        delivered.ok().map(|(delivered, _left)| delivered)
    }

    fn status(&mut self) -> String {
        let described = self.call("DescribeSecret", &json!({"SecretId": "app/db"})).unwrap();
        text(&described["CrossAccountReplicas"][0]["ReplicationStatus"])
    }

    fn status_far(&mut self) -> String {
        let described = self.call_far("DescribeSecret", &json!({"SecretId": "copy"})).unwrap();
        text(&described["CrossAccountPrimary"]["ReplicationStatus"])
    }

    fn left(&mut self) -> u64 {
        self.near.look(|transaction| transaction.state().peer(FAR).unwrap().waiting)
    }

    /// Requires that the replica is what the primary is.
    #[track_caller]
    fn require_equal(&mut self) {
        let (near, far) = (content(&mut self.near, "app/db"), content(&mut self.far, "copy"));
        assert_eq!(near, far);
    }

    fn require_sound(&mut self) {
        self.near.require_sound();
        self.far.require_sound();
    }
}

fn call(service: &mut ServiceFixture, operation: &str, request: &Json) -> Result<Json, String> {
    let mut request = request.clone();
    if ["CreateSecret", "PutSecretValue"].contains(&operation) {
        let token = format!("{:0>32}", service.events().len());
        request["ClientRequestToken"] = token.into();
    }
    service.advance(1);
    let answer = service.call(operation, &request.to_string());
    answer
        .map(|text| serde_json::from_str(&text).unwrap())
        .map_err(|(code, message)| format!("{code}: {message}"))
}

fn arn(described: &Json) -> String {
    text(&described["ARN"])
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

type Content =
    (Option<String>, Option<Vec<(String, String)>>, Vec<(String, Vec<String>, Option<Vec<u8>>)>);

/// Returns what a replica has of its primary.
fn content(service: &mut ServiceFixture, name: &str) -> Content {
    service.look(|transaction| {
        let namespace = transaction.namespace("local-1");
        let record: Record = transaction.find(&namespace, name).unwrap().unwrap();
        let value = |version| {
            let value = transaction.value(&record, version).unwrap()?;
            Some(value.expose_bytes().to_vec())
        };
        let versions = record.versions.iter();
        let versions =
            versions.map(|version| (version.id.clone(), version.stages.clone(), value(version)));
        (record.description.clone(), record.tags.clone(), versions.collect())
    })
}

#[test]
fn a_replica_becomes_a_copy_and_stays_one() {
    let mut pair = Pair::waiting();
    assert_eq!(pair.status_far(), "Pending");
    let answer = pair.associate().unwrap();
    assert_eq!(answer["ReplicationStatus"], "InProgress");
    assert_eq!((pair.status().as_str(), pair.left()), ("InProgress", 1));
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    assert_eq!((pair.status().as_str(), pair.left()), ("InSync", 0));
    assert_eq!(pair.status_far(), "InSync");
    pair.require_equal();
    pair.put("two");
    let tags = json!({"SecretId": "app/db", "Tags": [{"Key": "env", "Value": "prod"}]});
    pair.call("TagResource", &tags).unwrap();
    let described = json!({"SecretId": "app/db", "Description": "the database"});
    pair.call("UpdateSecret", &described).unwrap_err();
    assert_eq!((pair.status().as_str(), pair.left()), ("InProgress", 1));
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
    // Its key is its own.
    assert_eq!(pair.far.record("copy").unwrap().kms_key_id.as_deref(), Some(KEY));
    assert_eq!(pair.near.record("app/db").unwrap().kms_key_id, None);
}

#[test]
fn a_replica_refuses_to_be_changed() {
    let mut pair = Pair::associated();
    for (operation, request) in [
        ("PutSecretValue", json!({"SecretId": "copy", "SecretString": "x"})),
        ("TagResource", json!({"SecretId": "copy", "Tags": [{"Key": "a", "Value": "b"}]})),
        ("DeleteSecret", json!({"SecretId": "copy"})),
        ("DeleteSecret", json!({"SecretId": "copy", "ForceDeleteWithoutRecovery": true})),
        (
            "ReplicateSecretToRegions",
            json!({"SecretId": "copy", "AddReplicaRegions": [{"Region": "eu-west-1"}]}),
        ),
    ] {
        let refused = pair.call_far(operation, &request).unwrap_err();
        let expected = "InvalidParameterException: Operation not permitted on a replica secret.";
        assert!(refused.starts_with(expected), "{operation}: {refused}");
    }
    // And so does a replica to be the primary of another.
    let arn = pair.arn().replace("000000000000", "333333333333");
    let request = json!({"SecretId": "copy", "CrossAccountReplicaARN": arn});
    let refused = pair.call_far("AssociateCrossAccountReplica", &request).unwrap_err();
    assert!(refused.contains("not permitted on a replica"), "{refused}");
    // The primary cannot go while it is followed.
    let refused = pair.call("DeleteSecret", &json!({"SecretId": "app/db"})).unwrap_err();
    assert!(refused.contains("still has a cross-account replica"), "{refused}");
}

#[test]
fn a_primary_has_one_replica() {
    let mut pair = Pair::associated();
    let other = pair.replica_arn().replace(FAR, "333333333333");
    let request = json!({"SecretId": "app/db", "CrossAccountReplicaARN": other});
    let refused = pair.call("AssociateCrossAccountReplica", &request).unwrap_err();
    assert!(refused.starts_with("LimitExceededException"), "{refused}");
    assert_eq!(pair.status(), "InSync");
}

#[test]
fn a_replica_is_let_go() {
    let mut pair = Pair::associated();
    pair.disassociate().unwrap();
    // From here on nothing is said of it, though it has not been told yet.
    assert_eq!((pair.status().as_str(), pair.left()), ("", 1));
    assert_eq!(pair.status_far(), "InSync");
    pair.disassociate().unwrap_err();
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    assert_eq!((pair.status_far().as_str(), pair.left()), ("Detached", 0));
    assert!(pair.near.record("app/db").unwrap().cross_replica.is_none());
    pair.disassociate().unwrap_err();
    pair.put("two");
    assert_eq!(pair.deliver(), Some(Delivered::Nothing));
    // It goes on being a replica until it is made a secret of its own, or follows again.
    pair.call_far("TagResource", &json!({"SecretId": "copy", "Tags": []})).unwrap_err();
    pair.associate().unwrap();
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
    pair.call_far("StopReplicationToReplica", &json!({"SecretId": "copy"})).unwrap();
    assert_eq!(pair.status(), "InSync");
    pair.put("three");
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    assert_eq!((pair.status().as_str(), pair.left()), ("Detached", 0));
    // Each account ends it on its own side before the secret can go.
    pair.call("DeleteSecret", &json!({"SecretId": "app/db"})).unwrap_err();
    pair.disassociate().unwrap();
    assert_eq!((pair.status().as_str(), pair.left()), ("", 0));
    pair.call("DeleteSecret", &json!({"SecretId": "app/db"})).unwrap();
    pair.call_far("DeleteSecret", &json!({"SecretId": "copy"})).unwrap();
}

/// A primary may go before its replica has been told that it was let go.
#[test]
fn nothing_waits_for_a_primary_that_is_gone() {
    for request in [json!({}), json!({"ForceDeleteWithoutRecovery": true})] {
        let mut pair = Pair::associated();
        pair.disassociate().unwrap();
        let mut request = request;
        request["SecretId"] = "app/db".into();
        pair.call("DeleteSecret", &request).unwrap();
        assert_eq!(pair.left(), 0);
        pair.require_sound();
    }
}

/// What was told of a replica that was let go is not taken for what was told since.
#[test]
fn a_late_word_does_not_let_a_replica_go_that_was_associated_again() {
    let mut pair = Pair::associated();
    pair.disassociate().unwrap();
    let (primary_arn, replica_arn) = (pair.arn(), pair.replica_arn());
    pair.associate().unwrap();
    let late = |is_attached| super::link::Outcome {
        primary_arn: primary_arn.clone(),
        replica_arn: replica_arn.clone(),
        is_attached,
        edition: None,
        is_free: true,
        trouble: None,
        generation: None,
        commit: None,
    };
    let settle = |pair: &mut Pair, outcome| {
        let task = Task::Settle(outcome);
        pair.near.with(|vault, context| task.run(vault, context)).unwrap();
    };
    settle(&mut pair, late(false));
    assert_eq!((pair.status().as_str(), pair.left()), ("InProgress", 1));
    pair.disassociate().unwrap();
    settle(&mut pair, late(true));
    assert_eq!(pair.left(), 1);
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    assert_eq!((pair.status_far().as_str(), pair.left()), ("Detached", 0));
}

/// A replica's vault may be away for as long as it likes.
#[test]
fn a_replica_that_was_away_for_many_changes_is_still_known() {
    let mut pair = Pair::associated();
    for number in 0..100 {
        pair.put(&format!("value {number}"));
        pair.near.advance(3_600_000);
    }
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
}

/// A replica in a region takes no name from a secret that is linked to another account's.
#[test]
fn what_is_linked_is_not_overwritten() {
    let mut pair = Pair::associated();
    for (service, name) in [(&mut pair.near, "app/db"), (&mut pair.far, "copy")] {
        let namesake = json!({
            "Name": name, "AddReplicaRegions": [{"Region": "local-1"}],
            "ForceOverwriteReplicaSecret": true, "ClientRequestToken": "7".repeat(32),
        });
        let before = service.record(name).unwrap();
        let made = service.call_in(Some("eu-west-1"), "CreateSecret", &namesake.to_string());
        let made: Json = serde_json::from_str(&made.unwrap()).unwrap();
        let described = json!({"SecretId": made["ARN"]}).to_string();
        let described = service.call_in(Some("eu-west-1"), "DescribeSecret", &described).unwrap();
        assert!(described.contains("already exists in region local-1"), "{described}");
        assert!(service.record(name).unwrap() == before);
    }
    pair.require_sound();
}

#[test]
fn many_values_come_in_parts() {
    let mut pair = Pair::waiting();
    for number in 0..9 {
        pair.put(&format!("{number}").repeat(400));
    }
    pair.associate().unwrap();
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
    // And so do all of them again, where nothing is known of what the replica has.
    pair.associate().unwrap();
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
}

#[test]
fn a_version_without_a_value_follows() {
    let mut pair = Pair::associated();
    let version = "9".repeat(32);
    pair.near.begin_rotation("app/db", &version);
    pair.put("two");
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    pair.require_equal();
    let record = pair.far.record("copy").unwrap();
    assert!(record.version(&version).is_some_and(|version| version.value.is_none()));
    assert!(record.versions.iter().any(|v| v.value.is_some_and(|v| v.kind == ValueKind::Text)));
}

#[test]
fn what_is_told_is_read_again() {
    let seen = Seen { generation: 9, commit_id: [7; 16] };
    let (generation, commit) = told(seen);
    assert_eq!(super::link::seen(generation, &commit), Some(seen));
    for task in ["nothing", "look"] {
        let value = Value::List(vec![Value::Text(task.to_owned()), Value::Null]);
        assert!(Task::from_value(value).is_none());
    }
}
