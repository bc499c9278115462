//! `cancel-rotate-secret`: turns rotation off, and stops the one that is under way.

use crate::model::types::SecretId;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::repository;
use crate::service::rotation;
use crate::service::rules::arn::arn_of;

/// Turns rotation off.
pub(crate) struct CancelRotateSecret;

structure! {
    /// Which secret not to rotate any more.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
    }
}

structure! {
    /// The secret that is not rotated any more.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The id of the version that the stopped rotation was making, if there was one.
        version_id: Option<String> => "VersionId",
    }
}

impl Operation for CancelRotateSecret {
    const ACTION: Action = Action::CancelRotateSecret;
    const GROUP: Group = Group::Rotation;
    const SUMMARY: &'static str = "Turn off a secret's rotation, and stop one that is under way.";
    const EXAMPLE: &'static str = "strongroom cancel-rotate-secret --secret-id app/db";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InternalService,
        Code::InvalidRequest,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let mut record = repository::find_writable(cx, &request.secret_id)?;
        let version_id = rotation::cancel(cx, &mut record)?;
        Ok(Response { arn: arn_of(&record), name: record.name, version_id })
    }
}
