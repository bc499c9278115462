//! What a caller is told whose request was not carried out.

use crate::service::failure::Failure;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    /// Refuses somebody who may not ask.
    pub(crate) fn denied(what: &str) -> Self {
        Self { code: "AccessDeniedException".to_owned(), message: what.to_owned() }
    }

    /// Refuses a request that does not fit its operation's shape.
    pub(crate) fn invalid(what: String) -> Self {
        Self { code: "ValidationException".to_owned(), message: what }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fault(fault) => {
                Self { code: fault.code.as_str().to_owned(), message: fault.message }
            }
            Failure::Vault(error) => {
                Self { code: "InternalServiceError".to_owned(), message: error.to_string() }
            }
        }
    }
}
