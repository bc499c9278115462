//! Begins a job: `rotate-secret` up to where its program runs.

use super::transact::transact;
use crate::model::shape::Shaped;
use crate::model::types::SecretId;
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::dispatch::{self, Call};
use crate::service::failure::Failure;
use crate::service::operation::Operation;
use crate::service::operations::rotate_secret::{self, Request, RotateSecret};
use crate::service::rotation::job::{StartRotation, Started};
use crate::vault::Vault;
use crate::vault::transaction::{Access, RequestContext};

/// Finds the row of a secret, by which its lock is named.
pub(crate) fn probe(
    vault: &mut Vault,
    id: &SecretId,
    region: Option<&str>,
    context: RequestContext<'_>,
) -> Result<u64, Failure> {
    transact(vault, region, Access::Read, context, |cx| Ok(cx.find(id)?.rid))
}

/// Carries out `rotate-secret`, for a request that passed client validation, up to where its program
/// is to run.
///
/// # Errors
/// AWS's; then nothing is stored.
pub(crate) fn begin(
    vault: &mut Vault,
    request: Value,
    region: Option<&str>,
    start: &StartRotation<'_>,
    context: RequestContext<'_>,
) -> Result<Started, Failure> {
    let (entry, caller) = (RotateSecret::ENTRY, &Caller::Owner);
    dispatch::admit(entry, &request)?;
    let call = Call { entry, request, region, caller, boundaries: None };
    dispatch::dispatch_by(vault, call, context, |cx, request| {
        rotate_secret::begin(cx, Request::from_value(request)?, start)
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::RotationFixture;
    use super::*;

    #[test]
    fn a_secret_is_found_without_being_changed() {
        let mut fixture = RotationFixture::new();
        let rid = fixture.service.record("db").unwrap().rid;
        let before = fixture.service.events().len();
        let found = fixture
            .service
            .with(|vault, context| probe(vault, &SecretId("db".to_owned()), None, context));
        assert!(found.is_ok_and(|found| found == rid));
        let missing = fixture
            .service
            .with(|vault, context| probe(vault, &SecretId("x".to_owned()), None, context));
        assert!(missing.is_err());
        assert_eq!(fixture.service.events().len(), before);
    }
}
