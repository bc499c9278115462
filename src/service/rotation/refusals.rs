//! What `rotate-secret` answers when nothing is begun: AWS's words where they are known.

use super::builtin::BUILTIN;
use crate::service::fault::{Cause, Code, Fault};
use crate::service::rules::arn::arn_of;
use crate::vault::record::Record;

/// AWS has a code of its own for this here (docs/behaviour.md, "Tokens").
pub(crate) fn no_token() -> Fault {
    Fault::invalid_parameter(Fault::no_token().message)
}

/// AWS's answer to what is still under way, or was left (docs/behaviour.md, "Rotation", check 7).
pub(crate) fn not_complete() -> Fault {
    let fault = Fault::invalid_request(
        "A previous rotation isn't complete. That rotation will be reattempted.",
    );
    Fault { cause: Cause::RotationNotComplete, ..fault }
}

/// AWS's answer to a secret that nothing is known to rotate.
pub(crate) fn no_function() -> Fault {
    Fault::invalid_request("No Lambda rotation function ARN is associated with this secret.")
}

/// AWS's answer where the function cannot be called.
pub(crate) fn cannot_invoke() -> Fault {
    Fault::new(
        Code::AccessDenied,
        "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function \
         policy grants access to the principal secretsmanager.amazonaws.com.",
    )
}

/// Our own words: AWS has no second way to name a function.
pub(crate) fn two_functions() -> Fault {
    Fault::invalid_parameter("You can't specify both RotationLambdaARN and a rotation command.")
}

/// Our own words: nothing is run that options could be for.
pub(crate) fn no_options() -> Fault {
    Fault::invalid_parameter(format!("{BUILTIN} takes no options for a rotation command."))
}

/// Our own words: there are no roles to take on.
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
