//! Which version carries which staging label: the rules R1 to R8 of docs/behaviour.md, the moves of
//! `update-secret-version-stage` and which versions may be dropped.
//!
//! A label is on at most one version of a secret; every change here goes through [`attach`] or
//! [`detach`], which keep it so. Labels stand in the order in which they were attached.

use crate::model::time::{DAY_MS, Timestamp};
use crate::service::fault::{Code, Fault};
use crate::vault::record::Version;

/// The version that is read unless another is asked for.
pub(crate) const CURRENT: &str = "AWSCURRENT";
/// The version that was current before.
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";
/// The version that a rotation is making.
pub(crate) const PENDING: &str = "AWSPENDING";

/// What `update-secret-version-stage` is asked to do.
pub(crate) struct Change<'a> {
    /// `VersionStage`.
    pub(crate) label: &'a str,
    /// `RemoveFromVersionId`.
    pub(crate) remove_from: Option<&'a str>,
    /// `MoveToVersionId`.
    pub(crate) move_to: Option<&'a str>,
}

impl Change<'_> {
    /// Refuses a request to do nothing, of whatever secret.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.remove_from.is_none() && self.move_to.is_none() {
            return Err(nothing_to_do());
        }
        Ok(())
    }
}

/// Finds the version that carries a label.
pub(crate) fn holder<'v>(versions: &'v [Version], label: &str) -> Option<&'v Version> {
    versions.iter().find(|version| version.stages.iter().any(|stage| stage == label))
}

/// Labels the version that was just written: with `AWSCURRENT`, or with exactly the labels asked
/// for.
///
/// A secret's first version becomes current whatever was asked for (R1). A version that carries
/// a label already is not new: it is the empty one that a rotation made, now filled, and gets
/// nothing that was not asked for. On a fault nothing has changed.
pub(crate) fn put(
    versions: &mut [Version],
    id: &str,
    asked: Option<&[String]>,
) -> Result<(), Fault> {
    let is_new = find(versions, id)?.stages.is_empty();
    let is_first = is_new && holder(versions, CURRENT).is_none();
    within_limit(versions, |versions| {
        let asked = asked.unwrap_or_default();
        for label in asked.iter().filter(|label| *label != CURRENT) {
            attach(versions, id, label);
        }
        // Last, so that the version that was current gets AWSPREVIOUS even where it was asked for.
        if asked.is_empty() || is_first || asked.iter().any(|label| label == CURRENT) {
            make_current(versions, id);
        }
    })
}

/// Labels the empty version that a rotation begins with. On a fault nothing has changed.
pub(crate) fn pend(versions: &mut [Version], id: &str) -> Result<(), Fault> {
    find(versions, id)?;
    within_limit(versions, |versions| attach(versions, id, PENDING))
}

/// Moves, attaches or removes one label, as `update-secret-version-stage` does. On a fault nothing
/// has changed.
pub(crate) fn move_label(versions: &mut [Version], change: &Change<'_>) -> Result<(), Fault> {
    let Change { label, remove_from, move_to } = *change;
    for id in [move_to, remove_from].into_iter().flatten() {
        find(versions, id)?;
    }
    let held_by = holder(versions, label).map(|version| version.id.as_str());
    match (held_by, move_to, remove_from) {
        (_, None, None) => Err(nothing_to_do()),
        (None, _, Some(from)) => Err(label_not_there(label, from)),
        (Some(holder), None, Some(from)) if holder != from => Err(label_not_there(label, from)),
        (Some(holder), Some(_), Some(from)) if holder != from => Err(wrong_holder(label)),
        (Some(holder), Some(to), None) if holder != to => Err(holder_not_named(label, holder)),
        (_, Some(to), _) => within_limit(versions, |versions| {
            if label == CURRENT {
                make_current(versions, to);
            } else {
                attach(versions, to, label);
            }
        }),
        (Some(_), None, Some(_)) if label == CURRENT => Err(current_must_stay()),
        (Some(_), None, Some(_)) => {
            detach(versions, label);
            Ok(())
        }
    }
}

/// Requires that a version which shall become current has a value: the empty one of a rotation that
/// failed early would leave a secret that nobody can read.
///
/// # Errors
/// `InvalidRequestException`; the text is ours.
pub(crate) fn must_have_value(versions: &[Version], id: &str) -> Result<(), Fault> {
    let is_empty = |version: &Version| version.id == id && version.value.is_none();
    if !versions.iter().any(is_empty) {
        return Ok(());
    }
    Err(Fault::invalid_request(format!(
        "The version {id} can't become current, because it has no value."
    )))
}

/// Puts a label on a version, taking it off the one that carried it.
pub(crate) fn attach(versions: &mut [Version], id: &str, label: &str) {
    for version in versions {
        let carries = version.stages.iter().any(|stage| stage == label);
        if version.id != id {
            version.stages.retain(|stage| stage != label);
        } else if !carries {
            version.stages.push(label.to_owned());
        }
    }
}

/// Takes a label off the version that carries it.
pub(crate) fn detach(versions: &mut [Version], label: &str) {
    for version in versions {
        version.stages.retain(|stage| stage != label);
    }
}

