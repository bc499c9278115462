//! What a person looks at before he approves a rotation's program, as it goes from whoever has the vault
//! to whoever shows it.

use super::progress;
use super::settings::{self, RotationSettings};
use crate::crypto::header::VaultId;
use crate::model::time::Timestamp;
use crate::model::types::SecretId;
use crate::model::value::Value;
use crate::service::failure::Failure;
use crate::vault::rotation::Rotation;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, Vault};

/// How a secret of a vault rotates.
#[derive(PartialEq)]
pub(crate) struct Review {
    pub(crate) vault: VaultId,
    /// The secret's row.
    pub(crate) rid: u64,
    pub(crate) arn: String,
    pub(crate) name: String,
    /// How it rotates, if it does.
    pub(crate) rotation: Option<Rotation>,
    /// What is shown of the rotation in progress.
    pub(crate) unfinished: Option<Value>,
    /// When it was last rotated.
    pub(crate) rotated: Option<Timestamp>,
}

impl Review {
    /// Reads how a secret rotates.
    pub(crate) fn of(
        vault: &mut Vault,
        id: &SecretId,
        region: Option<&str>,
        context: RequestContext<'_>,
    ) -> Result<Self, Failure> {
        let found = settings::settings(vault, id, region, context)?;
        let RotationSettings { rid, arn, name, rotation, progress, rotated } = found;
        let unfinished = progress.map(|progress| Value::Map(progress::shown(&progress)));
        let vault = *vault.vault_id();
        Ok(Self { vault, rid, arn, name, rotation, unfinished, rotated })
    }

    /// Writes it as a value.
    pub(crate) fn into_value(self) -> Value {
        let Self { vault, rid, arn, name, rotation, unfinished, rotated } = self;
        let mut members = vec![
            ("Vault", Value::Bytes(vault.0.to_vec())),
            ("Row", Value::Text(rid.to_string())),
            ("ARN", Value::Text(arn)),
            ("Name", Value::Text(name)),
        ];
        members.extend(rotation.map(|rotation| ("Rotation", Value::Bytes(rotation.to_bytes()))));
        members.extend(unfinished.map(|unfinished| ("Unfinished", unfinished)));
        members.extend(rotated.map(|rotated| ("Rotated", Value::Timestamp(rotated))));
        let named = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        Value::Map(named.collect())
    }

    /// Reads what [`into_value`](Self::into_value) wrote; `None` if that is something else.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        let text = |name: &str| {
            let Value::Text(text) = value.get(name)? else { return None };
            Some(text.clone())
        };
        let bytes = |name: &str| {
            let Value::Bytes(bytes) = value.get(name)? else { return None };
            Some(bytes.as_slice())
        };
        let rotation = match bytes("Rotation") {
            Some(bytes) => Some(Rotation::from_bytes(bytes)?),
            None => None,
        };
        let rotated = match value.get("Rotated") {
            Some(Value::Timestamp(rotated)) => Some(*rotated),
            Some(_) | None => None,
        };
        Some(Self {
            vault: VaultId(bytes("Vault")?.try_into().ok()?),
            rid: text("Row")?.parse().ok()?,
            arn: text("ARN")?,
            name: text("Name")?,
            rotation,
            unfinished: value.get("Unfinished").cloned(),
            rotated,
        })
    }
}

/// Returns which of these rows no secret has any more.
pub(crate) fn gone(
    vault: &mut Vault,
    mut rows: Vec<u64>,
    context: RequestContext<'_>,
) -> Result<Vec<u64>, vault::Error> {
    vault.begin(Access::Read, context)?.each(|record| {
        rows.retain(|row| *row != record.rid);
        Ok(())
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::rotation::{Command, Protocol};

    #[test]
    fn a_review_is_read_as_it_was_written() {
        let command = || Command::new(vec!["/rotate".to_owned()], Protocol::Stdio);
        let rotation = || Rotation {
            enabled: true,
            function: "f".to_owned(),
            command: command(),
            rules: None,
            external: Vec::new(),
            configured: Timestamp(3),
            current: None,
            unknown: command().unknown,
        };
        let unfinished = || Value::Map(vec![("Failures".to_owned(), Value::Integer(1))]);
        for is_full in [false, true] {
            let review = || Review {
                vault: VaultId([7; 16]),
                rid: u64::MAX,
                arn: "arn".to_owned(),
                name: "n".to_owned(),
                rotation: is_full.then(rotation),
                unfinished: is_full.then(unfinished),
                rotated: is_full.then_some(Timestamp(5)),
            };
            let read = Review::from_value(&review().into_value());
            assert!(read == Some(review()), "{is_full}");
        }
        assert!(Review::from_value(&Value::Map(Vec::new())).is_none());
    }
}
