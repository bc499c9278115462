//! Who calls, and with which rights. What follows from them is decided in `access`.

/// Who calls.
pub(crate) enum Caller {
    /// Who unlocked the vault: may do everything.
    Owner,
    /// The program of a rotation, in one of its steps.
    Step(Capability),
}

/// What the program of a rotation may do, for one step.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Gives it to what checks it.
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

impl Caller {
    /// Returns by which way a call comes, for the audit log; `None` for the owner's own.
    pub(crate) fn via(&self) -> Option<String> {
        match self {
            Self::Owner => None,
            Self::Step(capability) => Some(format!("rotation:{}", capability.step.name())),
        }
    }
}
