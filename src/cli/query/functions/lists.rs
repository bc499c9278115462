//! Functions that make or take apart lists and maps.

use std::borrow::Cow;

use super::Given;
use crate::cli::query::EvaluationFailed;
use crate::cli::query::evaluate::{self, Evaluation, Found, NULL};
use crate::model::value::Value;

pub(super) fn keys<'a>(
    _: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let members = evaluate::members(given.value()?).unwrap_or_default();
    let names = members.into_iter().map(|(name, _)| Value::Text(name.into_owned()));
    Ok(Cow::Owned(Value::List(names.collect())))
}

pub(super) fn values<'a>(
    _: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let members = evaluate::members(given.value()?).unwrap_or_default();
    let members = members.into_iter().map(|(_, member)| member.into_owned());
    Ok(Cow::Owned(Value::List(members.collect())))
}

pub(super) fn map<'a>(
    evaluation: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let node = given.reference();
    let mut made = Vec::new();
    for element in given.list()? {
        made.push(evaluation.node(node, &element)?.into_owned());
    }
    Ok(Cow::Owned(Value::List(made)))
}

pub(super) fn merge<'a>(
    _: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let mut merged = Vec::new();
    while let Some(map) = given.next()? {
        for (name, member) in evaluate::members(map).unwrap_or_default() {
            evaluate::put(&mut merged, &name, member.into_owned());
        }
    }
    Ok(Cow::Owned(Value::Map(merged)))
}

pub(super) fn not_null<'a>(
    _: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    while let Some(value) = given.next()? {
        if *value != Value::Null {
            return Ok(value);
        }
    }
    Ok(NULL)
}

pub(super) fn to_array<'a>(
    _: Evaluation<'_>,
    mut given: Given<'a>,
) -> Result<Found<'a>, EvaluationFailed> {
    let value = given.value()?;
    if matches!(*value, Value::List(_)) {
        return Ok(value);
    }
    Ok(Cow::Owned(Value::List(vec![value.into_owned()])))
}
