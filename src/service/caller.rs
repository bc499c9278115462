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
    /// Tells it from others; no secret.
    pub(crate) id: String,
    /// The owner's name for it, which a session of a role could have.
    pub(crate) label: Option<String>,
    pub(crate) actions: BTreeSet<Action>,
    pub(crate) secrets: Selection,
    /// From when on nothing is allowed any more.
    pub(crate) until: Timestamp,
    /// Whether nothing may be changed.
    pub(crate) read_only: bool,
    /// Where there are any, one must allow the call, and none may deny it.
    pub(crate) policies: Vec<Policy>,
}

/// Which secrets are meant: those that have one of the names and all of the tags when a call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    /// The region that all but ARNs are about.
    pub(crate) region: String,
    /// Patterns of names, or of ARNs, which name their regions: `*` is any text and `?` any
    /// character, as in IAM. Where there are none, any name will do; where there are no tags either,
    /// any secret of any region.
    pub(crate) names: Vec<String>,
    /// Keys, and the values that they must have; `None` is any.
    pub(crate) tags: Vec<(String, Option<String>)>,
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
            Self::Grant(Grant { id, label: None, .. }) => Some(format!("grant:{id}")),
            Self::Grant(Grant { id, label: Some(label), .. }) => {
                Some(format!("grant:{id}/{label}"))
            }
        }
    }
}

impl Grant {
    /// The role whose sessions grants are, for policies that speak of all of them.
    pub(crate) const ROLE: &str = "strongroom-grant";

    /// Returns the name of its session of the role.
    pub(crate) fn session(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.id)
    }
}
