//! Every way a command can fail, its exit code and what to do next. The only place where a failure
//! becomes an exit code.

use std::io;

use super::field::Unpicked;
use super::request::error as request;
use crate::gateway::refusal::Explained;
use crate::service::action::Action;
use crate::service::failure;
use crate::service::fault::Fault;
use crate::service::jobs::LeftBehind;
use crate::sys::files::FileFault;
use crate::{crypto, rotation, store, vault};

/// The operation that rotates.
const ROTATE: &str = Action::RotateSecret.name();
/// The service refused.
const REFUSED: u8 = 254;
/// The environment is wrong: no vault, locked, wrong passphrase, bad configuration.
const ENVIRONMENT: u8 = 253;
/// What a shell reports of a program that `^C` ended.
const INTERRUPTED: u8 = 130;
/// Anything else.
const OTHER: u8 = 255;
/// What a shell reports of a program that wrote into a closed pipe.
const CLOSED_PIPE: u8 = 141;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is wrong.
    Request(request::Error),
    /// The service refuses, in AWS's words.
    Service {
        /// AWS's name of the operation.
        operation: &'static str,
        /// What it says.
        fault: Fault,
        /// What to do next.
        hint: Option<String>,
    },
    /// The vault failed.
    Vault(vault::Error),
    /// The vault failed in the agent, which says how.
    Explained(Explained),
    /// A file that is not the vault failed.
    File(FileFault),
    /// Something around the command is missing or wrong.
    Environment {
        /// The stable name of the kind.
        name: &'static str,
        /// What is wrong.
        message: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// A step of a rotation failed.
    Rotation(rotation::error::Failed),
    /// A program that was asked for could not be run; the exit code is what shells end with then.
    NotRun {
        /// 126 or 127.
        code: u8,
        /// Which program, and why.
        message: String,
    },
    /// Somebody asked to stop.
    Interrupted(String),
    /// The value does not have what `--field` asks for.
    Pick(Unpicked),
    /// The work was done and found something wrong, as `check` may; the answer says what.
    Found,
    /// The work was done, and this exit code tells the caller how it went.
    Ended(u8),
    /// The answer could not be written.
    Output(io::Error),
}

impl Failure {
    /// Something around the command is missing or wrong.
    pub(crate) fn environment(name: &'static str, message: impl Into<String>) -> Self {
        Self::Environment { name, message: message.into(), hint: None }
    }

    /// Says what to do next about it.
    #[must_use]
    pub(crate) fn hinted(self, next: impl Into<String>) -> Self {
        let Self::Environment { name, message, .. } = self else { return self };
        Self::Environment { name, message, hint: Some(next.into()) }
    }

    /// Turns an operation's failure into a command's.
    pub(crate) fn of_operation(operation: &'static str, failure: failure::Failure) -> Self {
        match failure {
            failure::Failure::Fault(fault) => {
                let hint = fault.hint.clone();
                Self::Service { operation, fault, hint }
            }
            failure::Failure::Vault(error) => Self::Vault(error),
        }
    }

    /// Turns a rotation's failure into a command's.
    pub(crate) fn of_rotation(error: rotation::error::Error) -> Self {
        use rotation::error::Error;
        match error {
            Error::Service(failure) | Error::AtWork(failure) => Self::of_operation(ROTATE, failure),
            Error::Failed(failed) => Self::Rotation(failed),
            Error::File(fault) => Self::File(fault),
            Error::Told(explained) => Self::Explained(explained),
            Error::Interrupted { step, token, left } => {
                let step = step.name();
                Self::Interrupted(match left {
                    LeftBehind::Pending => format!(
                        "interrupted; {step} was not done. Version {token} stays AWSPENDING; run \
                         rotate-secret again to resume."
                    ),
                    LeftBehind::Complete => format!(
                        "interrupted during {step}, when version {token} was AWSCURRENT already; \
                         the rotation is complete."
                    ),
                    LeftBehind::Nothing => {
                        format!("interrupted during {step}; nothing was changed.")
                    }
                })
            }
            Error::Stopped => Self::Interrupted("interrupted; the rest was not begun.".to_owned()),
            Error::Passed => Self::Interrupted("there was nothing to do any more.".to_owned()),
        }
    }

    /// Says that this came up after something else had been done, which stays so.
    pub(crate) fn after(self, done: &'static str) -> Self {
        if let Self::Vault(error) = self { Self::Vault(error.after(done)) } else { self }
    }

    /// Whether the change that was asked for is there, or may be.
    pub(crate) fn may_be_done(&self) -> bool {
        matches!(self, Self::Vault(error) if error.may_be_done())
    }

