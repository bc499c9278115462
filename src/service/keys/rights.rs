//! The rights of a key: as they are asked for, as they are kept, and as the grant that they are.

use crate::model::time::Timestamp;
use crate::service::caller::Grant;
use crate::service::grants::GrantSpec;
use crate::service::rules::arn::Place;
use crate::vault::access_key::{AccessKey, Rights};
use crate::vault::record::Record;
use crate::vault::transaction::Transaction;

/// Whether a key's time is over. A clock that was set back brings no time back.
pub(super) fn is_over(key: &AccessKey, transaction: &Transaction<'_>) -> bool {
    key.until.is_some_and(|until| until <= transaction.now().max(transaction.date()))
}

/// Makes the grant that a key is; `None` for one that this program does not wholly understand.
pub(super) fn granted(record: &Record, transaction: &Transaction<'_>) -> Option<Grant> {
    let key = record.access_key.as_ref().filter(|key| key.is_understood())?;
    let spec = spec_of(&key.rights);
    let grant = spec.grant(record.name.clone(), home(transaction), record.created).ok()?;
    Some(Grant { until: key.until.unwrap_or(Timestamp(i64::MAX)), ..grant })
}

pub(super) fn home<'t>(transaction: &'t Transaction<'_>) -> Place<'t> {
    let settings = &transaction.state().settings;
    Place { account: settings.account(), region: settings.region() }
}

/// Returns rights as they are asked for.
pub(super) fn spec_of(rights: &Rights) -> GrantSpec {
    let rights = rights.clone();
    GrantSpec {
        label: None,
        region: rights.region,
        operations: rights.operations,
        secrets: rights.secrets,
        tags: rights.tags,
        read_only: rights.read_only,
        lifetime_s: None,
        policies: rights.policies,
        boundary: rights.boundary,
        session_policies: rights.session_policies,
        principal_tags: rights.principal_tags,
        user_name: Some(rights.user_name),
        path: rights.path,
    }
}

/// Returns what is asked for as rights, and how many seconds they are for.
pub(super) fn rights_of(spec: GrantSpec) -> (Rights, Option<i64>) {
    let rights = Rights {
        user_name: spec.user_name.unwrap_or_default(),
        path: spec.path,
        region: spec.region,
        operations: spec.operations,
        secrets: spec.secrets,
        tags: spec.tags,
        read_only: spec.read_only,
        policies: spec.policies,
        boundary: spec.boundary,
        session_policies: spec.session_policies,
        principal_tags: spec.principal_tags,
        ..Rights::default()
    };
    (rights, spec.lifetime_s)
}
