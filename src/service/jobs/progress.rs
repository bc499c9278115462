//! How far a rotation that is not finished has come, for a person.

use crate::model::value::Value;
use crate::vault::progress::{Outlook, Progress};

/// Returns the state of an unfinished rotation.
pub(crate) fn shown(progress: &Progress) -> Vec<(String, Value)> {
    let mut out = vec![
        text("VersionId", &progress.token),
        ("Began".to_owned(), Value::Timestamp(progress.began)),
        count("Failures", progress.failures),
        text("Outlook", outlook(progress.outlook)),
    ];
    let next = progress.tried_again().map(Value::Timestamp);
    out.extend(next.map(|next| ("NextAttempt".to_owned(), next)));
    out.extend(progress.lease.as_ref().map(|lease| {
        let until = ("Until".to_owned(), Value::Timestamp(lease.until));
        let process = count("Process", lease.holder.pid);
        ("AtWork".to_owned(), Value::Map(vec![text("Host", &lease.holder.host), process, until]))
    }));
    out.extend(progress.last_error.as_ref().map(|error| text("LastError", error)));
    out
}

fn outlook(outlook: Outlook) -> &'static str {
    match outlook {
        Outlook::Open => "Open",
        Outlook::Misconfigured => "Misconfigured",
        Outlook::Orphaned => "Orphaned",
        Outlook::Cancelled => "Cancelled",
    }
}

fn text(name: &str, text: impl Into<String>) -> (String, Value) {
    (name.to_owned(), Value::Text(text.into()))
}

fn count(name: &str, count: u64) -> (String, Value) {
    (name.to_owned(), Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
}
