//! Requests at and beyond the service's own limits, and under clocks that cannot be right.

use serde_json::{Value as Json, json};

use super::rules::stages::MAX_VERSIONS;
use super::testing::ServiceFixture;
use crate::model::time::{DAY_MS, Timestamp};
use crate::vault::across::CrossReplica;
use crate::vault::progress::{Progress, Purpose};
use crate::vault::record::{Replica, ReplicaState, Replication, Version};
use crate::vault::rotation::{Command, Protocol, Rotation, Rules};

fn token(number: usize) -> String {
    format!("{number:064}")
}

/// A service with the secret `db`.
fn service() -> ServiceFixture {
    let mut service = ServiceFixture::new();
    let request = json!({"Name": "db", "ClientRequestToken": token(0), "SecretString": "one"});
    call(&mut service, "CreateSecret", &request).unwrap();
    service
}

fn call(
    service: &mut ServiceFixture,
    operation: &str,
    request: &Json,
) -> Result<Json, (String, String)> {
    let answer = service.call(operation, &request.to_string());
    answer.map(|answer| serde_json::from_str(&answer).unwrap_or(Json::Null))
}

/// Gives the secret so many versions in all.
fn grow(service: &mut ServiceFixture, count: usize) {
    let now = service.now();
    service.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, "db").unwrap().unwrap();
        for number in record.versions.len()..count {
            record.versions.push(Version::new(token(1_000 + number), None, now));
        }
        transaction.update(&mut record).unwrap();
    });
}

#[test]
fn a_secret_has_so_many_versions_within_a_day() {
    let mut service = service();
    grow(&mut service, MAX_VERSIONS - 1);
    let put = |number| json!({"SecretId": "db", "ClientRequestToken": token(number), "SecretString": "two"});
    call(&mut service, "PutSecretValue", &put(1)).unwrap();
    for operation in ["PutSecretValue", "UpdateSecret"] {
        let refused = call(&mut service, operation, &put(2)).unwrap_err();
        assert_eq!(refused.0, "LimitExceededException", "{operation}");
    }
    assert_eq!(service.record("db").unwrap().versions.len(), MAX_VERSIONS);
    service.require_sound();
    service.advance(DAY_MS);
    call(&mut service, "PutSecretValue", &put(2)).unwrap();
    assert_eq!(service.record("db").unwrap().versions.len(), 100);
}

/// 4,200 regions with long names of keys made a record that nobody could read.
#[test]
fn a_secret_has_so_many_replicas() {
    let mut service = service();
    let regions = |from: usize, to: usize| -> Vec<Json> {
        (from..to).map(|number| json!({"Region": format!("r-{number}")})).collect()
    };
    let replicate = |regions: Vec<Json>| json!({"SecretId": "db", "AddReplicaRegions": regions});
    for (from, to) in [(0, 51), (0, 4_200)] {
        let refused = call(&mut service, "ReplicateSecretToRegions", &replicate(regions(from, to)));
        assert_eq!(refused.unwrap_err().0, "InvalidParameterException");
        let create = json!({
            "Name": "new", "ClientRequestToken": token(1), "AddReplicaRegions": regions(from, to),
        });
        let refused = call(&mut service, "CreateSecret", &create);
        assert_eq!(refused.unwrap_err().0, "InvalidParameterException");
    }
    call(&mut service, "ReplicateSecretToRegions", &replicate(regions(0, 49))).unwrap();
    call(&mut service, "ReplicateSecretToRegions", &replicate(regions(49, 50))).unwrap();
    let refused = call(&mut service, "ReplicateSecretToRegions", &replicate(regions(50, 51)));
    assert_eq!(refused.unwrap_err().0, "InvalidParameterException");
    // An existing one does not count again.
    call(&mut service, "ReplicateSecretToRegions", &replicate(regions(7, 8))).unwrap();
    service.require_sound();
}

