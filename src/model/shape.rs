//! What a request or response may look like, known at run time: the one declaration from which
//! options, validation, help, skeletons and the command reference are made.

use super::value::Value;

pub(crate) enum Shape {
    /// A map with these members, in AWS's order.
    Structure(&'static [Member]),
    List(List),
    /// A map from text to one kind of value; only responses have it.
    Map(&'static Shape),
    Text(Text),
    Integer(Bounds),
    /// A boolean: on the command line the pair `--x` and `--no-x`.
    Boolean,
    Blob(Blob),
    /// A point in time; only responses have it.
    Timestamp,
}

/// One member of a structure.
pub(crate) struct Member {
    /// AWS's name, such as `SecretId`.
    pub(crate) name: &'static str,
    /// The help text, as the doc comment has it: lines, each with its leading space.
    pub(crate) doc: &'static str,
    /// Whether a request without it is refused.
    pub(crate) required: bool,
    pub(crate) shape: &'static Shape,
}

/// Limits on a length, a count or a number. The client checks `min`, the service `max`
/// (docs/behaviour.md, "Order of checks").
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
}

pub(crate) struct List {
    /// What each element is.
    pub(crate) element: &'static Shape,
    pub(crate) bounds: Bounds,
}

/// Text. Lengths count characters, as AWS counts them.
pub(crate) struct Text {
    pub(crate) bounds: Bounds,
    pub(crate) pattern: Option<Pattern>,
    /// The values allowed, in AWS's order; empty where any is.
    pub(crate) choices: &'static [&'static str],
    /// Whether errors must leave the value out.
    pub(crate) sensitive: bool,
    /// Whether the client makes one up when it is absent (botocore's `idempotencyToken`).
    pub(crate) token: bool,
}

pub(crate) struct Blob {
    pub(crate) bounds: Bounds,
    /// Whether errors must leave the value out.
    pub(crate) sensitive: bool,
}

/// A pattern: AWS's own spelling for its message, and the check.
#[derive(Clone, Copy)]
pub(crate) struct Pattern {
    /// The regular expression as AWS prints it.
    pub(crate) text: &'static str,
    /// Whether a text matches it.
    pub(crate) matches: fn(&str) -> bool,
}

impl Bounds {
    pub(crate) const NONE: Self = Self { min: None, max: None };

    pub(crate) const fn between(min: i64, max: i64) -> Self {
        Self { min: Some(min), max: Some(max) }
    }

    pub(crate) const fn at_most(max: i64) -> Self {
        Self { min: None, max: Some(max) }
    }
}

impl Shape {
    /// Returns the members of a structure; none for any other shape.
    pub(crate) const fn members(&self) -> &'static [Member] {
        match self {
            Self::Structure(members) => members,
            Self::List(_)
            | Self::Map(_)
            | Self::Text(_)
            | Self::Integer(_)
            | Self::Boolean
            | Self::Blob(_)
            | Self::Timestamp => &[],
        }
    }

    /// Whether a value of this shape is or holds something that no message may show.
    pub(crate) fn is_sensitive(&self) -> bool {
        match self {
            Self::Structure(members) => members.iter().any(|member| member.shape.is_sensitive()),
            Self::List(list) => list.element.is_sensitive(),
            Self::Map(element) => element.is_sensitive(),
            Self::Text(text) => text.sensitive,
            Self::Blob(blob) => blob.sensitive,
            Self::Integer(_) | Self::Boolean | Self::Timestamp => false,
        }
    }
}

impl Member {
    /// Returns the help text as one paragraph.
    pub(crate) fn help(&self) -> String {
        let lines: Vec<&str> = self.doc.lines().map(str::trim).collect();
        lines.join(" ").trim().to_owned()
    }
}

/// A type that has a shape and can be read from and written to a [`Value`] of that shape.
pub(crate) trait Shaped: Sized {
    /// What its values look like.
    const SHAPE: &'static Shape;
    /// Whether a member of this type must be given.
    const REQUIRED: bool = true;

    /// What an absent member of this type is; `None` where it must be given.
    fn absent() -> Option<Self> {
        None
    }

    /// Reads a value that validation has let through.
    fn from_value(value: Value) -> Result<Self, Mismatch>;

    /// Writes the value; `None` leaves the member out.
    fn into_value(self) -> Option<Value>;
}

/// A value that does not have the shape it was checked against: a bug, or a request that came in
/// without validation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// The member, in AWS's name; empty at the top.
    pub(crate) member: &'static str,
}

/// Takes one member out of a request's map.
pub(crate) fn take<T: Shaped>(
    members: &mut Vec<(String, Value)>,
    member: &'static str,
) -> Result<T, Mismatch> {
    let given = members.iter().position(|(name, _)| name == member);
    match given.map(|index| members.swap_remove(index).1) {
        Some(Value::Null) | None => T::absent().ok_or(Mismatch { member }),
        Some(value) => T::from_value(value)
            .map_err(|inner| if inner.member.is_empty() { Mismatch { member } } else { inner }),
    }
}
