//! What functions take, and the check that they are given it.

use jiff::tz::TimeZone;

use super::EvaluationFailed;
use super::ast::Node;
use super::evaluate::Found;
use crate::cli::output::view::View;
use crate::cli::python;
use crate::model::value::Value;

/// A type that a function takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Number,
    /// Text, a time or bytes.
    Text,
    /// A list of anything.
    List,
    /// A list of numbers.
    Numbers,
    /// A list of texts.
    Texts,
    Map,
    /// `&expression`.
    Reference,
}

impl Type {
    /// Returns python-jmespath's name for it.
    const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "string",
            Self::List => "array",
            Self::Numbers => "array-number",
            Self::Texts => "array-string",
            Self::Map => "object",
            Self::Reference => "expref",
        }
    }

    fn admits(self, argument: &View<'_>) -> bool {
        match self {
            Self::Number => is_number(argument),
            Self::Text => matches!(argument, View::Text(_)),
            Self::List | Self::Numbers | Self::Texts => matches!(argument, View::List(_)),
            Self::Map => matches!(argument, View::Map(_)),
            Self::Reference => false,
        }
    }

    /// Whether it says nothing about elements, or admits this one.
    fn admits_element(self, element: &View<'_>) -> bool {
        match self {
            Self::Numbers => is_number(element),
            Self::Texts => matches!(element, View::Text(_)),
            Self::Number | Self::Text | Self::List | Self::Map | Self::Reference => true,
        }
    }
}

/// What a function is given.
pub(super) enum Argument<'a> {
    Value(Found<'a>),
    /// `&expression`, for the function to evaluate.
    Reference(&'a Node),
}

/// Checks one argument against the types it may have; none given means any.
pub(super) fn check(
    function: &'static str,
    types: &[Type],
    argument: &Argument<'_>,
    zone: &TimeZone,
) -> Result<(), EvaluationFailed> {
    let refuse = |value, received| Err(refuse(function, types, value, received));
    let value = match argument {
        _ if types.is_empty() => return Ok(()),
        Argument::Reference(_) if types.contains(&Type::Reference) => return Ok(()),
        Argument::Reference(_) => return refuse(HIDDEN.to_owned(), "expref"),
        Argument::Value(value) => value,
    };
    let view = View::of(value, zone);
    if !types.iter().any(|t| t.admits(&view)) {
        return refuse(shown(value, zone), type_name(&view));
    }
    let View::List(elements) = view else { return Ok(()) };
    // The first element decides which of the types the others must have.
    let Some(first) = elements.first() else { return Ok(()) };
    let first = View::of(first, zone);
    let of_first = types.iter().find(|t| t.admits_element(&first));
    for element in elements {
        let view = View::of(element, zone);
        if !of_first.is_some_and(|t| t.admits_element(&view)) {
            return refuse(shown(element, zone), python_type(&view));
        }
    }
    Ok(())
}

/// Refuses what a function was given.
pub(super) fn refuse(
    function: &'static str,
    types: &[Type],
    value: String,
    received: &'static str,
) -> EvaluationFailed {
    let names: Vec<String> = types.iter().map(|t| format!("'{}'", t.name())).collect();
    let expected = format!("[{}]", names.join(", "));
    EvaluationFailed::Type { function, value, expected, received }
}

/// What a message shows of a value: numbers and the like, but nothing that may hold a secret.
pub(super) fn shown(value: &Value, zone: &TimeZone) -> String {
    match View::of(value, zone) {
        View::Null | View::Boolean(_) | View::Integer(_) | View::Float(_) => {
            python::text(value, zone).into_owned()
        }
        View::Text(_) | View::List(_) | View::Map(_) => HIDDEN.to_owned(),
    }
}

/// Returns JMESPath's name for the type of a value.
pub(super) const fn type_name(view: &View<'_>) -> &'static str {
    match view {
        View::Null => "null",
        View::Boolean(_) => "boolean",
        View::Integer(_) | View::Float(_) => "number",
        View::Text(_) => "string",
        View::List(_) => "array",
        View::Map(_) => "object",
    }
}

/// Returns Python's name for the type of a value.
pub(super) const fn python_type(view: &View<'_>) -> &'static str {
    match view {
        View::Null => "NoneType",
        View::Boolean(_) => "bool",
        View::Integer(_) => "int",
        View::Float(_) => "float",
        View::Text(_) => "str",
        View::List(_) => "list",
        View::Map(_) => "dict",
    }
}

/// What messages show instead of a value.
const HIDDEN: &str = "(not shown)";

const fn is_number(view: &View<'_>) -> bool {
    matches!(view, View::Integer(_) | View::Float(_))
}
