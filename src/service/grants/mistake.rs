//! What can be wrong with what the owner of a vault asks for when handing out a grant.

use std::fmt;

use crate::service::rules::policy::model::Malformed;

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
    /// It is none, or longer than this.
    Lifetime { longest_days: i64 },
    /// This policy, counted from 1, is none.
    Policy { number: usize, problems: Malformed },
    /// The policies only deny.
    AllowsNothing,
    /// This policy beside those of the identity, counted from 1 within its member, is none.
    Beside { member: &'static str, number: usize, problems: Malformed },
    /// This cannot be a tag of whoever has it.
    PrincipalTag(String),
    /// Two such tags have this key, but for capitals.
    PrincipalTagTwice(String),
    /// This cannot be the name of a user.
    UserName(String),
    /// This cannot be the path of a user.
    Path(String),
    /// There is a path, and no user.
    NoUser,
    /// There are more of these than anybody needs.
    TooMany(&'static str),
}

impl Mistake {
    /// Returns the member of `GrantSpec` that it is about.
    pub(crate) fn member(&self) -> &'static str {
        match self {
            Self::Label(_) => "Label",
            Self::NoOperations | Self::UnknownOperation(_) | Self::Changes(_) => "Operations",
            Self::NoSecrets | Self::Secret(_) | Self::Account { .. } => "Secrets",
            Self::Tag(_) | Self::TagTwice(_) => "Tags",
            Self::Lifetime { .. } => "LifetimeSeconds",
            Self::Policy { .. } | Self::AllowsNothing => "Policies",
            Self::PrincipalTag(_) | Self::PrincipalTagTwice(_) => "PrincipalTags",
            Self::UserName(_) => "UserName",
            Self::Path(_) | Self::NoUser => "Path",
            Self::TooMany(member) | Self::Beside { member, .. } => member,
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
            Self::Lifetime { longest_days } => {
                write!(f, "a grant is good for 1 second to {longest_days} days")
            }
            Self::Policy { number, problems } => write!(f, "policy {number}: {problems}"),
            Self::AllowsNothing => f.write_str(
                "the policies allow nothing: where there are any, one must allow what is done",
            ),
            Self::Beside { member: "Boundary", problems, .. } => {
                write!(f, "the permissions boundary: {problems}")
            }
            Self::Beside { number, problems, .. } => {
                write!(f, "session policy {number}: {problems}")
            }
            Self::PrincipalTag(tag) => {
                write!(f, "{} is no tag of a user or session: it is KEY=VALUE", quoted(tag))
            }
            Self::PrincipalTagTwice(key) => {
                write!(f, "the tag {} is there twice: capitals do not tell keys apart", quoted(key))
            }
            Self::UserName(name) => {
                let rule = "it has 1 to 64 letters, digits and characters of _+=,.@-";
                write!(f, "{} is no name of a user: {rule}", quoted(name))
            }
            Self::Path(path) => {
                let rule = "it begins and ends with /, and has no wildcard";
                write!(f, "{} is no path of a user: {rule}", quoted(path))
            }
            Self::NoUser => f.write_str("a path is that of a user, and none is named"),
            Self::TooMany(member) => {
                write!(f, "{member} has more than {MOST} elements, or a text that is too long")
            }
        }
    }
}

impl std::error::Error for Mistake {}

/// The most operations, secrets, tags and policies of a grant.
pub(super) const MOST: usize = 100;
