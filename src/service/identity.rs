//! Who calls, as the `GetCallerIdentity` of AWS's STS says it, which everybody may ask.

use super::caller::{Caller, Grant, Holder, Signed};
use super::rules::arn::Place;
use super::rules::policy::principal::Identity;
use crate::crypto::fingerprint;

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
        let user_id = user_id(caller, here);
        let account = here.account.to_owned();
        Self { user_id, account, arn: identity(caller, here).user() }
    }
}

/// Returns whom policies and refusals take a caller for.
pub(super) fn identity(caller: &Caller, here: Place<'_>) -> Identity {
    let Some(grant) = grant_of(caller) else { return Identity::root(here) };
    match &grant.holder {
        Holder::Session => Identity::session(here, Grant::ROLE, grant.session()),
        Holder::User { path, name } if grant.session.is_empty() => {
            Identity::of_user(here, path, name)
        }
        Holder::User { path, name } => Identity::federated(here, path, name),
    }
}

/// Returns the unique id of a caller: `aws:userid`.
pub(super) fn user_id(caller: &Caller, here: Place<'_>) -> String {
    let Some(grant) = grant_of(caller) else { return here.account.to_owned() };
    match &grant.holder {
        Holder::Session => format!("{ROLE_ID}:{}", grant.session()),
        Holder::User { name, .. } if grant.session.is_empty() => user_id_of(here.account, name),
        Holder::User { name, .. } => format!("{}:{name}", here.account),
    }
}

/// Returns the tags of a caller: `aws:PrincipalTag/…`.
pub(super) fn tags(caller: &Caller) -> &[(String, String)] {
    grant_of(caller).map_or(&[], |grant| &grant.principal_tags)
}

fn grant_of(caller: &Caller) -> Option<&Grant> {
    match caller {
        Caller::Owner | Caller::Step(_) => None,
        Caller::Grant(grant) => Some(grant),
        Caller::Key(Signed { grant, .. }) => Some(grant),
    }
}

/// Makes the unique id of a user: always the same, so that it outlives its keys, as in AWS.
fn user_id_of(account: &str, name: &str) -> String {
    let hash = fingerprint::of_bytes(format!("{account}/{name}").as_bytes());
    let letter = |byte: &u8| ID_LETTERS.get(usize::from(byte & 31)).copied().map(char::from);
    let letters: String = hash.iter().filter_map(letter).take(ID_LENGTH).collect();
    format!("AIDA{letters}")
}

/// The unique id of the role whose sessions grants are, in the form of AWS's: `AROA` and 17 letters.
const ROLE_ID: &str = "AROASTRONGROOMGRANTED";

/// How long such an id is after the four letters of its kind, and the letters it is made of.
const ID_LENGTH: usize = 17;
const ID_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::model::time::Timestamp;
    use crate::service::caller::Presented;
    use crate::service::rules::policy::parse::parse_of_identity;

    const BOB: &str = "AIDAXCETJQASYYSZEZERQ";
    use crate::service::caller::Selection;
    use crate::service::known_policies::KnownPolicies;

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
                boundary: None,
                session: Vec::new(),
                holder: Holder::Session,
                principal_tags: Vec::new(),
                known: KnownPolicies::default(),
            })
        };
        let of_user = |has_session: bool| {
            let Caller::Grant(mut user) = grant(None) else { panic!("no grant") };
            user.holder = Holder::User { path: "/dev/".to_owned(), name: "Bob".to_owned() };
            let policy = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
            user.session.extend(has_session.then(|| parse_of_identity(policy).unwrap()));
            let presented = Presented::default();
            Caller::Key(Signed { grant: Arc::new(user), presented })
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
            // As long as there is such a user, whatever its keys are.
            (of_user(false), "local-1", BOB, "arn:aws:iam::123456789012:user/dev/Bob"),
            (
                of_user(true),
                "local-1",
                "123456789012:Bob",
                "arn:aws:sts::123456789012:federated-user/Bob",
            ),
        ] {
            let told = CallerIdentity::of(&caller, Place { account: "123456789012", region });
            assert_eq!((told.user_id.as_str(), told.arn.as_str()), (user_id, arn));
            assert_eq!(told.account, "123456789012");
        }
    }
}
