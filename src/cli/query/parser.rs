//! From words to meaning, by binding power (Pratt), with python-jmespath's grammar down to what it
//! lets through, and its complaints word for word.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any word but those named is refused, or ends what is being read"
)]

use super::BadExpression;
use super::ast::{Comparator, Node, Projection, Slice};
use super::lexer::{self, Kind, Token};
use crate::model::value::Value;

/// How deep expressions may be nested. Python gives up at about the same depth; we must, before
/// the stack ends.
const MAX_DEPTH: usize = 200;

/// Words that bind less than this end a projection.
const PROJECTION_STOP: u8 = 10;

/// Reads an expression.
pub(super) fn parse(expression: &str) -> Result<Node, BadExpression> {
    if expression.is_empty() {
        let reason = "Invalid JMESPath expression: cannot be empty.";
        return Err(BadExpression::new(expression, reason));
    }
    let tokens = lexer::words(expression)?;
    let mut parser = Parser { expression, tokens: &tokens, position: 0, depth: 0 };
    let node = parser.expression(0)?;
    let token = parser.token();
    match token.kind {
        Kind::End => Ok(node),
        _ => Err(parser.refuse(token, &format!("Unexpected token: {}", token.text()))),
    }
}

struct Parser<'e> {
    expression: &'e str,
    /// Never empty: the last is the end.
    tokens: &'e [Token],
    position: usize,
    depth: usize,
}

impl<'e> Parser<'e> {
    fn expression(&mut self, binding_power: u8) -> Result<Node, BadExpression> {
        let outer = self.depth;
        self.deepen()?;
        let token = self.advance();
        let mut left = self.begin(token)?;
        while binding_power < self.kind().binding_power() {
            let token = self.advance();
            left = self.go_on(token, left)?;
        }
        self.depth = outer;
        Ok(left)
    }

    /// What a word means at the beginning of an expression.
    fn begin(&mut self, token: &'e Token) -> Result<Node, BadExpression> {
        match token.kind {
            Kind::Literal => Ok(Node::Literal(token.value.clone())),
            Kind::QuotedName if self.kind() == Kind::LeftParenthesis => {
                let reason = "Quoted identifier not allowed for function names.";
                Err(BadExpression::at(self.expression, 0, self.token(), reason))
            }
            Kind::Name | Kind::QuotedName => Ok(Node::Field(token.text())),
            Kind::Star => {
                let rest = match self.kind() {
                    Kind::RightBracket => Node::Current,
                    _ => self.projected(Kind::Star.binding_power())?,
                };
                Ok(Node::ValueProjection(Box::new(Projection { source: Node::Current, rest })))
            }
            Kind::Filter => self.filter(Node::Current),
            Kind::LeftBrace => self.map(),
            Kind::LeftParenthesis => {
                let inner = self.expression(0)?;
                self.expect(Kind::RightParenthesis)?;
                Ok(inner)
            }
            Kind::Flatten => self.flatten(Node::Current),
            Kind::Not => Ok(Node::Not(Box::new(self.expression(token.kind.binding_power())?))),
            Kind::LeftBracket => self.bracket(),
            Kind::Current => Ok(Node::Current),
            Kind::Reference => Ok(Node::Reference(Box::new(self.expression(0)?))),
            Kind::End => Err(self.incomplete()),
            _ => Err(self.refuse(token, "invalid token")),
        }
    }

    /// What a word means after an expression.
    fn go_on(&mut self, token: &'e Token, left: Node) -> Result<Node, BadExpression> {
        let power = token.kind.binding_power();
        match token.kind {
            Kind::Dot if self.kind() == Kind::Star => {
                self.deepen()?;
                self.advance();
                let rest = self.projected(power)?;
                Ok(Node::ValueProjection(Box::new(Projection { source: left, rest })))
            }
            Kind::Dot => {
                let right = self.after_dot(power)?;
                Ok(left.then(right))
            }
            Kind::Pipe => {
                let right = self.expression(power)?;
                Ok(left.then(Node::Chain(vec![right])))
            }
            Kind::Or => {
                let right = self.expression(power)?;
                Ok(left.or(right))
            }
            Kind::And => {
                let right = self.expression(power)?;
                Ok(left.and(right))
            }
            Kind::LeftParenthesis => self.call(left),
            Kind::Filter => self.filter(left),
            Kind::Flatten => self.flatten(left),
            Kind::LeftBracket => self.subscript(left),
            Kind::Equal => self.comparison(left, Comparator::Equal, power),
            Kind::NotEqual => self.comparison(left, Comparator::NotEqual, power),
            Kind::Less => self.comparison(left, Comparator::Less, power),
            Kind::LessOrEqual => self.comparison(left, Comparator::LessOrEqual, power),
            Kind::Greater => self.comparison(left, Comparator::Greater, power),
            Kind::GreaterOrEqual => self.comparison(left, Comparator::GreaterOrEqual, power),
            _ => Err(self.refuse(token, "invalid token")),
        }
    }

