//! The twenty-six functions of JMESPath.

mod lists;
mod numbers;
mod order;
mod texts;

use super::EvaluationFailed;
use super::ast::Node;
use super::evaluate::{self, Evaluation, Found, NULL};
use super::signature::{self, Argument, Type};
use crate::model::value::Value;

/// A function: its name, what each argument may be (empty: anything), whether the last may be
/// given more than once, and what it does.
struct Function {
    name: &'static str,
    arguments: &'static [&'static [Type]],
    repeats: bool,
    run: Run,
}

type Run = for<'a> fn(Evaluation<'_>, Given<'a>) -> Result<Found<'a>, EvaluationFailed>;

pub(super) fn call<'a>(
    evaluation: Evaluation<'_>,
    name: &str,
    nodes: &'a [Node],
    input: &'a Value,
) -> Result<Found<'a>, EvaluationFailed> {
    let mut arguments = Vec::with_capacity(nodes.len());
    for node in nodes {
        arguments.push(if let Node::Reference(inner) = node {
            Argument::Reference(inner)
        } else {
            Argument::Value(evaluation.node(node, input)?)
        });
    }
    let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
        return Err(EvaluationFailed::UnknownFunction(name.to_owned()));
    };
    let (expected, received) = (function.arguments.len(), arguments.len());
    if received < expected || (received > expected && !function.repeats) {
        let (function, at_least) = (function.name, function.repeats);
        return Err(EvaluationFailed::Arity { function, expected, at_least, received });
    }
    let types = function.arguments.iter().chain(function.arguments.last().into_iter().cycle());
    for (types, argument) in types.zip(&arguments) {
        signature::check(function.name, types, argument, evaluation.zone)?;
    }
    (function.run)(evaluation, Given(arguments.into_iter()))
}

/// Arguments that have been checked, in order.
struct Given<'a>(std::vec::IntoIter<Argument<'a>>);

impl<'a> Given<'a> {
    /// Takes a value, if there is one more.
    fn next(&mut self) -> Result<Option<Found<'a>>, EvaluationFailed> {
        match self.0.next() {
            Some(Argument::Value(value)) => Ok(Some(value)),
            Some(Argument::Reference(_)) => Err(EvaluationFailed::Reference),
            None => Ok(None),
        }
    }

    fn value(&mut self) -> Result<Found<'a>, EvaluationFailed> {
        Ok(self.next()?.unwrap_or(NULL))
    }

    /// Takes the elements of a list.
    fn list(&mut self) -> Result<Vec<Found<'a>>, EvaluationFailed> {
        Ok(evaluate::list(self.value()?).unwrap_or_default())
    }

    fn reference(&mut self) -> &'a Node {
        match self.0.next() {
            Some(Argument::Reference(node)) => node,
            Some(Argument::Value(_)) | None => &Node::Current,
        }
    }
}

const ANY: &[Type] = &[];

/// In alphabetical order.
static FUNCTIONS: [Function; 26] = [
    once("abs", &[&[Type::Number]], numbers::abs),
    once("avg", &[&[Type::Numbers]], numbers::avg),
    once("ceil", &[&[Type::Number]], numbers::ceil),
    once("contains", &[&[Type::List, Type::Text], ANY], texts::contains),
    once("ends_with", &[&[Type::Text], &[Type::Text]], texts::ends_with),
    once("floor", &[&[Type::Number]], numbers::floor),
    once("join", &[&[Type::Text], &[Type::Texts]], texts::join),
    once("keys", &[&[Type::Map]], lists::keys),
    once("length", &[&[Type::Text, Type::List, Type::Map]], texts::length),
    once("map", &[&[Type::Reference], &[Type::List]], lists::map),
    once("max", &[&[Type::Numbers, Type::Texts]], order::max),
    once("max_by", &[&[Type::List], &[Type::Reference]], order::max_by),
    repeated("merge", &[&[Type::Map]], lists::merge),
    once("min", &[&[Type::Numbers, Type::Texts]], order::min),
    once("min_by", &[&[Type::List], &[Type::Reference]], order::min_by),
    repeated("not_null", &[ANY], lists::not_null),
    once("reverse", &[&[Type::List, Type::Text]], texts::reverse),
    once("sort", &[&[Type::Texts, Type::Numbers]], order::sort),
    once("sort_by", &[&[Type::List], &[Type::Reference]], order::sort_by),
    once("starts_with", &[&[Type::Text], &[Type::Text]], texts::starts_with),
    once("sum", &[&[Type::Numbers]], numbers::sum),
    once("to_array", &[ANY], lists::to_array),
    once("to_number", &[ANY], numbers::to_number),
    once("to_string", &[ANY], texts::to_string),
    once("type", &[ANY], texts::type_of),
    once("values", &[&[Type::Map]], lists::values),
];

const fn once(name: &'static str, arguments: &'static [&'static [Type]], run: Run) -> Function {
    Function { name, arguments, repeats: false, run }
}

const fn repeated(name: &'static str, arguments: &'static [&'static [Type]], run: Run) -> Function {
    Function { name, arguments, repeats: true, run }
}
