//! What an expression means, once read.

use crate::model::value::Value;

/// A part of an expression.
pub(super) enum Node {
    /// `@`, and whatever stands for "as it is".
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

/// Where the elements come from, and what is made of each.
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

/// How two values are compared.
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
    /// Returns the sign.
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
