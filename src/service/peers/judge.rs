//! What a replica is to its primary: decided in the replica's vault, by what the primary says.

use super::held::Held;
use super::link::{Link, find, signed, trouble_in, trouble_member, unsigned};
use crate::model::value::Value;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::vault::across::Trouble;
use crate::vault::record::Record;

/// What is to be done with a replica.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing: it is a copy of this edition.
    Copy(u64),
    /// It is to become a copy, and has these values.
    Wants(Vec<Held>),
    /// It does not follow any more.
    Free,
    /// Nothing can be done.
    Trouble(Trouble),
}

impl Verdict {
    pub(super) fn into_value(self) -> Value {
        let member = |name: &str, value| Value::Map(vec![(name.to_owned(), value)]);
        match self {
            Self::Copy(edition) => member("Edition", Value::Integer(signed(edition))),
            Self::Wants(held) => member("Has", Held::list_into_value(held)),
            Self::Free => member("Free", Value::Boolean(true)),
            Self::Trouble(trouble) => Value::Map(vec![trouble_member(trouble)]),
        }
    }

    /// Reads what [`Verdict::into_value`] wrote.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        if let Some(trouble) = trouble_in(value) {
            return Some(Self::Trouble(trouble));
        }
        if let Some(Value::Integer(edition)) = value.get("Edition") {
            return Some(Self::Copy(unsigned(*edition)));
        }
        if let Some(held) = value.get("Has") {
            return Held::list_from_value(held.clone()).map(Self::Wants);
        }
        value.get("Free").map(|_| Self::Free)
    }
}

/// Judges a replica. The record is there where it names this primary.
pub(super) fn judge(
    cx: &mut Context<'_, '_>,
    link: &Link,
) -> Result<(Option<Record>, Verdict), Failure> {
    let Some(record) = find(cx, &link.replica_arn)? else {
        return Ok((None, Verdict::Trouble(Trouble::Missing)));
    };
    let edition = unsigned(link.edition);
    let verdict = match &record.cross_primary {
        // It was made a secret of its own, or never was a replica of this primary.
        None => Verdict::Free,
        Some(primary) if primary.arn != link.primary_arn => Verdict::Trouble(Trouble::NotOurs),
        Some(primary) if !link.is_attached => {
            if primary.is_detached {
                Verdict::Free
            } else {
                Verdict::Wants(Vec::new())
            }
        }
        Some(primary) => match primary.edition {
            // A copy of it, and let go since: by being associated again it follows again.
            Some(copy) if copy == edition && !primary.is_detached => Verdict::Copy(copy),
            Some(copy) if !knows(link, copy) => Verdict::Trouble(Trouble::Apart),
            Some(_) | None => Verdict::Wants(Held::all(cx, &record, |_| true)?),
        },
    };
    let is_ours = !matches!(verdict, Verdict::Trouble(_)) && record.cross_primary.is_some();
    Ok((Some(record).filter(|_| is_ours), verdict))
}

/// Whether the primary knows what the replica is a copy of.
fn knows(link: &Link, copy: u64) -> bool {
    let copy = signed(copy);
    link.held.is_empty() || link.edition == copy || link.held.contains(&copy)
}
