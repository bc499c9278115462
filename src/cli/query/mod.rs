//! `--query`: JMESPath over our own trees, whose members keep their order.
//!
//! The grammar, the functions, what counts as true or equal, and the words of every complaint are
//! those of python-jmespath, because scripts were written against it. That is why the grammar is
//! here too and not taken from a crate: the one for JMESPath sorts members, words its errors
//! differently and recurses without bound.

mod ast;
mod compare;
mod evaluate;
mod failure;
mod functions;
mod lexer;
pub(crate) mod literal;
mod parser;
mod signature;

use std::borrow::Cow;

use jiff::tz::TimeZone;

use crate::model::value::Value;

pub(crate) use failure::{BadExpression, EvaluationFailed};

/// An expression that has been read.
pub(crate) struct Query {
    root: ast::Node,
}

impl Query {
    /// Reads an expression; nothing is evaluated yet.
    pub(crate) fn parse(expression: &str) -> Result<Self, BadExpression> {
        Ok(Self { root: parser::parse(expression)? })
    }

    /// Looks up what the expression names; `null` where there is nothing. Times are text in `zone`,
    /// bytes are base64. What is part of `value` is not copied.
    pub(crate) fn apply<'v>(
        &'v self,
        value: &'v Value,
        zone: &TimeZone,
    ) -> Result<Cow<'v, Value>, EvaluationFailed> {
        evaluate::Evaluation { zone }.node(&self.root, value)
    }
}

#[cfg(test)]
mod tests;
