//! What can go wrong with keys and sealed bytes, each kind with its own sentence.

use std::fmt;

use super::kdf::parameters::KdfParameters;
use crate::sys::entropy::NoEntropy;

/// What can go wrong between a credential and the bytes it protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// Sealed bytes are not what was sealed under this key for this place.
    AuthenticationFailed,
    /// The credential does not open this slot, or the slot was altered: nobody can tell which.
    WrongCredential,
    /// Bytes that no version of this program wrote.
    Malformed {
        /// What was being read.
        what: &'static str,
    },
    /// Bytes of a format that a later version of this program writes.
    NewerFormat {
        /// What was being read.
        what: &'static str,
        /// The number of its format.
        found: u32,
    },
    /// A derivation so costly that the user must allow it first ([`super::kdf::CostLimit::Costly`]).
    CostRefused {
        /// The cost asked for.
        found: KdfParameters,
    },
    /// A derivation too cheap to protect a passphrase.
    CostTooLow {
        /// The cost asked for.
        found: KdfParameters,
        /// The least that would do.
        floor: KdfParameters,
    },
    /// A derivation that nobody can allow, or that Argon2 does not define.
    CostOutOfBounds {
        /// The cost asked for.
        found: KdfParameters,
    },
    /// A keyfile that this program did not make, or that was damaged.
    BadKeyfile {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A recovery code that was not copied correctly.
    BadRecoveryCode {
        /// What is wrong with it.
        why: &'static str,
    },
    /// Text that cannot be a passphrase.
    BadPassphrase {
        /// What is wrong with it.
        why: &'static str,
    },
    /// An invisible character of a passphrase, which hardly anybody can type.
    UnseenCharacter(char),
    /// The system gave no random bytes.
    NoEntropy(NoEntropy),
    /// The system has no memory, or no threads, for the derivation.
    NoMemory {
        /// How much the derivation needs.
        needed_kib: u32,
    },
    /// More bytes than a box can hold.
    TooLong,
}

impl Error {
    /// Returns the stable name of the kind (docs/compatibility.md, "Exit codes").
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::AuthenticationFailed => "TamperError",
            Self::WrongCredential
            | Self::BadKeyfile { .. }
            | Self::BadRecoveryCode { .. }
            | Self::BadPassphrase { .. }
            | Self::UnseenCharacter(_) => "BadCredential",
            Self::Malformed { .. } | Self::TooLong => "DamagedError",
            Self::NewerFormat { .. } => "NewerFormat",
            Self::CostRefused { .. } | Self::CostTooLow { .. } | Self::CostOutOfBounds { .. } => {
                "CostRefused"
            }
            Self::NoEntropy(_) => "NoEntropy",
            Self::NoMemory { .. } => "NoMemory",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthenticationFailed => f.write_str("sealed data does not authenticate"),
            Self::WrongCredential => f.write_str("wrong credential, or this slot was altered"),
            Self::Malformed { what } => write!(f, "the {what} is damaged"),
            Self::NewerFormat { what, found } => {
                write!(f, "the {what} has format {found}, which is newer than this program")
            }
            Self::CostRefused { found } => {
                write!(f, "unlocking needs {found}, which must be allowed first")
            }
            Self::CostTooLow { found, floor } => {
                write!(f, "a key derivation of {found} is too weak; the minimum is {floor}")
            }
            Self::CostOutOfBounds { found } => {
                write!(f, "a key derivation of {found} is out of bounds")
            }
            Self::BadKeyfile { why } => write!(f, "not a usable keyfile: {why}"),
            Self::BadRecoveryCode { why } => write!(f, "not a recovery code: {why}"),
            Self::BadPassphrase { why } => write!(f, "the passphrase {why}"),
            Self::UnseenCharacter(found) => write!(
                f,
                "the passphrase contains U+{:04X}, an invisible character that could not be \
                 typed again",
                u32::from(*found)
            ),
            Self::NoEntropy(why) => why.fmt(f),
            Self::NoMemory { needed_kib } => {
                write!(f, "not enough memory to derive the key: {} MiB needed", needed_kib / 1024)
            }
            Self::TooLong => f.write_str("too many bytes to seal at once"),
        }
    }
}

impl std::error::Error for Error {}

impl From<NoEntropy> for Error {
    fn from(why: NoEntropy) -> Self {
        Self::NoEntropy(why)
    }
}
