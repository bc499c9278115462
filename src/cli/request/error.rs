//! What is wrong with a command line, in AWS's words, and how it is printed.
//!
//! Does not know of streams, of `--cli-error-format` or of errors of the service.

use std::fmt;

/// Whose manners to show: those of `aws`, or our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As `aws`: errors carry its prefix, usage names it.
    Aws,
    /// As `strongroom`: the same texts without the prefix.
    Plain,
}

/// The kinds of error, which differ in layout and exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The options cannot be read; the usage stands below the message.
    Usage,
    /// Words that no option takes; the usage stands above the message.
    UnknownOptions,
    /// A parameter's value is wrong.
    ParamValidation,
    /// What AWS prints without a code, and ends with 255.
    Plain,
}

/// A command line that is refused. Its message never holds the value of a sensitive member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::error_impl_error, reason = "the layer stands at the use site: request::Error")]
pub(crate) struct Error {
    kind: Kind,
    message: String,
}

impl Error {
    /// The options cannot be read.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, message: message.into() }
    }

    /// One option's words cannot be read.
    pub(crate) fn argument(flag: &str, what: impl fmt::Display) -> Self {
        Self::usage(format!("argument {flag}: {what}"))
    }

    /// Words that no option takes.
    pub(crate) fn unknown_options(words: &[String]) -> Self {
        Self {
            kind: Kind::UnknownOptions,
            message: format!("Unknown options: {}", words.join(", ")),
        }
    }

    /// The parameters are wrong.
    pub(crate) fn parameters(message: impl Into<String>) -> Self {
        Self { kind: Kind::ParamValidation, message: message.into() }
    }

    /// One parameter's text cannot be made a value; `name` as AWS prints it, mostly with `--`.
    pub(crate) fn parameter(name: &str, what: impl fmt::Display) -> Self {
        Self::parameters(format!("Error parsing parameter '{name}': {what}"))
    }

    /// An error without a code.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self { kind: Kind::Plain, message: message.into() }
    }

    /// Returns the kind.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the message without code, prefix and usage, as structured error formats print it.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the code that structured error formats print; `None` where AWS has none and prints
    /// plain text in every format.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Usage | Kind::ParamValidation => Some("ParamValidation"),
            Kind::UnknownOptions | Kind::Plain => None,
        }
    }

    /// Returns the exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage | Kind::UnknownOptions | Kind::ParamValidation => 252,
            Kind::Plain => 255,
        }
    }

    /// Returns all that goes to stderr, blank line first.
    pub(crate) fn render(&self, form: Form) -> String {
        let prefix = match form {
            Form::Aws => "aws: [ERROR]: ",
            Form::Plain => "",
        };
        let usage = usage(form);
        match self.kind {
            Kind::Usage => {
                let message = format!("{self}\n\n{usage}");
                format!("\n{prefix}{}\n", message.trim())
            }
            Kind::UnknownOptions => format!("\n{usage}\n\n{prefix}{}\n", self.message.trim()),
            Kind::ParamValidation | Kind::Plain => {
                format!("\n{prefix}{}\n", self.to_string().trim())
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code() {
            Some(code) => write!(f, "An error occurred ({code}): {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Error {}

/// Returns the usage block, which ends in a newline.
const fn usage(form: Form) -> &'static str {
    match form {
        Form::Aws => {
            "usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]\n\
             To see help text, you can run:\n\
             \n  aws help\n  aws <command> help\n  aws <command> <subcommand> help\n"
        }
        Form::Plain => {
            "usage: strongroom [options] <command> [parameters]\n\
             To see help text, you can run:\n\
             \n  strongroom help\n  strongroom help <command>\n"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: &str =
        "usage: aws [options] <command> <subcommand> [<subcommand> ...] [parameters]
To see help text, you can run:

  aws help
  aws <command> help
  aws <command> <subcommand> help
";

    #[test]
    fn prints_what_aws_prints() {
        let missing = Error::usage("the following arguments are required: --secret-id");
        assert_eq!(
            missing.render(Form::Aws),
            format!(
                "\naws: [ERROR]: An error occurred (ParamValidation): the following arguments are \
                 required: --secret-id\n\n{USAGE}"
            )
        );
        assert_eq!(missing.exit_code(), 252);
        // A choice's message ends in a newline, which makes two blank lines.
        let choice = Error::argument("operation", "Found invalid choice 'x'\n");
        assert_eq!(
            choice.render(Form::Aws),
            format!(
                "\naws: [ERROR]: An error occurred (ParamValidation): argument operation: Found \
                 invalid choice 'x'\n\n\n{USAGE}"
            )
        );
        let unknown = Error::unknown_options(&["--bogus".to_owned(), "y".to_owned()]);
        assert_eq!(
            unknown.render(Form::Aws),
            format!("\n{USAGE}\n\naws: [ERROR]: Unknown options: --bogus, y\n")
        );
        let parameter = Error::parameter("--tags", "no\n");
        assert_eq!(
            parameter.render(Form::Aws),
            "\naws: [ERROR]: An error occurred (ParamValidation): Error parsing parameter \
             '--tags': no\n"
        );
        let plain = Error::plain("Invalid base64: \"***\"");
        assert_eq!(plain.render(Form::Aws), "\naws: [ERROR]: Invalid base64: \"***\"\n");
        assert_eq!(plain.exit_code(), 255);
    }

    #[test]
    fn names_itself_in_its_own_form() {
        let unknown = Error::unknown_options(&["y".to_owned()]);
        assert_eq!(
            unknown.render(Form::Plain),
            "\nusage: strongroom [options] <command> [parameters]\nTo see help text, you can run:\n\n  \
             strongroom help\n  strongroom help <command>\n\n\nUnknown options: y\n"
        );
        let parameter = Error::parameters("Parameter validation failed:\nno");
        assert_eq!(
            parameter.render(Form::Plain),
            "\nAn error occurred (ParamValidation): Parameter validation failed:\nno\n"
        );
    }
}
