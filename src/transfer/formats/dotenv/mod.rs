//! `.env` files: lines of `KEY=value`. Programs disagree about quotes, escapes and comments, so that
//! there are four ways to read one. Nothing is ever put in place of `$NAME`, and no command is run.

mod value;

use std::collections::BTreeMap;

use super::super::item::{Item, Origin};
use super::super::reading::{Dialect, Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;
use value::Value;

/// Whether all lines but comments and what is within quotes are variables.
pub(super) fn is_env(shape: &Shape) -> bool {
    let Some(text) = shape.text() else { return false };
    let read = variables(text, Dialect::Python).or_else(|_other| variables(text, Dialect::Ruby));
    read.is_ok_and(|variables| variables.iter().any(|variable| variable.value.is_some()))
}

/// Reads the variables.
pub(super) fn read_env(shape: &Shape, wishes: &Wishes) -> Result<Reading, Error> {
    let text = shape.text().ok_or(Error::Unknown)?;
    let dialect = wishes.dialect.unwrap_or(Dialect::Python);
    let is_other = wishes.dialect.is_none() && variables(text, dialect).is_err();
    if is_other && variables(text, Dialect::Ruby).is_ok() {
        return Err(Error::Unreadable {
            why: "its lines are `name: value`, as in YAML and in some .env files".to_owned(),
            remedy: "say which: --from chamber for YAML, --env-dialect node or ruby for variables",
        });
    }
    let mut reading = Reading::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for Variable { name, line, value } in variables(text, dialect)? {
        let origin = Origin::Line(line);
        let Some(value) = value else {
            // It may be the rest of a value that was torn apart: not even its name is said.
            reading.remark(&origin, Outcome::LeftOut, "is a word without a value");
            continue;
        };
        if value.has_dollar {
            let what =
                format!("{name} has a $, which some programs replace; it is kept as it stands");
            reading.remark(&origin, Outcome::Doubtful, what);
        }
        if value.has_hash {
            let what = format!("{name} has a #, which some programs take for a comment");
            reading.remark(&origin, Outcome::Doubtful, what);
        }
        if value.has_escape {
            let what = format!("{name} has a backslash, which programs read in different ways");
            reading.remark(&origin, Outcome::Doubtful, what);
        }
        let earlier = places.get(name).copied();
        if value.text.is_empty() {
            reading.remark(&origin, Outcome::LeftOut, format!("{name} is empty"));
        }
        let is_empty = value.text.is_empty();
        let item = Item::of_text(origin, name, value.text);
        match earlier.and_then(|place| reading.items.get_mut(place)) {
            Some(known) => {
                let what =
                    format!("{name} is there once more, on {}, and that counts", item.origin);
                let origin = std::mem::replace(known, item).origin;
                reading.remark(&origin, Outcome::LeftOut, what);
            }
            None if is_empty => {}
            None => {
                places.insert(name, reading.items.len());
                reading.items.push(item);
            }
        }
    }
    // What an empty one replaced is no longer there.
    reading.items.retain(|item| !item.is_empty_text());
    Ok(reading)
}

/// A line, or several.
struct Variable<'t> {
    name: &'t str,
    /// Where it begins, from 1.
    line: usize,
    value: Option<Value>,
}

fn variables(text: &str, dialect: Dialect) -> Result<Vec<Variable<'_>>, Error> {
    let mut variables = Vec::new();
    let mut rest = text;
    let mut line = 1_usize;
    while !rest.is_empty() {
        let trimmed = rest.trim_start();
        let space = rest.len().saturating_sub(trimmed.len());
        line = line.saturating_add(ends(rest.get(..space).unwrap_or_default()));
        rest = trimmed;
        if rest.is_empty() {
            break;
        }
        if rest.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
            line = line.saturating_add(1);
            continue;
        }
        let wrong = |what: &str| Error::malformed(format_args!("line {line}"), what);
        let (name, after) = name(rest, dialect).ok_or_else(|| wrong("is no variable"))?;
        let (value, after) = value::read(after, dialect)
            .ok_or_else(|| wrong("has quotes that do not end, or something behind them"))?;
        variables.push(Variable { name, line, value });
        let passed = rest.len().saturating_sub(after.len());
        line = line.saturating_add(ends(rest.get(..passed).unwrap_or_default()));
        rest = after;
    }
    Ok(variables)
}

fn ends(text: &str) -> usize {
    text.matches('\n').count()
}

/// Reads `export` and a name; what follows begins at the sign behind it, or at the end of the line.
fn name(text: &str, dialect: Dialect) -> Option<(&str, &str)> {
    let text = match text.strip_prefix("export") {
        Some(after) if after.starts_with([' ', '\t']) => after.trim_start_matches([' ', '\t']),
        Some(_) | None => text,
    };
    let quoted = text.strip_prefix('\'').filter(|_| dialect == Dialect::Python);
    if let Some((name, after)) = quoted.and_then(|text| text.split_once('\'')) {
        return is_name(name).then_some((name, after));
    }
    let end = text.find(|letter: char| letter == '=' || letter == ':' || letter.is_whitespace());
    let (name, after) = text.split_at_checked(end.unwrap_or(text.len()))?;
    is_name(name).then_some((name, after))
}

/// Names that a secret can have; python-dotenv takes others too.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

#[cfg(test)]
mod tests;
