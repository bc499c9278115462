//! What text without quotes would be read as: the tags of YAML 1.2 as ruamel resolves them.

/// Whether the text would be read as something other than text.
pub(super) fn is_not_text(text: &str) -> bool {
    let is_word = matches!(
        text,
        "" | "~"
            | "null"
            | "Null"
            | "NULL"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "<<"
            | "="
            | "!"
            | "&"
            | "*"
    );
    is_word || is_integer(text) || is_float(text) || is_time(text)
}

/// The rest of a text that is being read.
#[derive(Clone, Copy)]
struct Rest<'t>(&'t str);

impl<'t> Rest<'t> {
    /// Skips any number of these, and returns how many.
    fn skip(&mut self, is_one: fn(char) -> bool) -> usize {
        let rest = self.0.trim_start_matches(is_one);
        let count = self.0.len() - rest.len();
        self.0 = rest;
        count
    }

    /// Skips one of these, and returns whether there was one.
    fn take(&mut self, is_one: fn(char) -> bool) -> bool {
        let rest = self.0.strip_prefix(is_one);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Skips digits, between a minimum and a maximum, and returns whether there were enough.
    fn digits(&mut self, least: usize, most: usize) -> bool {
        let count = (0..most).take_while(|_| self.take(is_digit)).count();
        count >= least
    }

    fn is_done(self) -> bool {
        self.0.is_empty()
    }

    fn without_sign(text: &'t str) -> Self {
        Self(text.strip_prefix(['-', '+']).unwrap_or(text))
    }
}

fn is_integer(text: &str) -> bool {
    // The first character decides whether a number is looked for at all.
    if !text.starts_with(|first| is_digit(first) || is_sign(first)) {
        return false;
    }
    let Rest(number) = Rest::without_sign(text);
    let is_all = |digits: Option<&str>, is_one: fn(char) -> bool| {
        digits.is_some_and(|digits| !digits.is_empty() && digits.chars().all(is_one))
    };
    is_all(number.strip_prefix("0b"), |l| matches!(l, '0' | '1' | '_'))
        || is_all(number.strip_prefix("0o"), |l| matches!(l, '0'..='7' | '_'))
        || is_all(number.strip_prefix("0x"), |l| l.is_ascii_hexdigit() || l == '_')
        || is_all(Some(number), is_digit_or_gap)
}

fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let mut rest = Rest::without_sign(text);
    if matches!(rest.0, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let has_whole = rest.0.starts_with(is_digit) && rest.skip(is_digit_or_gap) > 0;
    let has_point = rest.take(|letter| letter == '.');
    let has_fraction = has_point && rest.skip(is_digit_or_gap) > 0;
    if rest.is_done() {
        return has_point && (has_whole || has_fraction);
    }
    let has_exponent = rest.take(|letter| matches!(letter, 'e' | 'E'));
    let has_sign = rest.take(is_sign);
    let is_number = has_exponent && rest.skip(is_digit) > 0 && rest.is_done();
    // Without digits before the point the exponent must have a sign.
    is_number && (has_whole || (has_fraction && has_sign))
}

fn is_time(text: &str) -> bool {
    let mut rest = Rest(text);
    let is_dash: fn(char) -> bool = |letter| letter == '-';
    let is_colon: fn(char) -> bool = |letter| letter == ':';
    if !(rest.digits(4, 4) && rest.take(is_dash)) {
        return false;
    }
    let mut date = rest;
    if date.digits(2, 2) && date.take(is_dash) && date.digits(2, 2) && date.is_done() {
        return true;
    }
    if !(rest.digits(1, 2) && rest.take(is_dash) && rest.digits(1, 2)) {
        return false;
    }
    let has_letter = rest.take(|letter| matches!(letter, 'T' | 't'));
    if !has_letter && rest.skip(is_blank) == 0 {
        return false;
    }
    let has_time = rest.digits(1, 2)
        && rest.take(is_colon)
        && rest.digits(2, 2)
        && rest.take(is_colon)
        && rest.digits(2, 2);
    if !has_time {
        return false;
    }
    if rest.take(|letter| letter == '.') {
        rest.skip(is_digit);
    }
    if rest.is_done() {
        return true;
    }
    rest.skip(is_blank);
    if rest.take(|letter| letter == 'Z') {
        return rest.is_done();
    }
    let has_offset = rest.take(is_sign) && rest.digits(1, 2);
    has_offset && (rest.is_done() || (rest.take(is_colon) && rest.digits(2, 2) && rest.is_done()))
}

fn is_digit(letter: char) -> bool {
    letter.is_ascii_digit()
}

fn is_digit_or_gap(letter: char) -> bool {
    letter.is_ascii_digit() || letter == '_'
}

fn is_sign(letter: char) -> bool {
    matches!(letter, '-' | '+')
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_not_text() {
        for text in [
            "1",
            "-1",
            "+1_000",
            "017",
            "0o17",
            "0b10",
            "0x1f",
            "-0xA_",
            "1.",
            "1.5",
            "-1.5e3",
            "1e3",
            "1_0e-7",
            ".5",
            "._",
            "+.5e+3",
            ".inf",
            "-.INF",
            ".NaN",
            "2001-01-01",
            "2018-04-11T20:05:45.713000+00:00",
            "2018-4-1 2:05:45Z",
            "2018-04-11t20:05:45 -7",
            "2001-1-1\t 1:00:00.",
            "+_",
            "1_",
        ] {
            assert!(is_not_text(text), "{text}");
        }
    }

    #[test]
    fn knows_what_is_text() {
        for text in [
            "yes",
            "y",
            "on",
            "_1",
            "0b2",
            "0o8",
            "0x",
            "1e",
            "1.5e",
            ".5e3",
            ".",
            "-",
            "+",
            "1.2.3",
            "-.nan",
            "12:30",
            "1:20:30",
            "2001-1-1",
            "2001-01-01T1:00",
            "2001-01-01 ",
            "TRue",
            "nULL",
            "0x1g",
            "1-1",
            "2001-01-01T10:00:00+",
            "e3",
            "1ee3",
        ] {
            assert!(!is_not_text(text), "{text}");
        }
    }
}
