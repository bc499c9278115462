//! Equality and order of values, as Python has them.

use std::cmp::Ordering;

use super::EvaluationFailed;
use super::ast::Comparator;
use super::evaluate::Evaluation;
use super::signature;
use crate::cli::output::view::View;
use crate::model::value::Value;

impl Evaluation<'_> {
    /// Evaluates `left comparator right`; `null` where there is no order.
    pub(super) fn compare(
        self,
        comparator: Comparator,
        left: &Value,
        right: &Value,
    ) -> Result<Value, EvaluationFailed> {
        let holds: fn(Ordering) -> bool = match comparator {
            Comparator::Equal => return Ok(Value::Boolean(self.equal(left, right))),
            Comparator::NotEqual => return Ok(Value::Boolean(!self.equal(left, right))),
            Comparator::Less => Ordering::is_lt,
            Comparator::LessOrEqual => Ordering::is_le,
            Comparator::Greater => Ordering::is_gt,
            Comparator::GreaterOrEqual => Ordering::is_ge,
        };
        let has_order = |value: &Value| {
            let view = View::of(value, self.zone);
            matches!(view, View::Integer(_) | View::Float(_) | View::Text(_))
        };
        if !has_order(left) || !has_order(right) {
            return Ok(Value::Null);
        }
        let order = self.order(comparator.sign(), left, right)?;
        Ok(Value::Boolean(order.is_some_and(holds)))
    }

    /// Orders two numbers or two texts; nothing can be ordered against NaN.
    pub(super) fn order(
        self,
        sign: &'static str,
        left: &Value,
        right: &Value,
    ) -> Result<Option<Ordering>, EvaluationFailed> {
        let (left, right) = (View::of(left, self.zone), View::of(right, self.zone));
        if let (View::Text(left), View::Text(right)) = (&left, &right) {
            return Ok(Some(left.cmp(right)));
        }
        match (number(&left), number(&right)) {
            (Some(left), Some(right)) => Ok(compare_numbers(left, right)),
            _ => Err(EvaluationFailed::Unordered {
                sign,
                left: signature::python_type(&left),
                right: signature::python_type(&right),
            }),
        }
    }

    /// Whether `==` holds. A number never equals a boolean, though it does within a container.
    fn equal(self, left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::Boolean(left), Value::Boolean(right)) => left == right,
            (Value::Boolean(_), _) | (_, Value::Boolean(_)) => false,
            _ => self.same(left, right),
        }
    }

    /// Whether Python's own `==` holds: `True` equals `1`, order of members does not matter.
    pub(super) fn same(self, left: &Value, right: &Value) -> bool {
        match (View::of(left, self.zone), View::of(right, self.zone)) {
            (View::Null, View::Null) => true,
            (View::Text(left), View::Text(right)) => left == right,
            (View::List(left), View::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(l, r)| self.same(l, r))
            }
            (View::Map(left), View::Map(members)) => {
                left.len() == members.len()
                    && left.iter().all(|(name, value)| {
                        right.get(name).is_some_and(|other| self.same(value, other))
                    })
            }
            (left, right) => match (arithmetic(&left), arithmetic(&right)) {
                (Some(left), Some(right)) => compare_numbers(left, right) == Some(Ordering::Equal),
                _ => false,
            },
        }
    }
}

/// A number of either kind.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Integer(i64),
    Float(f64),
}

impl Number {
    /// Returns the nearest fraction.
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "nearest is meant")]
    pub(super) fn as_float(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

/// Reads a number; a boolean is not one.
pub(super) fn number(view: &View<'_>) -> Option<Number> {
    match view {
        View::Integer(number) => Some(Number::Integer(*number)),
        View::Float(number) => Some(Number::Float(*number)),
        View::Null | View::Boolean(_) | View::Text(_) | View::List(_) | View::Map(_) => None,
    }
}

/// Orders two numbers exactly; NaN has no order.
pub(super) fn compare_numbers(left: Number, right: Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Integer(left), Number::Integer(right)) => Some(left.cmp(&right)),
        (Number::Float(left), Number::Float(right)) => left.partial_cmp(&right),
        (Number::Integer(left), Number::Float(right)) => compare_mixed(left, right),
        (Number::Float(left), Number::Integer(right)) => {
            compare_mixed(right, left).map(Ordering::reverse)
        }
    }
}

/// Compares without rounding: rounded numbers have no consistent order, and sorting would panic.
fn compare_mixed(whole: i64, number: f64) -> Option<Ordering> {
    // 2 to the 63rd.
    const END: f64 = 9_223_372_036_854_776_000.0;
    if number >= END {
        return Some(Ordering::Less);
    }
    if number < -END {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "in range")]
    let truncated = number.trunc() as i64;
    let fraction = 0.0_f64.partial_cmp(&number.fract())?;
    Some(whole.cmp(&truncated).then(fraction))
}

/// As Python counts: `True` is one.
fn arithmetic(view: &View<'_>) -> Option<Number> {
    match view {
        View::Boolean(flag) => Some(Number::Integer(i64::from(*flag))),
        View::Null
        | View::Integer(_)
        | View::Float(_)
        | View::Text(_)
        | View::List(_)
        | View::Map(_) => number(view),
    }
}
