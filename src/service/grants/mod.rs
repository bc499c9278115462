//! What the owner of a vault asks for when handing out a grant: read, made a grant of, and shown.
//! What a grant's holder may do is decided in `access`.

use std::collections::BTreeSet;
use std::fmt;

use super::action::Action;
use super::caller::{Grant, Selection};
use super::operation::Effect;
use super::operations;
use super::rules::arn::Place;
use super::rules::dice::Dice;
use super::rules::name;
use super::rules::policy::model::{Malformed, Policy};
use super::rules::policy::parse::parse_of_identity;
use super::rules::policy::pattern;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::sys::entropy::{Entropy, NoEntropy};

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
    }
}

/// What is wrong with what was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// This cannot be a label.
    Label(String),
    /// There is neither an operation nor a policy.
    NoOperations,
    /// No operation is called so, or like it.
    UnknownOperation(String),
    /// All that this means changes something, where nothing may be changed.
    Changes(String),
    /// There is neither a secret, nor a tag, nor a policy.
    NoSecrets,
    /// This cannot be the name or ARN of a secret, or a pattern of them.
    Secret(String),
    /// This ARN is of another account than the vault's.
    Account { arn: String, account: String },
    /// This cannot be a tag.
    Tag(String),
    /// All tags count, and this key has two values, or is there twice.
    TagTwice(String),
    /// It is none, or too long.
    Lifetime,
    /// This policy, counted from 1, is none.
    Policy { number: usize, problems: Malformed },
    /// The policies only deny.
    AllowsNothing,
    /// There are more of these than anybody needs.
    TooMany(&'static str),
}

impl Mistake {
    /// Returns the member of [`GrantSpec`] that it is about.
    pub(crate) fn member(&self) -> &'static str {
        match self {
            Self::Label(_) => "Label",
            Self::NoOperations | Self::UnknownOperation(_) | Self::Changes(_) => "Operations",
            Self::NoSecrets | Self::Secret(_) | Self::Account { .. } => "Secrets",
            Self::Tag(_) | Self::TagTwice(_) => "Tags",
            Self::Lifetime => "LifetimeSeconds",
            Self::Policy { .. } | Self::AllowsNothing => "Policies",
            Self::TooMany(member) => member,
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("\"{}\"", text.escape_debug());
        match self {
            Self::Label(label) => {
                let rule = "it has 2 to 64 letters, digits and characters of _+=,.@-";
                write!(f, "{} is no label: {rule}", quoted(label))
            }
            Self::NoOperations => f.write_str("no operation is named, and no policy"),
            Self::UnknownOperation(word) => write!(f, "there is no operation {}", quoted(word)),
            Self::Changes(word) => write!(f, "{word} changes secrets, and the grant is read-only"),
            Self::NoSecrets => f.write_str("no secret is named, no tag and no policy"),
            Self::Secret(pattern) => {
                let pattern = quoted(pattern);
                let rule = "neither a name nor an ARN of a secret, nor a pattern of them";
                write!(f, "{pattern} is {rule} with * and ?")
            }
            Self::Account { arn, account } => {
                write!(f, "{arn} is of another account: the vault's is {account}")
            }
            Self::Tag(tag) => write!(f, "{} is no tag: it is KEY or KEY=VALUE", quoted(tag)),
            Self::TagTwice(key) => {
                let rule = "and a secret must carry all that are named";
                write!(f, "the tag {} is named twice, {rule}", quoted(key))
            }
            Self::Lifetime => {
                write!(f, "a grant is good for 1 second to {} days", LONGEST_S / 86_400)
            }
            Self::Policy { number, problems } => write!(f, "policy {number}: {problems}"),
            Self::AllowsNothing => f.write_str(
                "the policies allow nothing: where there are any, one must allow what is done",
            ),
            Self::TooMany(member) => {
                write!(f, "{member} has more than {MOST} elements, or a text that is too long")
            }
        }
    }
}

impl std::error::Error for Mistake {}

impl GrantSpec {
    /// Whether it can be granted, as far as that can be said without a vault.
    pub(crate) fn check(&self) -> Result<(), Mistake> {
        let (id, nowhere) = (String::new(), Place { account: "*", region: "" });
        self.grant(id, nowhere, Timestamp(0)).map(|_grant| ())
    }

    /// Returns how long it is good for, in milliseconds.
    pub(crate) fn lifetime_ms(&self) -> i64 {
        self.lifetime_s.unwrap_or(USUAL_S).saturating_mul(1000)
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
        let lifetime_s = self.lifetime_s.unwrap_or(USUAL_S);
        if !(1..=LONGEST_S).contains(&lifetime_s) {
            return Err(Mistake::Lifetime);
        }
        let region = self.region.as_deref().unwrap_or(home.region).to_owned();
        Ok(Grant {
            id,
            label: self.label.clone(),
            actions: self.actions()?,
            secrets: Selection { region, names: self.names(home.account)?, tags: self.tags()? },
            until: Timestamp(now.0.saturating_add(lifetime_s.saturating_mul(1000))),
            read_only: self.read_only,
            policies: self.policies()?,
        })
    }

    fn check_sizes(&self) -> Result<(), Mistake> {
        let lists = [
            ("Operations", &self.operations),
            ("Secrets", &self.secrets),
            ("Tags", &self.tags),
            // How long a policy may be is its own rule.
            ("Policies", &self.policies),
        ];
        let is_long = |text: &String| text.chars().nth(LONGEST_TEXT).is_some();
        let is_too_much = |(member, list): &(&str, &Vec<String>)| {
            list.len() > MOST || *member != "Policies" && list.iter().any(is_long)
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
        if policies.is_empty() || policies.iter().any(Policy::allows_something) {
            Ok(policies)
        } else {
            Err(Mistake::AllowsNothing)
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
    Value::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Draws the id of a grant, which is no secret: its token is.
pub(crate) fn draw_id(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let mut dice = Dice::new(entropy);
    let mut id = String::with_capacity(ID_LENGTH);
    while id.len() < ID_LENGTH {
        id.extend(dice.pick(ID_ALPHABET)?.copied().map(char::from));
    }
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
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    (2..=64).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// How long a grant is good for unless it is said: as long as a role's session in AWS.
const USUAL_S: i64 = 3_600;
const LONGEST_S: i64 = 30 * 86_400;

/// The most operations, secrets, tags and policies of a grant.
const MOST: usize = 100;
/// The longest of them but policies, in characters.
const LONGEST_TEXT: usize = 2_048;

const ID_LENGTH: usize = 8;
/// Without letters that look like others.
const ID_ALPHABET: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";

#[cfg(test)]
mod tests;
