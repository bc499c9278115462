//! Who calls, as the `GetCallerIdentity` of AWS's STS says it, which everybody may ask.

use super::caller::{Caller, Grant};
use super::rules::arn::Place;
use super::rules::policy::principal::Identity;

structure! {
    /// Who calls.
    pub(crate) struct CallerIdentity {
        /// The unique id of who calls; of a root it is the account's.
        user_id: String => "UserId",
        /// The account.
        account: String => "Account",
        /// The ARN of who calls.
        arn: String => "Arn",
    }
}

impl CallerIdentity {
    /// Tells a caller who he is in an account, by the partition of a region.
    pub(crate) fn of(caller: &Caller, here: Place<'_>) -> Self {
        let account = here.account.to_owned();
        let user_id = match caller {
            Caller::Owner | Caller::Step(_) => account.clone(),
            Caller::Grant(grant) => format!("{ROLE_ID}:{}", grant.session()),
        };
        Self { user_id, account, arn: identity(caller, here).user() }
    }
}

/// Returns whom policies and refusals take a caller for.
pub(super) fn identity(caller: &Caller, here: Place<'_>) -> Identity {
    match caller {
        Caller::Owner | Caller::Step(_) => Identity::root(here),
        Caller::Grant(grant) => Identity::session(here, Grant::ROLE, grant.session()),
    }
}

/// The unique id of the role whose sessions grants are, in the form of AWS's: `AROA` and 17 letters.
const ROLE_ID: &str = "AROASTRONGROOMGRANTED";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::time::Timestamp;
    use crate::service::caller::Selection;

    #[test]
    fn a_grant_is_a_session_of_a_role() {
        let grant = |label: Option<&str>| {
            let region = "local-1".to_owned();
            Caller::Grant(Grant {
                id: "4f7k2m9p".to_owned(),
                label: label.map(str::to_owned),
                actions: BTreeSet::new(),
                secrets: Selection { region, names: Vec::new(), tags: Vec::new() },
                until: Timestamp(0),
                read_only: true,
                policies: Vec::new(),
            })
        };
        let role = "AROASTRONGROOMGRANTED";
        for (caller, region, user_id, arn) in [
            (Caller::Owner, "local-1", "123456789012", "arn:aws:iam::123456789012:root"),
            (
                grant(Some("ci")),
                "local-1",
                &format!("{role}:ci"),
                "arn:aws:sts::123456789012:assumed-role/strongroom-grant/ci",
            ),
            (
                grant(None),
                "cn-north-1",
                &format!("{role}:4f7k2m9p"),
                "arn:aws-cn:sts::123456789012:assumed-role/strongroom-grant/4f7k2m9p",
            ),
        ] {
            let told = CallerIdentity::of(&caller, Place { account: "123456789012", region });
            assert_eq!((told.user_id.as_str(), told.arn.as_str()), (user_id, arn));
            assert_eq!(told.account, "123456789012");
        }
    }
}