/// Whatever the service lets through fits into a record, with a large command beside it.
#[test]
fn a_secret_at_every_limit_of_the_service_can_be_stored() {
    let mut service = service();
    let wide = |length: usize| "\u{10348}".repeat(length);
    grow(&mut service, MAX_VERSIONS);
    service.meddle(|transaction| {
        let namespace = transaction.namespace("local-1");
        let mut record = transaction.find(&namespace, "db").unwrap().unwrap();
        record.description = Some(wide(2_048));
        record.kms_key_id = Some(wide(2_048));
        record.policy = Some(wide(20_480));
        record.secret_type = Some(wide(256));
        record.tags = Some(vec![(wide(128), wide(256)); 50]);
        for version in &mut record.versions {
            version.kms_key_id = Some(wide(2_048));
        }
        for label in 0..20 {
            record.versions[label].stages.push(wide(256));
        }
        let mut command = Command::new(vec!["x".repeat(1 << 20)], Protocol::Lambda);
        command.env = vec![("NAME".into(), "x".repeat(1 << 20))];
        record.rotation = Some(Rotation {
            enabled: true,
            function: wide(2_048),
            command,
            rules: None,
            external: vec![(wide(256), wide(2_048)); 50],
            configured: Timestamp(1),
            current: None,
            unknown: Rules::default().unknown,
        });
        record.progress = Some(Progress::new(token(7), Purpose::Rotate, Timestamp(1)));
        let replica = |number| Replica {
            state: ReplicaState::NameTaken,
            ..Replica::new(format!("{}-{number}", "r".repeat(120)), Some(wide(2_048)))
        };
        record.replication = Replication::Primary((0..50).map(replica).collect());
        let mut across = CrossReplica::new(wide(2_048), 1 << 61);
        across.role_arn = Some(wide(2_048));
        across.held = vec![1 << 61; 64];
        record.cross_replica = Some(across);
        transaction.update(&mut record).unwrap();
    });
    assert!(service.record("db").is_some());
}

/// A delete under a clock that is behind had no window: it was gone as soon as the clock was right.
#[test]
fn a_delete_under_a_clock_that_is_behind_has_its_whole_window() {
    for back in [40 * DAY_MS, ServiceFixture::new().now().0] {
        let mut service = service();
        let start = service.now();
        service.advance(-back);
        let answer = call(
            &mut service,
            "DeleteSecret",
            &json!({"SecretId": "db", "RecoveryWindowInDays": 7}),
        );
        assert_eq!(answer.unwrap()["DeletionDate"], start.plus_days(7).0);
        service.advance(back + 6 * DAY_MS);
        call(&mut service, "RestoreSecret", &json!({"SecretId": "db"})).unwrap();
        call(&mut service, "GetSecretValue", &json!({"SecretId": "db"})).unwrap();
        service.require_sound();
    }
}

/// A window that began under a clock that was ahead counted from the last change, and was over as
/// soon as the clock was set right.
#[test]
fn no_window_begins_under_a_clock_that_is_ahead() {
    let mut service = service();
    let delete = json!({"SecretId": "db", "RecoveryWindowInDays": 7});
    service.advance(30_000 * DAY_MS);
    let (_, refused) = call(&mut service, "DeleteSecret", &delete).unwrap_err();
    assert!(refused.contains("no recovery window begins"), "{refused}");
    service.advance(-29_700 * DAY_MS);
    call(&mut service, "GetSecretValue", &json!({"SecretId": "db"})).unwrap();
    let answer = call(&mut service, "DeleteSecret", &delete).unwrap();
    assert_eq!(answer["DeletionDate"], service.now().plus_days(7).0);
    service.require_sound();
}

/// A forced delete under a clock 500 days ahead answered with a date, and erased nothing.
#[test]
fn a_forced_delete_under_a_clock_that_is_ahead_erases() {
    for days in [500, 30_000] {
        for is_scheduled in [false, true] {
            let mut service = service();
            let start = service.now();
            if is_scheduled {
                call(&mut service, "DeleteSecret", &json!({"SecretId": "db"})).unwrap();
            }
            service.advance(days * DAY_MS);
            let answer = call(
                &mut service,
                "DeleteSecret",
                &json!({"SecretId": "db", "ForceDeleteWithoutRecovery": true}),
            );
            assert_eq!(answer.unwrap()["DeletionDate"], start.0);
            let left = service.look(|transaction| transaction.state().secrets);
            assert_eq!(left, 0, "{days} days, scheduled: {is_scheduled}");
            service.require_sound();
        }
    }
}

/// Nothing that is written under such a clock has its date.
#[test]
fn a_clock_that_is_not_believed_dates_nothing() {
    let mut service = service();
    let start = service.now();
    for days in [500, -1_000] {
        service.advance(days * DAY_MS);
        let name = format!("new{days}");
        let create = json!({"Name": name, "ClientRequestToken": token(1), "SecretString": "x"});
        call(&mut service, "CreateSecret", &create).unwrap();
        call(&mut service, "GetSecretValue", &json!({"SecretId": name})).unwrap();
        let put = json!({"SecretId": name, "ClientRequestToken": token(2), "SecretString": "y"});
        call(&mut service, "PutSecretValue", &put).unwrap();
        let shown = call(&mut service, "DescribeSecret", &json!({"SecretId": name})).unwrap();
        assert_eq!(shown["CreatedDate"], start.0);
        assert_eq!(shown["LastChangedDate"], start.0);
        assert_eq!(shown["LastAccessedDate"], start.midnight().0);
        assert!(service.record(&name).unwrap().versions.iter().all(|v| v.created == start));
        assert!(service.events().iter().all(|event| event.time == start));
    }
}
