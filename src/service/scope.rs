//! Who calls, and what a rotation's program may do: the one place where that is decided.

use std::collections::BTreeSet;

use super::context::{Failure, arn_of, look_up};
use super::fault::{Code, Fault};
use super::operation::Entry;
use super::rules::stages::{CURRENT, PENDING, PREVIOUS};
use crate::model::value::Value;
use crate::vault::progress::Outlook;
use crate::vault::record::Record;
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
        vault: &Transaction<'_>,
        region: &str,
        entry: &Entry,
        request: &Value,
    ) -> Result<(), Failure> {
        let Self::Capability(capability) = self else { return Ok(()) };
        if capability.allows(vault, region, (entry.name, request))? {
            return Ok(());
        }
        let step = capability.step.name();
        Err(Fault::new(
            Code::AccessDenied,
            format!(
                "The {step} step of a rotation is not allowed to perform: secretsmanager:{} with \
                 these parameters.",
                entry.name
            ),
        )
        .into())
    }
}

impl Capability {
    fn allows(
        &self,
        vault: &Transaction<'_>,
        region: &str,
        (operation, request): (&str, &Value),
    ) -> Result<bool, Failure> {
        // What is checked here must be what the operation reads.
        if has_duplicates(request) {
            return Ok(false);
        }
        if operation == "GetRandomPassword" {
            return Ok(matches!(self.step, Step::Create | Step::Set));
        }
        let Some(id) = text(request, "SecretId") else { return Ok(false) };
        let Some(record) = look_up(vault, region, id)? else { return Ok(false) };
        if record.rid != self.rid {
            return Ok(operation == "GetSecretValue" && self.may_read_of_other(&record, request));
        }
        // A rotation that its owner ended meanwhile has no rights left, one that was cancelled only
        // those to look.
        let progress = record.progress.as_ref();
        let Some(progress) = progress.filter(|progress| progress.token == self.token) else {
            return Ok(false);
        };
        let may_write = !self.read_only && progress.outlook != Outlook::Cancelled;
        Ok(match operation {
            "DescribeSecret" => true,
            "GetSecretValue" => self.may_read(&record, request),
            "PutSecretValue" => may_write && self.may_put(request),
            "UpdateSecretVersionStage" => may_write && self.may_move(&record, request),
            _ => false,
        })
    }

    /// Of its own secret: the current value and the one it makes; the one before only where it gives
    /// the new one to whoever checks it, who may know no other yet.
    fn may_read(&self, record: &Record, request: &Value) -> bool {
        let is_on = |label, id| record.staged(label).is_some_and(|version| version.id == id);
        let is_set = self.step == Step::Set;
        match (text(request, "VersionId"), text(request, "VersionStage")) {
            (Some(id), _) => {
                id == self.token || is_on(CURRENT, id) || is_set && is_on(PREVIOUS, id)
            }
            (None, None | Some(CURRENT | PENDING)) => true,
            (None, Some(PREVIOUS)) => is_set,
            (None, Some(_)) => false,
        }
    }

    /// Of another secret: its current value, where its owner said so, while there is work to do.
    fn may_read_of_other(&self, other: &Record, request: &Value) -> bool {
        let is_current = text(request, "VersionId").is_none()
            && matches!(text(request, "VersionStage"), None | Some(CURRENT));
        is_current && self.step != Step::Finish && self.reads.contains(&arn_of(other))
    }

    /// The value of the version it makes, which stays pending.
    fn may_put(&self, request: &Value) -> bool {
        let is_pending = match request.get("VersionStages") {
            Some(Value::List(stages)) => *stages == [Value::Text(PENDING.to_owned())],
            Some(_) | None => false,
        };
        self.step == Step::Create
            && is_pending
            && text(request, "ClientRequestToken") == Some(&self.token)
    }

    /// `AWSCURRENT` to the version it makes; then `AWSPENDING` off that.
    fn may_move(&self, record: &Record, request: &Value) -> bool {
        let own = Some(self.token.as_str());
        let to = text(request, "MoveToVersionId");
        let from = text(request, "RemoveFromVersionId");
        let is_current = record.staged(CURRENT).is_some_and(|version| version.id == self.token);
        let is_allowed = match text(request, "VersionStage") {
            Some(CURRENT) => to == own,
            Some(PENDING) => to.is_none() && from == own && is_current,
            Some(_) | None => false,
        };
        self.step == Step::Finish && is_allowed
    }
}

/// Returns a member that is text.
fn text<'v>(request: &'v Value, member: &str) -> Option<&'v str> {
    match request.get(member) {
        Some(Value::Text(text)) => Some(text),
        Some(_) | None => None,
    }
}

fn has_duplicates(request: &Value) -> bool {
    let Value::Map(members) = request else { return true };
    let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.len() != members.len()
}
