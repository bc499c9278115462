//! Splits an expression into tokens, with python-jmespath's complaints about what is not one.

use jiff::tz::TimeZone;

use super::BadExpression;
use super::literal;
use crate::cli::python;
use crate::model::value::Value;

/// One word.
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Where it begins, in characters.
    pub(super) start: usize,
    /// What it says: the name, the number, the literal, else the word itself.
    pub(super) value: Value,
}

impl Token {
    /// Returns what it says, as Python's `str` spells it.
    pub(super) fn text(&self) -> String {
        python::text(&self.value, &TimeZone::UTC).into_owned()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// `.`
    Dot,
    /// `*`
    Star,
    /// `]`
    RightBracket,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `@`
    Current,
    /// `(`
    LeftParenthesis,
    /// `)`
    RightParenthesis,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `name`
    Name,
    /// `"name"`
    QuotedName,
    /// `[]`
    Flatten,
    /// `[?`
    Filter,
    /// `[`
    LeftBracket,
    /// `` `literal` `` or `'text'`
    Literal,
    /// `||`
    Or,
    /// `|`
    Pipe,
    /// `&&`
    And,
    /// `&`
    Reference,
    /// `-12`
    Number,
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
    /// `!`
    Not,
    /// The end of the expression.
    End,
}

impl TokenKind {
    /// Returns python-jmespath's name for the kind, which its messages show.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Dot => "dot",
            Self::Star => "star",
            Self::RightBracket => "rbracket",
            Self::Comma => "comma",
            Self::Colon => "colon",
            Self::Current => "current",
            Self::LeftParenthesis => "lparen",
            Self::RightParenthesis => "rparen",
            Self::LeftBrace => "lbrace",
            Self::RightBrace => "rbrace",
            Self::Name => "unquoted_identifier",
            Self::QuotedName => "quoted_identifier",
            Self::Flatten => "flatten",
            Self::Filter => "filter",
            Self::LeftBracket => "lbracket",
            Self::Literal => "literal",
            Self::Or => "or",
            Self::Pipe => "pipe",
            Self::And => "and",
            Self::Reference => "expref",
            Self::Number => "number",
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Less => "lt",
            Self::LessOrEqual => "lte",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "gte",
            Self::Not => "not",
            Self::End => "eof",
        }
    }

    /// Returns how strongly the word binds what comes before it.
    pub(super) const fn binding_power(self) -> u8 {
        match self {
            Self::End
            | Self::Name
            | Self::QuotedName
            | Self::Literal
            | Self::RightBracket
            | Self::RightParenthesis
            | Self::Comma
            | Self::RightBrace
            | Self::Number
            | Self::Current
            | Self::Reference
            | Self::Colon => 0,
            Self::Pipe => 1,
            Self::Or => 2,
            Self::And => 3,
            Self::Equal
            | Self::Greater
            | Self::Less
            | Self::GreaterOrEqual
            | Self::LessOrEqual
            | Self::NotEqual => 5,
            Self::Flatten => 9,
            Self::Star => 20,
            Self::Filter => 21,
            Self::Dot => 40,
            Self::Not => 45,
            Self::LeftBrace => 50,
            Self::LeftBracket => 55,
            Self::LeftParenthesis => 60,
        }
    }
}

/// Splits an expression into words; the last is [`TokenKind::End`].
pub(super) fn words(expression: &str) -> Result<Vec<Token>, BadExpression> {
    let letters: Vec<char> = expression.chars().collect();
    let mut lexer = Lexer { expression, letters: &letters, position: 0 };
    let mut tokens = Vec::new();
    while let Some(letter) = lexer.peek() {
        let start = lexer.position;
        let (kind, value) = match letter {
            ' ' | '\t' | '\n' | '\r' => {
                lexer.position += 1;
                continue;
            }
            'a'..='z' | 'A'..='Z' | '_' => (TokenKind::Name, Value::Text(lexer.name())),
            '0'..='9' | '-' => (TokenKind::Number, lexer.number()?),
            '"' => (TokenKind::QuotedName, lexer.quoted_name()?),
            '\'' => (TokenKind::Literal, Value::Text(lexer.until('\'')?.replace("\\'", "'"))),
            '`' => (TokenKind::Literal, lexer.literal()?),
            _ => {
                let (kind, word) = lexer.sign(letter)?;
                (kind, Value::Text(word.to_owned()))
            }
        };
        tokens.push(Token { kind, start, value });
    }
    let end =
        Token { kind: TokenKind::End, start: letters.len(), value: Value::Text(String::new()) };
    tokens.push(end);
    Ok(tokens)
}

