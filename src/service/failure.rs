//! Why an operation did not do what was asked.

use super::fault::{Code, Fault};
use crate::model::shape::Mismatch;
use crate::sys::entropy::NoEntropy;
use crate::vault;

/// Why an operation did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The service refuses, in AWS's words.
    Fault(Fault),
    /// The vault failed, which AWS has no words for.
    Vault(vault::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<vault::Error> for Failure {
    fn from(error: vault::Error) -> Self {
        Self::Vault(error)
    }
}

impl From<NoEntropy> for Failure {
    fn from(none: NoEntropy) -> Self {
        Self::Vault(vault::Error::Crypto(none.into()))
    }
}

impl From<Mismatch> for Failure {
    fn from(mismatch: Mismatch) -> Self {
        Self::Fault(Fault::new(
            Code::InternalService,
            format!("the member {} got past validation with the wrong type", mismatch.member),
        ))
    }
}
