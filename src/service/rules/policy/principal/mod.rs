//! Principals: whom a statement speaks of, and who is asking.
//!
//! A principal is checked by its form alone: whether it exists, only AWS knows.

use crate::service::rules::arn::{self, Place};

/// Whom a statement is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    /// `*`: everybody.
    Everyone,
    /// An account, by its number or its root's ARN: everybody in it.
    Account(String),
    /// A user, a role or a session.
    Identity(Identity),
    /// One that never asks here: a service, a federated or canonical user, or the unique id that a
    /// deleted user or role leaves behind.
    Elsewhere,
}

/// An account's root, user, role or session: what `arn:aws:iam::…` and `arn:aws:sts::…` name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    partition: String,
    account: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Root,
    /// Path and name.
    User(String),
    /// Path and name.
    Role(String),
    /// A session of a role, which is named without its path.
    AssumedRole {
        role: String,
        session: String,
    },
    /// A user's federated session, which has a name of its own.
    FederatedUser {
        name: String,
        /// Path and name of the user; a policy does not say it.
        of: Option<String>,
    },
}

/// How far an Allow in a resource's policy reaches within an account, by whom it names. An explicit
/// Deny anywhere is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// It suffices: whoever asks is named himself, or everybody is.
    Suffices,
    /// The permissions boundary and the session's policies must allow it too: the role of a session is
    /// named, or its user.
    Bounded,
    /// The identity's own policies must allow it too: the account is named.
    Delegated,
}

impl Principal {
    /// Reads one value of `"Principal": {"AWS": …}`.
    pub(super) fn read_aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everyone);
        }
        if is_account(text) {
            return Some(Self::Account(text.to_owned()));
        }
        if is_unique_id(text) {
            return Some(Self::Elsewhere);
        }
        let identity = Identity::read(text)?;
        Some(match identity.kind {
            Kind::Root => Self::Account(identity.account),
            Kind::User(_)
            | Kind::Role(_)
            | Kind::AssumedRole { .. }
            | Kind::FederatedUser { .. } => Self::Identity(identity),
        })
    }

    /// Reads one value of `"Principal": {"Service": …}`.
    pub(super) fn read_service(text: &str) -> Option<Self> {
        let ends = SERVICE_DOMAINS.iter().any(|domain| {
            text.strip_suffix(domain).is_some_and(|name| name.len() > 1 && name.ends_with('.'))
        });
        (ends && is_domain(text)).then_some(Self::Elsewhere)
    }

    /// Reads one value of `"Principal": {"Federated": …}`.
    pub(super) fn read_federated(text: &str) -> Option<Self> {
        let is_provider = Arn::read(text).is_some_and(|arn| {
            let provider = arn.resource.split_once('/');
            arn.service == "iam"
                && is_account(arn.account)
                && provider.is_some_and(|(kind, name)| {
                    matches!(kind, "saml-provider" | "oidc-provider") && is_name(name)
                })
        });
        (is_provider || is_domain(text)).then_some(Self::Elsewhere)
    }

    /// Reads one value of `"Principal": {"CanonicalUser": …}`.
    pub(super) fn read_canonical(text: &str) -> Option<Self> {
        let is_id = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_id.then_some(Self::Elsewhere)
    }

    /// How far an Allow to it reaches where the caller is meant; `None` where he is not.
    pub(super) fn reach(&self, caller: &Identity) -> Option<Reach> {
        match self {
            Self::Everyone => Some(Reach::Suffices),
            Self::Account(account) => (*account == caller.account).then_some(Reach::Delegated),
            Self::Identity(identity) => identity.reach(caller),
            Self::Elsewhere => None,
        }
    }

    /// Whether a Deny to all but this one spares the caller: an account is its root alone.
    pub(super) fn is_spared(&self, caller: &Identity) -> bool {
        match self {
            Self::Account(account) => *account == caller.account && caller.kind == Kind::Root,
            Self::Everyone | Self::Identity(_) | Self::Elsewhere => self.reach(caller).is_some(),
        }
    }
}

impl Identity {
    /// The root of an account in a region's partition: the owner of the vault.
    pub(crate) fn root(here: Place<'_>) -> Self {
        let partition = arn::partition(here.region).to_owned();
        Self { partition, account: here.account.to_owned(), kind: Kind::Root }
    }

    /// A session of a role, which is named without its path.
    pub(crate) fn session(here: Place<'_>, role: &str, session: &str) -> Self {
        let kind = Kind::AssumedRole { role: role.to_owned(), session: session.to_owned() };
        Self { kind, ..Self::root(here) }
    }

    /// A user, with its path, which begins and ends with `/`.
    pub(crate) fn of_user(here: Place<'_>, path: &str, name: &str) -> Self {
        Self { kind: Kind::User(path_and_name(path, name)), ..Self::root(here) }
    }

    /// A federated session of a user, which has the user's name.
    pub(crate) fn federated(here: Place<'_>, path: &str, name: &str) -> Self {
        let (name, of) = (name.to_owned(), Some(path_and_name(path, name)));
        Self { kind: Kind::FederatedUser { name, of }, ..Self::root(here) }
    }

