//! Which values a replica has already, so that they need not be sent.
//!
//! The id of a version is not enough: a version that fell off the end is gone, and whoever writes may
//! give the next one the same id, and another value.

use std::io::Read;

use crate::crypto::fingerprint;
use crate::model::secret_value::SecretValue;
use crate::model::value::Value;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::vault::record::Record;

/// A version with its value, of which it has the fingerprint. Has no `Debug`: a weak value can be
/// guessed from that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Held {
    pub(super) id: String,
    pub(super) mark: String,
}

impl Held {
    pub(super) fn of(id: &str, value: &SecretValue) -> Option<Self> {
        let kind = match value {
            SecretValue::Text(_) => [0],
            SecretValue::Binary(_) => [1],
        };
        let (mark, _) = fingerprint::of(kind.as_slice().chain(value.expose_bytes())).ok()?;
        Some(Self { id: id.to_owned(), mark: fingerprint::hex(&mark) })
    }

    /// Returns the versions of a secret that have values, and that are asked for.
    pub(super) fn all(
        cx: &mut Context<'_, '_>,
        record: &Record,
        is_asked: impl Fn(&str) -> bool,
    ) -> Result<Vec<Self>, Failure> {
        let mut all = Vec::new();
        for version in record.versions.iter().filter(|version| is_asked(&version.id)) {
            let value = cx.vault()?.value(record, version)?;
            all.extend(value.and_then(|value| Self::of(&version.id, &value)));
        }
        Ok(all)
    }

    pub(super) fn into_value(self) -> Value {
        Value::List(vec![Value::Text(self.id), Value::Text(self.mark)])
    }

    /// Reads what [`Held::into_value`] wrote.
    pub(super) fn from_value(value: Value) -> Option<Self> {
        let Value::List(parts) = value else { return None };
        let [Value::Text(id), Value::Text(mark)] = <[Value; 2]>::try_from(parts).ok()? else {
            return None;
        };
        Some(Self { id, mark })
    }

    /// Reads several.
    pub(super) fn list_from_value(value: Value) -> Option<Vec<Self>> {
        let Value::List(list) = value else { return None };
        list.into_iter().map(Self::from_value).collect()
    }

    /// Writes several.
    pub(super) fn list_into_value(list: Vec<Self>) -> Value {
        Value::List(list.into_iter().map(Self::into_value).collect())
    }
}
