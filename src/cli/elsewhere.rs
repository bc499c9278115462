//! The hint about a secret that was not found in one region of a vault: it may be called otherwise by
//! now, or be in another, or be scheduled for deletion.

use super::failure::Failure;
use super::location::Named;
use super::unlock::CommandContext;
use crate::service::elsewhere::Found;
use crate::service::fault::Cause;
use crate::service::rules::arn;

/// Adds to a failure where the secret is that a call did not find, which `find` finds out. The search
/// is only worth its cost if a person reads the hint.
pub(super) fn hinted(
    failure: Failure,
    id: &str,
    context: &CommandContext<'_>,
    find: impl FnOnce(&str) -> Option<Found>,
) -> Failure {
    let Failure::Service { operation, fault, hint: None } = failure else { return failure };
    let name = arn::name_in(id);
    let hint = match fault.cause {
        Cause::SecretNotFound => {
            find(name).and_then(|found| told(&found, name, context.asked_region()))
        }
        Cause::ScheduledForDeletion => Some(format!("`strongroom restore {name}` brings it back")),
        Cause::RotationNotComplete | Cause::Other => None,
    };
    Failure::Service { operation, fault, hint }
}

/// Says where the secret is, or that the call is about a region that hardly anything is in.
fn told(found: &Found, name: &str, asked: Option<&Named>) -> Option<String> {
    let Found { home, regions, renamed, near } = found;
    let here = asked.map_or(home.as_str(), |asked| &asked.value);
    let by = asked.map_or_else(
        || "the vault's home region".to_owned(),
        |asked| format!("the region that {} names", asked.by),
    );
    let names: Vec<&str> =
        renamed.iter().filter(|(region, _)| region == here).map(|(_, now)| now.as_str()).collect();
    if !names.is_empty() {
        return Some(format!("{name} was renamed: it is {} now", names.join(", or ")));
    }
    match regions.iter().find(|region| *region != here) {
        Some(there) => Some(format!("{name} is in {there}; this call asks in {here}, {by}")),
        None if !near.is_empty() && regions.is_empty() => {
            Some(format!("did you mean {}?", near.join(" or ")))
        }
        None if here == home => None,
        None => {
            Some(format!("this call asks in {here}, {by}; the home region of the vault is {home}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_a_secret_is() {
        let asked = |value: &str, by| Named { value: value.to_owned(), by };
        let found = |regions: &[&str]| Found {
            home: "local-1".to_owned(),
            regions: regions.iter().map(|&region| region.to_owned()).collect(),
            renamed: vec![("eu-west-2".to_owned(), "app/db".to_owned())],
            near: Vec::new(),
        };
        let us = asked("us-east-1", "AWS_REGION");
        for (regions, asked, expected) in [
            (
                &["local-1"][..],
                Some(&us),
                Some(
                    "db is in local-1; this call asks in us-east-1, the region that AWS_REGION names",
                ),
            ),
            (
                &["eu-west-1"],
                None,
                Some("db is in eu-west-1; this call asks in local-1, the vault's home region"),
            ),
            (
                &[],
                Some(&us),
                Some(
                    "this call asks in us-east-1, the region that AWS_REGION names; the home \
                     region of the vault is local-1",
                ),
            ),
            (&[], None, None),
            (
                &["local-1"],
                Some(&asked("eu-west-2", "--region")),
                Some("db was renamed: it is app/db now"),
            ),
            // The ARN's suffix was another's.
            (&["local-1"], None, None),
        ] {
            let hint = told(&found(regions), "db", asked);
            assert_eq!(hint.as_deref(), expected, "{regions:?}");
        }
        let near = vec!["app/db".to_owned(), "app/dc".to_owned()];
        let misspelt = Found { near, ..found(&[]) };
        let hint = told(&misspelt, "ap/db", None);
        assert_eq!(hint.as_deref(), Some("did you mean app/db or app/dc?"));
    }
}
