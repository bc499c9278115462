//! Taking back the last change of a secret, or of the vault: a change of its own, which is logged and
//! taken back in the same way. The audit log says what was changed.

use std::collections::BTreeSet;

use super::context::Context;
use super::failure::Failure;
use super::fault::{Code, Fault};
use super::history::past::{self, Past};
use super::rename;
use super::replication::{across, replicas};
use super::repository;
use super::rules::arn::arn_of;
use super::rules::deletion::{Deletion as Asked, Standing};
use super::rules::stages::{self, CURRENT, PENDING, PREVIOUS};
use super::versions;
use crate::model::time::Timestamp;
use crate::model::types::{ClientRequestToken, SecretId};
use crate::model::value::Value;
use crate::sys::entropy;
use crate::vault::clock::ClockState;
use crate::vault::record::{Deletion, Record};
use crate::vault::trace::{Fate, Trace};
use crate::vault::transaction::{Access, RequestContext, Transaction};
use crate::vault::{self, Vault};

/// Which change is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The last, which may have been a taking back.
    Last,
    /// The last that was not taken back yet.
    Further,
}

/// The event in the audit log.
pub(crate) const UNDO: &str = "Undo";

/// Takes back the last change of a secret, or of the vault, and says what it did. What was done to
/// several secrets at once is taken back at once.
///
/// # Errors
/// Nothing is done where it cannot be taken back.
pub(crate) fn undo(
    vault: &mut Vault,
    region: Option<&str>,
    id: Option<&str>,
    reach: Reach,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let mut transaction = vault.begin(Access::Write, context)?;
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home);
    let rid = id.map(|id| row_of(&mut cx, id)).transpose()?;
    let mut pasts = past::all(&mut cx, |event| {
        let changes = event.trace.as_ref().is_some_and(|trace| !trace.is_empty());
        changes && rid.is_none_or(|rid| rid == event.subject.rid)
    })?;
    pasts.retain(|past| past.trace.as_ref().is_some_and(|trace| !trace.is_empty()));
    let chosen = chosen(&pasts, reach).ok_or_else(|| nothing_left(id, reach))?;
    let mut done = Vec::new();
    for past in chosen.into_iter().rev() {
        done.push(Value::Map(take_back(&mut cx, past)?));
    }
    transaction.commit()?;
    Ok(Value::Map(vec![("Undone".to_owned(), Value::List(done))]))
}

/// Finds the row of the secret that is meant.
fn row_of(cx: &mut Context<'_, '_>, id: &str) -> Result<u64, Failure> {
    let missing = match cx.find(&SecretId(id.to_owned())) {
        Ok(record) => return Ok(record.rid),
        Err(missing) => missing,
    };
    let is_erased = |trace: &Trace| trace.fate == Some(Fate::Erased);
    let name = super::rules::arn::name_in(id);
    let erased = past::all(cx, |event| {
        event.subject.name == name && event.trace.as_ref().is_some_and(is_erased)
    })?;
    if erased.is_empty() { Err(missing) } else { Err(erased_for_good(name).into()) }
}

/// Chooses what is taken back: all that one commit did.
fn chosen(pasts: &[Past], reach: Reach) -> Option<Vec<&Past>> {
    let last = match reach {
        Reach::Last => pasts.last()?,
        Reach::Further => {
            let undone = undone(pasts);
            let is_open = |past: &&Past| past.operation != UNDO && !undone.contains(&past.seq);
            pasts.iter().rev().find(is_open)?
        }
    };
    Some(pasts.iter().filter(|past| past.generation == last.generation).collect())
}

/// Returns the numbers of the changes that are taken back as things are.
fn undone(pasts: &[Past]) -> BTreeSet<u64> {
    let mut undone = BTreeSet::new();
    // What each taking back was about in the end: of one that was taken back, the same.
    let mut about = std::collections::BTreeMap::new();
    for past in pasts {
        let Some(of) = past.trace.as_ref().and_then(|trace| trace.undid) else { continue };
        let root = about.get(&of).copied().unwrap_or(of);
        about.insert(past.seq, root);
        if !undone.remove(&root) {
            undone.insert(root);
        }
    }
    undone
}

/// Takes one change back, and logs that.
fn take_back(cx: &mut Context<'_, '_>, past: &Past) -> Result<Vec<(String, Value)>, Failure> {
    let trace = past.trace.as_ref().ok_or_else(|| not_kept(past))?;
    if trace.fate == Some(Fate::Erased) {
        return Err(erased_for_good(&past.subject.name).into());
    }
    if past.is_of_rotation() {
        return Err(of_rotation(&past.subject.name).into());
    }
    let found = cx.vault()?.find_row(past.subject.rid)?;
    let mut record = found.ok_or_else(|| erased_for_good(&past.subject.name))?;
    let before = record.clone();
    replicas::require_primary(&record)?;
    let mut token = String::new();
    let did = if trace.fate == Some(Fate::Made) || trace.was_scheduled == Some(true) {
        schedule(cx, &mut record)?;
        "Scheduled"
    } else if trace.was_scheduled == Some(false) {
        record.deletion = None;
        repository::store(cx, &mut record)?;
        "Restored"
    } else if let Some(old) = &trace.renamed_from {
        rename::apply(cx, &mut record, old)?;
        "Renamed"
    } else {
        if record.deletion.is_some() {
            return Err(Fault::marked_for_deletion().into());
        }
        let did = values_back(cx, &mut record, past, trace, &mut token)?;
        repository::store(cx, &mut record)?;
        did
    };
    let undone = Trace { undid: Some(past.seq), ..Trace::between(Some(&before), &record) };
    let mut subject = Transaction::subject(&record);
    subject.region.clone_from(&past.subject.region);
    subject.token = token;
    cx.vault()?.record_change(UNDO, subject, undone)?;
    let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
    let mut members = vec![
        text("Did", did),
        text("Name", &record.name),
        text("EventName", &past.operation),
        ("EventTime".to_owned(), Value::Timestamp(past.time)),
    ];
    if record.name != before.name {
        members.push(text("OldName", &before.name));
    }
    if trace.has_others && !trace.labels.is_empty() {
        members.push(("Rest".to_owned(), Value::Boolean(true)));
    }
    let due = record.deletion.filter(|_| did == "Scheduled").map(|deletion| deletion.due);
    members.extend(due.map(|due| ("DeletionDate".to_owned(), Value::Timestamp(due))));
    Ok(members)
}

