use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn version(id: &str, stages: Vec<String>, created: Timestamp) -> Version {
    Version { stages, ..Version::new(id.to_owned(), None, created) }
}

/// Reads `v1[previous] v2[current one]`; `current`, `previous` and `pending` are AWS's labels.
fn read(state: &str) -> Vec<Version> {
    let parse = |text: &str| {
        let (id, labels) = text.split_once('[').unwrap();
        let stages = labels.split_whitespace().map(spelled).collect();
        version(id.trim(), stages, Timestamp(0))
    };
    state.split(']').filter(|text| !text.trim().is_empty()).map(parse).collect()
}

fn spelled(label: &str) -> String {
    match label {
        "current" | "previous" | "pending" => format!("AWS{}", label.to_uppercase()),
        custom => custom.to_owned(),
    }
}

fn sorted(mut versions: Vec<Version>) -> Vec<Version> {
    for version in &mut versions {
        version.stages.sort();
    }
    versions
}

/// Runs one step: `put v2 LABEL…`, `move LABEL from to` with `-` for what is not given.
fn run(versions: &mut Vec<Version>, step: &str) -> Result<(), Fault> {
    let words: Vec<&str> = step.split_whitespace().collect();
    let given = |word: &'static str| (word != "-").then_some(word);
    match words[..] {
        ["put", id, ref labels @ ..] => {
            if versions.iter().all(|version| version.id != id) {
                let created = Timestamp(0);
                versions.push(version(id, Vec::new(), created));
            }
            let asked: Vec<String> = labels.iter().map(|label| spelled(label)).collect();
            put(versions, id, (!asked.is_empty()).then_some(&asked[..]))
        }
        ["move", label, from, to] => {
            // The ids of the table are short enough to leak.
            let leak = |word: &str| -> &'static str { String::from(word).leak() };
            let (remove_from, move_to) = (given(leak(from)), given(leak(to)));
            move_label(versions, &Change { label: &spelled(label), remove_from, move_to })
        }
        _ => panic!("{step}"),
    }
}

fn check(rules: &[(&str, &str, &str, &str)]) {
    for (rule, before, steps, after) in rules {
        let mut versions = read(before);
        for step in steps.split(';') {
            run(&mut versions, step).unwrap();
        }
        assert_eq!(sorted(versions), sorted(read(after)), "{rule}: {before} {steps}");
    }
}

#[test]
fn a_write_labels_as_aws_does() {
    check(&[
        // R1: the first version.
        ("R1", "", "put v1", "v1[current]"),
        ("R1", "", "put v1 pending", "v1[current pending]"),
        ("R1", "", "put v1 one", "v1[current one]"),
        // A rotation's empty version is filled, not promoted.
        ("R1", "v1[pending]", "put v1 pending", "v1[pending]"),
        ("R1", "v1[pending]", "put v2 one", "v1[pending] v2[current one]"),
        // R2: a plain write.
        ("R2", "v1[current]", "put v2", "v1[previous] v2[current]"),
        ("R2", "v1[previous] v2[current]", "put v3", "v1[] v2[previous] v3[current]"),
        ("R2", "v1[current] v2[pending]", "put v2", "v1[previous] v2[current pending]"),
        // R3: explicit labels.
        ("R3", "v1[current]", "put v2 pending", "v1[current] v2[pending]"),
        ("R3", "v1[current]", "put v2 one two", "v1[current] v2[one two]"),
        ("R3", "v1[current]", "put v2 one one", "v1[current] v2[one]"),
        ("R3", "v1[current]", "put v2 current one", "v1[previous] v2[current one]"),
        ("R3", "v1[current]", "put v2 current previous", "v1[previous] v2[current]"),
        ("R3", "v1[current]", "put v2 previous", "v1[current] v2[previous]"),
        ("R3", "v1[previous] v2[current]", "put v3 one", "v1[previous] v2[current] v3[one]"),
    ]);
}

