//! Makes a secret the primary of a replica in another account, and ends that.

use super::across::{account_of, count, draw, owe};
use crate::model::types::SecretArn;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::repository;
use crate::service::rules::arn::SecretRef;
use crate::vault::across::{Bond, CrossPrimary, CrossReplica, Restriction};
use crate::vault::peers::Owed;
use crate::vault::record::Record;

/// What is asked of a replica that is associated.
pub(crate) struct Association {
    pub(crate) arn: SecretArn,
    pub(crate) restriction: Option<Restriction>,
    pub(crate) role_arn: Option<String>,
}

/// Refuses the ARN of anything but a secret in another account, in the same region.
///
/// # Errors
/// `InvalidParameterException`; AWS's texts are not known.
pub(crate) fn check_arn(
    cx: &mut Context<'_, '_>,
    arn: &SecretArn,
    member: &str,
) -> Result<(), Failure> {
    let here = cx.namespace()?;
    let refused = |why: &str| Fault::invalid_parameter(format!("Invalid {member}: {why}"));
    let Ok(SecretRef::Arn { place, tail }) = SecretRef::parse(&arn.0) else {
        return Err(refused("it must be the ARN of a secret.").into());
    };
    let is_account = place.account.len() == 12 && place.account.bytes().all(|b| b.is_ascii_digit());
    let is_whole = SecretRef::Arn { place, tail }.candidate(place).is_some_and(|c| c.is_whole());
    if !is_account || !is_whole {
        return Err(refused("it must be the complete ARN of a secret.").into());
    }
    if place.region != here.region {
        return Err(refused("the secret must be in the same region.").into());
    }
    if place.account == here.account {
        return Err(refused("the secret must be in another account.").into());
    }
    Ok(())
}

/// Associates a replica with its primary, or does so again, which brings the replica up to date
/// whatever it is a copy of. It follows when the peer is told.
///
/// # Errors
/// `LimitExceededException` for a second replica.
pub(crate) fn associate(
    cx: &mut Context<'_, '_>,
    primary: &mut Record,
    asked: Association,
) -> Result<(), Failure> {
    check_arn(cx, &asked.arn, "CrossAccountReplicaARN")?;
    let SecretArn(arn) = asked.arn;
    let earlier = primary.cross_replica.take();
    let waited = earlier.as_ref().is_some_and(CrossReplica::waits);
    if let Some(other) = earlier.as_ref().filter(|other| other.arn != arn) {
        if other.bond == Bond::Attached {
            return Err(Fault::new(
                Code::LimitExceeded,
                "You can't associate more than one cross-account replica with a secret.",
            )
            .into());
        }
        count(cx, &other.arn, waited, false)?;
    }
    let same = earlier.filter(|other| other.arn == arn);
    let waited = waited && same.is_some();
    let mut replica = CrossReplica::new(arn, draw(cx)?);
    if let Some(same) = same {
        replica.unknown = same.unknown;
        replica.role_arn = same.role_arn;
        replica.restriction = same.restriction;
    }
    replica.role_arn = asked.role_arn.or(replica.role_arn);
    replica.restriction = asked.restriction.or(replica.restriction);
    count(cx, &replica.arn, waited, true)?;
    primary.cross_replica = Some(replica);
    repository::store(cx, primary)
}

/// Refuses the key that a replica in another account cannot have: the default one.
///
/// # Errors
/// `InvalidParameterException`; AWS's text is not known.
pub(crate) fn check_key(kms_key_id: Option<&str>) -> Result<(), Fault> {
    let key = kms_key_id.unwrap_or_default();
    if key.is_empty() || key == "aws/secretsmanager" || key.ends_with("alias/aws/secretsmanager") {
        return Err(Fault::invalid_parameter(
            "You must specify a customer managed KmsKeyId for a cross-account replica.",
        ));
    }
    Ok(())
}

/// Lets a replica go, which stays what it is and follows no more. One that was made a secret of its
/// own is forgotten; any other once it was told.
///
/// # Errors
/// `InvalidRequestException` where that is no replica of this secret.
pub(crate) fn disassociate(
    cx: &mut Context<'_, '_>,
    primary: &mut Record,
    arn: &SecretArn,
) -> Result<(), Failure> {
    check_arn(cx, arn, "CrossAccountReplicaARN")?;
    let associated = primary.cross_replica.as_mut().filter(|replica| replica.arn == arn.0);
    match associated.map(|replica| (replica.bond, replica)) {
        Some((Bond::Attached, replica)) => {
            let waited = replica.waits();
            replica.bond = Bond::Detaching;
            replica.trouble = None;
            count(cx, &arn.0, waited, true)?;
            repository::store(cx, primary)?;
            owe(cx, primary)
        }
        Some((Bond::Detached, _)) => {
            primary.cross_replica = None;
            repository::store(cx, primary)
        }
        Some((Bond::Detaching, _)) | None => Err(Fault::invalid_request(
            "The secret isn't associated with this cross-account replica.",
        )
        .into()),
    }
}

/// Makes a replica of another account a secret of its own.
pub(crate) fn promote(cx: &mut Context<'_, '_>, replica: &mut Record) -> Result<(), Failure> {
    if let Some(CrossPrimary { arn, .. }) = replica.cross_primary.take() {
        let account = account_of(&arn).to_owned();
        cx.vault()?.owe(Owed { account, arn });
    }
    repository::store(cx, replica)
}
