//! How answers and errors are printed: byte for byte as AWS CLI v2 prints them.
//!
//! Everything is written into a buffer that is handed in; nothing here knows of streams, of pagers
//! or of exit codes.

pub(crate) mod error;
pub(crate) mod json;
pub(crate) mod python;
mod table;
mod text;
pub(crate) mod view;
mod yaml;

use std::fmt;

use jiff::tz::TimeZone;

use crate::model::value::Value;
use view::View;

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `json`
    Json,
    /// `text`
    Text,
    /// `table`
    Table,
    /// `yaml`
    Yaml,
    /// `yaml-stream`: a list with an element for each page.
    YamlStream,
    /// `off`: nothing.
    Off,
}

impl Format {
    /// All of them, in AWS's order.
    pub(crate) const ALL: [Self; 6] =
        [Self::Json, Self::Text, Self::Table, Self::Yaml, Self::YamlStream, Self::Off];

    /// Finds a format by its name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Returns the name, as `--output` takes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Table => "table",
            Self::Yaml => "yaml",
            Self::YamlStream => "yaml-stream",
            Self::Off => "off",
        }
    }

    /// Whether each page of an answer is queried and printed by itself, with [`render_page`];
    /// the others are for the answer as a whole.
    pub(crate) const fn is_paged(self) -> bool {
        match self {
            Self::Text | Self::YamlStream => true,
            Self::Json | Self::Table | Self::Yaml | Self::Off => false,
        }
    }
}

/// What printing needs to know besides the value.
#[derive(Clone, Copy)]
pub(crate) struct RenderContext<'a> {
    /// AWS's name of the operation, such as `GetSecretValue`: the title of a table.
    pub(crate) operation_name: &'a str,
    /// The zone in which times are told.
    pub(crate) zone: &'a TimeZone,
    /// How wide the terminal is: rows of a wider table stand up. [`DEFAULT_WIDTH`] where stdout is
    /// none.
    pub(crate) terminal_width: usize,
}

/// The width that AWS takes a terminal to have that it cannot ask.
pub(crate) const DEFAULT_WIDTH: usize = 80;

/// A value cannot be printed in this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RenderFailed {
    /// A row of a table has more or fewer cells than the row before it.
    RowLength {
        /// How many cells the first row has.
        expected: usize,
        /// How many cells this one has.
        found: usize,
    },
    /// A list has structures and something else.
    Mixed,
}

impl fmt::Display for RenderFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RowLength { expected, found } => {
                write!(f, "Row should have {expected} elements, instead it has {found}")
            }
            Self::Mixed => f.write_str(
                "a list of structures and other values can only be printed as json or yaml",
            ),
        }
    }
}

impl std::error::Error for RenderFailed {}

/// Prints an answer, or what a query found in it. An empty answer prints nothing. What was written
/// before a failure must not be shown.
pub(crate) fn render(
    format: Format,
    value: &Value,
    context: &RenderContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RenderFailed> {
    let is_empty = matches!(value, Value::Map(members) if members.is_empty());
    match format {
        Format::Off => {}
        _ if is_empty => {}
        Format::Json => {
            json::write(value, context.zone, json::Layout::Indented(0), out);
            out.push(b'\n');
        }
        Format::Text => text::write(value, context.zone, out)?,
        Format::Table => table::write(value, context, out)?,
        Format::Yaml => yaml::write(value, context.zone, out),
        Format::YamlStream => yaml::write_page(value, context.zone, out),
    }
    Ok(())
}

/// Prints one page of an answer that has pages, or what a query found in it. Differs from
/// [`render`] in that an empty page of a stream is an element of it.
pub(crate) fn render_page(
    format: Format,
    page: &Value,
    context: &RenderContext<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RenderFailed> {
    match format {
        Format::YamlStream => yaml::write_page(page, context.zone, out),
        Format::Text | Format::Json | Format::Table | Format::Yaml | Format::Off => {
            render(format, page, context, out)?;
        }
    }
    Ok(())
}
#[cfg(test)]
mod fuzz_tmp {
    use super::*;
    #[test]
    fn fuzz() {
        let text = std::fs::read_to_string("/tmp/fz/o.json").unwrap();
        let Value::List(cases) =
            crate::cli::query::literal::value(serde_json::from_str(&text).unwrap())
        else {
            panic!()
        };
        let mut bad = std::collections::BTreeMap::new();
        for case in &cases {
            let value = case.get("value").unwrap();
            let Some(Value::Integer(w)) = case.get("width") else { panic!() };
            let zone = TimeZone::UTC;
            let cx = RenderContext {
                operation_name: "GetSecretValue",
                zone: &zone,
                terminal_width: usize::try_from(*w).unwrap(),
            };
            for (name, format) in [
                ("json", Format::Json),
                ("text", Format::Text),
                ("table", Format::Table),
                ("yaml", Format::Yaml),
                ("page", Format::YamlStream),
            ] {
                let mut out = Vec::new();
                let got = if name == "page" {
                    render_page(format, value, &cx, &mut out)
                } else {
                    render(format, value, &cx, &mut out)
                };
                let got = got.map(|()| String::from_utf8(out).unwrap());
                let want = case.get(name).unwrap();
                let t = |n: &str| match want.get(n) {
                    Some(Value::Text(t)) => Some(t.clone()),
                    _ => None,
                };
                let ok = match &got {
                    Ok(g) => t("ok").as_deref() == Some(g),
                    Err(e) => t("err").is_some_and(|w| {
                        w == e.to_string()
                            || *e == RenderFailed::Mixed
                            || (w == "list index out of range")
                    }),
                };
                if !ok {
                    let n = bad.entry(name).or_insert(0);
                    *n += 1;
                    if *n < 6 {
                        println!(
                            "=== {name} w={w}\n{}\n--- got {got:?}\n--- want {:?} {:?}",
                            {
                                let mut o = Vec::new();
                                json::write(value, &zone, json::Layout::Compact, &mut o);
                                String::from_utf8(o).unwrap()
                            },
                            t("ok"),
                            t("err")
                        );
                    }
                }
            }
        }
        assert!(bad.is_empty(), "{bad:?}");
    }
}
