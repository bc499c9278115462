//! What is wrong with a command line, in AWS's words, and how it is printed.
//!
//! Does not know of streams, of `--cli-error-format` or of errors of the service.

use std::fmt;

/// Whose form errors and usage have: that of `aws`, or our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As `aws`: errors carry its prefix, usage names it.
    Aws,
    /// As `strongroom`: the same texts without the prefix.
    Plain,
}

/// The kinds of error, which differ in layout and exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The options cannot be read; the usage is printed below the message.
    Usage,
    /// Words that no option takes; the usage is printed above the message.
    UnknownOptions,
    ParamValidation,
    /// What AWS prints without a code, with the exit code 255.
    Plain,
}

/// A command line that is refused. Its message never holds the value of a sensitive member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::error_impl_error, reason = "the layer is named where it is used: request::Error")]
pub(crate) struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<&'static str>,
    /// The usage of the command that was called, where it has one of its own.
    usage: Option<String>,
}

impl Error {
    /// The options cannot be read.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Usage, message: message.into(), hint: None, usage: None }
    }

    /// One option's words cannot be read.
    pub(crate) fn argument(flag: &str, what: impl fmt::Display) -> Self {
        Self::usage(format!("argument {flag}: {what}"))
    }

    pub(crate) fn unknown_options(words: &[String]) -> Self {
        Self {
            kind: ErrorKind::UnknownOptions,
            message: format!("Unknown options: {}", words.join(", ")),
            hint: None,
            usage: None,
        }
    }

    pub(crate) fn parameters(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::ParamValidation, message: message.into(), hint: None, usage: None }
    }

    /// One parameter's text cannot be made a value; `name` as AWS prints it, mostly with `--`.
    pub(crate) fn parameter(name: &str, what: impl fmt::Display) -> Self {
        Self::parameters(format!("Error parsing parameter '{name}': {what}"))
    }

    /// An error without a code.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Plain, message: message.into(), hint: None, usage: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(crate) fn hinted(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Says how the command is used whose options cannot be read.
    #[must_use]
    pub(crate) fn of_command(self, usage: impl FnOnce() -> String) -> Self {
        let usage = (self.kind == ErrorKind::Usage).then(usage);
        Self { usage, ..self }
    }

    /// Returns what to do about it, if that is known.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        self.hint
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the message without code, prefix and usage.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the message with the usage below it where it has one there, as AWS's structured
    /// error formats print it.
    pub(crate) fn whole(&self, form: Form) -> String {
        match self.kind {
            ErrorKind::Usage => {
                let usage = self.usage.as_deref().unwrap_or(usage(form));
                format!("{}\n\n{usage}", self.message)
            }
            ErrorKind::UnknownOptions | ErrorKind::ParamValidation | ErrorKind::Plain => {
                self.message.clone()
            }
        }
    }

    /// Returns the code that structured error formats print; `None` where AWS has none and prints
    /// plain text in every format.
    pub(crate) fn code(&self) -> Option<&'static str> {
        match self.kind {
            ErrorKind::Usage | ErrorKind::ParamValidation => Some("ParamValidation"),
            ErrorKind::UnknownOptions | ErrorKind::Plain => None,
        }
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::Usage | ErrorKind::UnknownOptions | ErrorKind::ParamValidation => 252,
            ErrorKind::Plain => 255,
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
pub(crate) const fn usage(form: Form) -> &'static str {
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
