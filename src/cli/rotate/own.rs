//! The options of `rotate-secret` that AWS does not have: which program to run, and what it may do.
//! They must be spelled out, so that no abbreviation of AWS's changes its meaning.

use clap::{Arg, ArgAction};

use crate::cli::duration::seconds;
use crate::cli::failure::Failure;
use crate::cli::request::error::Error;
use crate::cli::request::json;
use crate::cli::request::paramfile::Sources;
use crate::model::value::Value;
use crate::rotation::lease::OnLease;
use crate::rotation::options::{NONE, Options};
use crate::service::action::Action;
use crate::service::operation::Entry;
use crate::service::rotation::Resume;
use crate::vault::rotation::{Pinning, Protocol};

/// What was asked for beside AWS's options.
pub(crate) struct RotateOptions {
    /// What was said about the command.
    pub(crate) options: Options,
    /// `--resume` or `--no-resume`.
    pub(crate) resume: Option<Resume>,
    /// `--verbose`.
    pub(crate) words: Words,
    /// `--break-lease`.
    pub(crate) on_lease: OnLease,
}

/// Which of a program's words are shown, of those it writes to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Words {
    /// The last ones before it fails.
    #[default]
    OfFailures,
    /// Those of steps that succeed, too.
    Always,
}

/// An option: declared once, with what it does.
struct OwnOption {
    /// Without the dashes.
    name: &'static str,
    help: &'static str,
    take: Take,
}

/// What an option does to the draft.
enum Take {
    /// It has no value.
    Flag(fn(&mut Draft)),
    /// It has a value, which the help calls so.
    Value(&'static str, fn(&mut Draft, Given<'_>) -> Result<(), Failure>),
}

/// A value on the command line.
struct Given<'a> {
    name: &'a str,
    value: &'a str,
    sources: Sources<'a>,
}

impl Given<'_> {
    fn wrong(&self, what: &str) -> Error {
        Error::argument(&format!("--{}", self.name), what)
    }
}

const OPTIONS: [OwnOption; 12] = [
    OwnOption {
        name: "rotation-command",
        help: "The program and its arguments, as a JSON array; or everything after --",
        take: Take::Value("JSON", |draft, given| {
            Ok(draft.give_words(words_of(given.value, given.sources)?)?)
        }),
    },
    OwnOption {
        name: "rotation-protocol",
        help: "How the program is spoken to: lambda (the default) or stdio",
        take: Take::Value("PROTOCOL", |draft, given| {
            draft.options.protocol = Some(match given.value {
                "lambda" => Protocol::Lambda,
                "stdio" => Protocol::Stdio,
                _ => return Err(given.wrong("it must be lambda or stdio").into()),
            });
            Ok(())
        }),
    },
    OwnOption {
        name: "rotation-env",
        help: "A variable for the program; repeat for more",
        take: Take::Value("NAME=VALUE", |draft, given| {
            let value = given.value;
            let pair = if value == NONE { Some((value, "")) } else { value.split_once('=') };
            let pair = pair.ok_or_else(|| given.wrong("it must be NAME=VALUE, or none"))?;
            draft.options.env.push((pair.0.to_owned(), pair.1.to_owned()));
            Ok(())
        }),
    },
    OwnOption {
        name: "rotation-pass-env",
        help: "A variable passed on to the program; repeat for more",
        take: Take::Value("NAME", |draft, given| {
            draft.options.pass_env.push(given.value.to_owned());
            Ok(())
        }),
    },
    OwnOption {
        name: "rotation-allow-read",
        help: "Another secret that it may read; repeat for more",
        take: Take::Value("SECRET", |draft, given| {
            draft.options.reads.push(given.value.to_owned());
            Ok(())
        }),
    },
    OwnOption {
        name: "rotation-pin",
        help: "What must stay as it is: the files that the command names, none, or this file, or \
               this directory and all beneath it",
        take: Take::Value("auto|none|PATH", |draft, given| {
            draft.pins.push(given.value.to_owned());
            Ok(())
        }),
    },
    OwnOption {
        name: "rotation-timeout",
        help: "How long a step may take: 60s (the default), 5m",
        take: Take::Value("TIME", |draft, given| {
            let wrong = || given.wrong("it must be a time such as 90s or 5m");
            draft.options.timeout_s = Some(seconds(given.value).ok_or_else(wrong)?);
            Ok(())
        }),
    },
    OwnOption {
        name: "rotation-grant",
        help: "Let the program do what it otherwise may not; none takes all back (read=PATH, \
               write=PATH, files, file-modes, signals, abstract-sockets, new-privileges)",
        take: Take::Value("GRANT", |draft, given| {
            draft.options.grants.push(given.value.to_owned());
            Ok(())
        }),
    },
    OwnOption {
        name: "resume",
        help: "Go on with a rotation that is not finished, even if it was cancelled",
        take: Take::Flag(|draft| draft.resume = Some(Resume::Yes)),
    },
    OwnOption {
        name: "no-resume",
        help: "Refuse if a rotation is not finished, as AWS does",
        take: Take::Flag(|draft| draft.resume = Some(Resume::No)),
    },
    OwnOption {
        name: "break-lease",
        help: "Go on with what another machine began and should have ended by now",
        take: Take::Flag(|draft| draft.on_lease = OnLease::Break),
    },
    OwnOption {
        name: VERBOSE,
        help: "Show what the program writes to stderr even if all is well",
        take: Take::Flag(|draft| draft.words = Words::Always),
    },
];

