//! What is lost with a vault that a copy of it replaces.

use std::fmt;

/// What a vault may hold that a copy of it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing: the copy came out of it, or nothing is there.
    Nothing,
    /// Nobody can tell: it is damaged, or its keys are older than the copy's.
    Unknown,
    /// It is newer than the copy.
    Older {
        /// The generation of the copy.
        found: u64,
        /// The newer one.
        known: u64,
    },
    /// It was changed apart from the copy.
    Apart {
        /// A generation that each reached on its own.
        generation: u64,
    },
    /// It was given new keys since the copy was made.
    BeforeRekey,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("the copy has all that is in the vault"),
            Self::Unknown => f.write_str("the vault is damaged"),
            Self::Older { found, known } => write!(
                f,
                "the copy is older than the vault: it is at generation {found}, and the vault was \
                 at generation {known}"
            ),
            Self::Apart { generation } => write!(
                f,
                "the copy and the vault were changed apart from each other: each has a generation \
                 {generation} of its own"
            ),
            Self::BeforeRekey => f.write_str("the copy is from before a rekey of the vault"),
        }
    }
}
