//! Who asks, as a policy sees it: the vault's owner is the root of its account, a grant a session of a
//! role in it.

use super::action::Action;
use super::context::Context;
use super::failure::Failure;
use super::identity;
use super::replication::replicas;
use super::rules::arn::{self, Place, arn_of};
use super::rules::policy::principal::Identity;
use super::rules::policy::request::{Request, Resource};
use crate::model::time::Timestamp;
use crate::vault::record::{Namespace, Record};

/// Returns what a policy is asked about when an action is asked for at a time, about a secret or
/// none.
pub(crate) fn request(
    cx: &mut Context<'_, '_>,
    action: Action,
    secret: Option<&Record>,
    now: Timestamp,
) -> Result<Request, Failure> {
    let request = Request::new(identity(cx)?, action, now);
    let request = request.with("aws:RequestedRegion", cx.region());
    Ok(match secret {
        None => request,
        Some(record) => about(request, record),
    })
}

/// Returns who asks.
pub(crate) fn identity(cx: &mut Context<'_, '_>) -> Result<Identity, Failure> {
    let namespace = cx.namespace()?;
    let here = Place { account: &namespace.account, region: &namespace.region };
    Ok(identity::identity(cx.caller(), here))
}

/// Says which secret a request is about.
pub(crate) fn about(request: Request, record: &Record) -> Request {
    let rotation = record.rotation.as_ref();
    request.on(&Resource {
        arn: &arn_of(record),
        tags: record.tags.as_deref().unwrap_or_default(),
        primary_region: replicas::primary_region(record),
        rotation_lambda_arn: rotation.map(|rotation| rotation.function.as_str()),
        secret_type: record.secret_type.as_deref(),
    })
}

/// Says that a request is about a secret that is not there: by its name in the place of its ARN's
/// end, as AWS is taken to do it.
pub(crate) fn about_missing(request: Request, here: &Namespace, name: &str) -> Request {
    let place = Place { account: &here.account, region: &here.region };
    let arn = arn::arn_without_suffix(place, name);
    request.on(&Resource {
        arn: &arn,
        tags: &[],
        primary_region: None,
        rotation_lambda_arn: None,
        secret_type: None,
    })
}
