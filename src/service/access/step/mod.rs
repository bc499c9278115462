//! What a rotation's program may do in each of its steps.

use super::members::{has_duplicates, text};
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::caller::{Capability, Step};
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::rules::arn::arn_of;
use crate::service::rules::stages::{CURRENT, PENDING, PREVIOUS};
use crate::vault::progress::Outlook;
use crate::vault::record::Record;

impl Capability {
    #[expect(clippy::wildcard_enum_match_arm, reason = "no step may use a new operation untold")]
    pub(super) fn allows(
        &self,
        cx: &mut Context<'_, '_>,
        action: Action,
        request: &Value,
    ) -> Result<bool, Failure> {
        // What is checked here must be what the operation reads.
        if has_duplicates(request) {
            return Ok(false);
        }
        if self.allows_without_vault(action) {
            return Ok(true);
        }
        if action == Action::ListSecrets {
            // It is told only of those that it may describe.
            return Ok(true);
        }
        let Some(id) = text(request, "SecretId") else { return Ok(false) };
        let Some(record) = cx.look_up(cx.region(), id)? else { return Ok(false) };
        if record.rid != self.rid {
            return Ok(self.may_see_other(&record)
                && match action {
                    Action::DescribeSecret => true,
                    Action::GetSecretValue => is_of_current(request),
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
        Ok(match action {
            Action::DescribeSecret | Action::ListSecretVersionIds => true,
            Action::GetSecretValue => self.may_read(&record, request),
            Action::PutSecretValue => may_write && self.may_put(&record, request),
            Action::TagResource => may_write,
            Action::UpdateSecretVersionStage => may_write && self.may_move(&record, request),
            _ => false,
        })
    }

    pub(super) fn allows_without_vault(&self, action: Action) -> bool {
        action == Action::GetRandomPassword && matches!(self.step, Step::Create | Step::Set)
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

    /// Whether it may know that there is such a secret.
    pub(super) fn may_know_of(&self, record: &Record) -> bool {
        record.rid == self.rid || self.may_see_other(record)
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

#[cfg(test)]
mod tests;
