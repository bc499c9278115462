//! A request that came whole, and is answered.

use std::net::IpAddr;

use super::back::{Back, Presented, Principal};
use super::head::Head;
use super::refusal::Refusal;
use super::sigv4::scope::Service;
use super::sigv4::{self, Expected};
use crate::model::time::Timestamp;

/// A request, and what it is answered by. Has no `Debug`: its body may be a secret.
pub(super) struct Request<'r> {
    pub(super) head: &'r Head<'r>,
    pub(super) body: &'r [u8],
    /// Where it comes from.
    pub(super) address: Option<IpAddr>,
    /// What the answer calls it.
    pub(super) id: &'r str,
    pub(super) now: Timestamp,
}

/// Somebody whose signature was verified, and the region that it is for.
pub(super) struct Signed<'b> {
    pub(super) principal: Box<dyn Principal + 'b>,
    pub(super) region: String,
}

impl<'r> Request<'r> {
    /// Finds out by the signature who asks.
    pub(super) fn signed<'b>(
        &self,
        back: &'b dyn Back,
        service: Service,
    ) -> Result<Signed<'b>, Refusal> {
        let Head { method, target, headers, .. } = self.head;
        let request = sigv4::request::Request { method, target, headers, body: self.body };
        // A vault has secrets of any region.
        let expected = Expected { service, now: self.now, allows_region: &|_| true };
        let (mut principal, mut trouble) = (None, None);
        let verified = sigv4::verify(&request, &expected, |id| match back.credential(id) {
            Ok(found) => found.map(|credential| {
                principal = Some(credential.principal);
                sigv4::Credential {
                    secret: credential.secret,
                    token: credential.session_token,
                    until: credential.until,
                }
            }),
            Err(error) => {
                trouble = Some(error);
                None
            }
        });
        if let Some(trouble) = trouble {
            return Err(trouble.into());
        }
        let refused = |refusal| Refusal::of_signature(&refusal, service.dialect);
        let region = verified.map_err(refused)?.region;
        let principal = principal.ok_or(sigv4::refusal::Refusal::UnknownKey).map_err(refused)?;
        Ok(Signed { principal, region })
    }

    /// Returns what conditions of policies look at.
    pub(super) fn presented(&self) -> Presented<'r> {
        Presented { source_ip: self.address, user_agent: self.head.text("user-agent") }
    }
}
