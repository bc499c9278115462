//! Expected text with placeholders, and how it is compared, shown and rewritten.
//!
//! `[..]` stands for any text within a line, `[...]` for any text at all. `[ARN]`, `[UUID]` and
//! `[TIME]` stand for one of that form; with a label (`[UUID:old]`) the same label is the same
//! text throughout a script, and different labels are different texts. `[ARN]` and `[UUID]`
//! without a label agree too; `[TIME]` without one is any time. Does not know what a script is.

use std::collections::BTreeMap;

/// What the placeholders of a script have stood for so far, by their spelling (`UUID:old`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bindings(BTreeMap<String, String>);

/// The forms that a placeholder may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Arn,
    Time,
    Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// `[..]`
    WithinLine,
    /// `[...]`
    Anything,
    Formed(Form, String),
}

impl Bindings {
    /// Returns what a placeholder, spelled without its brackets, has stood for.
    pub(crate) fn get(&self, spelling: &str) -> Option<&str> {
        self.0.get(spelling).map(String::as_str)
    }

    /// Whether `actual` is what `expected` says; what its placeholders stood for is kept if so.
    pub(crate) fn accept(&mut self, expected: &str, actual: &str) -> bool {
        let found = matching(&pieces(expected), actual, self);
        found.map(|bindings| *self = bindings).is_some()
    }

    /// Whether `expected` occurs anywhere in `actual`; keeps what its placeholders stood for.
    pub(crate) fn accept_within(&mut self, expected: &str, actual: &str) -> bool {
        let mut within = vec![Piece::Anything];
        within.extend(pieces(expected));
        within.push(Piece::Anything);
        let found = matching(&within, actual, self);
        found.map(|bindings| *self = bindings).is_some()
    }

    /// Writes `actual` as an expectation, keeping each line of `expected` that still holds.
    pub(crate) fn rewrite(&mut self, expected: &str, actual: &str) -> String {
        let mut lines = Vec::new();
        for (old, new) in aligned(expected, actual, self) {
            match (old, new) {
                (Some(old), Some(new)) => {
                    self.accept(old, new);
                    lines.push(old.to_owned());
                }
                (None, Some(new)) => lines.push(self.generalise(new)),
                (_, None) => {}
            }
        }
        lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    /// Puts placeholders where a line names an ARN, a UUID or a time.
    fn generalise(&mut self, line: &str) -> String {
        let mut out = String::new();
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let at_word = !out.ends_with(|before: char| before.is_ascii_alphanumeric());
            let forms = [Form::Arn, Form::Uuid, Form::Time].into_iter();
            let found = forms
                .filter(|_| at_word)
                .find_map(|form| form.candidates(rest).into_iter().next().map(|len| (form, len)));
            let Some((form, (text, after))) =
                found.and_then(|(form, len)| Some((form, rest.split_at_checked(len)?)))
            else {
                out.push(first);
                rest = rest.strip_prefix(first).unwrap_or_default();
                continue;
            };
            out.push_str(&self.name_for(form, text));
            rest = after;
        }
        out
    }

    /// The placeholder for a text, bound now if the text is new.
    fn name_for(&mut self, form: Form, text: &str) -> String {
        if form == Form::Time {
            return "[TIME]".to_owned();
        }
        let known = self.0.iter().find(|(name, bound)| {
            bound.as_str() == text && name.split(':').next() == Some(form.word())
        });
        if let Some((name, _)) = known {
            return format!("[{name}]");
        }
        let mut name = form.word().to_owned();
        for number in 2.. {
            if !self.0.contains_key(&name) {
                break;
            }
            name = format!("{}:{number}", form.word());
        }
        self.0.insert(name.clone(), text.to_owned());
        format!("[{name}]")
    }
}

/// Shows where `actual` departs from `expected`, line by line.
pub(crate) fn difference(expected: &str, actual: &str, bindings: &Bindings) -> String {
    let mut out = String::new();
    for (old, new) in aligned(expected, actual, bindings) {
        let (sign, line) = match (old, new) {
            (Some(_), Some(new)) => (' ', new),
            (Some(old), None) => ('-', old),
            (None, new) => ('+', new.unwrap_or_default()),
        };
        out.extend(["    ", &sign.to_string(), line, "\n"]);
    }
    if expected.ends_with('\n') != actual.ends_with('\n') {
        out.push_str("    (they differ in the newline at the end)\n");
    }
    out
}