    fn comparison(
        &mut self,
        left: Node,
        comparator: Comparator,
        power: u8,
    ) -> Result<Node, BadExpression> {
        self.deepen()?;
        let right = self.expression(power)?;
        Ok(Node::Comparison(comparator, Box::new([left, right])))
    }

    /// After `list[?`.
    fn filter(&mut self, source: Node) -> Result<Node, BadExpression> {
        let condition = self.expression(0)?;
        self.expect(Kind::RightBracket)?;
        let rest = match self.kind() {
            Kind::Flatten => Node::Current,
            _ => self.projected(Kind::Filter.binding_power())?,
        };
        Ok(Node::FilterProjection(Box::new(Projection { source, rest }), Box::new(condition)))
    }

    /// After `list[]`.
    fn flatten(&mut self, source: Node) -> Result<Node, BadExpression> {
        self.deepen()?;
        let rest = self.projected(Kind::Flatten.binding_power())?;
        Ok(Node::Projection(Box::new(Projection { source: Node::Flatten(Box::new(source)), rest })))
    }

    /// After `[` at the beginning of an expression.
    fn bracket(&mut self) -> Result<Node, BadExpression> {
        match self.kind() {
            Kind::Number | Kind::Colon => self.index(Node::Current),
            Kind::Star if self.kind_after() == Kind::RightBracket => self.subscript(Node::Current),
            _ => self.list(),
        }
    }

    /// After `list[`.
    fn subscript(&mut self, left: Node) -> Result<Node, BadExpression> {
        match self.kind() {
            Kind::Number | Kind::Colon => self.index(left),
            _ => {
                self.expect(Kind::Star)?;
                self.expect(Kind::RightBracket)?;
                let rest = self.projected(Kind::Star.binding_power())?;
                Ok(Node::Projection(Box::new(Projection { source: left, rest })))
            }
        }
    }

    /// `3]` or `start:stop:step]`; a slice is a projection.
    fn index(&mut self, left: Node) -> Result<Node, BadExpression> {
        if self.kind() == Kind::Colon || self.kind_after() == Kind::Colon {
            let slice = self.slice()?;
            // python-jmespath forgets to project here, and scripts may rest on it.
            if left.ends_in_subscript() {
                return Ok(left.then(Node::Slice(slice)));
            }
            let rest = self.projected(Kind::Star.binding_power())?;
            return Ok(Node::Projection(Box::new(Projection {
                source: left.then(Node::Slice(slice)),
                rest,
            })));
        }
        let index = number(self.advance());
        self.expect(Kind::RightBracket)?;
        Ok(left.then(Node::Index(index)))
    }

    fn slice(&mut self) -> Result<Slice, BadExpression> {
        let mut slice = Slice::default();
        let mut colons = 0;
        while self.kind() != Kind::RightBracket {
            match self.kind() {
                Kind::Colon if colons < 2 => colons += 1,
                Kind::Number => {
                    let part = match colons {
                        0 => &mut slice.start,
                        1 => &mut slice.stop,
                        _ => &mut slice.step,
                    };
                    *part = Some(number(self.token()));
                }
                _ => return Err(self.refuse(self.token(), "syntax error")),
            }
            self.advance();
        }
        self.expect(Kind::RightBracket)?;
        Ok(slice)
    }

    /// What a projection does with each element.
    fn projected(&mut self, power: u8) -> Result<Node, BadExpression> {
        match self.kind() {
            kind if kind.binding_power() < PROJECTION_STOP => Ok(Node::Current),
            Kind::LeftBracket | Kind::Filter => self.expression(power),
            Kind::Dot => {
                self.advance();
                self.after_dot(power)
            }
            _ => Err(self.refuse(self.token(), "syntax error")),
        }
    }

