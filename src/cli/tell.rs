//! What a failed command says on stderr, in the form and format that its command line asks for.

use super::failure::Failure;
use super::output::error::{self, ErrorFormat, Speaker};
use super::request::error as request;
use super::request::error::{Form, Kind};
use super::terminal;

/// Tells failures on stderr.
pub(super) struct ErrorReporter {
    /// Whose manners to show.
    pub(super) form: Form,
    /// `--cli-error-format`.
    pub(super) format: ErrorFormat,
    /// What to do about a failure that does not say it itself: the option that was meant.
    pub(super) hint: Option<String>,
}

impl ErrorReporter {
    /// Tells a failure, and at a terminal what to do about it. That nobody listens is no failure.
    pub(super) fn tell(&self, failure: &Failure) {
        let mut text = self.text(failure);
        if let Some(hint) = failure.hint().or_else(|| self.hint.clone())
            && terminal::is_watched()
        {
            text.extend(format!("hint: {hint}\n").bytes());
        }
        terminal::tell(&text);
    }

    fn text(&self, failure: &Failure) -> Vec<u8> {
        let mut text = Vec::new();
        match (failure, failure.told()) {
            (Failure::Request(failed), _) => self.request(failed, &mut text),
            (_, None) => {}
            (_, Some((code, message))) => {
                let told = match failure.operation() {
                    Some(operation_name) => {
                        error::Failure::Service { operation_name, code, message: &message }
                    }
                    None => error::Failure::Client { code, message: &message },
                };
                error::render(&told, speaker(self.form), self.format, &mut text);
            }
        }
        text
    }

    /// What has a code has a structure, whose message includes the usage where there is one.
    fn request(&self, failed: &request::Error, text: &mut Vec<u8>) {
        let message = failed.whole(self.form);
        let told = match failed.code() {
            Some(code) => error::Failure::Client { code, message: &message },
            None => error::Failure::General(failed.message()),
        };
        if failed.kind() == Kind::UnknownOptions {
            text.extend(format!("\n{}\n", request::usage(self.form)).bytes());
        }
        error::render(&told, speaker(self.form), self.format, text);
    }
}

/// Whether somebody would see which option was meant by one that nobody knows.
pub(super) fn takes_hint(failure: &Failure) -> bool {
    let is_unknown =
        matches!(failure, Failure::Request(failed) if failed.kind() == Kind::UnknownOptions);
    is_unknown && terminal::is_watched()
}

/// Returns what is printed of an error that has no code.
pub(super) fn sentence(message: &str, form: Form) -> String {
    let mut text = Vec::new();
    let told = error::Failure::General(message);
    error::render(&told, speaker(form), ErrorFormat::default(), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn speaker(form: Form) -> Speaker {
    match form {
        Form::Aws => Speaker::Aws,
        Form::Plain => Speaker::Strongroom,
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

    fn told(form: Form, format: ErrorFormat, failed: request::Error) -> String {
        let reporter = ErrorReporter { form, format, hint: None };
        String::from_utf8(reporter.text(&failed.into())).unwrap()
    }

    fn aws(failed: request::Error) -> String {
        told(Form::Aws, ErrorFormat::Enhanced, failed)
    }

    fn missing() -> request::Error {
        request::Error::usage("the following arguments are required: --secret-id")
    }

    #[test]
    fn prints_what_aws_prints() {
        let required = "the following arguments are required: --secret-id";
        let expected =
            format!("\naws: [ERROR]: An error occurred (ParamValidation): {required}\n\n{USAGE}");
        assert_eq!(aws(missing()), expected);
        // A choice's message ends in a newline, which makes two blank lines.
        let choice = request::Error::argument("operation", "Found invalid choice 'x'\n");
        let expected = format!(
            "\naws: [ERROR]: An error occurred (ParamValidation): argument operation: Found \
             invalid choice 'x'\n\n\n{USAGE}"
        );
        assert_eq!(aws(choice), expected);
        let parameter = request::Error::parameter("--tags", "no\n");
        let expected = "\naws: [ERROR]: An error occurred (ParamValidation): Error parsing \
                        parameter '--tags': no\n";
        assert_eq!(aws(parameter), expected);
        let plain = request::Error::plain("Invalid base64: \"***\"");
        assert_eq!(aws(plain), "\naws: [ERROR]: Invalid base64: \"***\"\n");
    }

    /// Once `--cli-error-format` did nothing for errors that come with the usage.
    #[test]
    fn what_has_a_code_follows_the_format() {
        let json = told(Form::Aws, ErrorFormat::Json, missing());
        let escaped = USAGE.replace('\n', "\\n");
        let required = "the following arguments are required: --secret-id";
        let expected = format!(
            "{{\n    \"Code\": \"ParamValidation\",\n    \"Message\": \
             \"{required}\\n\\n{escaped}\"\n}}\n"
        );
        assert_eq!(json, expected);
        let legacy = told(Form::Aws, ErrorFormat::Legacy, missing());
        assert_eq!(legacy, format!("\naws: [ERROR]: {required}\n\n{USAGE}"));
        let text = told(Form::Plain, ErrorFormat::Text, request::Error::parameters("no"));
        assert_eq!(text, "ParamValidation\tno\n");
    }

    #[test]
    fn what_has_none_is_a_sentence_in_every_format() {
        let unknown = || request::Error::unknown_options(&["--bogus".to_owned(), "y".to_owned()]);
        for format in ErrorFormat::ALL {
            let expected = format!("\n{USAGE}\n\naws: [ERROR]: Unknown options: --bogus, y\n");
            assert_eq!(told(Form::Aws, format, unknown()), expected);
            let expected = "\nusage: strongroom [options] <command> [parameters]\n\
                            To see help text, you can run:\n\n  strongroom help\n  \
                            strongroom help <command>\n\n\nUnknown options: --bogus, y\n";
            assert_eq!(told(Form::Plain, format, unknown()), expected);
            let plain = request::Error::plain("no");
            assert_eq!(told(Form::Plain, format, plain), "\nno\n");
        }
    }
}
