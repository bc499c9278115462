//! The two ways in which a query fails, in python-jmespath's words.

use std::fmt;

use super::lexer::Token;

/// The value of `--query` cannot be read. Displays as AWS prints it, after its prefix.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadExpression(String);

impl BadExpression {
    /// Refuses an expression for a reason.
    pub(super) fn new(expression: &str, reason: &str) -> Self {
        Self(format!("Bad value for --query {expression}: {reason}"))
    }

    /// Refuses an expression that ends too early.
    pub(super) fn incomplete(expression: &str) -> Self {
        // The caret points behind the end; one more is for the quote.
        let caret = " ".repeat(expression.chars().count().saturating_add(1));
        let reason = "Invalid jmespath expression: Incomplete expression";
        Self::new(expression, &format!("{reason}:\n\"{expression}\"\n{caret}^"))
    }

    /// Refuses a word of an expression.
    pub(super) fn at(expression: &str, column: usize, token: &Token, reason: &str) -> Self {
        let word = token.text();
        let kind = token.kind.name().to_uppercase();
        let caret = " ".repeat(column.saturating_add(1));
        let place = format!("Parse error at column {column}, token \"{word}\" ({kind})");
        let shown = format!("for expression:\n\"{expression}\"\n{caret}^");
        Self::new(expression, &format!("{reason}: {place}, {shown}"))
    }
}

impl fmt::Display for BadExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadExpression {}

/// An expression that was read cannot be evaluated over this value. Displays in python-jmespath's
/// words, but shows no text and no container of the value: they may hold a secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EvaluationFailed {
    UnknownFunction(String),
    /// A function was given too few arguments, or too many.
    Arity {
        function: &'static str,
        /// How many it takes.
        expected: usize,
        at_least: bool,
        /// How many it was given.
        received: usize,
    },
    /// A function was given what it does not take.
    Type {
        function: &'static str,
        /// What it was given, if that may be shown.
        value: String,
        /// The types it takes, as a Python list.
        expected: String,
        /// The type it was given.
        received: &'static str,
    },
    /// Two values were compared that have no order.
    Unordered {
        sign: &'static str,
        /// The Python type on its left.
        left: &'static str,
        /// The Python type on its right.
        right: &'static str,
    },
    /// Something other than text was looked for in text: a value of this Python type.
    NotInText(&'static str),
    /// A slice with a step of zero.
    ZeroStep,
    /// A whole number was to be made from infinity or NaN.
    NotFinite(&'static str),
    /// `&expression` where a value is needed.
    Reference,
}

impl fmt::Display for EvaluationFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFunction(name) => write!(f, "Unknown function: {name}()"),
            Self::Arity { function, expected, at_least, received } => {
                let at_least = if *at_least { "at least " } else { "" };
                let arguments = if *expected == 1 { "argument" } else { "arguments" };
                write!(
                    f,
                    "Expected {at_least}{expected} {arguments} for function {function}(), \
                     received {received}",
                )
            }
            Self::Type { function, value, expected, received } => write!(
                f,
                "In function {function}(), invalid type for value: {value}, expected one of: \
                 {expected}, received: \"{received}\"",
            ),
            Self::Unordered { sign, left, right } => {
                write!(f, "'{sign}' not supported between instances of '{left}' and '{right}'")
            }
            Self::NotInText(found) => {
                write!(f, "'in <string>' requires string as left operand, not {found}")
            }
            Self::ZeroStep => f.write_str("slice step cannot be zero"),
            Self::NotFinite(what) => write!(f, "cannot convert float {what} to integer"),
            Self::Reference => {
                f.write_str("an expression reference (&) stands where a value is needed")
            }
        }
    }
}

impl std::error::Error for EvaluationFailed {}
