//! Conditions: their operators, and whether they hold.
//!
//! Where AWS leaves it open: an operator without `ForAllValues:` or `ForAnyValue:` on a key that has
//! several values holds where one of them fits, its negation where none does. `IfExists` after
//! `ForAnyValue:` changes nothing, since there is no value to look at; after `ForAllValues:` neither,
//! since that holds without one.

use std::cmp::Ordering;

use super::address::Network;
use super::date::Instant;
use super::number::Decimal;
use super::pattern::{Case, Pattern, Version, Wildcards};
use super::request::Context;

/// One key compared with its values by one operator.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// The key, in lower case.
    pub(super) key: String,
    pub(super) quantifier: Quantifier,
    pub(super) sense: Sense,
    pub(super) test: Test,
}

/// Which of a key's values must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// The one there is.
    Single,
    /// The one there is, if there is one: `…IfExists`.
    SingleIfExists,
    /// Every one: `ForAllValues:`.
    All,
    /// One of them: `ForAnyValue:`.
    Any,
}

/// Whether a value that fits makes the condition hold, or one that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    Plain,
    /// `…Not…`: no value of the policy may fit.
    Negated,
}

/// What a value is compared with: any of these fits.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Test {
    Text(Case, Vec<Pattern>),
    Arn(Vec<Pattern>),
    Boolean(Vec<Pattern>),
    Number(Order, Vec<Decimal>),
    Date(Order, Vec<Instant>),
    Address(Vec<Network>),
    /// In base64.
    Binary(Vec<String>),
    /// Whether the key must be absent.
    Null(Vec<bool>),
}

/// How two values must compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// An operator, as its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    quantifier: Quantifier,
    sense: Sense,
    comparison: Comparison,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Text(Case, Wildcards),
    Arn,
    Boolean,
    Number(Order),
    Date(Order),
    Address,
    Binary,
    Null,
}

impl Operator {
    /// Reads an operator's name, such as `ForAnyValue:StringLike` or `BoolIfExists`.
    pub(super) fn read(name: &str) -> Option<Self> {
        let (quantifier, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some(_) => return None,
            None => (Quantifier::Single, name),
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let &(_, sense, comparison) = OPERATORS.iter().find(|(name, _, _)| *name == base)?;
        if if_exists && comparison == Comparison::Null {
            return None;
        }
        let quantifier = match quantifier {
            Quantifier::Single if if_exists => Quantifier::SingleIfExists,
            Quantifier::Single | Quantifier::SingleIfExists | Quantifier::All | Quantifier::Any => {
                quantifier
            }
        };
        Some(Self { quantifier, sense, comparison })
    }

    /// Makes the condition that `key` compared with `values` is; `Err` holds the value that the
    /// operator cannot compare with.
    pub(super) fn on(
        self,
        key: &str,
        values: &[String],
        version: Version,
    ) -> Result<Condition, String> {
        let Self { quantifier, sense, comparison } = self;
        let test = match comparison {
            Comparison::Text(case, wildcards) => Test::Text(
                case,
                read_all(values, |text| Pattern::read(text, version, wildcards).ok())?,
            ),
            Comparison::Arn => Test::Arn(read_all(values, |text| read_arn(text, version))?),
            Comparison::Boolean => {
                Test::Boolean(read_all(values, |text| read_boolean(text, version))?)
            }
            Comparison::Number(order) => Test::Number(order, read_all(values, Decimal::read)?),
            Comparison::Date(order) => Test::Date(order, read_all(values, Instant::read)?),
            Comparison::Address => Test::Address(read_all(values, Network::read)?),
            Comparison::Binary => Test::Binary(read_all(values, read_base64)?),
            Comparison::Null => Test::Null(read_all(values, read_flag)?),
        };
        Ok(Condition { key: key.to_lowercase(), quantifier, sense, test })
    }
}

impl Condition {
    pub(super) fn holds(&self, context: &Context) -> bool {
        let values = context.values(&self.key);
        if let Test::Null(expected) = &self.test {
            return expected.contains(&values.is_none());
        }
        match (self.quantifier, values) {
            (Quantifier::Single, None) => self.sense == Sense::Negated,
            (Quantifier::SingleIfExists | Quantifier::All, None) => true,
            (Quantifier::Any, None) => false,
            (Quantifier::Single | Quantifier::SingleIfExists, Some(values)) => {
                let fits = values.iter().any(|value| self.test.fits(value, context));
                fits == (self.sense == Sense::Plain)
            }
            (Quantifier::All, Some(values)) => values.iter().all(|v| self.accepts(v, context)),
            (Quantifier::Any, Some(values)) => values.iter().any(|v| self.accepts(v, context)),
        }
    }

    /// Returns every key that it depends on, in lower case.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let patterns = match &self.test {
            Test::Text(_, patterns) | Test::Arn(patterns) | Test::Boolean(patterns) => {
                patterns.as_slice()
            }
            Test::Number(..)
            | Test::Date(..)
            | Test::Address(_)
            | Test::Binary(_)
            | Test::Null(_) => &[],
        };
        std::iter::once(self.key.as_str()).chain(patterns.iter().flat_map(Pattern::variables))
    }

    fn accepts(&self, value: &str, context: &Context) -> bool {
        self.test.fits(value, context) == (self.sense == Sense::Plain)
    }
}

