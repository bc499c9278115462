//! Whether a text that was filled still says what its template says, with the values in their places
//! and nowhere else. The name of the file tells in which syntax.

use std::path::Path;

use serde_json::value::RawValue;

use super::escape::Escape;
use super::filled::{AFTER_BACKSLASH, Broken, Filling, ends_string, filled};
use super::same::{self, Grammar};
use super::text::{Piece, Slot};
use super::toml;

/// What a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// Nobody knows.
    Any,
    Json,
    Yaml,
    Toml,
    Env,
    Properties,
}

impl Syntax {
    /// Returns what a file's name says of what is in it, without what says that it is a template.
    pub(crate) fn of(name: &str) -> Self {
        let name = TEMPLATES.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
        let path = Path::new(name);
        let whole = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if whole == ".env" || whole.starts_with(".env.") {
            return Self::Env;
        }
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "json" => Self::Json,
            "yaml" | "yml" => Self::Yaml,
            "toml" => Self::Toml,
            "env" => Self::Env,
            "properties" => Self::Properties,
            _ => Self::Any,
        }
    }

    /// Requires of a reference whose text has no known syntax that the quotes around it are those that
    /// its escaping is for. Of the others it shows when they are filled.
    pub(crate) fn check_slot(self, slot: &Slot<'_>) -> Result<(), &'static str> {
        if self != Self::Any {
            return Ok(());
        }
        if slot.escape.is_quoted() && !slot.is_in_double {
            return Err("it escapes what stands between double quotes, and is not between any");
        }
        if slot.escape == Escape::Shell && slot.is_in_quotes {
            return Err("|shell brings quotes of its own, and there are some around it");
        }
        Ok(())
    }

    /// Requires that a filled text says what its template says.
    pub(crate) fn check(self, pieces: &[Piece<'_>], fillings: &[Filling]) -> Result<(), Broken> {
        match self {
            Self::Any => Ok(()),
            Self::Json => json(pieces, fillings),
            Self::Yaml => same::check(Grammar::Yaml, pieces, fillings),
            Self::Env => same::check(Grammar::Env, pieces, fillings),
            Self::Toml => toml::check(pieces, fillings),
            Self::Properties => properties(pieces, fillings),
        }
    }
}

/// The template alone says what is within a string, as no value ends one.
fn json(pieces: &[Piece<'_>], fillings: &[Filling]) -> Result<(), Broken> {
    let mut number = 0;
    let mut is_in_string = false;
    let mut is_after_backslash = false;
    for piece in pieces {
        let slot = match piece {
            Piece::Text(text) => {
                for c in text.chars() {
                    let is_escaped = std::mem::take(&mut is_after_backslash);
                    match c {
                        '"' if !is_escaped => is_in_string = !is_in_string,
                        '\\' if is_in_string => is_after_backslash = !is_escaped,
                        _ => {}
                    }
                }
                continue;
            }
            Piece::Slot(slot) => slot,
        };
        let written = fillings.get(number).map_or("", |filling| filling.written.expose().as_str());
        let broken = |what| Broken { slot: Some(number), line: slot.line, what };
        if is_after_backslash {
            return Err(broken(AFTER_BACKSLASH));
        }
        if is_in_string && !slot.escape.is_quoted() && ends_string(written) {
            return Err(broken("its value would end the string that it stands in, or change it"));
        }
        if !is_in_string && serde_json::from_str::<&RawValue>(written).is_err() {
            let what = "it is in no string, and its value is no JSON by itself";
            return Err(broken(what));
        }
        number += 1;
    }
    match serde_json::from_str::<&RawValue>(filled(pieces, fillings).expose()) {
        Ok(_) => Ok(()),
        // Values have as many lines as their places, or are what JSON may have anywhere.
        Err(error) => Err(Broken { slot: None, line: error.line(), what: "it is no JSON" }),
    }
}

/// A line is a name and a value, as `java.util.Properties` reads them.
fn properties(pieces: &[Piece<'_>], fillings: &[Filling]) -> Result<(), Broken> {
    let mut number = 0;
    let mut line = String::new();
    for piece in pieces {
        let slot = match piece {
            Piece::Text(text) => {
                if let Some((_, last)) = text.rsplit_once(['\n', '\r']) {
                    line.clear();
                    line.push_str(last);
                } else {
                    line.push_str(text);
                }
                continue;
            }
            Piece::Slot(slot) => slot,
        };
        let written = fillings.get(number).map_or("", |filling| filling.written.expose().as_str());
        let broken = |what| Err(Broken { slot: Some(number), line: slot.line, what });
        let before = line.trim_start();
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        let is_name = !before.contains(['=', ':', ' ', '\t', '\u{c}']);
        if backslashes % 2 == 1 {
            return broken(AFTER_BACKSLASH);
        }
        if !slot.escape.is_quoted() && written.contains(|c: char| c == '\\' || c < ' ') {
            return broken("its value has more than a line, or a backslash");
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if is_name && !written.chars().all(is_plain) {
            return broken("it is part of a name, and its value cannot be");
        }
        if before.ends_with(['=', ':', ' ', '\t']) && written.starts_with(['=', ':', ' ']) {
            return broken("its value begins with what is read as part of what separates it");
        }
        line.push('x');
        number += 1;
    }
    Ok(())
}

/// What may be behind the ending of a file that is a template.
const TEMPLATES: [&str; 4] = [".tmpl", ".tpl", ".template", ".in"];

#[cfg(test)]
mod tests;
