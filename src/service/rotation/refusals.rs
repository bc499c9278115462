//! Why `rotate-secret` begins nothing: in AWS's words where they are known.

use super::builtin::BUILTIN;
use crate::service::fault::{Cause, Code, Fault};
use crate::service::rules::arn::arn_of;
use crate::vault::record::Record;

/// AWS uses another code for this operation than for others (docs/behaviour.md, "Tokens").
pub(crate) fn no_token() -> Fault {
    Fault::invalid_parameter(Fault::no_token().message)
}

/// An earlier rotation is running or was interrupted (docs/behaviour.md, "Rotation", check 7).
pub(crate) fn not_complete() -> Fault {
    let fault = Fault::invalid_request(
        "A previous rotation isn't complete. That rotation will be reattempted.",
    );
    Fault { cause: Cause::RotationNotComplete, ..fault }
}

/// No function is known to rotate the secret.
pub(crate) fn no_function() -> Fault {
    Fault::invalid_request("No Lambda rotation function ARN is associated with this secret.")
}

/// The function cannot be called.
pub(crate) fn cannot_invoke() -> Fault {
    Fault::new(
        Code::AccessDenied,
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function \
         policy grants access to the principal secretsmanager.amazonaws.com.",
    )
}

/// In Strongroom's own words: AWS has only one way to name a function.
pub(crate) fn two_functions() -> Fault {
    Fault::invalid_parameter("You can't specify both RotationLambdaARN and a rotation command.")
}

/// In Strongroom's own words: the built-in function starts no program.
pub(crate) fn no_options() -> Fault {
    Fault::invalid_parameter(format!("{BUILTIN} takes no options for a rotation command."))
}

/// In Strongroom's own words: a local vault has no roles.
pub(crate) fn no_roles() -> Fault {
    Fault::invalid_parameter(
        "ExternalSecretRotationRoleArn names a role in AWS, and there are no roles in a local \
         vault. Leave it out: a rotation runs as the user who starts it.",
    )
}

pub(crate) fn token_in_use(token: &str, record: &Record) -> Fault {
    Fault::invalid_request(format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a \
         version of secret {}.",
        arn_of(record)
    ))
}
