//! What a signature is good for: a day, a region and a service; and how long.

use super::refusal::{Dialect, Refusal};
use crate::crypto::signing::{LAST, Purpose};
use crate::model::shape::Shaped;
use crate::model::types::RegionName;
use crate::service::constraints;

/// A service that requests are signed for.
#[derive(Clone, Copy)]
pub(crate) struct Service {
    pub(super) name: &'static str,
    /// How far a request's date may be from ours.
    pub(super) minutes: i64,
    /// In which words it refuses.
    pub(crate) dialect: Dialect,
}

impl Service {
    pub(crate) const SECRETS_MANAGER: Self =
        Self { name: "secretsmanager", minutes: 5, dialect: Dialect::Json };
    pub(crate) const STS: Self = Self { name: "sts", minutes: 15, dialect: Dialect::Query };
}

/// What stands in `Credential`: `AKIA…/20260301/eu-west-1/secretsmanager/aws4_request`.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) access_key_id: &'a str,
    pub(super) purpose: Purpose<'a>,
    terminator: &'a str,
}

impl<'a> Scope<'a> {
    pub(super) fn parse(credential: &'a str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, day, region, service, terminator] = *parts.as_slice() else {
            return Err(Refusal::CredentialParts { found: credential.to_owned() });
        };
        Ok(Self { access_key_id, purpose: Purpose { day, region, service }, terminator })
    }

    /// Refuses what is not for this service, or not of the day of `date`.
    pub(super) fn check(
        &self,
        service: Service,
        date: &str,
        allows_region: &dyn Fn(&str) -> bool,
    ) -> Result<(), Refusal> {
        let Purpose { day, region, service: named } = self.purpose;
        let mut faults = Vec::new();
        if !is_region(region) || !allows_region(region) {
            faults.push("Credential should be scoped to a valid region. ".to_owned());
        }
        if named != service.name {
            faults.push(format!(
                "Credential should be scoped to correct service: '{}'. ",
                service.name
            ));
        }
        if self.terminator != LAST {
            faults.push(format!(
                "Credential should be scoped with a valid terminator: '{LAST}', not '{}'. ",
                self.terminator
            ));
        }
        let today = date.get(..8).unwrap_or(date);
        if day != today {
            faults.push(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
                 HTTP: '{day}' != '{today}', from '{date}'."
            ));
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Scope { faults: faults.concat() }) }
    }

    /// Writes the scope as it is signed.
    pub(super) fn write(purpose: Purpose<'_>) -> String {
        [purpose.day, purpose.region, purpose.service, LAST].join("/")
    }
}

fn is_region(name: &str) -> bool {
    constraints::allows(RegionName::SHAPE, name)
}
