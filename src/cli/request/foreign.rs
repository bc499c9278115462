//! Command lines in AWS's form for what Strongroom does not have and another `aws` may.

use super::argparse::{Arity, Flag};
use super::error::Form;
use super::globals::{AWS, CONFIGURE, HELP, IDENTITY, SERVICE, SETTINGS, STS, flags};

/// A command line in AWS's form for what Strongroom does not have.
pub(crate) struct Foreign {
    pub(crate) service: String,
    /// The position of the `aws` of `strongroom aws`.
    pub(crate) own_word: Option<usize>,
}

/// Finds what a command line in AWS's form asks for that Strongroom does not have; `None` if it has
/// it, or for a line in our own form. Whether the line is right, the program that answers says.
pub(crate) fn foreign(argv: &[String], form: Form) -> Option<Foreign> {
    let flags = flags(Form::Aws);
    let takes_word = |word: &String| {
        let is_it = |flag: &&Flag| flag.name.starts_with(word.as_str());
        word.starts_with("--") && flags.iter().find(is_it).is_some_and(|f| f.arity == Arity::One)
    };
    let mut is_value = false;
    let plain = argv.iter().enumerate().filter(|(_, word)| {
        let is_plain = !is_value && !word.starts_with('-');
        is_value = !is_value && takes_word(word);
        is_plain
    });
    let mut plain = plain.map(|(index, word)| (index, word.as_str()));
    let own_word = match form {
        Form::Aws => None,
        Form::Plain => Some(plain.next().filter(|(_, word)| *word == AWS)?.0),
    };
    let (_, service) = plain.next()?;
    let after = plain.next().map(|(_, word)| word);
    let is_here = match (service, after) {
        (SERVICE | HELP, _) => true,
        (STS, after) => after.is_none_or(|word| [IDENTITY, HELP].contains(&word)),
        (CONFIGURE, after) => after.is_some_and(|word| SETTINGS.contains(&word)),
        _ => false,
    };
    (!is_here).then(|| Foreign { service: service.to_owned(), own_word })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_not_here() {
        for (form, words, expected) in [
            (Form::Aws, "s3 ls", Some("s3")),
            (Form::Aws, "--region eu-west-1 --debug s3 ls", Some("s3")),
            (Form::Aws, "--reg eu-west-1 --output=text s3 ls", Some("s3")),
            (Form::Aws, "--region s3", None),
            (Form::Aws, "sts assume-role", Some("sts")),
            (Form::Aws, "sts --output text assume-role", Some("sts")),
            (Form::Aws, "sts get-caller-identity", None),
            (Form::Aws, "sts", None),
            (Form::Aws, "configure", Some("configure")),
            (Form::Aws, "configure sso", Some("configure")),
            (Form::Aws, "configure get region", None),
            (Form::Aws, "secretsmanager nope", None),
            (Form::Aws, "help", None),
            (Form::Aws, "--version", None),
            (Form::Aws, "init", Some("init")),
            (Form::Plain, "s3 ls", None),
            (Form::Plain, "aws s3 ls", Some("s3")),
            (Form::Plain, "--region aws aws s3 ls", Some("s3")),
            (Form::Plain, "secretsmanager list-secrets", None),
        ] {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            let found = foreign(&words, form);
            assert_eq!(found.map(|found| found.service).as_deref(), expected, "{words:?}");
        }
    }
}
