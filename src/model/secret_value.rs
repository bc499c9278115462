//! What a version holds.

use crate::sys::secret::Secret;

/// The value of one version: text or bytes, never both.
pub(crate) enum SecretValue {
    /// `SecretString`.
    Text(Secret<String>),
    /// `SecretBinary`.
    Binary(Secret<Vec<u8>>),
}

impl SecretValue {
    /// Shows the bytes: UTF-8 for text.
    pub(crate) fn expose_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.expose().as_bytes(),
            Self::Binary(bytes) => bytes.expose(),
        }
    }

    /// Whether both hold the same kind and the same bytes. Not constant in time: both sides are
    /// known to the caller.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.expose_bytes() == other.expose_bytes()
    }
}