/// Pairs the lines that agree, in order, as many as possible.
fn aligned<'a>(
    expected: &'a str,
    actual: &'a str,
    bindings: &Bindings,
) -> Vec<(Option<&'a str>, Option<&'a str>)> {
    let old: Vec<&str> = expected.lines().collect();
    let new: Vec<&str> = actual.lines().collect();
    let agree = |o: usize, n: usize| bindings.clone().accept(old[o], new[n]);
    // common[o][n]: how many lines can be paired in old[o..] and new[n..].
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for o in (0..old.len()).rev() {
        for n in (0..new.len()).rev() {
            let skipping = common[o + 1][n].max(common[o][n + 1]);
            let pairing = if agree(o, n) { common[o + 1][n + 1] + 1 } else { 0 };
            common[o][n] = skipping.max(pairing);
        }
    }
    let (mut o, mut n) = (0, 0);
    let mut pairs = Vec::new();
    while o < old.len() || n < new.len() {
        if o < old.len() && n < new.len() && agree(o, n) && common[o][n] > common[o + 1][n + 1] {
            pairs.push((Some(old[o]), Some(new[n])));
            (o, n) = (o + 1, n + 1);
        } else if o < old.len() && (n == new.len() || common[o + 1][n] >= common[o][n + 1]) {
            pairs.push((Some(old[o]), None));
            o += 1;
        } else {
            pairs.push((None, Some(new[n])));
            n += 1;
        }
    }
    pairs
}

fn pieces(expected: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut literal = String::new();
    let mut rest = expected;
    while let Some(first) = rest.chars().next() {
        let inside = rest.strip_prefix('[').and_then(|r| r.split_once(']'));
        let piece = inside.and_then(|(word, after)| Some((placeholder(word)?, after)));
        if let Some((piece, after)) = piece {
            out.push(Piece::Literal(std::mem::take(&mut literal)));
            out.push(piece);
            rest = after;
        } else {
            literal.push(first);
            rest = rest.strip_prefix(first).unwrap_or_default();
        }
    }
    out.push(Piece::Literal(literal));
    out
}

fn placeholder(word: &str) -> Option<Piece> {
    let (form, label) = word.split_once(':').unwrap_or((word, ""));
    let is_label = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    match form {
        ".." => (word == "..").then_some(Piece::WithinLine),
        "..." => (word == "...").then_some(Piece::Anything),
        "ARN" if is_label => Some(Piece::Formed(Form::Arn, word.to_owned())),
        "UUID" if is_label => Some(Piece::Formed(Form::Uuid, word.to_owned())),
        "TIME" if is_label => Some(Piece::Formed(Form::Time, word.to_owned())),
        _ => None,
    }
}

/// Finds one way in which the pieces make up the whole text.
fn matching(pieces: &[Piece], text: &str, bindings: &Bindings) -> Option<Bindings> {
    let Some((piece, following)) = pieces.split_first() else {
        return text.is_empty().then(|| bindings.clone());
    };
    let after = |length: usize| text.split_at_checked(length);
    match piece {
        Piece::Literal(literal) => {
            matching(following, text.strip_prefix(literal.as_str())?, bindings)
        }
        Piece::WithinLine => {
            let line = text.find('\n').unwrap_or(text.len());
            (0..=line).find_map(|length| matching(following, after(length)?.1, bindings))
        }
        Piece::Anything => {
            (0..=text.len()).find_map(|length| matching(following, after(length)?.1, bindings))
        }
        Piece::Formed(form, name) => form.candidates(text).into_iter().find_map(|length| {
            let (value, rest) = after(length)?;
            let mut bindings = bindings.clone();
            form.bind(name, value, &mut bindings.0).then(|| matching(following, rest, &bindings))?
        }),
    }
}

impl Form {
    fn word(self) -> &'static str {
        match self {
            Self::Arn => "ARN",
            Self::Time => "TIME",
            Self::Uuid => "UUID",
        }
    }

    /// Binds a name to a value, unless it means another, or another name for this one.
    fn bind(self, name: &str, value: &str, bound: &mut BTreeMap<String, String>) -> bool {
        if name == "TIME" {
            return true;
        }
        if let Some(before) = bound.get(name) {
            return before == value;
        }
        let taken = |(other, text): (&String, &String)| {
            text == value && other.split(':').next() == Some(self.word())
        };
        if self != Self::Time && bound.iter().any(taken) {
            return false;
        }
        bound.insert(name.to_owned(), value.to_owned());
        true
    }

    /// The lengths, longest first, of what has this form at the start of the text.
    fn candidates(self, text: &str) -> Vec<usize> {
        match self {
            Self::Uuid => {
                shaped(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx").into_iter().collect()
            }
            Self::Time => time_length(text).into_iter().collect(),
            Self::Arn => {
                let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"/_+=.@:-".contains(b);
                let run = text.bytes().take_while(is_part).count();
                let ends_well = |length: &usize| {
                    text.get(..*length)
                        .and_then(|arn| arn.rsplit_once('-'))
                        .is_some_and(|(start, end)| start.contains(":secret:") && end.len() == 6)
                };
                let starts_well = text.starts_with("arn:aws:secretsmanager:");
                (1..=run).rev().filter(|_| starts_well).filter(ends_well).collect()
            }
        }
    }
}

