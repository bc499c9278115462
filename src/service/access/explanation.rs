//! Why a call is allowed or refused, for the person who wrote the policies. It is said by the very
//! evaluation that enforces them.

use crate::service::action::Action;
use crate::service::rules::policy::verdict::{Kind, Source, Verdict};

structure! {
    /// Why a call is allowed or refused.
    pub(crate) struct Explanation {
        /// The ARN of who would call.
        caller: String => "Caller",
        /// `allowed`, `explicitDeny` or `implicitDeny`, as IAM's policy simulator says it.
        decision: String => "Decision",
        /// The words of the refusal.
        message: Option<String> => "Message",
        /// Each right that the call needs, that to the operation itself first.
        checks: Vec<Check> => "Checks",
    }
}

structure! {
    /// Why one right is there, or is not.
    pub(crate) struct Check {
        /// The operation, as policies name it.
        action: String => "Action",
        /// What it is about, as policies are asked.
        resource: String => "Resource",
        /// As of the whole.
        decision: String => "Decision",
        /// What decides.
        reason: String => "Reason",
        /// The statements that decide.
        statements: Option<Vec<Decisive>> => "Statements",
        /// Of each statement that could have allowed it, what kept it from that.
        missed: Option<Vec<String>> => "Missed",
    }
}

structure! {
    /// A statement that decides.
    pub(crate) struct Decisive {
        /// What the policy is attached to.
        policy_type: String => "PolicyType",
        /// Which of these policies, from 1.
        policy: i64 => "Policy",
        /// Which of its statements, from 1; absent where the policy cannot be read.
        statement: Option<i64> => "Statement",
        /// Its name.
        sid: Option<String> => "Sid",
    }
}

/// What is decided about one right.
pub(super) struct Ruling {
    pub(super) action: Action,
    /// The ARN that policies were asked about, or `*`.
    pub(super) resource: String,
    pub(super) outcome: Outcome,
    pub(super) misses: Vec<String>,
}

/// How it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// By the policies.
    Judged(Verdict),
    /// By what the owner narrowed the grant to.
    Narrowed(Narrowing),
}

/// What a grant is not for, whatever policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Narrowing {
    /// Its time is over.
    Over,
    ReadOnly,
    /// The request has members twice, or such as the operation does not know.
    Unclear,
    Secrets,
    Operations,
    /// A tag on which it depends what it is for.
    Tags,
}

impl Outcome {
    /// Puts a limit on what policies allow. What they deny stays so.
    pub(super) fn within(self, limit: Option<Narrowing>) -> Self {
        match (self, limit) {
            (denied @ Self::Judged(Verdict::Denied(_)), _) => denied,
            (_, Some(limit)) => Self::Narrowed(limit),
            (outcome, None) => outcome,
        }
    }

    pub(super) fn is_allowed(&self) -> bool {
        matches!(self, Self::Judged(Verdict::Allowed(_)))
    }

    /// Returns how AWS's refusal ends.
    pub(super) fn words(&self, operation: &str) -> String {
        let kind = match self {
            Self::Judged(Verdict::Denied(source)) => {
                return format!("with an explicit deny in {}", source.kind.with_article());
            }
            Self::Judged(Verdict::NotAllowed(kind)) => *kind,
            // What the owner narrows is a part of what the identity may do.
            Self::Judged(Verdict::Allowed(_)) | Self::Narrowed(_) => Kind::Identity,
        };
        format!("because no {} allows the secretsmanager:{operation} action", kind.name())
    }

    fn decision(&self) -> &'static str {
        match self {
            Self::Judged(Verdict::Allowed(_)) => ALLOWED,
            Self::Judged(Verdict::Denied(_)) => "explicitDeny",
            Self::Judged(Verdict::NotAllowed(_)) | Self::Narrowed(_) => "implicitDeny",
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Judged(Verdict::Allowed(sources)) if sources.is_empty() => {
                "it is granted, and no policy limits that".to_owned()
            }
            Self::Judged(Verdict::Allowed(sources)) => {
                let sources: Vec<String> = sources.iter().map(Source::to_string).collect();
                format!("it is allowed by {}", sources.join(" and by "))
            }
            Self::Judged(Verdict::Denied(Source { statement: None, .. })) => {
                "the secret's own policy cannot be read, which denies everything".to_owned()
            }
            Self::Judged(Verdict::Denied(source)) => format!("it is denied by {source}"),
            Self::Judged(Verdict::NotAllowed(kind)) => match kind {
                Kind::Resource => "the secret is of another account, and no policy on it that is \
                                   known here lets the caller in"
                    .to_owned(),
                Kind::Identity | Kind::Boundary | Kind::Session => {
                    format!("no statement of a {} allows it", kind.name())
                }
            },
            Self::Narrowed(narrowing) => narrowing.told().to_owned(),
        }
    }
}

impl Narrowing {
    fn told(self) -> &'static str {
        match self {
            Self::Over => "its time is over",
            Self::ReadOnly => "it is for reading only",
            Self::Unclear => {
                "the request has a member twice, or one that the operation does not know"
            }
            Self::Secrets => "it is for other secrets",
            Self::Operations => "it is for other operations",
            Self::Tags => "it depends on this tag what it is for, so that it may not change it",
        }
    }
}

impl Explanation {
    /// What was found about each right, and the words of the refusal, if it is one.
    pub(super) fn of(caller: String, message: Option<String>, rulings: Vec<Ruling>) -> Self {
        let refused = rulings.iter().find(|ruling| !ruling.outcome.is_allowed());
        let decision = refused.map_or(ALLOWED, |ruling| ruling.outcome.decision()).to_owned();
        let checks = rulings.into_iter().map(Check::of).collect();
        Self { caller, decision, message, checks }
    }

    /// Of somebody to whom no policies apply.
    pub(super) fn without_policies(caller: String, message: Option<String>) -> Self {
        let decision = message.as_ref().map_or(ALLOWED, |_| "implicitDeny").to_owned();
        Self { caller, decision, message, checks: Vec::new() }
    }
}

impl Check {
    fn of(ruling: Ruling) -> Self {
        let Ruling { action, resource, outcome, misses } = ruling;
        let (decision, reason) = (outcome.decision().to_owned(), outcome.reason());
        let sources = match outcome {
            Outcome::Judged(Verdict::Allowed(sources)) => sources,
            Outcome::Judged(Verdict::Denied(source)) => vec![source],
            Outcome::Judged(Verdict::NotAllowed(_)) | Outcome::Narrowed(_) => Vec::new(),
        };
        let statements = sources.into_iter().map(Decisive::of).collect();
        Self {
            action: format!("secretsmanager:{}", action.name()),
            resource,
            decision,
            reason,
            statements: unless_empty(statements),
            missed: unless_empty(misses),
        }
    }
}

impl Decisive {
    fn of(source: Source) -> Self {
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let Source { kind, number: policy, statement } = source;
        Self {
            policy_type: kind.name().to_owned(),
            policy: number(policy),
            statement: statement.as_ref().map(|statement| number(statement.number)),
            sid: statement.and_then(|statement| statement.sid),
        }
    }
}

fn unless_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}

const ALLOWED: &str = "allowed";
