//! Who calls, and what a rotation's program may do: the one place where that is decided.

use std::collections::BTreeSet;

use super::context::look_up;
use super::failure::Failure;
use super::fault::{Code, Fault};
use super::operation::Entry;
use super::rules::arn::arn_of;
use super::rules::stages::{CURRENT, PENDING, PREVIOUS};
use crate::model::value::Value;
use crate::vault::progress::Outlook;
use crate::vault::record::Record;
use crate::vault::transaction::Transaction;

/// Who calls.
pub(crate) enum Caller {
    /// Whoever unlocked the vault: everything.
    Owner,
    /// The program of a rotation, in one of its steps.
    Capability(Capability),
}

/// What the program of a rotation is let do, for one step.
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

impl Caller {
    /// Returns by which way a call comes, for the audit log; `None` for the owner's own.
    pub(crate) fn via(&self) -> Option<String> {
        match self {
            Self::Owner => None,
            Self::Capability(capability) => Some(format!("rotation:{}", capability.step.name())),
        }
    }

    /// Whether the caller may make a call that needs no vault.
    pub(crate) fn allows_without_vault(&self, operation: &str) -> bool {
        match self {
            Self::Owner => true,
            Self::Capability(capability) => capability.allows_without_vault(operation),
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
        if self.allows_without_vault(operation) {
            return Ok(true);
        }
        if operation == "ListSecrets" {
            // It is told only of those that it may describe.
            return Ok(true);
        }
        let Some(id) = text(request, "SecretId") else { return Ok(false) };
        let Some(record) = look_up(vault, region, id)? else { return Ok(false) };
        if record.rid != self.rid {
            return Ok(self.may_see_other(&record)
                && match operation {
                    "DescribeSecret" => true,
                    "GetSecretValue" => is_of_current(request),
                    _ => false,
                });
        }
        // A rotation that its owner ended meanwhile has no rights left, one that was cancelled only
        // those to look.
        let progress = record.progress.as_ref();
        let Some(progress) = progress.filter(|progress| progress.token == self.token) else {
            return Ok(false);
        };
        let may_write = !self.read_only && progress.outlook != Outlook::Cancelled;
        Ok(match operation {
            "DescribeSecret" | "ListSecretVersionIds" => true,
            "GetSecretValue" => self.may_read(&record, request),
            "PutSecretValue" => may_write && self.may_put(&record, request),
            "TagResource" => may_write,
            "UpdateSecretVersionStage" => may_write && self.may_move(&record, request),
            _ => false,
        })
    }

    fn allows_without_vault(&self, operation: &str) -> bool {
        operation == "GetRandomPassword" && matches!(self.step, Step::Create | Step::Set)
    }

    /// Whether it may know that there is such a secret.
    pub(super) fn may_list(&self, record: &Record) -> bool {
        record.rid == self.rid || self.may_see_other(record)
    }

    /// Of its own secret: the current value and the one it makes; the one before only where it gives
    /// the new one to whoever checks it, who may know no other yet, and where it tries the new one.
    fn may_read(&self, record: &Record, request: &Value) -> bool {
        let is_on = |label, id| record.staged(label).is_some_and(|version| version.id == id);
        let sees_previous = matches!(self.step, Step::Set | Step::Test);
        match (text(request, "VersionId"), text(request, "VersionStage")) {
            (Some(id), _) => {
                id == self.token || is_on(CURRENT, id) || sees_previous && is_on(PREVIOUS, id)
            }
            (None, None | Some(CURRENT | PENDING)) => true,
            (None, Some(PREVIOUS)) => sees_previous,
            (None, Some(_)) => false,
        }
    }

    /// Of another secret: what its owner said may be read, while there is work to do.
    fn may_see_other(&self, other: &Record) -> bool {
        self.step != Step::Finish && self.reads.contains(&arn_of(other))
    }

    /// The value of the version it makes, which stays pending; at the end the same once more as the
    /// current one, which is how some functions finish.
    fn may_put(&self, record: &Record, request: &Value) -> bool {
        let is_for = |label: &str| match request.get("VersionStages") {
            Some(Value::List(stages)) => *stages == [Value::Text(label.to_owned())],
            Some(_) | None => false,
        };
        let has_value = record.version(&self.token).is_some_and(|version| version.value.is_some());
        let is_allowed = match self.step {
            Step::Create => is_for(PENDING),
            // Nothing is written then: another value is refused, and the same stays as it is.
            Step::Finish => is_for(CURRENT) && has_value,
            Step::Set | Step::Test => false,
        };
        is_allowed && text(request, "ClientRequestToken") == Some(&self.token)
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

/// Whether a request is for the current value.
fn is_of_current(request: &Value) -> bool {
    text(request, "VersionId").is_none()
        && matches!(text(request, "VersionStage"), None | Some(CURRENT))
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

#[cfg(test)]
mod tests;
