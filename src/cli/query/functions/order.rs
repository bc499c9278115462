//! Functions that sort and that find the least and the greatest.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::Given;
use crate::cli::output::view::View;
use crate::cli::query::EvaluationFailed;
use crate::cli::query::evaluate::{Evaluation, Found, NULL};
use crate::cli::query::signature::{self, Type};
use crate::model::order;
use crate::model::value::Value;

/// An element, and what it is ordered by.
struct Keyed<'a> {
    key: Found<'a>,
    element: Found<'a>,
}

pub(super) fn max<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    foremost(evaluation, by_themselves(&given.list()?), ">")
}

pub(super) fn min<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    foremost(evaluation, by_themselves(&given.list()?), "<")
}

pub(super) fn max_by<'a>(
    evaluation: Evaluation<'_>,
    given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    foremost(evaluation, by_reference(evaluation, given, "max_by")?, ">")
}

pub(super) fn min_by<'a>(
    evaluation: Evaluation<'_>,
    given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    foremost(evaluation, by_reference(evaluation, given, "min_by")?, "<")
}

pub(super) fn sort<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    Ok(sorted(evaluation, by_themselves(&given.list()?)))
}

/// The first key decides whether all must be numbers or all must be text.
pub(super) fn sort_by<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    const NAME: &str = "sort_by";
    let (elements, node) = (given.list()?, given.reference());
    let zone = evaluation.zone;
    let mut pairs: Vec<Keyed<'a>> = Vec::with_capacity(elements.len());
    let mut required = Type::Text;
    for element in elements {
        let key = evaluation.over(node, element.clone())?;
        let view = View::of(&key, zone);
        let found = match view {
            View::Text(_) => Some(Type::Text),
            View::Integer(_) | View::Float(_) => Some(Type::Number),
            View::Null | View::Boolean(_) | View::List(_) | View::Map(_) => None,
        };
        match found {
            None if pairs.is_empty() => {
                let types = [Type::Text, Type::Number];
                let shown = signature::shown(&element, zone);
                return Err(signature::refuse(NAME, &types, shown, signature::type_name(&view)));
            }
            Some(found) if pairs.is_empty() => required = found,
            Some(found) if found == required => {}
            None | Some(_) => {
                let shown = signature::shown(&key, zone);
                let received = signature::type_name(&view);
                return Err(signature::refuse(NAME, &[required], shown, received));
            }
        }
        pairs.push(Keyed { key, element });
    }
    Ok(sorted(evaluation, pairs))
}

fn by_themselves<'a>(elements: &[Found<'a>]) -> Vec<Keyed<'a>> {
    let pairs = elements.iter().map(|e| Keyed { key: e.clone(), element: e.clone() });
    pairs.collect()
}

fn by_reference<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
    function: &'static str,
) -> Result<Vec<Keyed<'a>>, EvaluationFailed> {
    let (elements, node) = (given.list()?, given.reference());
    let mut pairs = Vec::with_capacity(elements.len());
    for element in elements {
        let key = evaluation.over(node, element.clone())?;
        let view = View::of(&key, evaluation.zone);
        if !matches!(view, View::Text(_) | View::Integer(_) | View::Float(_)) {
            let types = [Type::Number, Type::Text];
            let shown = signature::shown(&key, evaluation.zone);
            return Err(signature::refuse(function, &types, shown, signature::type_name(&view)));
        }
        pairs.push(Keyed { key, element });
    }
    Ok(pairs)
}

/// The first element whose key no other's comes before; nothing if there are no elements.
fn foremost<'a>(
    evaluation: Evaluation<'_>,
    pairs: Vec<Keyed<'a>>,
    sign: &'static str,
) -> Result<Found<'a>, EvaluationFailed> {
    let wanted = if sign == ">" { Ordering::Greater } else { Ordering::Less };
    let mut foremost: Option<Keyed<'a>> = None;
    for pair in pairs {
        let leads = match &foremost {
            Some(known) => evaluation.order(sign, &pair.key, &known.key)? == Some(wanted),
            None => true,
        };
        if leads {
            foremost = Some(pair);
        }
    }
    Ok(foremost.map_or(NULL, |pair| pair.element))
}

/// Keeps the order of elements with the same key.
fn sorted<'a>(evaluation: Evaluation<'_>, mut pairs: Vec<Keyed<'a>>) -> Found<'a> {
    order::sort_by(&mut pairs, |left, right| {
        let order = evaluation.order("<", &left.key, &right.key).ok().flatten();
        // NaN goes last, so that there is an order.
        order.unwrap_or_else(|| is_nan(&left.key).cmp(&is_nan(&right.key)))
    });
    let elements = pairs.into_iter().map(|pair| pair.element.into_owned());
    Cow::Owned(Value::List(elements.collect()))
}

fn is_nan(key: &Value) -> bool {
    matches!(key, Value::Float(number) if number.is_nan())
}
