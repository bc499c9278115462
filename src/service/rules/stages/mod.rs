//! Which version carries which staging label: the rules R1 to R8 of docs/behaviour.md, the moves of
//! `update-secret-version-stage` and which versions may be dropped.
//!
//! A label is on at most one version of a secret; every change here goes through [`attach`] or
//! [`detach`], which keep it so. Labels are in the order of attachment.

use crate::model::order;
use crate::model::time::{DAY_MS, Timestamp};
use crate::service::fault::{Code, Fault};
use crate::vault::record::Version;

/// The version that is read unless another is asked for.
pub(crate) const CURRENT: &str = "AWSCURRENT";
/// The version that was current before.
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";
/// The version that a rotation is making.
pub(crate) const PENDING: &str = "AWSPENDING";
/// Ours, on a version that is about to become the current one if nobody is quicker. It is nobody's
/// business but that of the command which moves it.
pub(crate) const NEXT: &str = "STRONGROOM-NEXT";

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
    /// Refuses a request to do nothing.
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
/// Above [`KEPT_VERSIONS`] the oldest without a label go, but none younger than a day.
pub(crate) fn droppable(versions: &[Version], now: Timestamp) -> Vec<usize> {
    let too_many = versions.len().saturating_sub(KEPT_VERSIONS);
    let is_old = |version: &Version| now.0.saturating_sub(version.created.0) >= DAY_MS;
    let mut found: Vec<(usize, &Version)> = versions
        .iter()
        .enumerate()
        .filter(|(_, version)| version.stages.is_empty() && is_old(version))
        .collect();
    order::sort_by_key(&mut found, |(_, version)| version.created);
    found.truncate(too_many);
    let mut positions: Vec<usize> = found.into_iter().map(|(position, _)| position).collect();
    order::sort_all(&mut positions);
    positions
}

/// Refuses a version too many. Those without a label make room once they are a day old.
///
/// # Errors
/// `LimitExceededException`; the text is ours.
pub(crate) fn check_count(versions: &[Version]) -> Result<(), Fault> {
    if versions.len() <= MAX_VERSIONS {
        return Ok(());
    }
    Err(Fault::new(
        Code::LimitExceeded,
        format!("You can't keep more than {MAX_VERSIONS} versions of a secret within a day."),
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

/// Our own message: AWS's is not published.
fn nothing_to_do() -> Fault {
    Fault::invalid_parameter(
        "You must specify MoveToVersionId, RemoveFromVersionId or both to change a staging label.",
    )
}

/// Our own message: AWS's is not published.
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
const KEPT_VERSIONS: usize = 100;

/// The most versions of a secret, with those that are too young to go. AWS has such a quota too, and
/// does not say how many more than 100 it lets be. So many fit into a record, whatever their key's
/// name.
pub(crate) const MAX_VERSIONS: usize = 500;

#[cfg(test)]
mod tests;
