//! Who asks, as a policy sees it: the vault's owner is the root of its account, a grant a session of a
//! role in it.

use super::action::Action;
use super::caller::{Caller, Presented};
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
    let caller = cx.caller();
    let (identity, namespace) = (identity(cx)?, cx.namespace()?);
    let here = Place { account: &namespace.account, region: &namespace.region };
    let request = Request::new(identity, action, now);
    let request = request.by(&identity::user_id(caller, here), identity::tags(caller));
    let request = request.with("aws:RequestedRegion", cx.region());
    let request = match caller {
        Caller::Key(signed) => presented(request, &signed.presented),
        Caller::Owner | Caller::Step(_) | Caller::Grant(_) => request,
    };
    Ok(match secret {
        None => request,
        Some(record) => about(request, record),
    })
}

/// Says how a request came, and with which credentials.
fn presented(request: Request, presented: &Presented) -> Request {
    let Presented { source_ip, user_agent, is_secure, token_issued } = presented;
    let mut request = request.with("aws:SecureTransport", &is_secure.to_string());
    if let Some(address) = source_ip {
        request = request.with("aws:SourceIp", &address.to_string());
    }
    if let Some(agent) = user_agent {
        request = request.with("aws:UserAgent", agent);
    }
    match token_issued {
        None => request,
        // Whether there was a second factor is only said of temporary credentials.
        Some(issued) => request
            .with_time("aws:TokenIssueTime", *issued)
            .with("aws:MultiFactorAuthPresent", "false"),
    }
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

/// Says that a request is to make a secret of this name.
pub(crate) fn about_new(request: Request, here: &Namespace, name: &str) -> Request {
    let place = Place { account: &here.account, region: &here.region };
    request.on_new(&arn::arn_without_suffix(place, name))
}

/// Says that a request is about a secret of another account, of which its ARN is known.
pub(crate) fn about_other(request: Request, arn: &str) -> Request {
    request.on(&unknown(arn))
}

/// Says that a request is about a secret that is not there: by its name in the place of its ARN's
/// end, as AWS is taken to do it.
pub(crate) fn about_missing(request: Request, here: &Namespace, name: &str) -> Request {
    let place = Place { account: &here.account, region: &here.region };
    request.on(&unknown(&arn::arn_without_suffix(place, name)))
}

/// What is known of a secret that is not here.
fn unknown(arn: &str) -> Resource<'_> {
    Resource { arn, tags: &[], primary_region: None, rotation_lambda_arn: None, secret_type: None }
}
