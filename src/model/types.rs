//! The members' types, each with AWS's limits, in alphabetical order; and the shapes of Rust's own.
//!
//! Limits are those of the service's public model (2017-10-17). Where lists differ only in their
//! bounds, [`Listed`] carries them.

use super::secret_value::SecretValue;
use super::shape::{Blob, Bounds, List, Mismatch, Pattern, Shape, Shaped, Text};
use super::time::Timestamp;
use super::value::Value;
use crate::sys::secret::Secret;

text! {
    /// The unique value that names one request, and the version it makes.
    pub(crate) struct ClientRequestToken: Bounds::between(32, 64), token = true
}
text! {
    /// What a secret is for, in words.
    pub(crate) struct Description: Bounds::at_most(2048)
}
text! {
    /// A KMS key: id, ARN or alias.
    pub(crate) struct KmsKeyId: Bounds::between(0, 2048)
}
text! {
    /// The kind of a managed external secret.
    pub(crate) struct SecretType: Bounds::between(0, 256)
}
text! {
    /// The name of a secret that is to be made; its characters are checked by the service.
    pub(crate) struct NewName: Bounds::between(1, 512)
}
text! {
    /// Where the next page starts.
    pub(crate) struct NextToken: Bounds::between(1, 4096)
}
text! {
    /// Characters that a password must not have.
    pub(crate) struct ExcludeCharacters: Bounds::between(0, 4096)
}
text! {
    /// The name of one of a secret's resource policies.
    pub(crate) struct PolicyName: Bounds::between(1, 64),
    pattern = Pattern { text: "[0-9A-Za-z\\-\\_]+", matches: is_policy_name }
}
text! {
    /// A region: its form is AWS's.
    pub(crate) struct RegionName: Bounds::between(1, 128),
    pattern = Pattern { text: "^([a-z]+-)+\\d+$", matches: is_region }
}
text! {
    /// The ARN of a secret.
    pub(crate) struct SecretArn: Bounds::between(20, 2048)
}
text! {
    /// The ARN of a role.
    pub(crate) struct RoleArn: Bounds::between(20, 2048)
}
text! {
    /// Where a replica in another account may be.
    pub(crate) struct ReplicaRestriction: Bounds::NONE, choices = ["SameOrg", "NoRestriction"]
}
text! {
    /// A resource policy: JSON.
    pub(crate) struct ResourcePolicy: Bounds::between(1, 20_480)
}
text! {
    /// The proof of identity that a rotation step carries.
    pub(crate) struct RotationToken: Bounds::between(36, 256),
    pattern = Pattern { text: "^[a-zA-Z0-9\\-]+$", matches: is_rotation_token },
    sensitive = true
}
text! {
    /// The name or ARN of a secret.
    pub(crate) struct SecretId: Bounds::between(1, 2048)
}
text! {
    /// The member to sort by.
    pub(crate) struct SortBy: Bounds::NONE,
    choices = ["created-date", "last-accessed-date", "last-changed-date", "name"]
}
text! {
    /// The direction to sort in.
    pub(crate) struct SortOrder: Bounds::NONE, choices = ["asc", "desc"]
}
text! {
    /// The key of a tag.
    pub(crate) struct TagKey: Bounds::between(1, 128)
}
text! {
    /// The value of a tag.
    pub(crate) struct TagValue: Bounds::between(0, 256)
}
text! {
    /// The id of a version.
    pub(crate) struct VersionId: Bounds::between(32, 64)
}
text! {
    /// A staging label.
    pub(crate) struct VersionStage: Bounds::between(1, 256)
}

text! {
    /// What a filter looks at.
    pub(crate) struct FilterKey: Bounds::NONE,
    choices = [
        "description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all",
    ]
}
text! {
    /// What a filter looks for; `!` before it turns it round.
    pub(crate) struct FilterValue: Bounds::at_most(512),
    pattern = Pattern {
        text: "^\\!?[a-zA-Z0-9 :_@\\/\\+\\=\\.\\-\\!]*$",
        matches: is_filter_value
    }
}

