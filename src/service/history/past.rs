//! The events of the audit log that say what was done to secrets, as they are taken back and shown.

use std::collections::BTreeMap;

use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::import::IMPORT;
use crate::service::rules::stages::{CURRENT, NEXT};
use crate::vault::audit::{Event, Subject};
use crate::vault::record::{Record, Version};
use crate::vault::trace::{Fate, Trace};

/// Something that was done to a secret.
#[derive(Clone)]
pub(crate) struct Past {
    /// The number of its entry in the audit log.
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
    /// Events of one commit have one generation.
    pub(crate) generation: u64,
    pub(crate) operation: String,
    pub(crate) subject: Subject,
    pub(crate) via: String,
    user: String,
    program: String,
    /// What it did, where the log says so: not in entries of earlier versions of this program.
    pub(crate) trace: Option<Trace>,
}

impl Past {
    fn of(seq: u64, event: Event) -> Self {
        Self {
            seq,
            time: event.time,
            generation: event.generation,
            operation: event.operation,
            subject: event.subject,
            via: event.via,
            user: event.actor.user,
            program: event.actor.exe,
            trace: event.trace,
        }
    }

    /// Whether it made the version of this id.
    pub(crate) fn made(&self, id: &str) -> bool {
        let may_make = [
            Action::CreateSecret,
            Action::PutSecretValue,
            Action::UpdateSecret,
            Action::RotateSecret,
        ];
        let is_made = may_make.iter().any(|action| action.name() == self.operation)
            || ["Undo", IMPORT].contains(&self.operation.as_str());
        is_made && self.subject.token == id
    }

    /// Whether a rotation did it.
    pub(crate) fn is_of_rotation(&self) -> bool {
        let by_hand = [Action::RotateSecret, Action::CancelRotateSecret];
        self.via.starts_with("rotation:")
            || by_hand.iter().any(|action| action.name() == self.operation)
    }

    /// Returns who did it and what it was, as it is shown.
    pub(crate) fn told(&self) -> Vec<(String, Value)> {
        let mut members = Vec::new();
        let mut text = |name: &str, text: &str| {
            if !text.is_empty() {
                members.push((name.to_owned(), Value::Text(text.to_owned())));
            }
        };
        text("EventName", &self.operation);
        text("User", &self.user);
        text("Via", &self.via);
        text("Program", &self.program);
        let Some(trace) = &self.trace else { return members };
        text("OldName", trace.renamed_from.as_deref().unwrap_or_default());
        text("Name", if trace.renamed_from.is_some() { &self.subject.name } else { "" });
        let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
        let moved = trace.labels.iter().map(|moved| {
            let id = |id: &Option<String>| Value::Text(id.clone().unwrap_or_default());
            Value::Map(vec![
                ("Label".to_owned(), Value::Text(moved.label.clone())),
                ("From".to_owned(), id(&moved.from)),
                ("To".to_owned(), id(&moved.to)),
            ])
        });
        members.push(("Moved".to_owned(), Value::List(moved.collect())));
        let fate = match (trace.fate, trace.was_scheduled) {
            (Some(Fate::Made), _) => "Made",
            (Some(Fate::Erased), _) => "Erased",
            (None, Some(false)) => "Scheduled",
            (None, Some(true)) => "Restored",
            (None, None) => "",
        };
        if !fate.is_empty() {
            members.push(("Fate".to_owned(), Value::Text(fate.to_owned())));
        }
        members.extend(trace.undid.map(|seq| ("Undid".to_owned(), number(seq))));
        members.push(("EventId".to_owned(), number(self.seq)));
        members
    }
}

/// Returns what was done to secrets that the log still has, oldest first. The whole log is verified on
/// the way.
pub(crate) fn all(
    cx: &mut Context<'_, '_>,
    wanted: impl Fn(&Event) -> bool,
) -> Result<Vec<Past>, Failure> {
    let mut found = Vec::new();
    cx.vault()?.events(|seq, event| {
        if event.outcome == Event::SUCCESS && wanted(&event) {
            found.push(Past::of(seq, event));
        }
        Ok(())
    })?;
    Ok(joined(found))
}

/// Takes for one change what was one to whoever made it: a value that became the current one by way of
/// [`NEXT`] is the storing of a value, and moves of that label are nothing to anybody.
fn joined(pasts: Vec<Past>) -> Vec<Past> {
    let mut joined: Vec<Option<Past>> = Vec::with_capacity(pasts.len());
    // Where the storing of a version stands that may become the current one.
    let mut stored = BTreeMap::new();
    for mut past in pasts {
        let Some(trace) = &mut past.trace else {
            joined.push(Some(past));
            continue;
        };
        if past.operation == Action::PutSecretValue.name() && trace.moved(NEXT).is_some() {
            stored.insert((past.subject.rid, past.subject.token.clone()), joined.len());
        }
        trace.labels.retain(|moved| moved.label != NEXT);
        let to = trace.moved(CURRENT).and_then(|moved| moved.to.clone());
        let place = to.and_then(|to| stored.remove(&(past.subject.rid, to)));
        if past.operation == Action::UpdateSecretVersionStage.name()
            && let Some(storing) = place.and_then(|place| joined.get_mut(place)?.take())
        {
            past.operation = storing.operation;
            past.subject.token = storing.subject.token;
        }
        joined.push(Some(past));
    }
    joined.into_iter().flatten().collect()
}

/// Returns what was done to one secret, whatever it was called.
pub(crate) fn of_secret(cx: &mut Context<'_, '_>, record: &Record) -> Result<Vec<Past>, Failure> {
    let reads = [Action::GetSecretValue, Action::DescribeSecret, Action::ListSecretVersionIds];
    let is_read = |operation: &str| reads.iter().any(|action| action.name() == operation);
    all(cx, |event| event.subject.rid == record.rid && !is_read(&event.operation))
}

/// Finds a version of a secret.
pub(crate) fn version<'r>(record: &'r Record, id: &str) -> Result<&'r Version, Fault> {
    record.version(id).ok_or_else(|| {
        Fault::not_found(format!(
            "The version {id} of {} is not kept any more, and its value is gone.",
            record.name
        ))
    })
}
