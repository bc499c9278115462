//! The formats there are, what printing in them needs to know, and how it fails.

use std::fmt;

use jiff::tz::TimeZone;

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

    /// Whether each page of an answer is queried and printed by itself, with
    /// [`render_page`](super::render_page), rather than the answer as a whole.
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
    /// The time zone that times are shown in.
    pub(crate) zone: &'a TimeZone,
    /// How wide the terminal is: rows of a wider table are turned. [`DEFAULT_WIDTH`] if stdout is
    /// not a terminal.
    pub(crate) terminal_width: usize,
    /// What becomes of a table that is still wider.
    pub(crate) fit: Fit,
}

/// What becomes of a table that the terminal is too narrow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It stays as AWS draws it.
    Aws,
    /// Its cells go over several lines, so that no line of it is longer than the terminal's.
    Terminal,
}

/// The width that AWS assumes of a terminal it cannot ask.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_formats_by_name() {
        for format in Format::ALL {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(Format::from_name("JSON"), None);
    }

    #[test]
    fn says_what_cannot_be_printed() {
        let row = RenderFailed::RowLength { expected: 2, found: 3 };
        assert_eq!(row.to_string(), "Row should have 2 elements, instead it has 3");
    }
}