/// Deletes a secret with the longest window there is.
fn schedule(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<(), Failure> {
    across::require_deletable(record)?;
    let asked = Asked::asked(None, None)?;
    let due = record.deletion.map(|deletion| deletion.due);
    let standing = Standing::of(due, cx.due_time()?);
    asked.check(standing, &arn_of(record), &replicas::regions(record))?;
    if cx.vault()?.clock_state() == ClockState::Ahead {
        return Err(vault::Error::ClockJumped.into());
    }
    let requested: Timestamp = cx.date()?;
    record.deletion = Some(Deletion { requested, due: asked.date(requested) });
    across::forget(cx, record)?;
    repository::store(cx, record)
}

/// Brings labels back to where they were; of a value that was new, the old one becomes a new version.
/// Changes the record without storing it.
fn values_back(
    cx: &mut Context<'_, '_>,
    record: &mut Record,
    past: &Past,
    trace: &Trace,
    token: &mut String,
) -> Result<&'static str, Failure> {
    let labels = trace.labels.iter().filter(|moved| moved.label != PENDING);
    let labels: Vec<_> = labels.collect();
    if labels.is_empty() {
        return Err(not_kept(past).into());
    }
    for moved in &labels {
        require_unmoved(cx, record, &moved.label, moved.to.as_deref())?;
        if let Some(from) = &moved.from {
            past::version(record, from)?;
        }
    }
    let current = trace.moved(CURRENT);
    let is_new_value = current.is_some_and(|moved| moved.to.as_ref() == Some(&past.subject.token));
    if let Some(moved) = current {
        let Some(from) = &moved.from else { return Err(first_value(&record.name).into()) };
        stages::must_have_value(&record.versions, from)?;
        if is_new_value {
            let old = past::version(record, from)?;
            let value = cx.vault()?.value(record, old)?.ok_or_else(|| first_value(&record.name))?;
            *token = entropy::random_uuid(cx.entropy())?;
            let id = ClientRequestToken(token.clone());
            versions::write(cx, record, &id, &value, None)?;
        }
    }
    for moved in labels {
        if is_new_value && [CURRENT, PREVIOUS].contains(&moved.label.as_str()) {
            continue;
        }
        match &moved.from {
            Some(from) => stages::attach(&mut record.versions, from, &moved.label),
            None => stages::detach(&mut record.versions, &moved.label),
        }
    }
    Ok(if is_new_value { "Value" } else { "Labels" })
}

/// Requires that a label is where the change put it, or on a version of the same value, which a
/// change and its taking back leave. (AWSPREVIOUS follows the others.)
fn require_unmoved(
    cx: &mut Context<'_, '_>,
    record: &Record,
    label: &str,
    to: Option<&str>,
) -> Result<(), Failure> {
    let holder = stages::holder(&record.versions, label);
    if label == PREVIOUS || holder.map(|version| version.id.as_str()) == to {
        return Ok(());
    }
    let put_there = to.and_then(|id| record.version(id));
    if let (Some(holder), Some(put_there)) = (holder, put_there) {
        let now = cx.vault()?.value(record, holder)?;
        let then = cx.vault()?.value(record, put_there)?;
        if now.zip(then).is_some_and(|(now, then)| now.same_as(&then)) {
            return Ok(());
        }
    }
    Err(Fault::invalid_request(format!(
        "{label} of {} was moved since in a way that the log does not tell; `strongroom log {0}` shows \
         where it is.",
        record.name
    ))
    .into())
}

fn nothing_left(id: Option<&str>, reach: Reach) -> Fault {
    let whose = id.map(|id| format!(" of {id}")).unwrap_or_default();
    Fault::not_found(match reach {
        Reach::Last => format!("There is no change{whose} in the audit log that could be undone."),
        Reach::Further => format!(
            "There is no change{whose} in the audit log that could be undone and is not undone yet."
        ),
    })
}

fn erased_for_good(name: &str) -> Fault {
    Fault::new(
        Code::ResourceNotFound,
        format!(
            "{name} was erased with all its values, which cannot be undone; a backup may have it."
        ),
    )
}

fn first_value(name: &str) -> Fault {
    Fault::invalid_request(format!(
        "{name} had no value before, and a secret that has one cannot be without; `strongroom rm \
         {name}` deletes it."
    ))
}

fn of_rotation(name: &str) -> Fault {
    Fault::invalid_request(format!(
        "The last change was a rotation of {name}: what it is for knows the new value, so taking it \
         back here would lock you out there. Rotate it again, or name the secret whose last change \
         you mean."
    ))
}

fn not_kept(past: &Past) -> Fault {
    let name = &past.subject.name;
    Fault::invalid_request(format!(
        "The last change, {} of {name}, cannot be undone: nobody kept what was there before. `strongroom \
         undo NAME` is about the last change of one secret.",
        past.operation
    ))
}

#[cfg(test)]
mod tests;
