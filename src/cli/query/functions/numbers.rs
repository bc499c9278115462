//! Functions that give numbers.

use std::borrow::Cow;

use super::Given;
use crate::cli::output::view::View;
use crate::cli::query::EvaluationFailed;
use crate::cli::query::compare::{Number, number};
use crate::cli::query::evaluate::{Evaluation, Found, NULL};
use crate::model::value::Value;

pub(super) fn abs<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    Ok(match number(&View::of(&*given.value()?, evaluation.zone)) {
        Some(Number::Integer(whole)) => match whole.checked_abs() {
            Some(whole) => Cow::Owned(Value::Integer(whole)),
            None => Cow::Owned(Value::Float(Number::Integer(whole).as_float().abs())),
        },
        Some(Number::Float(number)) => Cow::Owned(Value::Float(number.abs())),
        None => NULL,
    })
}

pub(super) fn avg<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let elements = given.list()?;
    let Some(count) = i64::try_from(elements.len()).ok().filter(|count| *count > 0) else {
        return Ok(NULL);
    };
    let total = total(evaluation, &elements).as_float();
    Ok(Cow::Owned(Value::Float(total / Number::Integer(count).as_float())))
}

pub(super) fn sum<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    Ok(Cow::Owned(match total(evaluation, &given.list()?) {
        Number::Integer(whole) => Value::Integer(whole),
        Number::Float(number) => Value::Float(number),
    }))
}

pub(super) fn ceil<'a>(
    evaluation: Evaluation<'_>,
    given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    round(evaluation, given, f64::ceil)
}

pub(super) fn floor<'a>(
    evaluation: Evaluation<'_>,
    given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    round(evaluation, given, f64::floor)
}

/// Reads text as Python's `int` and then its `float` do; numbers stay what they are.
pub(super) fn to_number<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let value = given.value()?;
    Ok(match View::of(&value, evaluation.zone) {
        View::Integer(whole) => Cow::Owned(Value::Integer(whole)),
        View::Float(number) => Cow::Owned(Value::Float(number)),
        View::Text(text) => read(text.trim()).map_or(NULL, Cow::Owned),
        View::Null | View::Boolean(_) | View::List(_) | View::Map(_) => NULL,
    })
}

fn round<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
    towards: fn(f64) -> f64,
) -> Result<Found<'a>, EvaluationFailed> {
    let value = given.value()?;
    Ok(match number(&View::of(&value, evaluation.zone)) {
        Some(Number::Float(number)) if number.is_nan() => {
            return Err(EvaluationFailed::NotFinite("NaN"));
        }
        Some(Number::Float(number)) if number.is_infinite() => {
            return Err(EvaluationFailed::NotFinite("infinity"));
        }
        Some(Number::Float(number)) => Cow::Owned(whole(towards(number))),
        Some(Number::Integer(_)) | None => value,
    })
}

/// Makes a whole number of one without a fraction, if it is not too large for one.
fn whole(number: f64) -> Value {
    match format!("{number:.0}").parse() {
        Ok(whole) => Value::Integer(whole),
        Err(_too_large) => Value::Float(number),
    }
}

/// Adds up; in fractions once the sum is too large for a whole number.
fn total(evaluation: Evaluation<'_>, elements: &[Found<'_>]) -> Number {
    let mut total = Number::Integer(0);
    for element in elements {
        let element = View::of(element, evaluation.zone);
        total = match (total, number(&element)) {
            (Number::Integer(sum), Some(Number::Integer(next))) => match sum.checked_add(next) {
                Some(sum) => Number::Integer(sum),
                None => Number::Float(total.as_float() + Number::Integer(next).as_float()),
            },
            (total, Some(next)) => Number::Float(total.as_float() + next.as_float()),
            (total, None) => total,
        };
    }
    total
}

fn read(text: &str) -> Option<Value> {
    // An underscore may stand between two digits.
    let letters: Vec<char> = text.chars().collect();
    let is_digit =
        |index: Option<usize>| index.and_then(|i| letters.get(i)).is_some_and(char::is_ascii_digit);
    let mut plain = String::with_capacity(text.len());
    for (index, letter) in letters.iter().enumerate() {
        match letter {
            '_' if is_digit(index.checked_sub(1)) && is_digit(index.checked_add(1)) => {}
            '_' => return None,
            other => plain.push(*other),
        }
    }
    let whole = plain.parse().ok().map(Value::Integer);
    whole.or_else(|| plain.parse().ok().map(Value::Float))
}
