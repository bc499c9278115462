//! What lists say of secrets, judged: no value is read for it.

use super::super::times;
use super::finding::{Finding, for_shell};
use super::kind::Kind;
use crate::model::time::{DAY_MS, Timestamp};
use crate::model::value::Value;

/// What is needed of a secret to read its value.
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// Whether it has a current value, and nobody deleted it.
    pub(crate) is_readable: bool,
}

impl Listed {
    /// Takes it from the list.
    pub(crate) fn read(secret: &Value) -> Option<Self> {
        let (name, arn) = (text(secret, "Name")?.to_owned(), text(secret, "ARN")?.to_owned());
        let is_readable = has_value(secret) && date(secret, "DeletedDate").is_none();
        Some(Self { name, arn, is_readable })
    }
}

/// Judges a secret of the list.
pub(crate) fn judge(secret: &Value, now: Timestamp) -> Vec<Finding> {
    let Some(name) = text(secret, "Name") else { return Vec::new() };
    if let Some(gone) = date(secret, "DeletedDate") {
        return Vec::from_iter(deletion(name, gone, now));
    }
    let mut findings = Vec::new();
    if !has_value(secret) {
        let remedy = format!("strongroom set {}", for_shell(name));
        findings.push(
            Finding::of_secret(Kind::NoValue, name, "has no current value").mended_by(remedy),
        );
    }
    if let Some(due) = overdue(secret).filter(|due| *due < now) {
        let problem = format!("should have been rotated by {}", times::minute(due));
        let finding = Finding::of_secret(Kind::RotationDue, name, problem);
        let remedy = format!("strongroom rotate-due --secret-id {}", for_shell(name));
        findings.push(Finding { date: Some(due), rank: rank(due), ..finding.mended_by(remedy) });
    }
    findings
}

/// Judges the rotations that are not finished, as `status` has them, of a region: those that failed, and
/// those at which nobody is at work.
pub(crate) fn unfinished(status: &Value, region: Option<&str>) -> Vec<Finding> {
    let Some(Value::List(rows)) = status.get("UnfinishedRotations") else { return Vec::new() };
    let region = region.or_else(|| text(status, "Region"));
    let rows = rows.iter().filter(|row| text(row, "Region") == region);
    let finding = |row: &Value| {
        let name = text(row, "Name")?;
        let failures = match row.get("Failures") {
            Some(Value::Integer(failures)) => *failures,
            Some(_) | None => 0,
        };
        let problem = match (text(row, "Outlook")?, failures) {
            ("Cancelled", _) => return None,
            ("Misconfigured", _) => "its rotation is not set up rightly, and waits for you",
            ("Orphaned", _) => "its rotation failed too often, and waits for you",
            (_, 0) if row.get("AtWork").is_some() => return None,
            (_, 0) => "its rotation was begun and is not finished",
            (_, _) => "its rotation failed, and is tried again",
        };
        let remedy = format!("strongroom rotation show --secret-id {}", for_shell(name));
        let finding = Finding::of_secret(Kind::RotationFailed, name, problem).mended_by(remedy);
        Some(Finding { date: date(row, "Began"), ..finding })
    };
    rows.filter_map(finding).collect()
}

/// Says of a secret that it is about to go, while it can be had back.
fn deletion(name: &str, gone: Timestamp, now: Timestamp) -> Option<Finding> {
    let left = gone.0.saturating_sub(now.0);
    if !(0..=SOON_MS).contains(&left) {
        return None;
    }
    let problem = format!("is erased at {}", times::minute(gone));
    let remedy = format!("strongroom restore {}", for_shell(name));
    let finding = Finding::of_secret(Kind::DeletionSoon, name, problem).mended_by(remedy);
    Some(Finding { date: Some(gone), rank: rank(gone), ..finding })
}

/// Returns by when a secret is rotated by itself, unless its primary is in another region.
fn overdue(secret: &Value) -> Option<Timestamp> {
    let is_enabled = secret.get("RotationEnabled") == Some(&Value::Boolean(true));
    let own = text(secret, "ARN")?.split(':').nth(3);
    let is_primary = text(secret, "PrimaryRegion").is_none_or(|primary| Some(primary) == own);
    date(secret, "NextRotationDate").filter(|_| is_enabled && is_primary)
}

fn has_value(secret: &Value) -> bool {
    let Some(Value::Map(versions)) = secret.get("SecretVersionsToStages") else { return false };
    let current = Value::Text("AWSCURRENT".to_owned());
    let is_current =
        |stages: &Value| matches!(stages, Value::List(stages) if stages.contains(&current));
    versions.iter().any(|(_, stages)| is_current(stages))
}