    fn after_dot(&mut self, power: u8) -> Result<Node, BadExpression> {
        match self.kind() {
            Kind::QuotedName | Kind::Name | Kind::Star => self.expression(power),
            Kind::LeftBracket => {
                self.advance();
                self.list()
            }
            Kind::LeftBrace => {
                self.advance();
                self.map()
            }
            kind => {
                let reason = format!(
                    "Expecting: ['quoted_identifier', 'unquoted_identifier', 'lbracket', \
                     'lbrace'], got: {}",
                    kind.name(),
                );
                Err(self.refuse(self.token(), &reason))
            }
        }
    }

    /// After `[`, where expressions follow.
    fn list(&mut self) -> Result<Node, BadExpression> {
        let mut nodes = Vec::new();
        loop {
            nodes.push(self.expression(0)?);
            if self.kind() == Kind::RightBracket {
                self.advance();
                return Ok(Node::List(nodes));
            }
            self.expect(Kind::Comma)?;
        }
    }

    /// After `{`. A comma between two members may be left out, as python-jmespath has it.
    fn map(&mut self) -> Result<Node, BadExpression> {
        let mut members: Vec<(String, Node)> = Vec::new();
        loop {
            let name = self.token();
            if !matches!(name.kind, Kind::QuotedName | Kind::Name) {
                return Err(self.unexpected("['quoted_identifier', 'unquoted_identifier']"));
            }
            self.advance();
            self.expect(Kind::Colon)?;
            let member = self.expression(0)?;
            members.push((name.text(), member));
            match self.kind() {
                Kind::Comma => {
                    self.advance();
                }
                Kind::RightBrace => {
                    self.advance();
                    return Ok(Node::Map(members));
                }
                _ => {}
            }
        }
    }

    /// After `name(`. Commas may be left out, as python-jmespath has it.
    fn call(&mut self, function: Node) -> Result<Node, BadExpression> {
        let Node::Field(name) = function else {
            let before = self.position.checked_sub(2).and_then(|index| self.tokens.get(index));
            let before = before.unwrap_or(self.token());
            let reason = format!("Invalid function name '{}'", before.text());
            return Err(self.refuse(before, &reason));
        };
        let mut arguments = Vec::new();
        while self.kind() != Kind::RightParenthesis {
            arguments.push(self.expression(0)?);
            if self.kind() == Kind::Comma {
                self.advance();
            }
        }
        self.advance();
        Ok(Node::Call(name, arguments))
    }

    /// Counts a level: one for each expression in another, and one for each node that takes in what
    /// stands before it, for those are nested without being read within each other.
    fn deepen(&mut self) -> Result<(), BadExpression> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let reason = format!("the expression is nested more than {MAX_DEPTH} levels deep");
            return Err(BadExpression::new(self.expression, &reason));
        }
        Ok(())
    }

    fn advance(&mut self) -> &'e Token {
        let token = self.token();
        self.position += 1;
        token
    }

    fn token(&self) -> &'e Token {
        self.tokens.get(self.position).unwrap_or(&END)
    }

    fn kind(&self) -> Kind {
        self.token().kind
    }

    fn kind_after(&self) -> Kind {
        self.tokens.get(self.position + 1).unwrap_or(&END).kind
    }

    fn expect(&mut self, kind: Kind) -> Result<(), BadExpression> {
        if self.kind() != kind {
            return Err(self.unexpected(kind.name()));
        }
        self.advance();
        Ok(())
    }

    fn unexpected(&self, expected: &str) -> BadExpression {
        match self.kind() {
            Kind::End => self.incomplete(),
            kind => {
                let reason = format!("Expecting: {expected}, got: {}", kind.name());
                self.refuse(self.token(), &reason)
            }
        }
    }

    fn incomplete(&self) -> BadExpression {
        BadExpression::incomplete(self.expression)
    }

    fn refuse(&self, token: &Token, reason: &str) -> BadExpression {
        BadExpression::at(self.expression, token.start, token, reason)
    }
}

/// Stands behind the last word.
static END: Token = Token { kind: Kind::End, start: 0, value: Value::Null };

fn number(token: &Token) -> i64 {
    match token.value {
        Value::Integer(number) => number,
        _ => 0,
    }
}
