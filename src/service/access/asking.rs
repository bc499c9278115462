//! What policies are asked, and when.

use crate::model::time::Timestamp;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::policy_request;
use crate::service::rules::policy::request::Request;

/// The time for a grant and its policies: a clock that was set back brings no time back.
pub(super) fn latest(cx: &mut Context<'_, '_>) -> Result<Timestamp, Failure> {
    Ok(cx.now()?.max(cx.date()?))
}

/// What policies are asked, at the latest time that it can be and, where a clock is not believed, at
/// the earliest too: what is allowed from a time on must be allowed by both, and what either denies
/// is denied.
#[derive(Clone)]
pub(super) struct Asking(Vec<Request>);

impl Asking {
    /// Asks about an operation, before a secret is named.
    pub(super) fn about(cx: &mut Context<'_, '_>, action: Action) -> Result<Self, Failure> {
        let latest = latest(cx)?;
        let earliest = cx.now()?.min(cx.date()?);
        let mut requests = vec![policy_request::request(cx, action, None, latest)?];
        if earliest < latest {
            requests.push(policy_request::request(cx, action, None, earliest)?);
        }
        Ok(Self(requests))
    }

    pub(super) fn map(self, tell: impl Fn(Request) -> Request) -> Self {
        Self(self.0.into_iter().map(tell).collect())
    }

    /// Returns the same question at each time.
    pub(super) fn requests(&self) -> &[Request] {
        &self.0
    }
}
