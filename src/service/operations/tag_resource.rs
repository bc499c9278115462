//! `tag-resource`: attaches tags to a secret.

use crate::model::types::{SecretId, Tag};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::repository;
use crate::service::rules::tags;

/// Attaches tags.
pub(crate) struct TagResource;

structure! {
    /// What to tag, and with what.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// The tags to attach. A tag with a key that is there already replaces its value.
        tags: Vec<Tag> => "Tags",
    }
}

impl Operation for TagResource {
    const ACTION: Action = Action::TagResource;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Attach tags to a secret.";
    const EXAMPLE: &'static str =
        "strongroom tag-resource --secret-id app/db --tags Key=env,Value=prod";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidRequest,
        Code::InvalidParameter,
        Code::InternalService,
    ];
    type Request = Request;
    type Response = ();

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<(), Failure> {
        cx.about_name(&request.secret_id.0);
        tags::check(&request.tags)?;
        let mut record = repository::find_writable(cx, &request.secret_id)?;
        let before = record.tags.clone().unwrap_or_default();
        let mut tags = before.clone();
        tags::set(&mut tags, request.tags)?;
        if tags == before {
            return Ok(());
        }
        record.tags = Some(tags);
        repository::store(cx, &mut record)
    }
}
