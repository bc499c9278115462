//! What the owner of a vault asks for when handing out a grant: read, made a grant of, and shown.
//! What a grant's holder may do is decided in `access`.

mod mistake;

use std::collections::BTreeSet;

use super::action::Action;
use super::caller::{Grant, Holder, Selection};
use super::known_policies::KnownPolicies;
use super::operation::Effect;
use super::operations;
use super::rules::arn::Place;
use super::rules::dice::Dice;
use super::rules::name;
use super::rules::policy::model::Policy;
use super::rules::policy::parse::parse_of_identity;
use super::rules::policy::pattern;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::sys::entropy::{Entropy, NoEntropy};
use mistake::MOST;
pub(crate) use mistake::Mistake;

structure! {
    /// What somebody is to be granted, in the words of who asks.
    pub(crate) struct GrantSpec {
        /// A name for the grant.
        label: Option<String> => "Label",
        /// The region that names and tags mean; the vault's home unless given.
        region: Option<String> => "Region",
        /// Operations, or patterns of them, in AWS's names or the command line's.
        operations: Vec<String> => "Operations",
        /// Names or ARNs of secrets, or patterns of them.
        secrets: Vec<String> => "Secrets",
        /// Tags that the secrets must carry, all of them: `key` or `key=value`.
        tags: Vec<String> => "Tags",
        /// Whether nothing may be changed.
        read_only: bool => "ReadOnly",
        /// How long it is good for, in seconds; an hour unless given.
        lifetime_s: Option<i64> => "LifetimeSeconds",
        /// IAM's policies, of an identity.
        policies: Vec<String> => "Policies",
        /// The permissions boundary, a policy that must allow what is done.
        boundary: Option<String> => "Boundary",
        /// IAM's policies, of a session: one of them must allow what is done.
        session_policies: Vec<String> => "SessionPolicies",
        /// Tags of whoever has it, `key=value`, for policies that look at them.
        principal_tags: Vec<String> => "PrincipalTags",
        /// The name of the IAM user that policies take it for; a session of a role unless given.
        user_name: Option<String> => "UserName",
        /// The path of the user, `/` unless given.
        path: Option<String> => "Path",
    }
}

impl GrantSpec {
    /// Whether it can be granted, as far as that can be said without a vault.
    pub(crate) fn check(&self) -> Result<(), Mistake> {
        let (id, nowhere) = (String::new(), Place { account: "*", region: "" });
        self.grant(id, nowhere, Timestamp(0)).map(|_grant| ())
    }

    /// Returns how long it is good for, in milliseconds.
    pub(crate) fn lifetime_ms(&self) -> i64 {
        self.lifetime_s().saturating_mul(1000)
    }

    /// A user has no end unless one is given.
    fn lifetime_s(&self) -> i64 {
        let unless_given = if self.user_name.is_some() { i64::MAX } else { USUAL_S };
        self.lifetime_s.unwrap_or(unless_given)
    }

    /// Makes the grant. `home` is the vault's account and home region.
    pub(crate) fn grant(
        &self,
        id: String,
        home: Place<'_>,
        now: Timestamp,
    ) -> Result<Grant, Mistake> {
        self.check_sizes()?;
        if let Some(label) = self.label.as_ref().filter(|label| !is_label(label)) {
            return Err(Mistake::Label(label.clone()));
        }
        let holder = self.holder()?;
        let longest_days =
            if holder == Holder::Session { LONGEST_DAYS } else { LONGEST_OF_USER_DAYS };
        let is_fit = |lifetime_s| (1..=longest_days * 86_400).contains(lifetime_s);
        if !self.lifetime_s.as_ref().is_none_or(is_fit) {
            return Err(Mistake::Lifetime { longest_days });
        }
        let region = self.region.as_deref().unwrap_or(home.region).to_owned();
        Ok(Grant {
            id,
            label: self.label.clone(),
            actions: self.actions()?,
            secrets: Selection { region, names: self.names(home.account)?, tags: self.tags()? },
            until: Timestamp(now.0.saturating_add(self.lifetime_ms())),
            read_only: self.read_only,
            policies: self.policies()?,
            boundary: beside("Boundary", self.boundary.as_slice())?.pop(),
            session: beside("SessionPolicies", &self.session_policies)?,
            holder,
            principal_tags: self.principal_tags()?,
            known: KnownPolicies::default(),
        })
    }

    fn check_sizes(&self) -> Result<(), Mistake> {
        let lists = [
            ("Operations", &self.operations),
            ("Secrets", &self.secrets),
            ("Tags", &self.tags),
            ("PrincipalTags", &self.principal_tags),
            // How long a policy may be is its own rule.
            ("Policies", &self.policies),
            ("SessionPolicies", &self.session_policies),
        ];
        let is_long = |text: &String| text.chars().nth(LONGEST_TEXT).is_some();
        let is_too_much = |(member, list): &(&str, &Vec<String>)| {
            list.len() > MOST || !member.ends_with("Policies") && list.iter().any(is_long)
        };
        match lists.into_iter().find(is_too_much) {
            Some((member, _)) => Err(Mistake::TooMany(member)),
            None => Ok(()),
        }
    }

