//! What an expression finds in a value.
//!
//! Parts of the value are borrowed as long as they are only passed on.

use std::borrow::Cow;

use jiff::tz::TimeZone;

use super::EvaluationFailed;
use super::ast::{Node, Projection, Slice};
use super::functions;
use crate::model::value::Value;

/// What evaluation must know besides the value.
#[derive(Clone, Copy)]
pub(super) struct Evaluation<'z> {
    /// The time zone that times are shown in.
    pub(super) zone: &'z TimeZone,
}

/// What was found: a part of the value or of the expression, or something new.
pub(super) type Found<'a> = Cow<'a, Value>;

impl Evaluation<'_> {
    /// Evaluates a part of an expression.
    pub(super) fn node<'a>(
        self,
        node: &'a Node,
        input: &'a Value,
    ) -> Result<Found<'a>, EvaluationFailed> {
        match node {
            Node::Current => Ok(Cow::Borrowed(input)),
            Node::Field(name) => Ok(input.get(name).map_or(NULL, Cow::Borrowed)),
            Node::Literal(value) => Ok(Cow::Borrowed(value)),
            Node::Index(index) => Ok(element(input, *index)),
            Node::Slice(slice) => sliced(*slice, input),
            Node::Chain(parts) => {
                let mut found = Cow::Borrowed(input);
                for part in parts {
                    found = self.over(part, found)?;
                }
                Ok(found)
            }
            Node::Comparison(comparator, sides) => {
                let [left, right] = &**sides;
                let (left, right) = (self.node(left, input)?, self.node(right, input)?);
                self.compare(*comparator, &left, &right).map(Cow::Owned)
            }
            Node::Or(sides) => self.first_where(sides, input, |found| !is_false(found)),
            Node::And(sides) => self.first_where(sides, input, is_false),
            Node::Not(inner) => {
                let found = self.node(inner, input)?;
                Ok(Cow::Owned(Value::Boolean(is_false(&found))))
            }
            Node::Flatten(_)
            | Node::Projection(_)
            | Node::ValueProjection(_)
            | Node::FilterProjection(..) => Ok(match self.elements(node, input)? {
                Some(elements) => {
                    Cow::Owned(Value::List(elements.into_iter().map(Cow::into_owned).collect()))
                }
                None => NULL,
            }),
            Node::List(_) | Node::Map(_) if *input == Value::Null => Ok(NULL),
            Node::List(nodes) => {
                let found = nodes.iter().map(|node| Ok(self.node(node, input)?.into_owned()));
                Ok(Cow::Owned(Value::List(found.collect::<Result<_, _>>()?)))
            }
            Node::Map(nodes) => {
                let mut members = Vec::with_capacity(nodes.len());
                for (name, node) in nodes {
                    put(&mut members, name, self.node(node, input)?.into_owned());
                }
                Ok(Cow::Owned(Value::Map(members)))
            }
            Node::Call(name, arguments) => functions::call(self, name, arguments, input),
            Node::Reference(_) => Err(EvaluationFailed::Reference),
        }
    }

    /// Evaluates a part of an expression over what another found.
    pub(super) fn over<'a>(
        self,
        node: &'a Node,
        input: Found<'a>,
    ) -> Result<Found<'a>, EvaluationFailed> {
        match (node, input) {
            (Node::Current, input) => Ok(input),
            (_, Cow::Borrowed(input)) => self.node(node, input),
            (_, Cow::Owned(input)) => Ok(Cow::Owned(self.node(node, &input)?.into_owned())),
        }
    }

    /// The elements that a projection goes over or makes; none if there is no list.
    fn elements<'a>(
        self,
        node: &'a Node,
        input: &'a Value,
    ) -> Result<Option<Vec<Found<'a>>>, EvaluationFailed> {
        let (projection, condition) = match node {
            Node::Flatten(source) => {
                let Some(elements) = self.elements(source, input)? else { return Ok(None) };
                let mut merged = Vec::with_capacity(elements.len());
                for element in elements {
                    match list(element) {
                        Ok(inner) => merged.extend(inner),
                        Err(element) => merged.push(element),
                    }
                }
                return Ok(Some(merged));
            }
            Node::Projection(projection) => (projection, None),
            Node::FilterProjection(projection, condition) => (projection, Some(&**condition)),
            Node::ValueProjection(projection) => {
                let members = members(self.node(&projection.source, input)?);
                let Ok(members) = members else { return Ok(None) };
                let elements = members.into_iter().map(|(_, member)| member).collect();
                return self.projected(projection, elements, None).map(Some);
            }
            Node::Current
            | Node::Field(_)
            | Node::Literal(_)
            | Node::Index(_)
            | Node::Slice(_)
            | Node::Chain(_)
            | Node::Comparison(..)
            | Node::Or(_)
            | Node::And(_)
            | Node::Not(_)
            | Node::List(_)
            | Node::Map(_)
            | Node::Call(..)
            | Node::Reference(_) => return Ok(list(self.node(node, input)?).ok()),
        };
        match self.elements(&projection.source, input)? {
            Some(elements) => self.projected(projection, elements, condition).map(Some),
            None => Ok(None),
        }
    }

    /// What a projection makes of elements; `null` is left out.
    fn projected<'a>(
        self,
        projection: &'a Projection,
        elements: Vec<Found<'a>>,
        condition: Option<&Node>,
    ) -> Result<Vec<Found<'a>>, EvaluationFailed> {
        let mut made = Vec::with_capacity(elements.len());
        for element in elements {
            let holds = match condition {
                Some(condition) => !is_false(&*self.node(condition, &element)?),
                None => true,
            };
            if holds {
                let found = self.over(&projection.rest, element)?;
                if *found != Value::Null {
                    made.push(found);
                }
            }
        }
        Ok(made)
    }

    fn first_where<'a>(
        self,
        sides: &'a [Node],
        input: &'a Value,
        settles: fn(&Value) -> bool,
    ) -> Result<Found<'a>, EvaluationFailed> {
        let mut found = NULL;
        for side in sides {
            found = self.node(side, input)?;
            if settles(&found) {
                break;
            }
        }
        Ok(found)
    }
}