/// The one that has a short form.
const VERBOSE: &str = "verbose";

/// Returns our own options of an operation as clap knows options, for its help.
pub(crate) fn arguments(entry: &Entry) -> Vec<Arg> {
    if !has_own(entry) {
        return Vec::new();
    }
    let option = |&OwnOption { name, help, ref take }: &OwnOption| {
        let option = Arg::new(name).long(name).help(help);
        let option = if name == VERBOSE { option.short('v') } else { option };
        match take {
            Take::Flag(_) => option.action(ArgAction::SetTrue),
            Take::Value(value, _) => option.value_name(value).action(ArgAction::Append),
        }
    };
    let words = Arg::new("command").last(true).num_args(1..).value_name("COMMAND");
    let words = words.help("The program that rotates, and its arguments");
    OPTIONS.iter().map(option).chain([words]).collect()
}

/// Whether an operation has options of our own.
pub(super) fn has_own(entry: &Entry) -> bool {
    entry.action == Action::RotateSecret
}

/// Takes our own options out of the words of a `rotate-secret`.
pub(super) fn take(
    words: &[String],
    sources: Sources<'_>,
) -> Result<(Vec<String>, RotateOptions), Failure> {
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
        let name = if name == "-v" { "--verbose" } else { name };
        let known = OPTIONS.iter().find(|own| name.strip_prefix("--") == Some(own.name));
        match (known.map(|own| (own.name, &own.take)), explicit) {
            (None, _) => rest.push(word.clone()),
            (Some((_, Take::Flag(_))), Some(value)) => {
                let what = format!("ignored explicit argument '{value}'");
                return Err(Error::argument(name, what).into());
            }
            (Some((_, Take::Flag(set))), None) => set(&mut draft),
            (Some((own, Take::Value(_, set))), explicit) => {
                let value = explicit.or_else(|| words.next().cloned());
                let none = || Error::argument(name, "expected one argument");
                let value = &value.ok_or_else(none)?;
                set(&mut draft, Given { name: own, value, sources })?;
            }
        }
    }
    Ok((rest, draft.finish()?))
}

#[derive(Default)]
struct Draft {
    options: Options,
    pins: Vec<String>,
    resume: Option<Resume>,
    words: Words,
    on_lease: OnLease,
}

impl Draft {
    fn give_words(&mut self, argv: Vec<String>) -> Result<(), Error> {
        if argv.is_empty() || !self.options.argv.is_empty() {
            return Err(Error::usage("give exactly one rotation command, and not an empty one"));
        }
        self.options.argv = argv;
        Ok(())
    }

