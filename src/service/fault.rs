//! The errors that AWS knows, their codes and the texts that more than one operation prints.
//!
//! This is the only place where an error of a layer below becomes an AWS code.

use std::fmt;

/// An AWS error code, in alphabetical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// A function that cannot be run, or a caller that may not do this.
    AccessDenied,
    /// The stored value could not be decrypted.
    DecryptionFailure,
    /// The value could not be encrypted.
    EncryptionFailure,
    /// Our own broken invariant.
    InternalService,
    /// A paging token that was not handed out, or belongs to another request.
    InvalidNextToken,
    /// A parameter's value is not valid, or two contradict each other.
    InvalidParameter,
    /// The request is not possible in the secret's present state.
    InvalidRequest,
    /// A quota is used up.
    LimitExceeded,
    /// A resource policy that cannot be read.
    MalformedPolicyDocument,
    /// A condition of the request does not hold.
    PreconditionNotMet,
    /// A resource policy that lets everybody in.
    PublicPolicy,
    /// The name or the token is taken.
    ResourceExists,
    /// There is no such secret, version or label.
    ResourceNotFound,
    /// A parameter breaks a constraint of its shape.
    Validation,
}

impl Code {
    const ALL: [Self; 14] = [
        Self::AccessDenied,
        Self::DecryptionFailure,
        Self::EncryptionFailure,
        Self::InternalService,
        Self::InvalidNextToken,
        Self::InvalidParameter,
        Self::InvalidRequest,
        Self::LimitExceeded,
        Self::MalformedPolicyDocument,
        Self::PreconditionNotMet,
        Self::PublicPolicy,
        Self::ResourceExists,
        Self::ResourceNotFound,
        Self::Validation,
    ];

    /// Finds the code that is `name` on the wire.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }

    /// Returns the code as written on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::DecryptionFailure => "DecryptionFailure",
            Self::EncryptionFailure => "EncryptionFailure",
            Self::InternalService => "InternalServiceError",
            Self::InvalidNextToken => "InvalidNextTokenException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::InvalidRequest => "InvalidRequestException",
            Self::LimitExceeded => "LimitExceededException",
            Self::MalformedPolicyDocument => "MalformedPolicyDocumentException",
            Self::PreconditionNotMet => "PreconditionNotMetException",
            Self::PublicPolicy => "PublicPolicyException",
            Self::ResourceExists => "ResourceExistsException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::Validation => "ValidationException",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a refusal is about, where a hint depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    SecretNotFound,
    ScheduledForDeletion,
    RotationNotComplete,
    Other,
}

impl Cause {
    const ALL: [Self; 4] =
        [Self::SecretNotFound, Self::ScheduledForDeletion, Self::RotationNotComplete, Self::Other];

    /// Returns the cause of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }

    /// Returns the name by which processes of this program tell each other.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SecretNotFound => "secret-not-found",
            Self::ScheduledForDeletion => "scheduled-for-deletion",
            Self::RotationNotComplete => "rotation-not-complete",
            Self::Other => "other",
        }
    }
}

/// A refusal in AWS's words. Its message never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// What it is about.
    pub(crate) cause: Cause,
    /// What a person can do next, where the service alone knows it.
    pub(crate) hint: Option<String>,
}

impl Fault {
    /// A refusal with this code and message.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), cause: Cause::Other, hint: None }
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidParameter, message)
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::ResourceNotFound, message)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new(Code::Validation, message)
    }

    /// There is no such secret (docs/behaviour.md, "Names and ARNs").
    pub(crate) fn secret_not_found() -> Self {
        let fault = Self::not_found("Secrets Manager can't find the specified secret.");
        Self { cause: Cause::SecretNotFound, ..fault }
    }

    /// The secret is inside its recovery window (docs/behaviour.md, "Deletion").
    pub(crate) fn marked_for_deletion() -> Self {
        let fault = Self::invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        );
        Self { cause: Cause::ScheduledForDeletion, ..fault }
    }

    /// Both kinds of value were given (docs/behaviour.md, "Values").
    pub(crate) fn both_values() -> Self {
        Self::invalid_parameter(
            "You can't specify both a binary secret value and a string secret value in the same \
             secret.",
        )
    }

    /// A request came without the token that the command line always adds (docs/behaviour.md,
    /// "Tokens").
    pub(crate) fn no_token() -> Self {
        Self::invalid_request(
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        )
    }
}