/// Matches `x` with a lower-case hexadecimal digit, `0` with a digit, and the rest literally.
fn shaped(text: &str, shape: &str) -> Option<usize> {
    let fits = |(b, s): (u8, u8)| match s {
        b'x' => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        b'0' => b.is_ascii_digit(),
        _ => b == s,
    };
    let long_enough = text.len() >= shape.len();
    (long_enough && text.bytes().zip(shape.bytes()).all(fits)).then_some(shape.len())
}

/// An ISO 8601 time with its offset, or seconds since 1970.
fn time_length(text: &str) -> Option<usize> {
    let digits = |from: usize| text.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let fraction = |from: usize| match text.as_bytes().get(from) {
        Some(b'.') if digits(from + 1) > 0 => from + 1 + digits(from + 1),
        _ => from,
    };
    if let Some(length) = shaped(text, "0000-00-00T00:00:00") {
        let end = fraction(length);
        let offset = text.get(end..)?;
        return if offset.starts_with('Z') {
            Some(end + 1)
        } else {
            shaped(offset.get(1..)?, "00:00").filter(|_| offset.starts_with(['+', '-']))?;
            Some(end + 6)
        };
    }
    (digits(0) == 10).then(|| fraction(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:local-1:000000000000:secret:app/db-AbCdEf";
    const ONE: &str = "11111111-2222-4333-8444-555555555555";
    const TWO: &str = "aaaaaaaa-2222-4333-8444-555555555555";

    fn check(expected: &str, actual: &str, holds: bool) {
        assert_eq!(Bindings::default().accept(expected, actual), holds, "{expected} | {actual}");
    }

    #[test]
    fn compares_with_placeholders() {
        check("plain", "plain", true);
        check("plain", "plain ", false);
        check("a [..] c\n", "a b b c\n", true);
        check("a [..] c", "a b\n c", false);
        check("a\n[...]z", "a\nb\nc\nz", true);
        check("[..]", "", true);
        check("[list]", "[list]", true);
        check("[ARN]", ARN, true);
        check("\"[ARN]\",", &format!("\"{ARN}\","), true);
        check("[ARN]", "arn:aws:secretsmanager:local-1:000000000000:secret:app", false);
        check("[UUID]", &ONE.replace('1', "A"), false);
        check("[TIME]", "2026-01-02T03:04:05.678000+00:00", true);
        check("[TIME]", "2026-01-02T03:04:05Z", true);
        check("[TIME]", "1767323045.678", true);
        check("[TIME]", "yesterday", false);
    }

    #[test]
    fn agrees_within_a_script() {
        check("[UUID] [UUID]", &format!("{ONE} {ONE}"), true);
        check("[UUID] [UUID]", &format!("{ONE} {TWO}"), false);
        check("[UUID:a] [UUID:b]", &format!("{ONE} {TWO}"), true);
        check("[UUID:a] [UUID:b]", &format!("{ONE} {ONE}"), false);
        check("[TIME] [TIME]", "1767323045 1767323046", true);
        check("[TIME:a] [TIME:a]", "1767323045 1767323046", false);
        check("[TIME:a] [TIME:b]", "1767323045 1767323045", true);

        let mut bindings = Bindings::default();
        assert!(bindings.accept_within("id [UUID:x]", &format!("the id {ONE} is")));
        assert_eq!(bindings.get("UUID:x"), Some(ONE));
        assert!(!bindings.accept("[UUID:x]", TWO));
        assert_eq!(bindings.get("UUID:x"), Some(ONE), "a failed comparison must bind nothing");
    }

    #[test]
    fn rewrites_only_what_changed() {
        let mut bindings = Bindings::default();
        let expected = "{\n\"ARN\": \"[ARN]\",\n\"Name\": \"[..]\",\n\"Old\": 1\n}\n";
        let actual = format!("{{\n\"ARN\": \"{ARN}\",\n\"Name\": \"x\",\n\"Id\": \"{ONE}\"\n}}\n");
        let rewritten = bindings.rewrite(expected, &actual);
        assert_eq!(
            rewritten,
            "{\n\"ARN\": \"[ARN]\",\n\"Name\": \"[..]\",\n\"Id\": \"[UUID]\"\n}\n"
        );
        assert!(bindings.accept(&rewritten, &actual));
        assert_eq!(
            bindings.rewrite("", &format!("{TWO} at 2026-01-02T03:04:05Z\n")),
            "[UUID:2] at [TIME]\n"
        );
    }

    #[test]
    fn shows_the_lines_that_differ() {
        let shown = difference("a\nb\nc\n", "a\nx\nc\n", &Bindings::default());
        assert_eq!(shown, "     a\n    -b\n    +x\n     c\n");
    }
}
