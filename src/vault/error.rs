//! What can go wrong with a vault, each kind with its own sentence and a stable name.

use std::fmt;
use std::path::{Path, PathBuf};

use super::cbor::Malformed;
use super::loss::Loss;
use crate::{crypto, store};

/// Why a vault could not be opened, read or changed. Never holds a byte of a row or key.
#[derive(Debug)]
pub(crate) enum Error {
    /// The file is not an archive of this vault's audit log that its keys can verify.
    BadArchive(String),
    /// Another vault with the same past was changed elsewhere.
    Forked {
        /// A generation that each reached on its own.
        generation: u64,
    },
    /// There is no slot for the credential that was offered.
    NoSlotFor {
        /// The credential's kind in words.
        credential: &'static str,
    },
    /// The slot number is not in use.
    NoSuchSlot(u8),
    /// The slot is the last one, or the last that needs no file.
    LastSlot(u8),
    /// All slots of this kind are taken.
    SlotsFull,
    /// A copy lacks something that is in the vault it would replace.
    WouldLose(Loss),
    /// What was to be written is beyond a limit of the format: what it would have been.
    Limit(String),
    /// The clock cannot be right, and something would be erased because of it.
    ClockJumped,
    /// The name is taken in its region.
    NameTaken(String),
    /// The content was written by a later version.
    NewerContent(u64),
    /// The vault was given new keys since it was unlocked.
    Rekeyed,
    /// The vault is older than what this machine has seen.
    RolledBack {
        /// The generation in the file.
        found: u64,
        /// The generation seen before.
        seen: u64,
    },
    /// Another vault is where this one should go.
    OtherVault(PathBuf),
    /// A part of what was asked for was done, and the rest failed.
    Partly {
        /// What was done, as a sentence.
        done: &'static str,
        /// Why the rest was not.
        error: Box<Error>,
    },
    /// What is in the file does not fit together.
    Tampered(String),
    /// A key slot does not fit the rest. It can be dropped while others open the vault.
    TamperedSlot {
        number: u8,
        /// What is wrong with it, after its name.
        problem: &'static str,
    },
    /// The keys' own layer.
    Crypto(crypto::Error),
    /// The container's own layer.
    Store(store::Error),
}

impl Error {
    /// Whether it is about one part of what the file holds; others may be sound.
    pub(crate) fn is_damage(&self) -> bool {
        let is_unreadable = |error: &store::Error| {
            matches!(error, store::Error::Damaged { .. } | store::Error::TooBig)
        };
        matches!(self, Self::Tampered(_) | Self::TamperedSlot { .. })
            || matches!(self, Self::Store(error) if is_unreadable(error))
    }

    /// Says where there is no space left, if it is not where the vault is.
    pub(crate) fn for_want_of_space_at(self, path: &Path) -> Self {
        if let Self::Store(error) = self {
            return Self::Store(error.for_want_of_space_at(path));
        }
        self
    }

    /// Says that this came up after something else was done, which remains done.
    pub(crate) fn after(self, done: &'static str) -> Self {
        Self::Partly { done, error: Box::new(self) }
    }

    /// Says of a change to a vault that is nowhere yet what it says of any failure: nothing was done.
    pub(crate) fn of_draft(self) -> Self {
        if let Self::Store(error) = self {
            return Self::Store(error.of_read());
        }
        self
    }

    /// Whether the change that was asked for is there, or may be.
    pub(crate) fn may_be_done(&self) -> bool {
        matches!(self, Self::Store(error) if error.may_be_done())
    }

    /// Says what is altered or damaged, for a list of such things.
    pub(super) fn what_is_damaged(self) -> String {
        if let Self::TamperedSlot { number, problem } = self {
            return format!("slot {number} {problem}");
        }
        if let Self::Tampered(what) = self { what } else { self.to_string() }
    }

