//! The events of a rotation in the audit log, under AWS's names.

use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::vault::audit::{Event, Subject};
use crate::vault::record::Record;
use crate::vault::transaction::Transaction;

/// An event of a rotation or of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RotationEvent {
    Started,
    Succeeded,
    Failed,
    Abandoned,
    TestStarted,
    TestSucceeded,
    TestFailed,
    /// `GetSecretValue`: a value was handed to the program.
    ValueRead,
}

impl RotationEvent {
    const fn name(self) -> &'static str {
        match self {
            Self::Started => "RotationStarted",
            Self::Succeeded => "RotationSucceeded",
            Self::Failed => "RotationFailed",
            Self::Abandoned => "RotationAbandoned",
            Self::TestStarted => "TestRotationStarted",
            Self::TestSucceeded => "TestRotationSucceeded",
            Self::TestFailed => "TestRotationFailed",
            Self::ValueRead => Action::GetSecretValue.name(),
        }
    }
}

/// Writes an event to the audit log, about this version of a secret.
pub(crate) fn log(
    cx: &mut Context<'_, '_>,
    event: RotationEvent,
    record: &Record,
    version: &str,
    detail: &str,
) -> Result<(), Failure> {
    let home = cx.vault()?.state().settings.region();
    let region = Some(&record.namespace.region).filter(|region| *region != home).cloned();
    let region = region.unwrap_or_default();
    let subject = Subject { version: version.to_owned(), region, ..Transaction::subject(record) };
    let has_failed = matches!(event, RotationEvent::Failed | RotationEvent::TestFailed);
    let outcome = if has_failed { "Failed" } else { Event::SUCCESS };
    Ok(cx.vault()?.record_event(event.name(), outcome, subject, detail)?)
}