    fn actions(&self) -> Result<BTreeSet<Action>, Mistake> {
        let may = |action: Action| !(self.read_only && changes(action));
        if self.operations.is_empty() {
            if self.policies.is_empty() {
                return Err(Mistake::NoOperations);
            }
            return Ok(Action::ALL.iter().copied().filter(|action| may(*action)).collect());
        }
        let mut actions = BTreeSet::new();
        for word in &self.operations {
            let meant = meant_by(word);
            if meant.is_empty() {
                return Err(Mistake::UnknownOperation(word.clone()));
            }
            let allowed: Vec<Action> = meant.into_iter().filter(|action| may(*action)).collect();
            if allowed.is_empty() {
                return Err(Mistake::Changes(word.clone()));
            }
            actions.extend(allowed);
        }
        Ok(actions)
    }

    fn names(&self, account: &str) -> Result<Vec<String>, Mistake> {
        if self.secrets.is_empty() && self.tags.is_empty() && self.policies.is_empty() {
            return Err(Mistake::NoSecrets);
        }
        for pattern in &self.secrets {
            let of = account_in(pattern)?;
            if account != "*" && !of.is_none_or(|of| pattern::is_like(account, of)) {
                let (arn, account) = (pattern.clone(), account.to_owned());
                return Err(Mistake::Account { arn, account });
            }
        }
        Ok(self.secrets.clone())
    }

    fn tags(&self) -> Result<Vec<(String, Option<String>)>, Mistake> {
        let mut tags: Vec<(String, Option<String>)> = Vec::new();
        for tag in &self.tags {
            let (key, value) = match tag.split_once('=') {
                Some((key, value)) => (key, Some(value)),
                None => (tag.as_str(), None),
            };
            if key.is_empty() {
                return Err(Mistake::Tag(tag.clone()));
            }
            if tags.iter().any(|(other, _)| other == key) {
                return Err(Mistake::TagTwice(key.to_owned()));
            }
            tags.push((key.to_owned(), value.map(str::to_owned)));
        }
        Ok(tags)
    }

    fn policies(&self) -> Result<Vec<Policy>, Mistake> {
        let mut policies = Vec::new();
        for (index, text) in self.policies.iter().enumerate() {
            let number = index + 1;
            policies.push(
                parse_of_identity(text).map_err(|problems| Mistake::Policy { number, problems })?,
            );
        }
        // A user may be let in by the policy on a secret.
        let is_user = self.user_name.is_some();
        if is_user || policies.is_empty() || policies.iter().any(Policy::allows_something) {
            Ok(policies)
        } else {
            Err(Mistake::AllowsNothing)
        }
    }

    fn holder(&self) -> Result<Holder, Mistake> {
        let path = self.path.as_deref();
        let Some(name) = &self.user_name else {
            return if path.is_none() { Ok(Holder::Session) } else { Err(Mistake::NoUser) };
        };
        if !(1..=LONGEST_NAME).contains(&name.len()) || !has_letters_of_names(name) {
            return Err(Mistake::UserName(name.clone()));
        }
        let path = path.unwrap_or("/").to_owned();
        if is_path(&path) {
            Ok(Holder::User { path, name: name.clone() })
        } else {
            Err(Mistake::Path(path))
        }
    }

    fn principal_tags(&self) -> Result<Vec<(String, String)>, Mistake> {
        let mut tags: Vec<(String, String)> = Vec::new();
        for tag in &self.principal_tags {
            let Some((key, value)) = tag.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                return Err(Mistake::PrincipalTag(tag.clone()));
            };
            if tags.iter().any(|(other, _)| other.to_lowercase() == key.to_lowercase()) {
                return Err(Mistake::PrincipalTagTwice(key.to_owned()));
            }
            tags.push((key.to_owned(), value.to_owned()));
        }
        Ok(tags)
    }
}

/// Reads the policies beside those of the identity.
fn beside(member: &'static str, texts: &[String]) -> Result<Vec<Policy>, Mistake> {
    let read = |(index, text): (usize, &String)| {
        let number = index + 1;
        parse_of_identity(text).map_err(|problems| Mistake::Beside { member, number, problems })
    };
    texts.iter().enumerate().map(read).collect()
}

impl Default for GrantSpec {
    /// Asks for nothing: what is asked for is said.
    fn default() -> Self {
        Self {
            label: None,
            region: None,
            operations: Vec::new(),
            secrets: Vec::new(),
            tags: Vec::new(),
            read_only: false,
            lifetime_s: None,
            policies: Vec::new(),
            boundary: None,
            session_policies: Vec::new(),
            principal_tags: Vec::new(),
            user_name: None,
            path: None,
        }
    }
}