    /// Returns AWS's name of the operation whose failure this is.
    pub(crate) fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Service { operation, .. } => Some(operation),
            Self::Rotation(_) => Some(ROTATE),
            Self::Request(_)
            | Self::Vault(_)
            | Self::Explained(_)
            | Self::File(_)
            | Self::Environment { .. }
            | Self::NotRun { .. }
            | Self::Interrupted(_)
            | Self::Pick(_)
            | Self::Found
            | Self::Ended(_)
            | Self::Output(_) => None,
        }
    }

    /// Returns the exit code (docs/compatibility.md, "Exit codes").
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Request(error) => error.exit_code(),
            Self::Service { .. } | Self::Rotation(_) => REFUSED,
            Self::Environment { .. } => ENVIRONMENT,
            Self::Vault(error) => vault_exit_code(error),
            Self::Explained(explained) => explained.exit_code,
            Self::File(fault) => file_exit_code(fault),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => CLOSED_PIPE,
            Self::Interrupted(_) => INTERRUPTED,
            Self::Ended(code) | Self::NotRun { code, .. } => *code,
            Self::Output(_) | Self::Pick(_) | Self::Found => OTHER,
        }
    }

    /// Returns the code and sentence to print; `None` where there is nothing to say.
    pub(crate) fn told(&self) -> Option<(&str, String)> {
        match self {
            Self::Request(_) | Self::Found | Self::Ended(_) => None,
            Self::Rotation(failed) => Some(("RotationFailed", failed.to_string())),
            Self::NotRun { message, .. } => Some(("NotRun", message.clone())),
            Self::Interrupted(message) => Some(("Interrupted", message.clone())),
            Self::Service { fault, .. } => Some((fault.code.as_str(), fault.message.clone())),
            Self::Vault(error) => Some((error.name(), error.to_string())),
            Self::Explained(explained) => Some((&explained.name, explained.message.clone())),
            Self::File(fault) => Some((fault.name(), fault.to_string())),
            Self::Environment { name, message, .. } => Some((name, message.clone())),
            Self::Pick(unpicked) => Some(("FieldError", unpicked.to_string())),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Self::Output(error) => Some((
                "OutputError",
                format!(
                    "what was asked for was done, but the answer could not be written: {error}"
                ),
            )),
        }
    }

    /// Returns what to do next, where there is something to do.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Environment { hint, .. } | Self::Service { hint, .. } => hint.clone(),
            Self::Request(error) => error.hint().map(str::to_owned),
            Self::Pick(unpicked) => unpicked.hint().map(str::to_owned),
            Self::File(fault) => fault.remedy(),
            Self::Vault(error) => vault_hint(error),
            Self::Explained(explained) => explained.hint.clone(),
            Self::Rotation(_)
            | Self::NotRun { .. }
            | Self::Interrupted(_)
            | Self::Found
            | Self::Ended(_)
            | Self::Output(_) => None,
        }
    }
}

/// Returns what to do next about a failure of the vault.
pub(super) fn vault_hint(error: &vault::Error) -> Option<String> {
    Some(
        match error {
            vault::Error::Store(store::Error::File(fault)) => return fault.remedy(),
            vault::Error::Forked { .. } => {
                "keep one of the two: `strongroom accept-state` makes this one the newest; where both \
                 machines only read, `strongroom configure --audit-reads off` ends such forks"
            }
            vault::Error::RolledBack { .. } => {
                "if you put this copy there yourself, `strongroom accept-state` makes it the \
                 newest; otherwise get the newer file back"
            }
            vault::Error::WouldLose(_) => {
                "--accept-rollback puts the copy there all the same, and keeps the vault beside it"
            }
            vault::Error::TamperedSlot { .. } => {
                "`strongroom key-slot remove --slot N --damaged` drops the slot; the others still \
                 work"
            }
            vault::Error::Tampered(_)
            | vault::Error::Store(
                store::Error::Damaged { .. } | store::Error::SchemaAltered { .. },
            ) => {
                "`strongroom check` says what is wrong; restore a backup, or save what still \
                 authenticates with `strongroom check --repair` or `strongroom salvage`"
            }
            vault::Error::Store(store::Error::NoLocks { .. }) => {
                "keep the vault on a local disk, or mount this file system with its locks; a copy \
                 of the file elsewhere can be read"
            }
            vault::Error::ClockJumped => {
                "set the clock, or `strongroom accept-state` if it is right"
            }
            vault::Error::Crypto(crypto::Error::CostRefused { .. }) => {
                "--allow-costly-kdf derives the key all the same"
            }
            vault::Error::Crypto(crypto::Error::NoMemory { .. }) => {
                "a keyfile and the recovery code need no memory"
            }
            vault::Error::Crypto(crypto::Error::CostTooLow { .. }) => {
                "--allow-weak-kdf takes it all the same"
            }
            vault::Error::BadArchive(_)
            | vault::Error::Crypto(_)
            | vault::Error::LastSlot(_)
            | vault::Error::Limit(_)
            | vault::Error::NameTaken(_)
            | vault::Error::NewerContent(_)
            | vault::Error::NoSlotFor { .. }
            | vault::Error::NoSuchSlot(_)
            | vault::Error::OtherVault(_)
            | vault::Error::Partly { .. }
            | vault::Error::Rekeyed
            | vault::Error::SlotsFull
            | vault::Error::Store(_) => return None,
        }
        .to_owned(),
    )
}