structure! {
    /// A filter.
    pub(crate) struct Filter {
        /// What to look at: `name`, `description`, `tag-key`, `tag-value`, `primary-region`,
        /// `owning-service` or `all` of them.
        key: Option<FilterKey> => "Key",
        /// What to look for. A `!` before a value turns it round.
        values: Option<Listed<FilterValue, 1, 10>> => "Values",
    }
}

structure! {
    /// A tag.
    pub(crate) struct Tag {
        /// The key identifier, or name, of the tag.
        key: Option<TagKey> => "Key",
        /// The string value associated with the key of the tag.
        value: Option<TagValue> => "Value",
    }
}

structure! {
    /// A region to replicate to.
    pub(crate) struct ReplicaRegion {
        /// The region to replicate the secret to.
        region: Option<RegionName> => "Region",
        /// The key to encrypt the replica with.
        kms_key_id: Option<KmsKeyId> => "KmsKeyId",
    }
}

structure! {
    /// How a replica stands.
    pub(crate) struct ReplicationStatus {
        /// The region of the replica.
        region: Option<String> => "Region",
        /// The key the replica is encrypted with.
        kms_key_id: Option<String> => "KmsKeyId",
        /// `InSync`, `Failed` or `InProgress`.
        status: Option<String> => "Status",
        /// What went wrong, or that nothing did.
        status_message: Option<String> => "StatusMessage",
        /// The day the replica was last read.
        last_accessed_date: Option<Timestamp> => "LastAccessedDate",
    }
}

/// `SecretString`: text that must not be seen.
pub(crate) struct SecretText(pub(crate) Secret<String>);

/// `SecretBinary`: bytes that must not be seen.
pub(crate) struct SecretBytes(pub(crate) Secret<Vec<u8>>);

/// A list of `MIN` to `MAX` elements; a `MAX` of 0 is no limit.
pub(crate) struct Listed<T, const MIN: i64, const MAX: i64>(pub(crate) Vec<T>);

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count<const MIN: i64, const MAX: i64>(pub(crate) i64);

/// Staging labels by version id: `VersionIdsToStages`.
pub(crate) struct StagesByVersion(pub(crate) Vec<(String, Vec<String>)>);

impl SecretText {
    /// Takes the two members a request may give its value in, of which at most one may be there.
    ///
    /// Returns `Err` with both when both are.
    pub(crate) fn or_bytes(
        text: Option<Self>,
        bytes: Option<SecretBytes>,
    ) -> Result<Option<SecretValue>, (Self, SecretBytes)> {
        match (text, bytes) {
            (None, None) => Ok(None),
            (Some(text), None) => Ok(Some(SecretValue::Text(text.0))),
            (None, Some(bytes)) => Ok(Some(SecretValue::Binary(bytes.0))),
            (Some(text), Some(bytes)) => Err((text, bytes)),
        }
    }
}

impl Shaped for SecretText {
    const SHAPE: &'static Shape = &Shape::Text(Text {
        bounds: Bounds::between(1, 65_536),
        pattern: None,
        choices: &[],
        sensitive: true,
        token: false,
    });

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        String::from_value(value).map(|text| Self(Secret::new(text)))
    }

    fn into_value(mut self) -> Option<Value> {
        Some(Value::Text(std::mem::take(self.0.expose_mut())))
    }
}

impl Shaped for SecretBytes {
    const SHAPE: &'static Shape =
        &Shape::Blob(Blob { bounds: Bounds::between(1, 65_536), sensitive: true });

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Bytes(bytes) = value else { return Err(Mismatch { member: "" }) };
        Ok(Self(Secret::new(bytes)))
    }

    fn into_value(mut self) -> Option<Value> {
        Some(Value::Bytes(std::mem::take(self.0.expose_mut())))
    }
}

impl Shaped for StagesByVersion {
    const SHAPE: &'static Shape = &Shape::Map(<Vec<String> as Shaped>::SHAPE);

    fn from_value(_value: Value) -> Result<Self, Mismatch> {
        // Only responses have it.
        Err(Mismatch { member: "" })
    }

    fn into_value(self) -> Option<Value> {
        let versions = self.0.into_iter();
        let members = versions.filter_map(|(id, stages)| Some((id, stages.into_value()?)));
        Some(Value::Map(members.collect()))
    }
}

