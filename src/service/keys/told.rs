//! What is shown of a key: in IAM's members, and ours after them. The secret is shown once.

use super::rights::{granted, is_over};
use crate::model::value::Value;
use crate::vault::access_key::Status;
use crate::vault::record::Record;
use crate::vault::transaction::Transaction;

/// Shows a key that was just made, with its secret: the answer of IAM's `CreateAccessKey`.
pub(super) fn once(record: &Record) -> Value {
    let mut members = Vec::new();
    if let Some(key) = &record.access_key {
        members.extend([
            text("UserName", &key.rights.user_name),
            text("AccessKeyId", &record.name),
            text("Status", status(key.status)),
            text("SecretAccessKey", key.secret.expose()),
            ("CreateDate".to_owned(), Value::Timestamp(record.created)),
        ]);
        members.extend(key.until.map(|until| ("Until".to_owned(), Value::Timestamp(until))));
    }
    Value::Map(vec![("AccessKey".to_owned(), Value::Map(members))])
}

/// Shows a key without its secret: as in the answer of IAM's `ListAccessKeys`, and what it may do.
pub(super) fn shown(record: &Record, transaction: &Transaction<'_>) -> Value {
    let Some(key) = &record.access_key else { return Value::Null };
    let rights = &key.rights;
    let shown = match key.status {
        Status::Active if is_over(key, transaction) => "Expired",
        Status::Active | Status::Inactive => status(key.status),
    };
    let mut members = vec![
        text("UserName", &rights.user_name),
        text("AccessKeyId", &record.name),
        text("Status", shown),
        ("CreateDate".to_owned(), Value::Timestamp(record.created)),
    ];
    let time = |name: &str, time| (name.to_owned(), Value::Timestamp(time));
    members.extend(key.until.map(|until| time("Until", until)));
    members.extend(record.accessed.map(|day| time("LastUsedDate", day)));
    members.extend(rights.path.as_ref().map(|path| text("Path", path)));
    members.extend(rights.region.as_ref().map(|region| text("Region", region)));
    members.extend(texts("Operations", &rights.operations));
    members.extend(texts("Secrets", &rights.secrets));
    members.extend(texts("Tags", &rights.tags));
    members.push(("ReadOnly".to_owned(), Value::Boolean(rights.read_only)));
    members.extend(texts("Policies", &rights.policies));
    members.extend(rights.boundary.as_ref().map(|policy| text("Boundary", policy)));
    members.extend(texts("SessionPolicies", &rights.session_policies));
    members.extend(texts("PrincipalTags", &rights.principal_tags));
    if granted(record, transaction).is_none() {
        let problem = "it opens nothing: a later version wrote what this one does not understand";
        members.push(text("Problem", problem));
    }
    Value::Map(members)
}

/// Returns a status in IAM's word.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Active => "Active",
        Status::Inactive => "Inactive",
    }
}

fn text(name: &str, text: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(text.to_owned()))
}

fn texts(name: &str, texts: &[String]) -> Option<(String, Value)> {
    let list = || Value::List(texts.iter().cloned().map(Value::Text).collect());
    (!texts.is_empty()).then(|| (name.to_owned(), list()))
}
