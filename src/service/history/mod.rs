//! What became of a secret: its versions and what was done to it, by its record and the audit log.

mod fields;
mod moment;
pub(super) mod past;

use super::context::Context;
use super::failure::Failure;
use crate::model::order;
use crate::model::secret_value::SecretValue;
use crate::model::types::SecretId;
use crate::model::value::Value;
use crate::vault::Vault;
use crate::vault::record::Version;
use crate::vault::trace::Trace;
use crate::vault::transaction::{Access, RequestContext};
pub(crate) use moment::current_at;
use past::Past;

/// Lists what became of a secret, newest first: its versions, with the fields that differ from the
/// version before, and whatever else was done to it. No value is in it.
pub(crate) fn history(
    vault: &mut Vault,
    region: Option<&str>,
    id: &str,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let mut transaction = vault.begin(Access::Read, context)?;
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home);
    let record = cx.find(&SecretId(id.to_owned()))?;
    let pasts = past::of_secret(&mut cx, &record)?;
    let mut rows: Vec<(i64, Value)> = Vec::new();
    let mut told = Vec::new();
    let current = record.versions.iter().position(is_current);
    let mut before: Option<SecretValue> = None;
    for (place, version) in record.versions.iter().enumerate() {
        let made = pasts.iter().find(|past| past.made(&version.id));
        told.extend(made.map(|past| past.seq));
        let value = cx.vault()?.value(&record, version)?;
        let back = current.and_then(|current| current.checked_sub(place));
        let mut members = of_version(version, back);
        members.extend(made.map(Past::told).unwrap_or_default());
        if let (Some(before), Some(value)) = (&before, &value) {
            let changed = fields::changed(before, value).into_iter().map(Value::Text).collect();
            members.push(("Changed".to_owned(), Value::List(changed)));
        }
        rows.push((version.created.0, Value::Map(members)));
        before = value.or(before);
    }
    for past in &pasts {
        if told.contains(&past.seq) || past.trace.as_ref().is_none_or(Trace::is_empty) {
            continue;
        }
        let mut members = vec![("Time".to_owned(), Value::Timestamp(past.time))];
        members.extend(past.told());
        rows.push((past.time.0, Value::Map(members)));
    }
    rows.reverse();
    order::sort_by_key(&mut rows, |(time, _)| std::cmp::Reverse(*time));
    let rows = rows.into_iter().map(|(_, row)| row).collect();
    let former = record.former_names.iter().cloned().map(Value::Text).collect();
    Ok(Value::Map(vec![
        ("Name".to_owned(), Value::Text(record.name)),
        ("FormerNames".to_owned(), Value::List(former)),
        ("History".to_owned(), Value::List(rows)),
    ]))
}

fn is_current(version: &Version) -> bool {
    version.stages.iter().any(|stage| stage == super::rules::stages::CURRENT)
}

fn of_version(version: &Version, back: Option<usize>) -> Vec<(String, Value)> {
    let mut members = vec![
        ("Time".to_owned(), Value::Timestamp(version.created)),
        ("VersionId".to_owned(), Value::Text(version.id.clone())),
    ];
    let back = back.and_then(|back| i64::try_from(back).ok());
    members.extend(back.map(|back| ("Back".to_owned(), Value::Integer(back))));
    let stages = version.stages.iter().cloned().map(Value::Text).collect();
    members.push(("VersionStages".to_owned(), Value::List(stages)));
    members
}

#[cfg(test)]
mod tests;
