//! `update-secret-version-stage`: moves a staging label from version to version.

use crate::model::types::{SecretId, VersionId, VersionStage};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::service::rules::stages::{self, Change};

/// Moves a label.
pub(crate) struct UpdateSecretVersionStage;

structure! {
    /// Which label to move, from where and to where.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// The staging label to move, attach or remove.
        version_stage: VersionStage => "VersionStage",
        /// The id of the version that the label is on now. Needed if it is on one.
        remove_from_version_id: Option<VersionId> => "RemoveFromVersionId",
        /// The id of the version to attach the label to.
        move_to_version_id: Option<VersionId> => "MoveToVersionId",
    }
}

structure! {
    /// The secret whose label was moved.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
    }
}

impl Operation for UpdateSecretVersionStage {
    const ACTION: Action = Action::UpdateSecretVersionStage;
    const GROUP: Group = Group::Versions;
    const SUMMARY: &'static str = "Move a staging label to another version of a secret.";
    const EXAMPLE: &'static str = "strongroom update-secret-version-stage --secret-id app/db \
                                   --version-stage AWSCURRENT --move-to-version-id NEW \
                                   --remove-from-version-id OLD";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InvalidRequest,
        Code::LimitExceeded,
        Code::InternalService,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        cx.about_version(&request.version_stage.0);
        cx.about_name(&request.secret_id.0);
        let change = Change {
            label: &request.version_stage.0,
            remove_from: request.remove_from_version_id.as_ref().map(|id| id.0.as_str()),
            move_to: request.move_to_version_id.as_ref().map(|id| id.0.as_str()),
        };
        change.check()?;
        let mut record = repository::find_writable(cx, &request.secret_id)?;
        let before = record.versions.clone();
        if let Some(to) = change.move_to.filter(|_| change.label == stages::CURRENT) {
            stages::must_have_value(&record.versions, to)?;
        }
        stages::move_label(&mut record.versions, &change)?;
        if record.versions != before {
            repository::store(cx, &mut record)?;
        }
        Ok(Response { arn: arn_of(&record), name: record.name })
    }
}
