//! How much a key's rights may be: AWS's quotas of a user. All of it is read whenever the key is looked
//! up, and kept with the vault.

use std::fmt;

use crate::service::grants::{GrantSpec, Mistake};

/// What is wrong with what was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It cannot be granted.
    Mistake(Mistake),
    /// This policy, counted from 1 within its member, is too long.
    PolicyTooLong { member: &'static str, number: usize },
    /// A member has more than so many elements.
    TooMany { member: &'static str, most: usize },
    /// The key or the value of this tag of the user is too long.
    TagTooLong(String),
}

/// Whether a key can have these rights, as far as that can be said without a vault.
pub(crate) fn check(spec: &GrantSpec) -> Result<(), Unfit> {
    spec.check().map_err(Unfit::Mistake)?;
    let policies: [(&'static str, &[String]); 3] = [
        ("Policies", &spec.policies),
        ("Boundary", spec.boundary.as_slice()),
        ("SessionPolicies", &spec.session_policies),
    ];
    for (member, texts) in policies {
        if texts.len() > MOST_POLICIES {
            return Err(Unfit::TooMany { member, most: MOST_POLICIES });
        }
        if let Some(index) = texts.iter().position(|text| is_too_long(text)) {
            return Err(Unfit::PolicyTooLong { member, number: index + 1 });
        }
    }
    if spec.principal_tags.len() > MOST_TAGS {
        return Err(Unfit::TooMany { member: "PrincipalTags", most: MOST_TAGS });
    }
    let is_long = |tag: &&String| {
        let (key, value) = tag.split_once('=').unwrap_or((tag, ""));
        key.chars().count() > LONGEST_TAG_KEY || value.chars().count() > LONGEST_TAG_VALUE
    };
    match spec.principal_tags.iter().find(is_long) {
        Some(tag) => Err(Unfit::TagTooLong(tag.clone())),
        None => Ok(()),
    }
}

/// IAM does not count white space; there is a bound on that too, since it is kept.
fn is_too_long(policy: &str) -> bool {
    let counted = policy.chars().filter(|c| !c.is_whitespace()).count();
    counted > LONGEST_POLICY || policy.len() > LONGEST_POLICY * 8
}

impl Unfit {
    /// Returns the member of [`GrantSpec`] that it is about.
    pub(crate) fn member(&self) -> &'static str {
        match self {
            Self::Mistake(mistake) => mistake.member(),
            Self::PolicyTooLong { member, .. } | Self::TooMany { member, .. } => member,
            Self::TagTooLong(_) => "PrincipalTags",
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistake(mistake) => mistake.fmt(f),
            Self::PolicyTooLong { number, .. } => write!(
                f,
                "policy {number} is too long: a policy has at most {LONGEST_POLICY} characters, \
                 white space not counted"
            ),
            Self::TooMany { most, .. } => write!(f, "there are more than {most}"),
            Self::TagTooLong(tag) => write!(
                f,
                "the tag \"{}\" is too long: a key has at most {LONGEST_TAG_KEY} characters, a \
                 value {LONGEST_TAG_VALUE}",
                tag.escape_debug()
            ),
        }
    }
}

/// What a user can have of managed policies, and how long each can be.
const MOST_POLICIES: usize = 10;
const LONGEST_POLICY: usize = 6_144;

const MOST_TAGS: usize = 50;
const LONGEST_TAG_KEY: usize = 128;
const LONGEST_TAG_VALUE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(spaces: usize, letters: usize) -> String {
        let action = "a".repeat(letters);
        let (open, close) = (r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","#, "}}");
        let rest = format!(r#""Resource":"*","Action":"secretsmanager:{action}""#);
        format!("{open}{}{rest}{close}", " ".repeat(spaces))
    }

    #[test]
    fn policies_and_tags_are_as_long_as_in_aws() {
        let spec = |change: &dyn Fn(&mut GrantSpec)| {
            let user_name = Some("ada".to_owned());
            let mut spec =
                GrantSpec { user_name, policies: vec![policy(0, 1)], ..Default::default() };
            change(&mut spec);
            check(&spec).map_err(|unfit| unfit.member())
        };
        let frame = policy(0, 0).len();
        let longest = || policy(5_000, LONGEST_POLICY - frame);
        assert_eq!(spec(&|spec| spec.policies = vec![longest(); 10]), Ok(()));
        assert_eq!(spec(&|spec| spec.policies = vec![longest(); 11]), Err("Policies"));
        let long = || policy(0, LONGEST_POLICY - frame + 1);
        assert_eq!(spec(&|spec| spec.policies = vec![longest(), long()]), Err("Policies"));
        assert_eq!(spec(&|spec| spec.policies = vec![policy(60_000, 1)]), Err("Policies"));
        assert_eq!(spec(&|spec| spec.boundary = Some(long())), Err("Boundary"));
        assert_eq!(spec(&|spec| spec.session_policies = vec![long()]), Err("SessionPolicies"));
        let tag = |key: usize, value: usize| format!("{}={}", "k".repeat(key), "v".repeat(value));
        assert_eq!(spec(&|spec| spec.principal_tags = vec![tag(128, 256)]), Ok(()));
        assert_eq!(spec(&|spec| spec.principal_tags = vec![tag(129, 1)]), Err("PrincipalTags"));
        assert_eq!(spec(&|spec| spec.principal_tags = vec![tag(1, 257)]), Err("PrincipalTags"));
        let many = |n: usize| (0..n).map(|n| format!("k{n}=v")).collect::<Vec<_>>();
        assert_eq!(spec(&|spec| spec.principal_tags = many(50)), Ok(()));
        assert_eq!(spec(&|spec| spec.principal_tags = many(51)), Err("PrincipalTags"));
    }
}
