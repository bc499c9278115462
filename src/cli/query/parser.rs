//! From words to meaning, by binding power (Pratt), with python-jmespath's grammar down to what it
//! lets through, and its complaints word for word.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "any word but those named is refused, or ends what is being read"
)]

use super::BadExpression;
use super::ast::{Comparator, Node, Projection, Slice};
use super::lexer::{self, Token, TokenKind};
use crate::model::value::Value;

/// How deep expressions may be nested. Python gives up at about the same depth; we must do so
/// before the stack overflows.
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
        TokenKind::End => Ok(node),
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
            TokenKind::Literal => Ok(Node::Literal(token.value.clone())),
            TokenKind::QuotedName if self.kind() == TokenKind::LeftParenthesis => {
                let reason = "Quoted identifier not allowed for function names.";
                Err(BadExpression::at(self.expression, 0, self.token(), reason))
            }
            TokenKind::Name | TokenKind::QuotedName => Ok(Node::Field(token.text())),
            TokenKind::Star => {
                let rest = match self.kind() {
                    TokenKind::RightBracket => Node::Current,
                    _ => self.projected(TokenKind::Star.binding_power())?,
                };
                Ok(Node::ValueProjection(Box::new(Projection { source: Node::Current, rest })))
            }
            TokenKind::Filter => self.filter(Node::Current),
            TokenKind::LeftBrace => self.map(),
            TokenKind::LeftParenthesis => {
                let inner = self.expression(0)?;
                self.expect(TokenKind::RightParenthesis)?;
                Ok(inner)
            }
            TokenKind::Flatten => self.flatten(Node::Current),
            TokenKind::Not => Ok(Node::Not(Box::new(self.expression(token.kind.binding_power())?))),
            TokenKind::LeftBracket => self.bracket(),
            TokenKind::Current => Ok(Node::Current),
            TokenKind::Reference => Ok(Node::Reference(Box::new(self.expression(0)?))),
            TokenKind::End => Err(self.incomplete()),
            _ => Err(self.refuse(token, "invalid token")),
        }
    }

    /// What a word means after an expression.
    fn go_on(&mut self, token: &'e Token, left: Node) -> Result<Node, BadExpression> {
        let power = token.kind.binding_power();
        match token.kind {
            TokenKind::Dot if self.kind() == TokenKind::Star => {
                self.deepen()?;
                self.advance();
                let rest = self.projected(power)?;
                Ok(Node::ValueProjection(Box::new(Projection { source: left, rest })))
            }
            TokenKind::Dot => {
                let right = self.after_dot(power)?;
                Ok(left.then(right))
            }
            TokenKind::Pipe => {
                let right = self.expression(power)?;
                Ok(left.then(Node::Chain(vec![right])))
            }
            TokenKind::Or => {
                let right = self.expression(power)?;
                Ok(left.or(right))
            }
            TokenKind::And => {
                let right = self.expression(power)?;
                Ok(left.and(right))
            }
            TokenKind::LeftParenthesis => self.call(left),
            TokenKind::Filter => self.filter(left),
            TokenKind::Flatten => self.flatten(left),
            TokenKind::LeftBracket => self.subscript(left),
            TokenKind::Equal => self.comparison(left, Comparator::Equal, power),
            TokenKind::NotEqual => self.comparison(left, Comparator::NotEqual, power),
            TokenKind::Less => self.comparison(left, Comparator::Less, power),
            TokenKind::LessOrEqual => self.comparison(left, Comparator::LessOrEqual, power),
            TokenKind::Greater => self.comparison(left, Comparator::Greater, power),
            TokenKind::GreaterOrEqual => self.comparison(left, Comparator::GreaterOrEqual, power),
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
        self.expect(TokenKind::RightBracket)?;
        let rest = match self.kind() {
            TokenKind::Flatten => Node::Current,
            _ => self.projected(TokenKind::Filter.binding_power())?,
        };
        Ok(Node::FilterProjection(Box::new(Projection { source, rest }), Box::new(condition)))
    }

    /// After `list[]`.
    fn flatten(&mut self, source: Node) -> Result<Node, BadExpression> {
        self.deepen()?;
        let rest = self.projected(TokenKind::Flatten.binding_power())?;
        Ok(Node::Projection(Box::new(Projection { source: Node::Flatten(Box::new(source)), rest })))
    }

    /// After `[` at the beginning of an expression.
    fn bracket(&mut self) -> Result<Node, BadExpression> {
        match self.kind() {
            TokenKind::Number | TokenKind::Colon => self.index(Node::Current),
            TokenKind::Star if self.kind_after() == TokenKind::RightBracket => {
                self.subscript(Node::Current)
            }
            _ => self.list(),
        }
    }

    /// After `list[`.
    fn subscript(&mut self, left: Node) -> Result<Node, BadExpression> {
        match self.kind() {
            TokenKind::Number | TokenKind::Colon => self.index(left),
            _ => {
                self.expect(TokenKind::Star)?;
                self.expect(TokenKind::RightBracket)?;
                let rest = self.projected(TokenKind::Star.binding_power())?;
                Ok(Node::Projection(Box::new(Projection { source: left, rest })))
            }
        }
    }

    /// `3]` or `start:stop:step]`; a slice is a projection.
    fn index(&mut self, left: Node) -> Result<Node, BadExpression> {
        if self.kind() == TokenKind::Colon || self.kind_after() == TokenKind::Colon {
            let slice = self.slice()?;
            // python-jmespath forgets to project here, and scripts may rely on it.
            if left.ends_in_subscript() {
                return Ok(left.then(Node::Slice(slice)));
            }
            let rest = self.projected(TokenKind::Star.binding_power())?;
            return Ok(Node::Projection(Box::new(Projection {
                source: left.then(Node::Slice(slice)),
                rest,
            })));
        }
        let index = number(self.advance());
        self.expect(TokenKind::RightBracket)?;
        Ok(left.then(Node::Index(index)))
    }

    fn slice(&mut self) -> Result<Slice, BadExpression> {
        let mut slice = Slice::default();
        let mut colons = 0;
        while self.kind() != TokenKind::RightBracket {
            match self.kind() {
                TokenKind::Colon if colons < 2 => colons += 1,
                TokenKind::Number => {
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
        self.expect(TokenKind::RightBracket)?;
        Ok(slice)
    }

    /// What a projection does with each element.
    fn projected(&mut self, power: u8) -> Result<Node, BadExpression> {
        match self.kind() {
            kind if kind.binding_power() < PROJECTION_STOP => Ok(Node::Current),
            TokenKind::LeftBracket | TokenKind::Filter => self.expression(power),
            TokenKind::Dot => {
                self.advance();
                self.after_dot(power)
            }
            _ => Err(self.refuse(self.token(), "syntax error")),
        }
    }

    fn after_dot(&mut self, power: u8) -> Result<Node, BadExpression> {
        match self.kind() {
            TokenKind::QuotedName | TokenKind::Name | TokenKind::Star => self.expression(power),
            TokenKind::LeftBracket => {
                self.advance();
                self.list()
            }
            TokenKind::LeftBrace => {
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
            if self.kind() == TokenKind::RightBracket {
                self.advance();
                return Ok(Node::List(nodes));
            }
            self.expect(TokenKind::Comma)?;
        }
    }

    /// After `{`. A comma between two members may be left out, as python-jmespath has it.
    fn map(&mut self) -> Result<Node, BadExpression> {
        let mut members: Vec<(String, Node)> = Vec::new();
        loop {
            let name = self.token();
            if !matches!(name.kind, TokenKind::QuotedName | TokenKind::Name) {
                return Err(self.unexpected("['quoted_identifier', 'unquoted_identifier']"));
            }
            self.advance();
            self.expect(TokenKind::Colon)?;
            let member = self.expression(0)?;
            members.push((name.text(), member));
            match self.kind() {
                TokenKind::Comma => {
                    self.advance();
                }
                TokenKind::RightBrace => {
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
        while self.kind() != TokenKind::RightParenthesis {
            arguments.push(self.expression(0)?);
            if self.kind() == TokenKind::Comma {
                self.advance();
            }
        }
        self.advance();
        Ok(Node::Call(name, arguments))
    }

    /// Counts a level: one for each expression in another, and one for each node that takes in what
    /// comes before it, for those are nested without being read within each other.
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

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    fn kind_after(&self) -> TokenKind {
        self.tokens.get(self.position + 1).unwrap_or(&END).kind
    }

    fn expect(&mut self, kind: TokenKind) -> Result<(), BadExpression> {
        if self.kind() != kind {
            return Err(self.unexpected(kind.name()));
        }
        self.advance();
        Ok(())
    }

    fn unexpected(&self, expected: &str) -> BadExpression {
        match self.kind() {
            TokenKind::End => self.incomplete(),
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

/// What follows the last word.
static END: Token = Token { kind: TokenKind::End, start: 0, value: Value::Null };

fn number(token: &Token) -> i64 {
    match token.value {
        Value::Integer(number) => number,
        _ => 0,
    }
}