impl Test {
    /// Whether a value of the request fits one of the policy's.
    fn fits(&self, value: &str, context: &Context) -> bool {
        match self {
            Self::Text(case, patterns) => {
                patterns.iter().any(|pattern| pattern.matches(value, *case, context))
            }
            Self::Boolean(patterns) => {
                patterns.iter().any(|pattern| pattern.matches(value, Case::Ignored, context))
            }
            Self::Arn(patterns) => {
                patterns.iter().any(|pattern| pattern.matches_arn(value, context))
            }
            Self::Number(order, numbers) => Decimal::read(value)
                .is_some_and(|value| numbers.iter().any(|n| order.admits(value.cmp(n)))),
            Self::Date(order, dates) => Instant::read(value)
                .is_some_and(|value| dates.iter().any(|d| order.admits(value.cmp(d)))),
            Self::Address(networks) => networks.iter().any(|network| network.holds(value)),
            Self::Binary(values) => values.iter().any(|expected| expected == value),
            // Looks at the key alone, above.
            Self::Null(_) => false,
        }
    }
}

impl Order {
    fn admits(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::More => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }
}

fn read_all<T>(values: &[String], read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    values.iter().map(|value| read(value).ok_or_else(|| value.clone())).collect()
}

/// Reads what an ARN is compared with: `*`, or six parts. A value with a variable is only known to be
/// an ARN when it is compared.
fn read_arn(text: &str, version: Version) -> Option<Pattern> {
    let pattern = Pattern::read(text, version, Wildcards::Match).ok()?;
    let label = text.split(':').next()?;
    let is_arn = text.splitn(6, ':').count() == 6 && (label == "arn" || label.contains('*'));
    (is_arn || pattern.is_any() || pattern.has_variable()).then_some(pattern)
}

fn read_boolean(text: &str, version: Version) -> Option<Pattern> {
    let pattern = Pattern::read(text, version, Wildcards::Literal).ok()?;
    (read_flag(text).is_some() || pattern.has_variable()).then_some(pattern)
}

fn read_flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn read_base64(text: &str) -> Option<String> {
    let digits = text.trim_end_matches('=');
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let is_whole = text.len().is_multiple_of(4) && text.len() - digits.len() <= 2;
    (is_whole && digits.bytes().all(is_digit)).then(|| text.to_owned())
}

const EXACT: Comparison = Comparison::Text(Case::Sensitive, Wildcards::Literal);
const EXACT_IGNORING_CASE: Comparison = Comparison::Text(Case::Ignored, Wildcards::Literal);
const LIKE: Comparison = Comparison::Text(Case::Sensitive, Wildcards::Match);

/// The operators. Their names are case-sensitive, as the language's grammar spells them.
const OPERATORS: [(&str, Sense, Comparison); 27] = [
    ("StringEquals", Sense::Plain, EXACT),
    ("StringNotEquals", Sense::Negated, EXACT),
    ("StringEqualsIgnoreCase", Sense::Plain, EXACT_IGNORING_CASE),
    ("StringNotEqualsIgnoreCase", Sense::Negated, EXACT_IGNORING_CASE),
    ("StringLike", Sense::Plain, LIKE),
    ("StringNotLike", Sense::Negated, LIKE),
    ("NumericEquals", Sense::Plain, Comparison::Number(Order::Equal)),
    ("NumericNotEquals", Sense::Negated, Comparison::Number(Order::Equal)),
    ("NumericLessThan", Sense::Plain, Comparison::Number(Order::Less)),
    ("NumericLessThanEquals", Sense::Plain, Comparison::Number(Order::AtMost)),
    ("NumericGreaterThan", Sense::Plain, Comparison::Number(Order::More)),
    ("NumericGreaterThanEquals", Sense::Plain, Comparison::Number(Order::AtLeast)),
    ("DateEquals", Sense::Plain, Comparison::Date(Order::Equal)),
    ("DateNotEquals", Sense::Negated, Comparison::Date(Order::Equal)),
    ("DateLessThan", Sense::Plain, Comparison::Date(Order::Less)),
    ("DateLessThanEquals", Sense::Plain, Comparison::Date(Order::AtMost)),
    ("DateGreaterThan", Sense::Plain, Comparison::Date(Order::More)),
    ("DateGreaterThanEquals", Sense::Plain, Comparison::Date(Order::AtLeast)),
    ("Bool", Sense::Plain, Comparison::Boolean),
    ("BinaryEquals", Sense::Plain, Comparison::Binary),
    ("IpAddress", Sense::Plain, Comparison::Address),
    ("NotIpAddress", Sense::Negated, Comparison::Address),
    // `Equals` and `Like` are the same for ARNs.
    ("ArnEquals", Sense::Plain, Comparison::Arn),
    ("ArnLike", Sense::Plain, Comparison::Arn),
    ("ArnNotEquals", Sense::Negated, Comparison::Arn),
    ("ArnNotLike", Sense::Negated, Comparison::Arn),
    ("Null", Sense::Plain, Comparison::Null),
];

#[cfg(test)]
mod tests;
