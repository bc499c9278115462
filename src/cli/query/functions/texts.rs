//! Functions over text, some of which take lists and maps as well.

use std::borrow::Cow;

use super::Given;
use crate::cli::output::json::{self, Layout};
use crate::cli::output::view::View;
use crate::cli::query::EvaluationFailed;
use crate::cli::query::evaluate::{Evaluation, Found};
use crate::cli::query::signature;
use crate::model::value::Value;

pub(super) fn contains<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let (subject, search) = (given.value()?, given.value()?);
    let is_there = if let View::List(elements) = View::of(&subject, evaluation.zone) {
        elements.iter().any(|element| evaluation.same(element, &search))
    } else {
        let view = View::of(&search, evaluation.zone);
        let View::Text(search) = view else {
            return Err(EvaluationFailed::NotInText(signature::python_type(&view)));
        };
        text(evaluation, &subject).contains(&*search)
    };
    Ok(Cow::Owned(Value::Boolean(is_there)))
}

pub(super) fn ends_with<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let (subject, end) = (given.value()?, given.value()?);
    let holds = text(evaluation, &subject).ends_with(&*text(evaluation, &end));
    Ok(Cow::Owned(Value::Boolean(holds)))
}

pub(super) fn starts_with<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let (subject, start) = (given.value()?, given.value()?);
    let holds = text(evaluation, &subject).starts_with(&*text(evaluation, &start));
    Ok(Cow::Owned(Value::Boolean(holds)))
}

pub(super) fn join<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let (separator, elements) = (given.value()?, given.list()?);
    let elements: Vec<_> = elements.iter().map(|element| text(evaluation, element)).collect();
    Ok(Cow::Owned(Value::Text(elements.join(&*text(evaluation, &separator)))))
}

/// Counts characters, elements or members.
pub(super) fn length<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let length = match View::of(&*given.value()?, evaluation.zone) {
        View::Text(text) => text.chars().count(),
        View::List(elements) => elements.len(),
        View::Map(members) => members.len(),
        View::Null | View::Boolean(_) | View::Integer(_) | View::Float(_) => 0,
    };
    Ok(Cow::Owned(Value::Integer(i64::try_from(length).unwrap_or(i64::MAX))))
}

pub(super) fn reverse<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let subject = given.value()?;
    Ok(Cow::Owned(if let View::List(elements) = View::of(&subject, evaluation.zone) {
        Value::List(elements.iter().rev().cloned().collect())
    } else {
        Value::Text(text(evaluation, &subject).chars().rev().collect())
    }))
}

/// Text stays as it is; anything else becomes JSON.
pub(super) fn to_string<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let value = given.value()?;
    if let View::Text(_) = View::of(&value, evaluation.zone) {
        return Ok(value);
    }
    let mut json = Vec::new();
    json::write(&value, evaluation.zone, Layout::Compact, &mut json);
    Ok(Cow::Owned(Value::Text(String::from_utf8(json).unwrap_or_default())))
}

pub(super) fn type_of<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let name = signature::type_name(&View::of(&*given.value()?, evaluation.zone));
    Ok(Cow::Owned(Value::Text(name.to_owned())))
}

/// Reads text; the signature has made sure that it is text.
fn text<'v>(evaluation: Evaluation<'_>, value: &'v Value) -> Cow<'v, str> {
    if let View::Text(text) = View::of(value, evaluation.zone) { text } else { Cow::Borrowed("") }
}