pub(super) const NULL: Found<'static> = Cow::Owned(Value::Null);

/// Sets a member; one that is there keeps its place.
pub(super) fn put(members: &mut Vec<(String, Value)>, name: &str, value: Value) {
    match members.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => *known = value,
        None => members.push((name.to_owned(), value)),
    }
}

/// Whether a condition does not hold: nothing, `false`, or empty. Zero is true.
fn is_false(value: &Value) -> bool {
    match value {
        Value::Null | Value::Boolean(false) => true,
        Value::Text(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(elements) => elements.is_empty(),
        Value::Map(members) => members.is_empty(),
        Value::Boolean(true) | Value::Integer(_) | Value::Float(_) | Value::Timestamp(_) => false,
    }
}

/// The element at an index, from the end where it is negative.
fn element(input: &Value, index: i64) -> Found<'_> {
    let Value::List(elements) = input else { return NULL };
    let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    let index = if index < 0 { index.saturating_add(length) } else { index };
    let element = usize::try_from(index).ok().and_then(|index| elements.get(index));
    element.map_or(NULL, Cow::Borrowed)
}

/// Every `step`th element from `start` to before `stop`, with Python's rules for what lies outside.
fn sliced(slice: Slice, input: &Value) -> Result<Found<'_>, EvaluationFailed> {
    let Value::List(elements) = input else { return Ok(NULL) };
    let step = slice.step.unwrap_or(1);
    if step == 0 {
        return Err(EvaluationFailed::ZeroStep);
    }
    let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    // One before the first and one behind the last are where a walk may end.
    let (first, last) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let place = |at: i64| {
        let at = if at < 0 { at.saturating_add(length) } else { at };
        at.clamp(first, last)
    };
    let ends = if step < 0 { (last, first) } else { (first, last) };
    let (mut at, end) = (slice.start.map_or(ends.0, place), slice.stop.map_or(ends.1, place));
    let mut taken = Vec::new();
    while if step < 0 { at > end } else { at < end } {
        let element = usize::try_from(at).ok().and_then(|index| elements.get(index));
        taken.extend(element.cloned());
        at = at.saturating_add(step);
    }
    Ok(Cow::Owned(Value::List(taken)))
}

/// Takes a list apart, or gives back any other value.
pub(super) fn list(found: Found<'_>) -> Result<Vec<Found<'_>>, Found<'_>> {
    match found {
        Cow::Borrowed(Value::List(elements)) => Ok(elements.iter().map(Cow::Borrowed).collect()),
        Cow::Owned(Value::List(elements)) => Ok(elements.into_iter().map(Cow::Owned).collect()),
        other @ (Cow::Borrowed(_) | Cow::Owned(_)) => Err(other),
    }
}

/// Takes a map apart, or gives back any other value.
pub(super) fn members(found: Found<'_>) -> Result<Vec<(Cow<'_, str>, Found<'_>)>, Found<'_>> {
    match found {
        Cow::Borrowed(Value::Map(members)) => {
            let members = members.iter();
            Ok(members.map(|(n, m)| (Cow::Borrowed(n.as_str()), Cow::Borrowed(m))).collect())
        }
        Cow::Owned(Value::Map(members)) => {
            Ok(members.into_iter().map(|(n, m)| (Cow::Owned(n), Cow::Owned(m))).collect())
        }
        other @ (Cow::Borrowed(_) | Cow::Owned(_)) => Err(other),
    }
}