/// Dates as ranks: the earliest is the worst.
pub(crate) fn rank(date: Timestamp) -> u64 {
    u64::try_from(date.0).unwrap_or_default()
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    match value.get(name) {
        Some(Value::Text(text)) => Some(text),
        Some(_) | None => None,
    }
}

fn date(value: &Value, name: &str) -> Option<Timestamp> {
    match value.get(name) {
        Some(Value::Timestamp(date)) => Some(*date),
        Some(_) | None => None,
    }
}

/// A deletion is told of while there is time to think, and not before.
const SOON_MS: i64 = 3 * DAY_MS;

#[cfg(test)]
mod tests {
    use super::*;

    fn map(members: Vec<(&str, Value)>) -> Value {
        Value::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn word(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn secret(more: Vec<(&str, Value)>) -> Value {
        let stages = map(vec![("v1", Value::List(vec![word("AWSCURRENT")]))]);
        let arn = "arn:aws:secretsmanager:local-1:000000000000:secret:a-abcdef";
        let mut members = vec![("ARN", word(arn)), ("Name", word("a"))];
        if !more.iter().any(|(name, _)| *name == "SecretVersionsToStages") {
            members.push(("SecretVersionsToStages", stages));
        }
        members.extend(more);
        map(members)
    }

    fn at(ms: i64) -> Value {
        Value::Timestamp(Timestamp(ms))
    }

    fn kinds(secret: &Value) -> Vec<Kind> {
        let now = Timestamp(1_000 * DAY_MS);
        judge(secret, now).into_iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn what_a_list_says_is_judged() {
        let day = |days: i64| at((1_000 + days) * DAY_MS);
        assert_eq!(kinds(&secret(vec![])), []);
        let pending = map(vec![("v1", Value::List(vec![word("AWSPENDING")]))]);
        let empty = secret(vec![("SecretVersionsToStages", pending)]);
        assert_eq!(kinds(&empty), [Kind::NoValue]);
        for (days, expected) in [(-1, None), (0, Some(())), (3, Some(())), (4, None)] {
            let found = kinds(&secret(vec![("DeletedDate", day(days))]));
            assert_eq!(found.first().map(|_| ()), expected, "{days}");
        }
        let rotated = |enabled, days, region: &str| {
            kinds(&secret(vec![
                ("RotationEnabled", Value::Boolean(enabled)),
                ("NextRotationDate", day(days)),
                ("PrimaryRegion", word(region)),
            ]))
        };
        assert_eq!(rotated(true, -1, "local-1"), [Kind::RotationDue]);
        assert_eq!(rotated(true, 1, "local-1"), []);
        assert_eq!(rotated(false, -1, "local-1"), []);
        assert_eq!(rotated(true, -1, "eu-west-1"), [], "of a replica");
    }

    #[test]
    fn what_can_be_read_has_a_value_and_was_not_deleted() {
        let is_readable = |secret: &Value| Listed::read(secret).unwrap().is_readable;
        assert!(is_readable(&secret(vec![])));
        assert!(!is_readable(&secret(vec![("DeletedDate", at(1))])));
        assert!(!is_readable(&secret(vec![("SecretVersionsToStages", Value::Null)])));
        assert!(Listed::read(&Value::Null).is_none());
    }

    #[test]
    fn rotations_that_wait_for_somebody_are_found() {
        let row = |outlook: &str, failures, region: &str| {
            vec![
                ("Name", word("a")),
                ("Region", word(region)),
                ("Failures", Value::Integer(failures)),
                ("Outlook", word(outlook)),
            ]
        };
        let found = |row: Vec<(&str, Value)>, region| {
            let rows = Value::List(vec![map(row)]);
            let status = map(vec![("Region", word("home")), ("UnfinishedRotations", rows)]);
            unfinished(&status, region).first().map(|finding| finding.problem.clone())
        };
        let failed = "its rotation failed, and is tried again";
        assert_eq!(found(row("Open", 1, "home"), None).as_deref(), Some(failed));
        assert_eq!(found(row("Open", 1, "home"), Some("home")).as_deref(), Some(failed));
        assert_eq!(found(row("Open", 1, "home"), Some("other")), None);
        assert_eq!(found(row("Open", 1, "other"), None), None);
        assert_eq!(found(row("Cancelled", 1, "home"), None), None);
        let begun = "its rotation was begun and is not finished";
        assert_eq!(found(row("Open", 0, "home"), None).as_deref(), Some(begun));
        let mut at_work = row("Open", 0, "home");
        at_work.push(("AtWork", map(vec![])));
        assert_eq!(found(at_work, None), None);
        for outlook in ["Misconfigured", "Orphaned"] {
            assert!(found(row(outlook, 3, "home"), None).unwrap().ends_with("waits for you"));
        }
    }
}