#[test]
fn labels_move_as_in_aws() {
    check(&[
        // R4: custom labels stay.
        (
            "R4",
            "v1[previous PUT0] v2[current AWSSOMETHING PUT1] v3[]",
            "move current v2 v3",
            "v1[PUT0] v2[previous AWSSOMETHING PUT1] v3[current]",
        ),
        ("R4", "v1[current one]", "put v2", "v1[previous one] v2[current]"),
        // R5: AWSPENDING does not survive demotion.
        ("R5", "v1[previous] v2[current pending]", "put v3", "v1[] v2[previous] v3[current]"),
        ("R5", "v1[current pending]", "put v2 current pending", "v1[previous] v2[current pending]"),
        // R6: a version whose labels all moved is left without.
        (
            "R6",
            "v1[current] v2[one two three]",
            "put v3 one two three four",
            "v1[current] v2[] v3[one two three four]",
        ),
        (
            "R6",
            "v1[current] v2[one two three]",
            "put v3 one two",
            "v1[current] v2[three] v3[one two]",
        ),
        // R7: moving AWSCURRENT.
        ("R7", "v1[previous] v2[current]", "move current v2 v1", "v1[current] v2[previous]"),
        ("R7", "v1[current] v2[pending]", "move current v1 v2", "v1[previous] v2[current pending]"),
        // R8: any other label leaves AWSPREVIOUS alone.
        ("R8", "v1[previous] v2[current one]", "move one v2 v1", "v1[previous one] v2[current]"),
        ("R8", "v1[previous] v2[current one]", "move one v2 -", "v1[previous] v2[current]"),
        // The worked example.
        (
            "all",
            "",
            "put v1; put v2 pending; move current v1 v2; put v3 pending; move current v2 v3",
            "v1[] v2[previous] v3[current pending]",
        ),
    ]);
}

#[test]
fn labels_stand_in_the_order_they_came() {
    let mut versions = read("v1[current]");
    run(&mut versions, "put v2 zebra apple").unwrap();
    run(&mut versions, "move current v1 v2").unwrap();
    assert_eq!(versions[1].stages, ["zebra", "apple", "AWSCURRENT"]);
}

#[test]
fn one_label_is_moved_as_the_table_says() {
    let not_empty = "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT \
         is currently attached to version v1, so you must explicitly reference that version in \
         RemoveFromVersionId.";
    let wrong = "When you move staging label one, if you specify RemoveFromVersionId, it must \
         be set to the version that currently has the staging label one.";
    let stays = "You can only move staging label AWSCURRENT to a different secret version. It \
         can’t be completely removed.";
    let unknown = "Secrets Manager can't find the specified secret value for VersionId: v9";
    let neither = "You must specify MoveToVersionId, RemoveFromVersionId or both to change a \
         staging label.";
    for (step, expected) in [
        // No version has the label.
        ("move two - v3", Ok("v1[current] v2[one] v3[two]")),
        ("move two v2 v3", Err("Version stage two not found in version v2")),
        ("move two v2 -", Err("Version stage two not found in version v2")),
        // Somebody else has it.
        ("move current - v2", Err(not_empty)),
        ("move one v2 v3", Ok("v1[current] v2[] v3[one]")),
        ("move current v1 v2", Ok("v1[previous] v2[current one] v3[]")),
        ("move one v1 v3", Err(wrong)),
        // The target has it.
        ("move one - v2", Ok("v1[current] v2[one] v3[]")),
        ("move one v2 v2", Ok("v1[current] v2[one] v3[]")),
        ("move one v1 v2", Err(wrong)),
        ("move current - v1", Ok("v1[current] v2[one] v3[]")),
        // It is taken off.
        ("move one v2 -", Ok("v1[current] v2[] v3[]")),
        ("move one v1 -", Err("Version stage one not found in version v1")),
        ("move current v1 -", Err(stays)),
        ("move current v2 -", Err("Version stage AWSCURRENT not found in version v2")),
        // Nothing is said, or nothing known.
        ("move one - -", Err(neither)),
        ("move two - -", Err(neither)),
        ("move one v2 v9", Err(unknown)),
        ("move one v9 v2", Err(unknown)),
        ("move two - v9", Err(unknown)),
        ("move one v9 -", Err(unknown)),
    ] {
        let mut versions = read("v1[current] v2[one] v3[]");
        match (run(&mut versions, step), expected) {
            (Ok(()), Ok(after)) => assert_eq!(sorted(versions), sorted(read(after)), "{step}"),
            (Err(fault), Err(message)) => {
                assert_eq!(fault.message, message, "{step}");
                let code = if message == unknown {
                    Code::ResourceNotFound
                } else {
                    Code::InvalidParameter
                };
                assert_eq!(fault.code, code, "{step}");
                assert_eq!(versions, read("v1[current] v2[one] v3[]"), "{step}");
            }
            (outcome, _) => panic!("{step}: {outcome:?}"),
        }
    }
}