    /// Returns the stable name of the kind (docs/compatibility.md, "Exit codes").
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::BadArchive(_) => "BadArchive",
            Self::WouldLose(Loss::Apart { .. }) | Self::Forked { .. } => "ForkError",
            Self::NoSlotFor { .. } => "BadCredential",
            Self::NoSuchSlot(_) | Self::LastSlot(_) | Self::SlotsFull => "SlotError",
            Self::ClockJumped => "ClockJumped",
            Self::Limit(_) => "LimitError",
            Self::NameTaken(_) => "NameTaken",
            Self::NewerContent(_) => "NewerFormat",
            Self::OtherVault(_) => "VaultExists",
            Self::Rekeyed => "VaultRekeyed",
            Self::WouldLose(_) | Self::RolledBack { .. } => "RollbackError",
            Self::Partly { error, .. } => error.name(),
            Self::Tampered(_) | Self::TamperedSlot { .. } => "TamperError",
            Self::Crypto(error) => error.name(),
            Self::Store(error) => error.name(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadArchive(why) => {
                write!(f, "the file is no archive of this vault's audit log: {why}")
            }
            Self::Forked { generation } => write!(
                f,
                "this vault and the one last used on this machine were changed apart from each \
                 other: each has a generation {generation} of its own"
            ),
            Self::WouldLose(loss) => loss.fmt(f),
            Self::NoSlotFor { credential } => {
                write!(f, "no key slot of this vault takes a {credential}")
            }
            Self::NoSuchSlot(number) => write!(f, "key slot {number} is not in use"),
            Self::LastSlot(number) => write!(
                f,
                "key slot {number} is the last of its kind; without it the vault could not be \
                 opened again"
            ),
            Self::SlotsFull => {
                f.write_str("no key slot is free: a vault has 16, of which 4 may need a passphrase")
            }
            Self::Limit(what) => write!(f, "{what}; nothing was changed"),
            Self::ClockJumped => f.write_str(
                "the clock is more than a day behind or 400 days ahead of the last change; nothing \
                 is erased and no recovery window begins on its word",
            ),
            Self::NameTaken(name) => write!(f, "the name {name} is taken"),
            Self::NewerContent(version) => write!(
                f,
                "the vault was written by a later version of strongroom (content version \
                 {version}); this one reads up to {}",
                super::state::CONTENT_VERSION
            ),
            Self::OtherVault(path) => {
                write!(f, "{} is another vault; move it away first", path.display())
            }
            Self::Rekeyed => {
                f.write_str("the vault was given new keys in the meantime; unlock it again")
            }
            Self::RolledBack { found, seen } => write!(
                f,
                "the vault is an older copy: it is at generation {found}, and this machine has \
                 seen generation {seen}"
            ),
            Self::Partly { done, error } => {
                // What is true of the rest is not true of the whole.
                let why = error.to_string();
                write!(f, "{done}; then: {}", why.trim_end_matches("; nothing was changed"))
            }
            Self::Tampered(what) => {
                write!(f, "the vault was altered or is damaged: {what}")
            }
            Self::TamperedSlot { number, problem } => {
                write!(f, "the vault was altered or is damaged: slot {number} {problem}")
            }
            Self::Crypto(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Crypto(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Partly { error, .. } => Some(error),
            Self::BadArchive(_)
            | Self::WouldLose(_)
            | Self::Forked { .. }
            | Self::NoSlotFor { .. }
            | Self::NoSuchSlot(_)
            | Self::LastSlot(_)
            | Self::SlotsFull
            | Self::ClockJumped
            | Self::Limit(_)
            | Self::NameTaken(_)
            | Self::NewerContent(_)
            | Self::OtherVault(_)
            | Self::Rekeyed
            | Self::RolledBack { .. }
            | Self::Tampered(_)
            | Self::TamperedSlot { .. } => None,
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<crypto::Error> for Error {
    fn from(error: crypto::Error) -> Self {
        Self::Crypto(error)
    }
}

/// Says that `what` does not authenticate or has the wrong form: an altered or damaged row.
pub(crate) fn tampered(what: impl Into<String>) -> Error {
    Error::Tampered(what.into())
}

/// Turns a failed authentication of `what` into an error that names it.
pub(crate) fn opened<T>(
    result: Result<T, crypto::Error>,
    what: impl FnOnce() -> String,
) -> Result<T, Error> {
    result.map_err(|error| {
        let is_altered =
            matches!(error, crypto::Error::AuthenticationFailed | crypto::Error::Malformed { .. });
        if is_altered { tampered(what()) } else { Error::Crypto(error) }
    })
}

/// Turns content that is not what docs/format.md says into an error that names it.
pub(crate) fn decoded<T>(
    result: Result<T, Malformed>,
    what: impl FnOnce() -> String,
) -> Result<T, Error> {
    result.map_err(|Malformed| tampered(what()))
}
