//! What an expression means, once read.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "nodes are built from any others; only evaluation must know them all"
)]

use crate::model::value::Value;

/// A part of an expression.
pub(super) enum Node {
    /// `@`, and anything that means "as it is".
    Current,
    /// `name`: a member of a map.
    Field(String),
    /// `` `1` `` or `'text'`.
    Literal(Value),
    /// `[3]`, from the end where negative.
    Index(i64),
    /// `[start:stop:step]`.
    Slice(Slice),
    /// `a.b`, `a[0]`, `a | b`: each part looks at what the one before it found.
    Chain(Vec<Node>),
    /// `a == b` and its like.
    Comparison(Comparator, Box<[Node; 2]>),
    /// `a || b`: the first that is true, else the last.
    Or(Vec<Node>),
    /// `a && b`: the first that is false, else the last.
    And(Vec<Node>),
    /// `!a`.
    Not(Box<Node>),
    /// `list[]`: lists in the list give their elements to it.
    Flatten(Box<Node>),
    /// `list[*].rest`: the rest, of each element.
    Projection(Box<Projection>),
    /// `map.*.rest`: the rest, of each member.
    ValueProjection(Box<Projection>),
    /// `list[?condition].rest`: the rest, of each element for which the condition holds.
    FilterProjection(Box<Projection>, Box<Node>),
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{x: a, y: b}`.
    Map(Vec<(String, Node)>),
    /// `name(a, b)`.
    Call(String, Vec<Node>),
    /// `&a`: the expression itself, for a function to evaluate.
    Reference(Box<Node>),
}

impl Node {
    /// Puts a part behind this one. This and the two below it keep long chains flat, so that their
    /// length is not a depth.
    pub(super) fn then(self, right: Self) -> Self {
        match self {
            // `(@.name)` must stay apart from `name`, which can be the name of a function.
            Self::Current if !matches!(right, Self::Field(_)) => right,
            Self::Chain(mut parts) => {
                parts.push(right);
                Self::Chain(parts)
            }
            left => Self::Chain(vec![left, right]),
        }
    }

    /// Adds an alternative.
    pub(super) fn or(self, right: Self) -> Self {
        match self {
            Self::Or(mut sides) => {
                sides.push(right);
                Self::Or(sides)
            }
            left => Self::Or(vec![left, right]),
        }
    }

    /// Adds a condition.
    pub(super) fn and(self, right: Self) -> Self {
        match self {
            Self::And(mut sides) => {
                sides.push(right);
                Self::And(sides)
            }
            left => Self::And(vec![left, right]),
        }
    }

    /// Whether the last thing it does is to take an element.
    pub(super) fn ends_in_subscript(&self) -> bool {
        match self {
            Self::Index(_) | Self::Slice(_) => true,
            Self::Chain(parts) => matches!(parts.last(), Some(Self::Index(_) | Self::Slice(_))),
            _ => false,
        }
    }
}

pub(super) struct Projection {
    /// Where the elements come from.
    pub(super) source: Node,
    /// What is made of each.
    pub(super) rest: Node,
}

/// The three numbers of a slice; an absent one is the end of the list, or one.
#[derive(Clone, Copy, Default)]
pub(super) struct Slice {
    /// The first element.
    pub(super) start: Option<i64>,
    /// The first element not taken.
    pub(super) stop: Option<i64>,
    /// How far it is to the next.
    pub(super) step: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparator {
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}
