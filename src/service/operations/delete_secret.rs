//! `delete-secret`: schedules a secret for deletion, or deletes it at once.

use crate::model::time::Timestamp;
use crate::model::types::SecretId;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::{across, replicas};
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::service::rules::arn::{self, Place};
use crate::service::rules::deletion::{self, Standing};
use crate::service::rules::name;
use crate::vault;
use crate::vault::clock::ClockState;
use crate::vault::record::{Deletion, Record};
use crate::vault::trace::Trace;

/// Deletes a secret.
pub(crate) struct DeleteSecret;

structure! {
    /// What to delete, and how soon.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// The days from 7 to 30 in which the secret can be restored. The default is 30.
        recovery_window_in_days: Option<i64> => "RecoveryWindowInDays",
        /// Whether to delete at once, with no way back.
        force_delete_without_recovery: Option<bool> => "ForceDeleteWithoutRecovery",
    }
}

structure! {
    /// What will be gone, and when.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// When the secret will be gone.
        deletion_date: Timestamp => "DeletionDate",
    }
}

impl Operation for DeleteSecret {
    const ACTION: Action = Action::DeleteSecret;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Delete a secret after a recovery window, or at once.";
    const EXAMPLE: &'static str =
        "strongroom delete-secret --secret-id app/db --recovery-window-in-days 7";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InvalidRequest,
        Code::InternalService,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        cx.about_name(&request.secret_id.0);
        name::check_secret_id(&request.secret_id.0)?;
        let force = request.force_delete_without_recovery;
        let asked = deletion::Deletion::asked(force, request.recovery_window_in_days)?;
        if asked == deletion::Deletion::Now {
            return delete_at_once(cx, &request.secret_id);
        }
        let mut record = cx.find(&request.secret_id)?;
        require_deletable(cx, &record, asked)?;
        // Begun by the last change instead, the window might be over once the clock is set right.
        if cx.vault()?.clock_state() == ClockState::Ahead {
            return Err(vault::Error::ClockJumped.into());
        }
        let requested = cx.date()?;
        let due = asked.date(requested);
        record.deletion = Some(Deletion { requested, due });
        across::forget(cx, &mut record)?;
        repository::store(cx, &mut record)?;
        Ok(response(&record, due))
    }
}

/// Deletes the secret if there is one. A missing one counts as deleted, as in AWS.
fn delete_at_once(cx: &mut Context<'_, '_>, id: &SecretId) -> Result<Response, Failure> {
    let now = cx.date()?;
    match cx.find(id) {
        Ok(mut record) => {
            require_deletable(cx, &record, deletion::Deletion::Now)?;
            across::forget(cx, &mut record)?;
            cx.vault()?.remove(&record)?;
            cx.did(Trace::erased());
            Ok(response(&record, now))
        }
        Err(Failure::Fault(Fault { code: Code::ResourceNotFound, .. })) => {
            let arn = if id.0.starts_with("arn:") {
                id.0.clone()
            } else {
                let namespace = cx.namespace()?;
                let place = Place { account: &namespace.account, region: &namespace.region };
                arn::arn(place, &id.0, &arn::draw_suffix(cx.entropy())?)
            };
            Ok(Response { arn, name: id.0.clone(), deletion_date: now })
        }
        Err(failure) => Err(failure),
    }
}

fn require_deletable(
    cx: &mut Context<'_, '_>,
    record: &Record,
    asked: deletion::Deletion,
) -> Result<(), Failure> {
    across::require_deletable(record)?;
    let due = record.deletion.map(|deletion| deletion.due);
    let standing = Standing::of(due, cx.due_time()?);
    Ok(asked.check(standing, &arn_of(record), &replicas::regions(record))?)
}

fn response(record: &Record, deletion_date: Timestamp) -> Response {
    Response { arn: arn_of(record), name: record.name.clone(), deletion_date }
}