    /// Reads the ARN of a root, user, role or session; `None` for any other text. Wildcards are
    /// refused, as AWS refuses them.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let arn = Arn::read(text)?;
        if !is_account(arn.account) {
            return None;
        }
        let (kind, name) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
        let kind = match (arn.service, kind) {
            ("iam", "root") if arn.resource == "root" => Kind::Root,
            ("iam", "user") if is_name(name) => Kind::User(name.to_owned()),
            ("iam", "role") if is_name(name) => Kind::Role(name.to_owned()),
            ("sts", "assumed-role") => {
                let (role, session) = name.split_once('/')?;
                if !is_name(role) || !is_name(session) || session.contains('/') {
                    return None;
                }
                Kind::AssumedRole { role: role.to_owned(), session: session.to_owned() }
            }
            ("sts", "federated-user") if is_name(name) => {
                Kind::FederatedUser { name: name.to_owned(), of: None }
            }
            _ => return None,
        };
        Some(Self { partition: arn.partition.to_owned(), account: arn.account.to_owned(), kind })
    }

    /// How far an Allow to this reaches where it names the caller, or what the caller is a session
    /// of.
    fn reach(&self, caller: &Self) -> Option<Reach> {
        if self.partition != caller.partition || self.account != caller.account {
            return None;
        }
        let (is_meant, reach) = match (&self.kind, &caller.kind) {
            // Names of roles are unique in an account, whatever their paths.
            (Kind::Role(role), Kind::AssumedRole { role: assumed, .. }) => {
                (role.rsplit('/').next() == Some(assumed.as_str()), Reach::Bounded)
            }
            (Kind::User(user), Kind::FederatedUser { of: Some(of), .. }) => {
                (user == of, Reach::Bounded)
            }
            (Kind::FederatedUser { name, .. }, Kind::FederatedUser { name: other, .. }) => {
                (name == other, Reach::Suffices)
            }
            (ours, theirs) => (ours == theirs, Reach::Suffices),
        };
        is_meant.then_some(reach)
    }

    /// Returns `aws:PrincipalAccount`.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Returns `aws:PrincipalArn`: for a session that of its role.
    pub(crate) fn arn(&self) -> String {
        let (service, resource) = match &self.kind {
            Kind::Root => ("iam", "root".to_owned()),
            Kind::User(name) => ("iam", format!("user/{name}")),
            Kind::Role(name) => ("iam", format!("role/{name}")),
            Kind::AssumedRole { role, .. } => ("iam", format!("role/{role}")),
            Kind::FederatedUser { name, .. } => ("sts", format!("federated-user/{name}")),
        };
        format!("arn:{}:{service}::{}:{resource}", self.partition, self.account)
    }

    /// Returns the ARN by which a refusal names it: for a session its own.
    pub(crate) fn user(&self) -> String {
        match &self.kind {
            Kind::AssumedRole { role, session } => {
                let (partition, account) = (&self.partition, &self.account);
                format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
            }
            Kind::Root | Kind::User(_) | Kind::Role(_) | Kind::FederatedUser { .. } => self.arn(),
        }
    }

    /// Returns `aws:PrincipalType`.
    pub(super) fn principal_type(&self) -> &'static str {
        match self.kind {
            Kind::Root => "Account",
            Kind::User(_) => "User",
            Kind::Role(_) | Kind::AssumedRole { .. } => "AssumedRole",
            Kind::FederatedUser { .. } => "FederatedUser",
        }
    }

    /// Returns `aws:username`, which only users have.
    pub(super) fn username(&self) -> Option<&str> {
        match &self.kind {
            Kind::User(name) => name.rsplit('/').next(),
            Kind::Root | Kind::Role(_) | Kind::AssumedRole { .. } | Kind::FederatedUser { .. } => {
                None
            }
        }
    }
}

/// The parts of an ARN without a region.
struct Arn<'a> {
    partition: &'a str,
    service: &'a str,
    account: &'a str,
    resource: &'a str,
}

impl<'a> Arn<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next();
        let (label, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource) = (next()?, next()?, next()?);
        let is_ours = label == "arn" && is_partition(partition) && region.is_empty();
        is_ours.then_some(Self { partition, service, account, resource })
    }
}

/// Writes what follows `user/` in an ARN.
fn path_and_name(path: &str, name: &str) -> String {
    format!("{}{name}", path.strip_prefix('/').unwrap_or(path))
}

fn is_partition(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    text.split('-').all(is_word) && text.starts_with("aws")
}

pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_unique_id(text: &str) -> bool {
    let is_kind = ["AIDA", "AROA"].iter().any(|kind| text.starts_with(kind));
    let is_id = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    is_kind && (16..=128).contains(&text.len()) && text.bytes().all(is_id)
}

fn is_name(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'*' | b'?' | b':');
    !text.split('/').any(str::is_empty) && text.bytes().all(is_plain)
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        !label.is_empty() && label.bytes().all(is_letter)
    };
    text.contains('.') && text.split('.').all(is_label)
}

/// Where the names of AWS's services end.
const SERVICE_DOMAINS: [&str; 5] =
    ["amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "amazon.com", "aws.internal"];

#[cfg(test)]
mod tests;
