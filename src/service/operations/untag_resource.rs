//! `untag-resource`: removes tags from a secret.

use crate::model::types::{SecretId, TagKey};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::repository;
use crate::service::rules::tags;

/// Removes tags.
pub(crate) struct UntagResource;

structure! {
    /// Which tags to remove, and from what.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// The keys of the tags to remove. A key that is not there is no error.
        tag_keys: Vec<TagKey> => "TagKeys",
    }
}

impl Operation for UntagResource {
    const ACTION: Action = Action::UntagResource;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Remove tags from a secret.";
    const EXAMPLE: &'static str = "strongroom untag-resource --secret-id app/db --tag-keys env";
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
        let keys: Vec<String> = request.tag_keys.into_iter().map(|key| key.0).collect();
        tags::check_keys(&keys)?;
        let mut record = repository::find_writable(cx, &request.secret_id)?;
        let before = record.tags.clone().unwrap_or_default();
        let mut tags = before.clone();
        tags::remove(&mut tags, &keys)?;
        if tags == before {
            return Ok(());
        }
        record.tags = Some(tags);
        repository::store(cx, &mut record)
    }
}