    fn finish(mut self) -> Result<RotateOptions, Error> {
        self.options.pinning = match self.pins.as_slice() {
            [] => None,
            [one] if one == "none" => Some(Pinning::None),
            pins if pins.iter().any(|pin| pin == "none") => {
                return Err(Error::argument("--rotation-pin", "none goes with no other pin"));
            }
            pins if pins.iter().all(|pin| pin == "auto") => Some(Pinning::Auto),
            _ => {
                self.pins.retain(|pin| pin != "auto");
                Some(Pinning::Paths(self.pins))
            }
        };
        Ok(RotateOptions {
            options: self.options,
            resume: self.resume,
            words: self.words,
            on_lease: self.on_lease,
        })
    }
}

fn words_of(value: &str, sources: Sources<'_>) -> Result<Vec<String>, Error> {
    let wrong = |what: String| Error::argument("--rotation-command", what);
    let text = match sources.load(value).map_err(|fault| fault.of("--rotation-command"))? {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(words: &str) -> Result<(String, RotateOptions), String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let variable = |_: &str| None;
        let sources = Sources {
            read: &|_, _| Ok(b"[\"/file\"]".to_vec()),
            variable: &variable,
            encoding: None,
        };
        match take(&words, sources) {
            Ok((rest, own)) => Ok((rest.join(" "), own)),
            Err(failure) => {
                let Failure::Request(error) = failure else { panic!("{failure:?}") };
                Err(error.message().to_owned())
            }
        }
    }

    #[test]
    fn takes_its_own_and_leaves_the_rest() {
        let line = "--secret-id x --rotation-env=A=b=c --rotation-rules y --rotation-env B= \
                    --rotation-timeout 5m --no-resume -- /opt/rot --resume --rotation-env";
        let (rest, own) = taken(line).unwrap();
        assert_eq!(rest, "--secret-id x --rotation-rules y");
        let RotateOptions { options, resume, words: shown, .. } = own;
        assert_eq!(options.argv, ["/opt/rot", "--resume", "--rotation-env"]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(options.env, [pair("A", "b=c"), pair("B", "")]);
        assert_eq!((options.timeout_s, resume), (Some(300), Some(Resume::No)));
        assert_eq!(shown, Words::OfFailures);
        let (_, own) = taken("--rotation-command file://x --rotation-pin none").unwrap();
        assert_eq!(own.options.argv, ["/file"]);
        assert_eq!(own.options.pinning, Some(Pinning::None));
        let (_, own) = taken("--rotation-command [\"/a\",\"b\"] --rotation-pin /a").unwrap();
        assert_eq!(own.options.argv, ["/a", "b"]);
        assert_eq!(own.options.pinning, Some(Pinning::Paths(vec!["/a".to_owned()])));
        assert!(taken("--secret-id x").unwrap().1.options.is_empty());
        for word in ["-v", "--verbose"] {
            assert_eq!(taken(word).unwrap().1.words, Words::Always);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (words, expected) in [
            ("--", "give exactly one rotation command, and not an empty one"),
            (
                "--rotation-command [\"/a\"] -- /b",
                "give exactly one rotation command, and not an empty one",
            ),
            (
                "--rotation-command /a",
                "argument --rotation-command: it must be a JSON array of texts",
            ),
            (
                "--rotation-command [1]",
                "argument --rotation-command: it must be a JSON array of texts",
            ),
            (
                "--rotation-protocol http",
                "argument --rotation-protocol: it must be lambda or stdio",
            ),
            ("--rotation-env A", "argument --rotation-env: it must be NAME=VALUE, or none"),
            (
                "--rotation-timeout soon",
                "argument --rotation-timeout: it must be a time such as 90s or 5m",
            ),
            ("--rotation-timeout", "argument --rotation-timeout: expected one argument"),
            ("--resume=x", "argument --resume: ignored explicit argument 'x'"),
        ] {
            assert_eq!(taken(words).err().as_deref(), Some(expected), "{words}");
        }
    }
}