pub(super) fn vault_exit_code(error: &vault::Error) -> u8 {
    match error {
        vault::Error::BadArchive(_)
        | vault::Error::NoSlotFor { .. }
        | vault::Error::NoSuchSlot(_)
        | vault::Error::LastSlot(_)
        | vault::Error::SlotsFull
        | vault::Error::ClockJumped
        | vault::Error::OtherVault(_)
        | vault::Error::NewerContent(_) => ENVIRONMENT,
        vault::Error::Crypto(error) => match error {
            crypto::Error::AuthenticationFailed
            | crypto::Error::Malformed { .. }
            | crypto::Error::NoEntropy(_)
            | crypto::Error::TooLong => OTHER,
            crypto::Error::WrongCredential
            | crypto::Error::NewerFormat { .. }
            | crypto::Error::CostRefused { .. }
            | crypto::Error::CostTooLow { .. }
            | crypto::Error::CostOutOfBounds { .. }
            | crypto::Error::BadKeyfile { .. }
            | crypto::Error::BadRecoveryCode { .. }
            | crypto::Error::BadPassphrase { .. }
            | crypto::Error::UnseenCharacter(_)
            | crypto::Error::NoMemory { .. } => ENVIRONMENT,
        },
        vault::Error::Store(error) => match error {
            store::Error::File(fault) => file_exit_code(fault),
            store::Error::NotAVault { .. }
            | store::Error::NewerFormat { .. }
            | store::Error::NoLocks { .. }
            | store::Error::Exists(_) => ENVIRONMENT,
            store::Error::Busy
            | store::Error::CalledOff
            | store::Error::Changed
            | store::Error::Committed { .. }
            | store::Error::InDoubt { .. }
            | store::Error::Damaged { .. }
            | store::Error::NoSpace
            | store::Error::ReadOnly
            | store::Error::RowCount { .. }
            | store::Error::RowLimit { .. }
            | store::Error::SchemaAltered { .. }
            | store::Error::TooBig
            | store::Error::Unfinished
            | store::Error::Io { .. } => OTHER,
        },
        vault::Error::Partly { error, .. } => vault_exit_code(error),
        vault::Error::WouldLose(_)
        | vault::Error::Forked { .. }
        | vault::Error::Limit(_)
        | vault::Error::NameTaken(_)
        | vault::Error::Rekeyed
        | vault::Error::RolledBack { .. }
        | vault::Error::Tampered(_)
        | vault::Error::TamperedSlot { .. } => OTHER,
    }
}

pub(super) fn file_exit_code(fault: &FileFault) -> u8 {
    match fault {
        FileFault::Damaged { .. }
        | FileFault::Exists(_)
        | FileFault::InTheWay(_)
        | FileFault::Missing(_)
        | FileFault::NoAccess(_)
        | FileFault::NotAFile(_)
        | FileFault::OpenDirectory { .. }
        | FileFault::TooLarge { .. }
        | FileFault::TooOpen { .. }
        | FileFault::WrongOwner { .. } => ENVIRONMENT,
        FileFault::NoSpace(_) | FileFault::ReadOnly(_) | FileFault::Io { .. } => OTHER,
    }
}

impl From<request::Error> for Failure {
    fn from(error: request::Error) -> Self {
        Self::Request(error)
    }
}

impl From<Unpicked> for Failure {
    fn from(unpicked: Unpicked) -> Self {
        Self::Pick(unpicked)
    }
}

impl From<vault::Error> for Failure {
    fn from(error: vault::Error) -> Self {
        Self::Vault(error)
    }
}

impl From<crypto::Error> for Failure {
    fn from(error: crypto::Error) -> Self {
        Self::Vault(vault::Error::Crypto(error))
    }
}

impl From<FileFault> for Failure {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}