struct Lexer<'e> {
    expression: &'e str,
    letters: &'e [char],
    position: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.letters.get(self.position).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.position += 1;
        Some(letter)
    }

    /// Takes the next letter if it is this one.
    fn take(&mut self, letter: char) -> bool {
        let is_next = self.peek() == Some(letter);
        if is_next {
            self.position += 1;
        }
        is_next
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(letter) = self.peek().filter(|l| l.is_ascii_alphanumeric() || *l == '_') {
            name.push(letter);
            self.position += 1;
        }
        name
    }

    /// A number too large for us is as far from any element as one that fits.
    fn number(&mut self) -> Result<Value, BadExpression> {
        let start = self.position;
        let is_negative = self.take('-');
        let mut number: Option<i64> = None;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            let digit = if is_negative { -i64::from(digit) } else { i64::from(digit) };
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            self.position += 1;
        }
        let number = number.ok_or_else(|| self.refuse(start, "Unknown token '-'"))?;
        Ok(Value::Integer(number))
    }

    /// Reads up to the delimiter; a backslash keeps the letter after it from being one.
    fn until(&mut self, delimiter: char) -> Result<String, BadExpression> {
        let start = self.position;
        self.position += 1;
        let mut text = String::new();
        loop {
            let mut letter = self.next();
            if letter == Some(delimiter) {
                return Ok(text);
            }
            if letter == Some('\\') {
                text.push('\\');
                letter = self.next();
            }
            match letter {
                Some(letter) => text.push(letter),
                None => {
                    return Err(self.refuse(start, &format!("Unclosed {delimiter} delimiter")));
                }
            }
        }
    }

    fn quoted_name(&mut self) -> Result<Value, BadExpression> {
        let start = self.position;
        let inner = self.until('"')?;
        let name = literal::unescape(&inner).map_err(|reason| self.refuse(start, reason))?;
        Ok(Value::Text(name))
    }

    /// What is not JSON is taken for text, as it was before literals had quotes.
    fn literal(&mut self) -> Result<Value, BadExpression> {
        let start = self.position;
        let inner = self.until('`')?.replace("\\`", "`");
        match serde_json::from_str(&inner) {
            Ok(json) => Ok(literal::value(json)),
            Err(not_json) => match literal::unescape(inner.trim_start()) {
                // It is JSON, but nested too deep to be read.
                Ok(_) if not_json.to_string().starts_with("recursion limit") => {
                    Err(self.refuse(start, "literal is nested too deep"))
                }
                Ok(text) => Ok(Value::Text(text)),
                Err(_not_text) => Err(self.refuse(start, &format!("Bad token {inner}"))),
            },
        }
    }

    fn sign(&mut self, letter: char) -> Result<(TokenKind, &'static str), BadExpression> {
        let start = self.position;
        self.position += 1;
        Ok(match letter {
            '.' => (TokenKind::Dot, "."),
            '*' => (TokenKind::Star, "*"),
            ']' => (TokenKind::RightBracket, "]"),
            ',' => (TokenKind::Comma, ","),
            ':' => (TokenKind::Colon, ":"),
            '@' => (TokenKind::Current, "@"),
            '(' => (TokenKind::LeftParenthesis, "("),
            ')' => (TokenKind::RightParenthesis, ")"),
            '{' => (TokenKind::LeftBrace, "{"),
            '}' => (TokenKind::RightBrace, "}"),
            '[' if self.take(']') => (TokenKind::Flatten, "[]"),
            '[' if self.take('?') => (TokenKind::Filter, "[?"),
            '[' => (TokenKind::LeftBracket, "["),
            '|' if self.take('|') => (TokenKind::Or, "||"),
            '|' => (TokenKind::Pipe, "|"),
            '&' if self.take('&') => (TokenKind::And, "&&"),
            '&' => (TokenKind::Reference, "&"),
            '<' if self.take('=') => (TokenKind::LessOrEqual, "<="),
            '<' => (TokenKind::Less, "<"),
            '>' if self.take('=') => (TokenKind::GreaterOrEqual, ">="),
            '>' => (TokenKind::Greater, ">"),
            '!' if self.take('=') => (TokenKind::NotEqual, "!="),
            '!' => (TokenKind::Not, "!"),
            '=' if self.take('=') => (TokenKind::Equal, "=="),
            '=' => return Err(self.refuse(start, "Unknown token '='")),
            _ => return Err(self.refuse(start, &format!("Unknown token {letter}"))),
        })
    }

    fn refuse(&self, start: usize, reason: &str) -> BadExpression {
        let expression = self.expression;
        let caret = " ".repeat(start);
        BadExpression::new(
            expression,
            &format!("Bad jmespath expression: {reason}:\n{expression}\n{caret}^"),
        )
    }
}
