//! A policy that has been read, and what is wrong with one that could not be.
//!
//! A policy's `Version` lives on in its patterns; its `Id` means nothing to anybody and is checked, not
//! kept. A statement's `Sid` is kept to name it by. The text that was stored is the text that is given
//! back.

use std::fmt;

use super::condition::Condition;
use super::pattern::Pattern;
use super::principal::Principal;

/// A policy in which everything that can be checked without AWS is right.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(super) statements: Vec<Statement>,
}

/// One statement: it applies where all its parts do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) name: StatementName,
    pub(super) effect: Effect,
    pub(super) principals: Scope<Principal>,
    pub(super) actions: Scope<Pattern>,
    pub(super) resources: Scope<Pattern>,
    pub(super) conditions: Vec<Condition>,
}

/// How a person finds a statement in its policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatementName {
    /// Its place, from 1.
    pub(crate) number: usize,
    /// Its `Sid`, where it has one.
    pub(crate) sid: Option<String>,
}

impl fmt::Display for StatementName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, sid } = self;
        match sid {
            Some(sid) => write!(f, "statement {number} ({})", sid.escape_debug()),
            None => write!(f, "statement {number}"),
        }
    }
}

/// What a statement does where it applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// A choice of some, or of all but some.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Scope<T> {
    /// `Principal`, `Action`, `Resource`.
    Only(Vec<T>),
    /// `NotPrincipal`, `NotAction`, `NotResource`.
    Except(Vec<T>),
}

impl<T> Scope<T> {
    /// Whether what `is_meant` recognises is chosen.
    pub(super) fn admits(&self, is_meant: impl Fn(&T) -> bool) -> bool {
        match self {
            Self::Only(some) => some.iter().any(is_meant),
            Self::Except(some) => !some.iter().any(is_meant),
        }
    }

    /// Returns what it names, chosen or not.
    fn named(&self) -> &[T] {
        match self {
            Self::Only(named) | Self::Except(named) => named,
        }
    }
}

impl Policy {
    /// Whether there is anything that it allows.
    pub(crate) fn allows_something(&self) -> bool {
        self.statements.iter().any(|statement| statement.effect == Effect::Allow)
    }

    /// Whether what it says depends on a secret's tag of this key. Capitals do not matter to IAM.
    pub(crate) fn minds_tag(&self, tag: &str) -> bool {
        let tag = tag.to_lowercase();
        let is_it = |key: &str| TAG_KEYS.iter().any(|of| key.strip_prefix(of) == Some(&tag));
        self.statements.iter().any(|statement| {
            statement.conditions.iter().flat_map(Condition::keys).any(is_it)
                || statement.resources.named().iter().flat_map(Pattern::variables).any(is_it)
        })
    }
}

/// How the condition keys of a secret's tags begin.
const TAG_KEYS: [&str; 2] = ["aws:resourcetag/", "secretsmanager:resourcetag/"];

/// Why a text is no policy: every problem in it, statement by statement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(super) Vec<Problem>);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) kind: ProblemKind,
    /// The statement it is in, from 1.
    pub(super) statement: Option<usize>,
    pub(super) detail: String,
}

/// What AWS tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// The text is not JSON, or longer than a policy may be.
    NotJson,
    /// The text is JSON but not IAM's policy language.
    Syntax,
    /// A principal that cannot be one.
    Principal,
    /// A service principal that cannot be one.
    ServicePrincipal,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(statement) = self.statement {
            write!(f, "statement {statement}: ")?;
        }
        f.write_str(&self.detail)
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(problems) = self;
        for (index, problem) in problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Malformed {}