impl<T: Shaped, const MIN: i64, const MAX: i64> Shaped for Listed<T, MIN, MAX> {
    const SHAPE: &'static Shape = &Shape::List(List {
        element: T::SHAPE,
        bounds: Bounds { min: Some(MIN), max: if MAX == 0 { None } else { Some(MAX) } },
    });

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        Vec::from_value(value).map(Self)
    }

    fn into_value(self) -> Option<Value> {
        self.0.into_value()
    }
}

impl<const MIN: i64, const MAX: i64> Shaped for Count<MIN, MAX> {
    const SHAPE: &'static Shape = &Shape::Integer(Bounds::between(MIN, MAX));

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        i64::from_value(value).map(Self)
    }

    fn into_value(self) -> Option<Value> {
        Some(Value::Integer(self.0))
    }
}

impl<T: Shaped> Shaped for Option<T> {
    const SHAPE: &'static Shape = T::SHAPE;
    const REQUIRED: bool = false;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        T::from_value(value).map(Some)
    }

    fn into_value(self) -> Option<Value> {
        self.and_then(T::into_value)
    }
}

impl<T: Shaped> Shaped for Vec<T> {
    const SHAPE: &'static Shape =
        &Shape::List(List { element: T::SHAPE, bounds: Bounds { min: None, max: None } });

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::List(elements) = value else { return Err(Mismatch { member: "" }) };
        elements.into_iter().map(T::from_value).collect()
    }

    fn into_value(self) -> Option<Value> {
        Some(Value::List(self.into_iter().filter_map(T::into_value).collect()))
    }
}

impl Shaped for String {
    const SHAPE: &'static Shape = &Shape::Text(Text {
        bounds: Bounds::NONE,
        pattern: None,
        choices: &[],
        sensitive: false,
        token: false,
    });

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Text(text) = value else { return Err(Mismatch { member: "" }) };
        Ok(text)
    }

    fn into_value(self) -> Option<Value> {
        Some(Value::Text(self))
    }
}

impl Shaped for i64 {
    const SHAPE: &'static Shape = &Shape::Integer(Bounds::NONE);

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Integer(number) = value else { return Err(Mismatch { member: "" }) };
        Ok(number)
    }

    fn into_value(self) -> Option<Value> {
        Some(Value::Integer(self))
    }
}

impl Shaped for bool {
    const SHAPE: &'static Shape = &Shape::Boolean;

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Boolean(flag) = value else { return Err(Mismatch { member: "" }) };
        Ok(flag)
    }

    fn into_value(self) -> Option<Value> {
        Some(Value::Boolean(self))
    }
}

impl Shaped for Timestamp {
    const SHAPE: &'static Shape = &Shape::Timestamp;

    fn from_value(value: Value) -> Result<Self, Mismatch> {
        let Value::Timestamp(at) = value else { return Err(Mismatch { member: "" }) };
        Ok(at)
    }

    fn into_value(self) -> Option<Value> {
        Some(Value::Timestamp(self))
    }
}

/// An empty answer, such as `tag-resource` gives.
impl Shaped for () {
    const SHAPE: &'static Shape = &Shape::Structure(&[]);

    fn from_value(_value: Value) -> Result<Self, Mismatch> {
        Ok(())
    }

    fn into_value(self) -> Option<Value> {
        Some(Value::Map(Vec::new()))
    }
}

fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    words.split('-').all(is_word)
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}

fn is_policy_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

fn is_filter_value(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b" :_@/+=.-!".contains(&b))
}

fn is_rotation_token(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_have_names_of_letters_digits_hyphens_and_underscores() {
        for (name, allowed) in [
            ("default", true),
            ("A-Z_09", true),
            ("_", true),
            ("", false),
            ("a.b", false),
            ("a b", false),
            ("default\n", false),
            ("é", false),
        ] {
            assert_eq!(is_policy_name(name), allowed, "{name}");
        }
    }

    #[test]
    fn values_have_the_characters_aws_allows() {
        for (value, allowed) in [
            ("", true),
            ("!/", true),
            ("a b:_@/+=.-!", true),
            ("a*", false),
            ("a,b", false),
            ("ä", false),
            ("a\0", false),
        ] {
            assert_eq!(is_filter_value(value), allowed, "{value}");
        }
    }
}
