//! Deliveries that are cut short anywhere, in any order with everything else.

use proptest::prelude::*;

use super::*;

#[test]
fn a_delivery_that_is_cut_short_anywhere_is_told_truly_and_made_up_for() {
    for is_done in [false, true] {
        for tasks in 1..12 {
            for is_association in [true, false] {
                let mut pair = if is_association { Pair::waiting() } else { Pair::associated() };
                if is_association {
                    pair.associate().unwrap();
                } else {
                    pair.put("two");
                }
                let cut = Cut { tasks, is_done };
                let delivered = pair.deliver_until(cut);
                if pair.status() == "InSync" {
                    pair.require_equal();
                    assert_eq!(pair.left(), 0);
                } else {
                    assert_eq!((pair.status().as_str(), pair.left()), ("InProgress", 1), "{cut:?}");
                }
                // The primary goes on before anybody makes up for it.
                pair.put("three");
                assert_eq!(pair.deliver(), Some(Delivered::Done), "{cut:?} {delivered:?}");
                assert_eq!((pair.status().as_str(), pair.left()), ("InSync", 0));
                pair.require_equal();
            }
        }
    }
}

/// What happens to a pair.
#[derive(Clone, Copy, Debug)]
enum Step {
    Put,
    Tag,
    Move,
    Associate,
    Disassociate,
    Promote,
    Deliver,
    Cut { tasks: usize, is_done: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Put),
        1 => Just(Step::Tag),
        1 => Just(Step::Move),
        2 => Just(Step::Associate),
        1 => Just(Step::Disassociate),
        1 => Just(Step::Promote),
        4 => Just(Step::Deliver),
        4 => (1_usize..9, any::<bool>()).prop_map(|(tasks, is_done)| Step::Cut { tasks, is_done }),
    ];
    prop::collection::vec(step, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// After any interleaving of changes, absences and deliveries the replica equals the primary, or
    /// its status says that it does not.
    #[test]
    fn a_replica_equals_its_primary_or_says_why_not(steps in steps()) {
        let mut pair = Pair::waiting();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Put => pair.put(&format!("value {number}")),
                Step::Tag => {
                    let tags = json!([{"Key": format!("k{number}"), "Value": "v"}]);
                    drop(pair.call("TagResource", &json!({"SecretId": "app/db", "Tags": tags})));
                }
                Step::Move => {
                    let record = pair.near.record("app/db").unwrap();
                    let (from, to) = (record.staged("AWSCURRENT").unwrap(), &record.versions[0]);
                    let request = json!({
                        "SecretId": "app/db", "VersionStage": "AWSCURRENT",
                        "MoveToVersionId": to.id, "RemoveFromVersionId": from.id,
                    });
                    drop(pair.call("UpdateSecretVersionStage", &request));
                }
                Step::Associate => drop(pair.associate()),
                Step::Disassociate => drop(pair.disassociate()),
                Step::Promote => {
                    drop(pair.call_far("StopReplicationToReplica", &json!({"SecretId": "copy"})));
                }
                Step::Deliver => {
                    prop_assert!(pair.deliver().is_some());
                }
                Step::Cut { tasks, is_done } => drop(pair.deliver_until(Cut { tasks, is_done })),
            }
            let is_replica = pair.far.record("copy").unwrap().cross_primary.is_some();
            if pair.status() == "InSync" && is_replica {
                pair.require_equal();
            }
            let waits = pair.near.record("app/db").unwrap();
            let waits = waits.cross_replica.is_some_and(|replica| replica.waits());
            prop_assert_eq!(pair.left(), u64::from(waits));
        }
        // Whatever happened: one delivery ends it.
        prop_assert!(pair.deliver().is_some());
        let status = pair.status();
        prop_assert!(["", "InSync", "Detached"].contains(&status.as_str()), "{}", status);
        if status == "InSync" {
            pair.require_equal();
        }
        prop_assert_eq!(pair.left(), 0);
        pair.require_sound();
    }
}
