//! The way from a primary to its replica and back, between two vaults of which neither is open while
//! the other is.

use std::collections::BTreeSet;

use super::judge::Verdict;
use super::link::{Link, Outcome, signed, told, unsigned};
use super::parcel::Parcel;
use super::task::Task;
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::vault::across::Trouble;
use crate::vault::peers::Seen;

/// How often a primary that changes meanwhile is begun with anew.
const MAX_ROUNDS: usize = 8;

/// One of the two vaults, wherever it is open.
pub(crate) trait Side {
    /// Why a task was not done.
    type Error;

    /// Has a task done.
    fn ask(&mut self, task: Task) -> Result<Value, Self::Error>;
}

/// The replica's vault: whatever is in the way there is a trouble that the primary notes.
pub(crate) trait Far {
    /// Has a task done.
    fn ask(&mut self, task: Task) -> Result<Value, Trouble>;

    /// Returns the newest state of the vault, if it is to be remembered.
    fn seen(&mut self) -> Option<Seen>;
}

/// What came of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// There was nothing to tell: it is as it is to be.
    Nothing,
    /// The replica is as it is to be.
    Done,
    /// It is not, for this reason.
    Not(Trouble),
}

/// Brings the replica of one primary up to date, or lets it go, and has the primary's vault note what
/// came of it. Returns that, and how many wait for that peer still.
///
/// # Errors
/// Those of the primary's vault.
pub(crate) fn deliver<E>(
    near: &mut dyn Side<Error = E>,
    far: &mut dyn Far,
    primary_arn: &str,
) -> Result<(Delivered, u64), E> {
    let mut rounds = 0;
    let mut is_as_it_was;
    let (link, verdict) = loop {
        let answer = near.ask(Task::Link { primary_arn: primary_arn.to_owned() })?;
        // A primary says nothing of any other, whatever its file has.
        let link = Link::from_value(answer).ok().filter(|link| link.primary_arn == primary_arn);
        let Some(link) = link else { return Ok((Delivered::Nothing, 0)) };
        let looked = ask(far, Task::Look(link.again()));
        is_as_it_was = link.is_in_sync() && matches!(looked, Verdict::Copy(_));
        let verdict = carry(near, far, &link, looked)?;
        rounds += 1;
        match verdict {
            // It changed meanwhile: what it is now is delivered at once.
            None if rounds < MAX_ROUNDS => {}
            // Another process brought the replica to where its primary is by now.
            Some(Verdict::Trouble(trouble))
                if rounds < MAX_ROUNDS && trouble.denies() && has_moved(near, &link)? => {}
            None => break (link, Verdict::Trouble(Trouble::Busy)),
            Some(verdict) => break (link, verdict),
        }
    };
    let trouble = match &verdict {
        Verdict::Trouble(trouble) => Some(*trouble),
        // What it lacks after everything was sent, it refuses.
        Verdict::Wants(_) => Some(Trouble::Refused),
        Verdict::Copy(_) | Verdict::Free => None,
    };
    let edition = if let Verdict::Copy(edition) = verdict { Some(edition) } else { None };
    let left =
        note(near, far, Noted { link, edition, is_free: verdict == Verdict::Free, trouble })?;
    let done = if is_as_it_was { Delivered::Nothing } else { Delivered::Done };
    Ok((trouble.map_or(done, Delivered::Not), left))
}

/// Whether a primary says something else by now than it did.
fn has_moved<E>(near: &mut dyn Side<Error = E>, link: &Link) -> Result<bool, E> {
    let answer = near.ask(Task::Link { primary_arn: link.primary_arn.clone() })?;
    Ok(Link::from_value(answer).map_or(true, |now| {
        (now.edition, now.is_attached) != (link.edition, link.is_attached)
            || now.replica_arn != link.replica_arn
    }))
}

/// Whether a replica waits for its primary, or may be made its copy.
///
/// # Errors
/// What is in the way.
pub(crate) fn look(far: &mut dyn Far, link: &Link) -> Result<bool, Trouble> {
    match ask(far, Task::Look(link.again())) {
        Verdict::Copy(_) | Verdict::Wants(_) => Ok(true),
        Verdict::Free => Ok(false),
        Verdict::Trouble(trouble) => Err(trouble),
    }
}

/// Notes that the peer of a primary's replica could not be told.
///
/// # Errors
/// Those of the primary's vault.
pub(crate) fn note_trouble<E>(
    near: &mut dyn Side<Error = E>,
    primary_arn: &str,
    trouble: Trouble,
) -> Result<Delivered, E> {
    let answer = near.ask(Task::Link { primary_arn: primary_arn.to_owned() })?;
    let Ok(link) = Link::from_value(answer) else { return Ok(Delivered::Nothing) };
    settle(near, Noted { link, edition: None, is_free: false, trouble: Some(trouble) }, None)?;
    Ok(Delivered::Not(trouble))
}

struct Noted {
    link: Link,
    edition: Option<u64>,
    is_free: bool,
    trouble: Option<Trouble>,
}

fn note<E>(near: &mut dyn Side<Error = E>, far: &mut dyn Far, noted: Noted) -> Result<u64, E> {
    let seen = far.seen();
    settle(near, noted, seen)
}

fn settle<E>(near: &mut dyn Side<Error = E>, noted: Noted, seen: Option<Seen>) -> Result<u64, E> {
    let Noted { link, edition, is_free, trouble } = noted;
    let (generation, commit) = seen.map(told).unzip();
    let outcome = Outcome {
        primary_arn: link.primary_arn,
        replica_arn: link.replica_arn,
        is_attached: link.is_attached,
        edition: edition.map(signed),
        is_free,
        trouble: trouble.map(|trouble| signed(trouble.number())),
        generation,
        commit,
    };
    match near.ask(Task::Settle(outcome))? {
        Value::Integer(left) => Ok(unsigned(left)),
        Value::Null
        | Value::Boolean(_)
        | Value::Float(_)
        | Value::Text(_)
        | Value::Bytes(_)
        | Value::Timestamp(_)
        | Value::List(_)
        | Value::Map(_) => Ok(0),
    }
}

/// Carries what the replica lacks from one vault to the other. `None` if the primary changed meanwhile.
fn carry<E>(
    near: &mut dyn Side<Error = E>,
    far: &mut dyn Far,
    link: &Link,
    mut verdict: Verdict,
) -> Result<Option<Verdict>, E> {
    if !link.is_attached {
        return Ok(Some(match &verdict {
            Verdict::Wants(_) => ask(far, Task::Free(link.again())),
            // One that is not there has nothing to be told.
            Verdict::Trouble(Trouble::Missing | Trouble::NotOurs) => Verdict::Free,
            Verdict::Copy(_) | Verdict::Free | Verdict::Trouble(_) => verdict,
        }));
    }
    let mut has = BTreeSet::new();
    let mut begins = true;
    while let Verdict::Wants(held) = &verdict {
        let before = has.len();
        has.extend(held.iter().cloned());
        if has.len() == before && !begins {
            break;
        }
        begins = false;
        let held = has.iter().cloned().collect();
        let packed = near.ask(Task::Pack { link: link.again(), held })?;
        let Ok(parcel) = Parcel::from_value(packed) else { return Ok(None) };
        verdict = ask(far, Task::Receive(parcel));
    }
    Ok(Some(verdict))
}

fn ask(far: &mut dyn Far, task: Task) -> Verdict {
    match far.ask(task) {
        Ok(answer) => Verdict::from_value(&answer).unwrap_or(Verdict::Trouble(Trouble::Failed)),
        Err(trouble) => Verdict::Trouble(trouble),
    }
}
