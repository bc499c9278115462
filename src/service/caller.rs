//! Who calls, and with which rights. What follows from them is decided in `access`.

use std::collections::BTreeSet;

use super::action::Action;
use super::rules::policy::model::Policy;
use crate::model::time::Timestamp;

/// Who calls.
pub(crate) enum Caller {
    /// Who unlocked the vault: may do everything.
    Owner,
    /// The program of a rotation, in one of its steps.
    Step(Capability),
    /// Somebody who was granted a part of what the owner may do.
    #[cfg_attr(not(test), expect(dead_code, reason = "nothing hands out grants yet"))]
    Grant(Grant),
}

/// What the program of a rotation may do, for one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capability {
    /// The secret's row.
    pub(crate) rid: u64,
    /// The version that the rotation makes: its `ClientRequestToken`.
    pub(crate) token: String,
    pub(crate) step: Step,
    /// ARNs of other secrets that it may read.
    pub(crate) reads: Vec<String>,
    /// Whether it may only read.
    pub(crate) read_only: bool,
}

/// What somebody was granted. All of it must allow a call.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) actions: BTreeSet<Action>,
    /// The names of the secrets, in whichever region a call is about: `*` is any text and `?` any
    /// character, as in IAM.
    pub(crate) secrets: Vec<String>,
    /// From when on nothing is allowed any more.
    pub(crate) until: Timestamp,
    /// Whether nothing may be changed.
    pub(crate) read_only: bool,
    /// Where there are any, one must allow the call, and none may deny it.
    pub(crate) policies: Vec<Policy>,
}

/// A step of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
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

    /// Returns AWS's name of the step, as in the event.
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
            Self::Grant(_) => Some("grant".to_owned()),
        }
    }
}
