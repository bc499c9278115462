//! `update-secret`: changes what a secret says about itself, and its value if one is given.

use crate::model::types::{
    ClientRequestToken, Description, KmsKeyId, SecretBytes, SecretId, SecretText, SecretType,
};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::{Effect, Group, Operation};
use crate::service::replication::change;
use crate::service::replication::replicas;
use crate::service::repository;
use crate::service::rules::arn::arn_of;
use crate::service::versions;

/// Changes a secret.
pub(crate) struct UpdateSecret;

structure! {
    /// What to change. What is not given stays.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// A unique value that becomes the id of the version, if a value is given.
        client_request_token: Option<ClientRequestToken> => "ClientRequestToken",
        /// The description of the secret. An empty one clears it.
        description: Option<Description> => "Description",
        /// The KMS key to name in answers. An empty one goes back to the default.
        kms_key_id: Option<KmsKeyId> => "KmsKeyId",
        /// The binary value to store in a new version. Not together with `SecretString`.
        secret_binary: Option<SecretBytes> => "SecretBinary",
        /// The text to store in a new version. Not together with `SecretBinary`.
        secret_string: Option<SecretText> => "SecretString",
        /// The kind of managed external secret, which is kept and shown.
        secret_type: Option<SecretType> => "Type",
    }
}

structure! {
    /// What was changed.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The id of the new version, if a value was given.
        version_id: Option<String> => "VersionId",
    }
}

impl Operation for UpdateSecret {
    const ACTION: Action = Action::UpdateSecret;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "Change a secret's description, key or value.";
    const EXAMPLE: &'static str =
        "strongroom update-secret --secret-id app/db --description 'the main database'";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::InvalidParameter,
        Code::InvalidRequest,
        Code::LimitExceeded,
        Code::EncryptionFailure,
        Code::ResourceExists,
        Code::ResourceNotFound,
        Code::MalformedPolicyDocument,
        Code::InternalService,
        Code::PreconditionNotMet,
        Code::DecryptionFailure,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, mut request: Request) -> Result<Response, Failure> {
        cx.about_name(&request.secret_id.0);
        // Wanted even where no version is made of it, as in AWS.
        let token = request.client_request_token.take().ok_or_else(Fault::no_token)?;
        cx.about_token(&token.0);
        let key = only_key(&request);
        let value = SecretText::or_bytes(request.secret_string, request.secret_binary)
            .map_err(|_both| Fault::both_values())?;
        let mut record = cx.find_active(&request.secret_id)?;
        if let Err(fault) = replicas::require_primary(&record) {
            let key = key.ok_or(fault)?;
            change::set_key(cx, &mut record, Some(key.0).filter(|key| !key.is_empty()))?;
            return Ok(Response { arn: arn_of(&record), name: record.name, version_id: None });
        }
        let before = record.clone();
        let set = |place: &mut Option<String>, given: Option<String>| {
            if let Some(text) = given {
                *place = Some(text).filter(|text| !text.is_empty());
            }
        };
        set(&mut record.description, request.description.map(|text| text.0));
        set(&mut record.kms_key_id, request.kms_key_id.map(|key| key.0));
        if record.kms_key_id != before.kms_key_id {
            versions::follow_key(&mut record);
        }
        set(&mut record.secret_type, request.secret_type.map(|kind| kind.0));
        let mut version_id = None;
        if let Some(value) = value {
            versions::write(cx, &mut record, &token, &value, None)?;
            version_id = Some(token.0);
        }
        if record != before {
            repository::store(cx, &mut record)?;
        }
        Ok(Response { arn: arn_of(&record), name: record.name, version_id })
    }
}

/// Returns the key that a request is for, if for nothing else: all that can be changed of a replica.
fn only_key(request: &Request) -> Option<KmsKeyId> {
    let is_for_more = request.description.is_some()
        || request.secret_binary.is_some()
        || request.secret_string.is_some()
        || request.secret_type.is_some();
    request.kms_key_id.clone().filter(|_key| !is_for_more)
}
