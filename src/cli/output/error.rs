//! Errors on stderr, in AWS's words and in any of its forms.

use std::fmt;

use jiff::tz::TimeZone;

use super::format::{DEFAULT_WIDTH, Fit, Format, RenderContext};
use crate::model::value::Value;

/// A form of error: what `--cli-error-format` takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ErrorFormat {
    /// `legacy`: a sentence.
    Legacy,
    /// `json`
    Json,
    /// `yaml`
    Yaml,
    /// `text`
    Text,
    /// `table`
    Table,
    /// `enhanced`: a sentence that begins with the code.
    #[default]
    Enhanced,
}

impl ErrorFormat {
    /// All of them, in AWS's order.
    pub(crate) const ALL: [Self; 6] =
        [Self::Legacy, Self::Json, Self::Yaml, Self::Text, Self::Table, Self::Enhanced];

    /// Finds a form by its name, whatever its case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Text => "text",
            Self::Table => "table",
            Self::Enhanced => "enhanced",
        }
    }

    /// The output format in which the error is printed; `None` for a sentence.
    const fn structured(self) -> Option<Format> {
        match self {
            Self::Legacy | Self::Enhanced => None,
            Self::Json => Some(Format::Json),
            Self::Yaml => Some(Format::Yaml),
            Self::Text => Some(Format::Text),
            Self::Table => Some(Format::Table),
        }
    }
}

/// Who speaks: it decides what a sentence begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The program under the name `aws`: `aws: [ERROR]: `.
    Aws,
    /// The program under its own name: nothing.
    Strongroom,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure<'a> {
    Service {
        /// AWS's name of the operation, such as `GetSecretValue`.
        operation_name: &'a str,
        /// The code, such as `ResourceNotFoundException`.
        code: &'a str,
        message: &'a str,
    },
    /// The command line or the environment is wrong, in a way that has a code, such as
    /// `ParamValidation`.
    Client { code: &'a str, message: &'a str },
    /// Anything else: a sentence in every form.
    General(&'a str),
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { operation_name, code, message } => write!(
                f,
                "An error occurred ({code}) when calling the {operation_name} operation: {message}",
            ),
            Self::Client { code, message } => write!(f, "An error occurred ({code}): {message}"),
            Self::General(message) => f.write_str(message),
        }
    }
}

impl Failure<'_> {
    /// The members of a structured error, in the order in which AWS's service and AWS CLI have them;
    /// none where it is always a sentence.
    fn members(&self) -> Option<Value> {
        let member = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
        match self {
            Self::Service { code, message, .. } => {
                Some(Value::Map(vec![member("Message", message), member("Code", code)]))
            }
            Self::Client { code, message } => {
                Some(Value::Map(vec![member("Code", code), member("Message", message)]))
            }
            Self::General(_) => None,
        }
    }
}

/// Prints a failure as it goes to stderr: a blank line and a sentence, or a structure.
pub(crate) fn render(
    failure: &Failure<'_>,
    speaker: Speaker,
    format: ErrorFormat,
    out: &mut Vec<u8>,
) {
    if let (Some(format), Some(members)) = (format.structured(), failure.members()) {
        let (zone, terminal_width) = (&TimeZone::UTC, DEFAULT_WIDTH);
        let context =
            RenderContext { operation_name: "error", zone, terminal_width, fit: Fit::Aws };
        if super::render(format, &members, &context, out).is_ok() {
            return;
        }
    }
    let sentence = match (failure, format) {
        // In the legacy form only the service's own sentences have codes.
        (Failure::Client { message, .. }, ErrorFormat::Legacy) => (*message).to_owned(),
        (failure, _) => failure.to_string(),
    };
    let prefix = match speaker {
        Speaker::Aws => "aws: [ERROR]: ",
        Speaker::Strongroom => "",
    };
    out.extend_from_slice(b"\n");
    out.extend_from_slice(prefix.as_bytes());
    out.extend_from_slice(sentence.trim().as_bytes());
    out.extend_from_slice(b"\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING: Failure<'_> = Failure::Service {
        operation_name: "GetSecretValue",
        code: "ResourceNotFoundException",
        message: "Secrets Manager can't find the specified secret.",
    };
    const INVALID: Failure<'_> =
        Failure::Client { code: "ParamValidation", message: "Bad value\nfor it" };
    const OTHER: Failure<'_> = Failure::General("the disk is full");

    fn check(failure: Failure<'_>, speaker: Speaker, format: ErrorFormat, expected: &str) {
        let mut out = Vec::new();
        render(&failure, speaker, format, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{failure:?} {format:?}");
    }

    #[test]
    fn prints_sentences() {
        let sentence = "An error occurred (ResourceNotFoundException) when calling the \
                        GetSecretValue operation: Secrets Manager can't find the specified secret.";
        for format in [ErrorFormat::Enhanced, ErrorFormat::Legacy] {
            check(MISSING, Speaker::Aws, format, &format!("\naws: [ERROR]: {sentence}\n"));
            check(MISSING, Speaker::Strongroom, format, &format!("\n{sentence}\n"));
        }
        let coded = "\naws: [ERROR]: An error occurred (ParamValidation): Bad value\nfor it\n";
        check(INVALID, Speaker::Aws, ErrorFormat::Enhanced, coded);
        let bare = "\naws: [ERROR]: Bad value\nfor it\n";
        check(INVALID, Speaker::Aws, ErrorFormat::Legacy, bare);
        for format in ErrorFormat::ALL {
            check(OTHER, Speaker::Aws, format, "\naws: [ERROR]: the disk is full\n");
            check(OTHER, Speaker::Strongroom, format, "\nthe disk is full\n");
        }
    }

    #[test]
    fn prints_structures() {
        let json = "{\n    \"Message\": \"Secrets Manager can't find the specified secret.\",\n    \
                    \"Code\": \"ResourceNotFoundException\"\n}\n";
        check(MISSING, Speaker::Aws, ErrorFormat::Json, json);
        let yaml = "Code: ResourceNotFoundException\n\
                    Message: Secrets Manager can't find the specified secret.\n";
        check(MISSING, Speaker::Aws, ErrorFormat::Yaml, yaml);
        let text = "ResourceNotFoundException\tSecrets Manager can't find the specified secret.\n";
        check(MISSING, Speaker::Strongroom, ErrorFormat::Text, text);
        let table = "\
            -----------------------------------------------------------------\n\
            |                             error                             |\n\
            +---------+-----------------------------------------------------+\n\
            |  Code   |  ResourceNotFoundException                          |\n\
            |  Message|  Secrets Manager can't find the specified secret.   |\n\
            +---------+-----------------------------------------------------+\n";
        check(MISSING, Speaker::Aws, ErrorFormat::Table, table);
        let json = "{\n    \"Code\": \"ParamValidation\",\n    \
                    \"Message\": \"Bad value\\nfor it\"\n}\n";
        check(INVALID, Speaker::Aws, ErrorFormat::Json, json);
    }

    #[test]
    fn finds_forms_by_name() {
        for format in ErrorFormat::ALL {
            assert_eq!(ErrorFormat::from_name(&format.name().to_uppercase()), Some(format));
        }
        assert_eq!(ErrorFormat::from_name("xml"), None);
    }
}
