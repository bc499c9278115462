//! `rotate-secret`: gives a secret a new value by a program that also gives it to whoever checks it.

use crate::model::rotation::{MetadataItem, RotationLambdaArn, RotationRoleArn, RotationRules};
use crate::model::types::{ClientRequestToken, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::rotation;

/// Rotates a secret, or says how it is to be rotated.
pub(crate) struct RotateSecret;

structure! {
    /// What to rotate, when and by what. What is left out stays as it was.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// A unique value that becomes the id of the new version. The command makes one up if you
        /// give none.
        client_request_token: Option<ClientRequestToken> => "ClientRequestToken",
        /// The rotation function: `arn:local:exec:/absolute/path`, that path alone, or
        /// `arn:local:builtin:random-password`.
        rotation_lambda_arn: Option<RotationLambdaArn> => "RotationLambdaARN",
        /// When to rotate.
        rotation_rules: Option<RotationRules> => "RotationRules",
        /// What the function is told beside the secret.
        external_secret_rotation_metadata: Option<Vec<MetadataItem>>
            => "ExternalSecretRotationMetadata",
        /// The role with which AWS rotates a managed external secret. There is none here.
        external_secret_rotation_role_arn: Option<RotationRoleArn>
            => "ExternalSecretRotationRoleArn",
        /// Whether to rotate now. The default is to; otherwise the function is only tested, and the
        /// secret is rotated in the next window.
        rotate_immediately: Option<bool> => "RotateImmediately",
    }
}

structure! {
    /// The secret that is rotated.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The id of the new version; absent where the function was only tested.
        version_id: Option<String> => "VersionId",
    }
}

impl Operation for RotateSecret {
    const ACTION: Action = Action::RotateSecret;
    const GROUP: Group = Group::Rotation;
    const SUMMARY: &'static str = "Rotate a secret, and say how and when to do it again.";
    const EXAMPLE: &'static str = "strongroom rotate-secret --secret-id app/db \
                                   --rotation-lambda-arn arn:local:builtin:random-password \
                                   --rotation-rules AutomaticallyAfterDays=30";
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
        rotation::begin(cx, request)
    }
}