/// Returns the positions of the versions to drop, in ascending order.
///
/// Above [`MAX_VERSIONS`] the oldest without a label go, but none younger than a day.
pub(crate) fn droppable(versions: &[Version], now: Timestamp) -> Vec<usize> {
    let too_many = versions.len().saturating_sub(MAX_VERSIONS);
    let is_old = |version: &Version| now.0.saturating_sub(version.created.0) >= DAY_MS;
    let mut found: Vec<(usize, &Version)> = versions
        .iter()
        .enumerate()
        .filter(|(_, version)| version.stages.is_empty() && is_old(version))
        .collect();
    found.sort_by_key(|(_, version)| version.created);
    found.truncate(too_many);
    let mut positions: Vec<usize> = found.into_iter().map(|(position, _)| position).collect();
    positions.sort_unstable();
    positions
}

/// Refuses a version too many. Those without a label make room once they are a day old.
///
/// # Errors
/// `LimitExceededException`; the text is ours.
pub(crate) fn check_count(versions: &[Version]) -> Result<(), Fault> {
    if versions.len() <= MOST_VERSIONS {
        return Ok(());
    }
    Err(Fault::new(
        Code::LimitExceeded,
        format!("You can't keep more than {MOST_VERSIONS} versions of a secret within a day."),
    ))
}

/// Moves `AWSCURRENT`, and the two labels that follow it: the version that was current becomes
/// the previous one (R2, R7) and is no longer pending (R5). Its other labels stay (R4).
fn make_current(versions: &mut [Version], id: &str) {
    let before = holder(versions, CURRENT).map(|version| version.id.clone());
    attach(versions, id, CURRENT);
    let Some(before) = before.filter(|before| before != id) else { return };
    attach(versions, &before, PREVIOUS);
    for version in versions.iter_mut().filter(|version| version.id == before) {
        version.stages.retain(|stage| stage != PENDING);
    }
}

/// Makes a change, and takes it back if the secret then has more labels than AWS allows.
fn within_limit(
    versions: &mut [Version],
    change: impl FnOnce(&mut [Version]),
) -> Result<(), Fault> {
    let before: Vec<Vec<String>> = versions.iter().map(|version| version.stages.clone()).collect();
    change(versions);
    let labels: usize = versions.iter().map(|version| version.stages.len()).sum();
    if labels <= MAX_LABELS {
        return Ok(());
    }
    for (version, stages) in versions.iter_mut().zip(before) {
        version.stages = stages;
    }
    Err(too_many_labels())
}

fn find<'v>(versions: &'v [Version], id: &str) -> Result<&'v Version, Fault> {
    versions.iter().find(|version| version.id == id).ok_or_else(|| version_not_found(id))
}

/// AWS's text of get-secret-value; what it says here is not published (docs/behaviour.md, "Staging
/// labels").
fn version_not_found(id: &str) -> Fault {
    Fault::not_found(format!(
        "Secrets Manager can't find the specified secret value for VersionId: {id}"
    ))
}

fn holder_not_named(label: &str, holder: &str) -> Fault {
    Fault::invalid_parameter(format!(
        "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently \
         attached to version {holder}, so you must explicitly reference that version in \
         RemoveFromVersionId."
    ))
}

fn wrong_holder(label: &str) -> Fault {
    Fault::invalid_parameter(format!(
        "When you move staging label {label}, if you specify RemoveFromVersionId, it must be set \
         to the version that currently has the staging label {label}."
    ))
}

fn label_not_there(label: &str, id: &str) -> Fault {
    Fault::invalid_parameter(format!("Version stage {label} not found in version {id}"))
}

fn current_must_stay() -> Fault {
    Fault::invalid_parameter(
        "You can only move staging label AWSCURRENT to a different secret version. It can’t be \
         completely removed.",
    )
}

/// Our own words: AWS's are not published.
fn nothing_to_do() -> Fault {
    Fault::invalid_parameter(
        "You must specify MoveToVersionId, RemoveFromVersionId or both to change a staging label.",
    )
}

/// Our own words: AWS's are not published.
fn too_many_labels() -> Fault {
    Fault::new(
        Code::LimitExceeded,
        format!(
            "You can't attach more than {MAX_LABELS} staging labels to the versions of a secret."
        ),
    )
}

/// How many labels the versions of one secret may carry together.
const MAX_LABELS: usize = 20;
/// How many versions a secret keeps before those without a label are dropped.
const MAX_VERSIONS: usize = 100;

/// The most versions of a secret, with those that are too young to go. AWS has such a quota too, and
/// does not say how many more than 100 it lets be. So many fit into a record, whatever their key's
/// name.
pub(crate) const MOST_VERSIONS: usize = 500;

#[cfg(test)]
mod tests {
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
            (
                "R5",
                "v1[current pending]",
                "put v2 current pending",
                "v1[previous] v2[current pending]",
            ),
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
            (
                "R7",
                "v1[current] v2[pending]",
                "move current v1 v2",
                "v1[previous] v2[current pending]",
            ),
            // R8: any other label leaves AWSPREVIOUS alone.
            (
                "R8",
                "v1[previous] v2[current one]",
                "move one v2 v1",
                "v1[previous one] v2[current]",
            ),
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
            // Nobody has the label.
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
            // A label that only changes its place is none the more.
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
        let at =
            |id: usize, created: i64| version(&format!("v{id}"), Vec::new(), Timestamp(created));
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
}