/// Returns what a person may know of a grant. What its holder shows is not in it.
pub(crate) fn shown(grant: &Grant) -> Value {
    let texts = |texts: Vec<String>| Value::List(texts.into_iter().map(Value::Text).collect());
    let tag = |(key, value): &(String, Option<String>)| match value {
        Some(value) => format!("{key}={value}"),
        None => key.clone(),
    };
    let operations = if grant.actions.len() == Action::ALL.len() {
        vec!["*".to_owned()]
    } else {
        grant.actions.iter().map(|action| action.name().to_owned()).collect()
    };
    let Selection { region, names, tags } = &grant.secrets;
    let mut members = vec![("Id", Value::Text(grant.id.clone()))];
    members.extend(grant.label.clone().map(|label| ("Label", Value::Text(label))));
    members.push(("Operations", texts(operations)));
    members.push(("Region", Value::Text(region.clone())));
    members.extend((!names.is_empty()).then(|| ("Secrets", texts(names.clone()))));
    members.extend((!tags.is_empty()).then(|| ("Tags", texts(tags.iter().map(tag).collect()))));
    members.push(("ReadOnly", Value::Boolean(grant.read_only)));
    members.push(("Until", Value::Timestamp(grant.until)));
    let policies = i64::try_from(grant.policies.len()).unwrap_or(i64::MAX);
    members.push(("Policies", Value::Integer(policies)));
    let tag = |(key, value): &(String, String)| format!("{key}={value}");
    let tags: Vec<String> = grant.principal_tags.iter().map(tag).collect();
    members.extend((!tags.is_empty()).then(|| ("PrincipalTags", texts(tags))));
    Value::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Draws the id of a grant, which is no secret: its token is.
pub(crate) fn draw_id(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let mut id = String::with_capacity(ID_LENGTH);
    Dice::new(entropy).spell(&mut id, ID_LENGTH, ID_ALPHABET)?;
    Ok(id)
}

/// Returns the names of the operations, of which one may have been meant.
pub(crate) fn operation_names() -> Vec<&'static str> {
    Action::ALL.iter().map(|action| action.name()).collect()
}

/// Returns the operations that a word means, whatever its capitals: `Get*`,
/// `secretsmanager:GetSecretValue`, `get-secret-value`.
fn meant_by(word: &str) -> Vec<Action> {
    let word = word.to_lowercase();
    let word = word.strip_prefix("secretsmanager:").unwrap_or(&word).replace('-', "");
    let is_meant = |action: &Action| pattern::is_like(&action.name().to_lowercase(), &word);
    Action::ALL.iter().copied().filter(is_meant).collect()
}

fn changes(action: Action) -> bool {
    let entry = operations::ALL.iter().find(|entry| entry.action == action);
    entry.is_none_or(|entry| entry.effect == Effect::Writes)
}

/// Returns the account that a pattern of ARNs names; `None` for a pattern of names.
fn account_in(pattern: &str) -> Result<Option<&str>, Mistake> {
    let is_pattern = |text: &str| {
        let rest = text.replace(['*', '?'], "");
        !text.is_empty() && (rest.is_empty() || name::is_name(&rest))
    };
    let wrong = || Mistake::Secret(pattern.to_owned());
    if !pattern.starts_with("arn:") {
        return if is_pattern(pattern) { Ok(None) } else { Err(wrong()) };
    }
    let parts: Vec<&str> = pattern.splitn(7, ':').collect();
    let [_, partition, service, region, account, kind, tail] = parts.as_slice() else {
        return Err(wrong());
    };
    let is_ours = (*service, *kind) == ("secretsmanager", "secret");
    let is_whole = [partition, region, account, tail].into_iter().all(|part| is_pattern(part));
    if is_ours && is_whole { Ok(Some(account)) } else { Err(wrong()) }
}

/// Whether a session of a role could have this name.
fn is_label(text: &str) -> bool {
    (2..=LONGEST_NAME).contains(&text.len()) && has_letters_of_names(text)
}

/// Whether all letters are those of which IAM's names are made.
fn has_letters_of_names(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    text.bytes().all(is_allowed)
}

/// Whether a user could have this path. IAM takes wildcards and colons too, which no policy could name.
fn is_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"*?:".contains(&byte);
    let parts = text.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let has_parts =
        parts.is_some_and(|parts| parts.is_empty() || !parts.split('/').any(str::is_empty));
    text.ends_with('/') && text.len() <= 512 && has_parts && text.bytes().all(is_plain)
}

/// How long a grant is good for unless it is said: as long as a role's session in AWS.
const USUAL_S: i64 = 3_600;
const LONGEST_DAYS: i64 = 30;
const LONGEST_OF_USER_DAYS: i64 = 3_650;

/// The longest of them but policies, in characters.
const LONGEST_TEXT: usize = 2_048;
/// The longest name of a user or a session, in bytes.
const LONGEST_NAME: usize = 64;

const ID_LENGTH: usize = 8;
/// Without letters that look like others.
const ID_ALPHABET: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";

#[cfg(test)]
mod tests;
