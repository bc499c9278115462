//! `list-secret-version-ids`: lists the versions of a secret.

use crate::model::order;
use crate::model::time::Timestamp;
use crate::model::types::{Count, NextToken, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::pages::Page;
use crate::service::rules::arn::arn_of;
use crate::service::rules::sort::Position;
use crate::vault::record::Version;

/// Lists versions.
pub(crate) struct ListSecretVersionIds;

structure! {
    /// Whose versions to list, and which.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// How many versions a page has.
        max_results: Option<Count<1, 100>> => "MaxResults",
        /// Where the page starts, from the answer before.
        next_token: Option<NextToken> => "NextToken",
        /// Whether to list versions without labels too.
        include_deprecated: Option<bool> => "IncludeDeprecated",
    }
}

structure! {
    /// One page of versions, oldest first.
    pub(crate) struct Response {
        /// The versions.
        versions: Vec<Listed> => "Versions",
        /// Where the next page starts; absent on the last.
        next_token: Option<NextToken> => "NextToken",
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
    }
}

structure! {
    /// One version in the list.
    pub(crate) struct Listed {
        /// The id of the version.
        version_id: String => "VersionId",
        /// Its labels.
        version_stages: Option<Vec<String>> => "VersionStages",
        /// The day it was last read.
        last_accessed_date: Option<Timestamp> => "LastAccessedDate",
        /// When it was made.
        created_date: Timestamp => "CreatedDate",
        /// The KMS keys named for it.
        kms_key_ids: Vec<String> => "KmsKeyIds",
    }
}

/// What AWS calls the key of a secret that names none.
const DEFAULT_KEY: &str = "DefaultEncryptionKey";

impl Operation for ListSecretVersionIds {
    const ACTION: Action = Action::ListSecretVersionIds;
    const GROUP: Group = Group::Versions;
    const SUMMARY: &'static str = "List the versions of a secret.";
    const EXAMPLE: &'static str =
        "strongroom list-secret-version-ids --secret-id app/db --include-deprecated";
    const EFFECT: Effect = Effect::Reads;
    const FAULTS: &'static [Code] = &[
        Code::InvalidNextToken,
        Code::ResourceNotFound,
        Code::InternalService,
        Code::InvalidParameter,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let record = cx.find(&request.secret_id)?;
        let shows_deprecated = request.include_deprecated.unwrap_or(false);
        let shown = |version: &&Version| shows_deprecated || !version.stages.is_empty();
        let mut identity = b"ListSecretVersionIds\0".to_vec();
        identity.push(u8::from(shows_deprecated));
        identity.extend(arn_of(&record).bytes());
        let size = request.max_results.map_or(PAGE, |size| usize::try_from(size.0).unwrap_or(PAGE));
        let page = Page::asked(cx, &identity, size, request.next_token.as_ref())?;
        let mut versions: Vec<&Version> = record.versions.iter().filter(shown).collect();
        order::sort_by_key(&mut versions, |version| place(version));
        if let Some(after) = page.after() {
            versions.retain(|version| place(version) > (after.at, after.name));
        }
        let next_token = page.cut(cx, &mut versions, |version| Position {
            at: Some(version.created),
            name: &version.id,
        })?;
        let versions = versions.into_iter().map(listed).collect();
        Ok(Response { versions, next_token, arn: arn_of(&record), name: record.name })
    }
}

/// How many versions a page has unless the request says.
const PAGE: usize = 100;

/// The position of a version: oldest first, then by id.
fn place(version: &Version) -> (Option<Timestamp>, &str) {
    (Some(version.created), &version.id)
}

fn listed(version: &Version) -> Listed {
    Listed {
        version_id: version.id.clone(),
        version_stages: Some(version.stages.clone()).filter(|stages| !stages.is_empty()),
        last_accessed_date: version.accessed,
        created_date: version.created,
        kms_key_ids: vec![version.kms_key_id.clone().unwrap_or_else(|| DEFAULT_KEY.to_owned())],
    }
}
