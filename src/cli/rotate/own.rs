//! The options of `rotate-secret` that AWS has not: which program, and what it may. They must be
//! spelled out, so that no abbreviation of AWS's changes its meaning.

use crate::cli::failure::Failure;
use crate::cli::request::error::Error;
use crate::cli::request::json;
use crate::cli::request::paramfile::Sources;
use crate::model::value::Value;
use crate::service::rotation::Resume;
use crate::vault::rotation::{Command, Pinning, Protocol};

/// What was asked for beside AWS's options.
pub(crate) struct Own {
    /// The command, if anything of it was given.
    pub(crate) command: Option<Command>,
    /// `--resume` or `--no-resume`.
    pub(crate) resume: Option<Resume>,
}

/// An option: its name, what its value is called, what for. Without a value it is a flag.
pub(crate) const OPTIONS: [(&str, &str, &str); 10] = [
    (
        "rotation-command",
        "JSON",
        "The program and its arguments, as a JSON array; or everything after --",
    ),
    (
        "rotation-protocol",
        "PROTOCOL",
        "How the program is spoken to: lambda (the default) or stdio",
    ),
    ("rotation-env", "NAME=VALUE", "A variable for the program; repeat for more"),
    ("rotation-pass-env", "NAME", "A variable passed on to the program; repeat for more"),
    ("rotation-allow-read", "SECRET", "Another secret that it may read; repeat for more"),
    (
        "rotation-pin",
        "auto|none|PATH",
        "Which files must stay as they are: those that the command names, none, or these",
    ),
    ("rotation-timeout", "TIME", "How long a step may take: 60s (the default), 5m"),
    (
        "rotation-grant",
        "GRANT",
        "Let the program do what it otherwise may not: new-privileges (sudo)",
    ),
    ("resume", "", "Go on with a rotation that is not finished, even if it was cancelled"),
    ("no-resume", "", "Refuse if a rotation is not finished, as AWS does"),
];

/// Takes our own options out of the words of a `rotate-secret`.
pub(super) fn take(words: &[String], sources: Sources<'_>) -> Result<(Vec<String>, Own), Failure> {
    let mut rest = Vec::new();
    let mut draft = Draft::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            draft.give_words(words.by_ref().cloned().collect())?;
            break;
        }
        let (name, explicit) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let known = OPTIONS.iter().find(|(own, ..)| name.strip_prefix("--") == Some(own));
        match (known, explicit) {
            (None, _) => rest.push(word.clone()),
            (Some((_, "", _)), Some(value)) => {
                let what = format!("ignored explicit argument '{value}'");
                return Err(Error::argument(name, what).into());
            }
            (Some((_, "", _)), None) => draft.flag(name),
            (Some((own, ..)), explicit) => {
                let value = explicit.or_else(|| words.next().cloned());
                let none = || Error::argument(name, "expected one argument");
                draft.option(own, &value.ok_or_else(none)?, sources)?;
            }
        }
    }
    Ok((rest, draft.finish()))
}

#[derive(Default)]
struct Draft {
    command: Option<Command>,
    pins: Vec<String>,
    resume: Option<Resume>,
}

impl Draft {
    fn command(&mut self) -> &mut Command {
        self.command.get_or_insert_with(|| Command::new(Vec::new(), Protocol::Lambda))
    }

    fn give_words(&mut self, argv: Vec<String>) -> Result<(), Error> {
        if argv.is_empty() || self.command.as_ref().is_some_and(|known| !known.argv.is_empty()) {
            return Err(Error::usage("the rotation command is given once, and has a program"));
        }
        self.command().argv = argv;
        Ok(())
    }

    fn flag(&mut self, name: &str) {
        self.resume = Some(if name == "--resume" { Resume::Yes } else { Resume::No });
    }

    fn option(&mut self, name: &str, value: &str, sources: Sources<'_>) -> Result<(), Failure> {
        let wrong = |what: &str| Error::argument(&format!("--{name}"), what);
        match name {
            "rotation-command" => self.give_words(words_of(value, sources)?)?,
            "rotation-protocol" => {
                self.command().protocol = match value {
                    "lambda" => Protocol::Lambda,
                    "stdio" => Protocol::Stdio,
                    _ => return Err(wrong("it must be lambda or stdio").into()),
                };
            }
            "rotation-env" => {
                let pair = value.split_once('=').ok_or_else(|| wrong("it must be NAME=VALUE"))?;
                self.command().env.push((pair.0.to_owned(), pair.1.to_owned()));
            }
            "rotation-pass-env" => self.command().pass_env.push(value.to_owned()),
            "rotation-allow-read" => self.command().reads.push(value.to_owned()),
            "rotation-pin" => {
                self.pins.push(value.to_owned());
                self.command();
            }
            "rotation-timeout" => {
                let seconds = seconds(value);
                self.command().timeout_s =
                    seconds.ok_or_else(|| wrong("it must be a time such as 90s or 5m"))?;
            }
            _ => self.command().grants.push(value.to_owned()),
        }
        Ok(())
    }

    fn finish(mut self) -> Own {
        let pinning = match self.pins.as_slice() {
            [one] if one == "none" => Pinning::None,
            [] => Pinning::Auto,
            [one] if one == "auto" => Pinning::Auto,
            _ => Pinning::Paths(std::mem::take(&mut self.pins)),
        };
        if let Some(command) = &mut self.command {
            command.pinning = pinning;
        }
        Own { command: self.command, resume: self.resume }
    }
}

fn words_of(value: &str, sources: Sources<'_>) -> Result<Vec<String>, Error> {
    let wrong = |what: String| Error::argument("--rotation-command", what);
    let text = match sources.load(value).map_err(wrong)? {
        Some(Value::Text(text)) => text,
        Some(_) | None => value.to_owned(),
    };
    let array = || wrong("it must be a JSON array of texts".to_owned());
    let Ok(Value::List(words)) = json::parse(&text) else { return Err(array()) };
    let word = |word: Value| {
        let Value::Text(word) = word else { return Err(array()) };
        Ok(word)
    };
    words.into_iter().map(word).collect()
}

/// Reads `90`, `90s` or `5m`.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    let (number, factor) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 60),
        (None, None) => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}