#[test]
fn a_current_label_that_nobody_has_needs_no_holder() {
    let mut versions = read("v1[pending]");
    run(&mut versions, "move current - v1").unwrap();
    assert_eq!(versions, read("v1[pending current]"));
}

#[test]
fn a_secret_has_at_most_twenty_labels() {
    let eighteen: Vec<String> = (1..=18).map(|n| format!("l{n}")).collect();
    let state = format!("v1[current] v2[{}]", eighteen.join(" "));
    let nineteen = read(&state);
    // The twentieth goes on, the twenty-first does not, whichever way it comes.
    for step in ["put v3 a", "move a - v1"] {
        assert_eq!(run(&mut nineteen.clone(), step), Ok(()), "{step}");
    }
    let mut twenty = nineteen.clone();
    attach(&mut twenty, "v1", "a");
    twenty.push(read("v3[]").remove(0));
    for (step, fits) in [
        ("put v3 b", false),
        ("move b - v1", false),
        // AWSPREVIOUS would be the twenty-first.
        ("put v3", false),
        // A label that only moves does not count again.
        ("put v3 a", true),
        ("move a v1 v3", true),
        ("move a v1 -", true),
    ] {
        let mut versions = twenty.clone();
        let outcome = run(&mut versions, step);
        assert_eq!(outcome.is_ok(), fits, "{step}");
        if let Err(fault) = outcome {
            assert_eq!(fault.code, Code::LimitExceeded);
            assert_eq!(versions, twenty, "{step} changed something");
        }
    }
}

#[test]
fn old_versions_without_labels_are_dropped_above_a_hundred() {
    let now = Timestamp(100 * DAY_MS);
    let at = |id: usize, created: i64| version(&format!("v{id}"), Vec::new(), Timestamp(created));
    // v0 is the youngest: each is a minute older than the one before it.
    let aged = |count: usize, youngest: i64| -> Vec<Version> {
        (0..count).map(|n| at(n, youngest - 60_000 * i64::try_from(n).unwrap())).collect()
    };
    assert_eq!(droppable(&aged(100, 0), now), Vec::<usize>::new());
    assert_eq!(droppable(&aged(103, 0), now), [100, 101, 102]);
    // A label keeps the oldest.
    let mut labelled = aged(103, 0);
    labelled[102].stages.push("keep".to_owned());
    assert_eq!(droppable(&labelled, now), [99, 100, 101]);
    // A day must have passed: of these the two oldest are just old enough.
    let day_ago = now.0 - DAY_MS;
    assert_eq!(droppable(&aged(103, day_ago + 60_000 * 101), now), [101, 102]);
    assert_eq!(droppable(&aged(103, now.0), now), Vec::<usize>::new());
    // A clock that was set back drops nothing.
    assert_eq!(droppable(&aged(103, 0), Timestamp(i64::MIN)), Vec::<usize>::new());
}

proptest! {
    /// Whatever happens, no label is on two versions, and AWSCURRENT once given stays.
    #[test]
    fn a_label_is_on_one_version(
        steps in prop::collection::vec((0..2_u8, 1..5_usize, 0..5_usize, 0..5_usize), 0..40),
    ) {
        const LABELS: [&str; 5] = ["current", "previous", "pending", "one", "two"];
        let mut versions = Vec::new();
        for (kind, id, first, second) in steps {
            let step = if kind == 0 {
                format!("put v{id} {}", if first == 0 { "" } else { LABELS[second] })
            } else {
                let to = if second == 0 { "-".to_owned() } else { format!("v{second}") };
                let label = LABELS[first];
                let from = holder(&versions, &spelled(label)).map_or("-", |v| v.id.as_str());
                format!("move {label} {from} {to}")
            };
            let had_current = holder(&versions, CURRENT).is_some();
            let _refused: Result<(), Fault> = run(&mut versions, &step);
            let mut places = BTreeMap::new();
            for stage in versions.iter().flat_map(|version| &version.stages) {
                *places.entry(stage.clone()).or_insert(0) += 1;
            }
            prop_assert!(places.values().all(|&count| count == 1), "{}: {:?}", step, versions);
            prop_assert!(!had_current || holder(&versions, CURRENT).is_some(), "{}", step);
        }
    }
}
