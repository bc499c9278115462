//! Sorting words into options, one positional and the rest, exactly as Python's `argparse` does.
//!
//! AWS's command line is three such parsers in a row, each leaving what it does not know to the
//! next: that is why a global option may stand anywhere. Does not know which options there are,
//! nor what their words mean.

use super::error::Error;
use super::similar;
use crate::cli::python;

/// What an error shows in place of a word that may be a secret.
const HIDDEN: &str = "***";

/// What one parser knows.
pub(crate) struct Grammar {
    /// The options, in the order in which messages name them.
    pub(crate) flags: Vec<Flag>,
    pub(crate) positional: Positional,
}

#[derive(Clone, Debug)]
pub(crate) struct Flag {
    /// With its dashes.
    pub(crate) name: String,
    pub(crate) arity: Arity,
    pub(crate) check: Check,
    pub(crate) abbreviation: Abbreviation,
}

/// How many words an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arity {
    None,
    One,
    /// One or none.
    Optional,
    /// All up to the next option.
    Many,
    /// None, and nothing after it is read.
    Stop,
}

/// What is checked while the words are sorted, because a later error must not come before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Nothing,
    /// A whole number as Python reads it.
    Integer,
    /// One of these.
    Choice(&'static [&'static str]),
    /// One of these, or nothing, which counts as not given.
    ChoiceOrEmpty(&'static [&'static str]),
}

/// Whether an option is found by its first letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abbreviation {
    /// By as many letters as make it unique.
    Allowed,
    /// Only by its whole name, so that AWS's own abbreviations keep their meaning.
    Refused,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Positional {
    /// One of the words that are offered.
    Required {
        /// What messages call it.
        name: &'static str,
    },
    /// The same; the error for another of AWS's words says that Strongroom does not have it.
    Known {
        /// What messages call it.
        name: &'static str,
        /// What Strongroom has, for the error.
        known: &'static str,
    },
    /// One word or none.
    Optional,
}

/// The words of one command line, sorted.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// Each option that was met, by its place in [`Grammar::flags`], with its words.
    pub(crate) found: Vec<(usize, Vec<String>)>,
    pub(crate) positional: Option<String>,
    /// Whether a `--` stood directly beside the positional and went with it.
    pub(crate) separator: Separator,
    /// What is left, in order.
    pub(crate) rest: Vec<String>,
    /// Whether an option with [`Arity::Stop`] was met.
    pub(crate) stopped: Stopped,
}

/// Whether the positional took a `--` with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Separator {
    Taken,
    #[default]
    Left,
}

/// Whether sorting ended before the last word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// At an option with [`Arity::Stop`].
    Early,
    #[default]
    Never,
}

/// Sorts `words`. `choices` are the words that a required positional may be.
pub(crate) fn sort(grammar: &Grammar, words: &[String], choices: &[&str]) -> Result<Sorted, Error> {
    let kinds = classify(grammar, words)?;
    let state = State { grammar, words, kinds, choices, sorted: Sorted::default(), open: true };
    state.run()
}

/// What a word is, before anything is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// A word for an option or the positional.
    Plain,
    /// The first `--`.
    Separator,
    /// A known option, with what follows its `=`.
    Flag { flag: usize, explicit: Option<String> },
    /// Looks like an option, but is not one.
    Unknown,
}

struct State<'a> {
    grammar: &'a Grammar,
    words: &'a [String],
    kinds: Vec<Word>,
    choices: &'a [&'a str],
    sorted: Sorted,
    /// Whether the positional is still to come.
    open: bool,
}

impl State<'_> {
    fn run(mut self) -> Result<Sorted, Error> {
        let mut at = 0;
        while let Some(next) = self.next_option(at) {
            if at != next {
                let end = self.take_positional(at)?;
                if end > at {
                    at = end;
                    continue;
                }
                self.leave(at, next);
            }
            at = self.take_option(next)?;
            if self.sorted.stopped == Stopped::Early {
                return Ok(self.sorted);
            }
        }
        at = self.take_positional(at)?;
        self.leave(at, self.words.len());
        let name = match self.grammar.positional {
            Positional::Required { name } | Positional::Known { name, .. } => name,
            Positional::Optional => return Ok(self.sorted),
        };
        if self.open {
            return Err(Error::usage(format!("the following arguments are required: {name}")));
        }
        Ok(self.sorted)
    }

    fn next_option(&self, from: usize) -> Option<usize> {
        let is_option = |kind: &Word| matches!(kind, Word::Flag { .. } | Word::Unknown);
        self.kinds.iter().enumerate().skip(from).find(|(_, kind)| is_option(kind)).map(|(i, _)| i)
    }

    fn leave(&mut self, from: usize, to: usize) {
        self.sorted.rest.extend(self.words.iter().take(to).skip(from).cloned());
    }

    fn run_of(&self, kind: &Word, from: usize) -> usize {
        self.kinds.iter().skip(from).take_while(|k| *k == kind).count()
    }

    /// Takes the positional where it is still open, and returns the place behind it.
    ///
    /// An optional positional that meets an option first is settled as absent, as in `argparse`.
    fn take_positional(&mut self, at: usize) -> Result<usize, Error> {
        if !self.open {
            return Ok(at);
        }
        let before = self.run_of(&Word::Separator, at);
        let Some(word) = self
            .words
            .get(at + before)
            .filter(|_| self.kinds.get(at + before) == Some(&Word::Plain))
        else {
            return Ok(match self.grammar.positional {
                Positional::Required { .. } | Positional::Known { .. } => at,
                Positional::Optional => {
                    self.open = false;
                    at + before
                }
            });
        };
        let after = self.run_of(&Word::Separator, at + before + 1);
        if before + after > 0 {
            self.sorted.separator = Separator::Taken;
        }
        self.open = false;
        let shown = self.shown(at, word);
        match self.grammar.positional {
            Positional::Required { name } => check_choice(name, shown, self.choices)?,
            Positional::Known { name, known } => {
                check_known(name, shown, self.choices, known)?;
            }
            Positional::Optional => {}
        }
        self.sorted.positional = Some(word.clone());
        Ok(at + before + 1 + after)
    }

    /// Returns what an error may show of the word at `at`: after an option that is not known here it
    /// may be the value of one that was put too early, such as `--secret-string`.
    fn shown<'a>(&self, at: usize, word: &'a str) -> &'a str {
        let before = at.checked_sub(1).and_then(|before| self.kinds.get(before));
        let is_value = before == Some(&Word::Unknown) && !self.choices.contains(&word);
        if is_value { HIDDEN } else { word }
    }

    /// Takes the option at `at` with its words, and returns the place behind them.
    fn take_option(&mut self, at: usize) -> Result<usize, Error> {
        let Some(Word::Flag { flag: index, explicit }) = self.kinds.get(at).cloned() else {
            self.leave(at, at + 1);
            return Ok(at + 1);
        };
        let Some(flag) = self.grammar.flags.get(index) else { return Ok(at + 1) };
        let there = self.run_of(&Word::Plain, at + 1);
        let (words, end) = match (flag.arity, explicit) {
            (Arity::None | Arity::Stop, Some(word)) => {
                let word = python::repr_text(&word);
                let what = format!("ignored explicit argument {word}");
                return Err(Error::argument(&flag.name, what));
            }
            (Arity::One | Arity::Optional | Arity::Many, Some(word)) => (vec![word], at + 1),
            (arity, None) => {
                let count = match arity {
                    Arity::None | Arity::Stop => 0,
                    Arity::One if there == 0 => {
                        return Err(Error::argument(&flag.name, "expected one argument"));
                    }
                    Arity::One => 1,
                    Arity::Optional => there.min(1),
                    Arity::Many => there,
                };
                let words = self.words.iter().skip(at + 1).take(count).cloned().collect();
                (words, at + 1 + count)
            }
        };
        for word in &words {
            check(flag, word)?;
        }
        if flag.arity == Arity::Stop {
            self.sorted.stopped = Stopped::Early;
        }
        self.sorted.found.push((index, words));
        Ok(end)
    }
}

fn classify(grammar: &Grammar, words: &[String]) -> Result<Vec<Word>, Error> {
    let mut kinds = Vec::with_capacity(words.len());
    let mut separated = false;
    for word in words {
        kinds.push(if separated {
            Word::Plain
        } else if word == "--" {
            separated = true;
            Word::Separator
        } else {
            classify_word(grammar, word)?
        });
    }
    Ok(kinds)
}

fn classify_word(grammar: &Grammar, word: &str) -> Result<Word, Error> {
    if !word.starts_with('-') {
        return Ok(Word::Plain);
    }
    let exact = |name: &str| grammar.flags.iter().position(|flag| flag.name == name);
    if let Some(flag) = exact(word) {
        return Ok(Word::Flag { flag, explicit: None });
    }
    if word == "-" {
        return Ok(Word::Plain);
    }
    let (prefix, explicit) = match word.split_once('=') {
        Some((prefix, explicit)) => (prefix, Some(explicit.to_owned())),
        None => (word, None),
    };
    if let (Some(flag), Some(_)) = (exact(prefix), &explicit) {
        return Ok(Word::Flag { flag, explicit });
    }
    if prefix.starts_with("--") {
        let abbreviated = |flag: &Flag| {
            flag.abbreviation == Abbreviation::Allowed && flag.name.starts_with(prefix)
        };
        let mut matching = grammar.flags.iter().enumerate().filter(|(_, flag)| abbreviated(flag));
        match (matching.next(), matching.next()) {
            (Some((flag, _)), None) => return Ok(Word::Flag { flag, explicit }),
            (Some(_), Some(_)) => {
                let names = grammar.flags.iter().filter(|flag| abbreviated(flag));
                let names: Vec<&str> = names.map(|flag| flag.name.as_str()).collect();
                // Python shows what follows the `=` too; it may be a secret.
                let names = names.join(", ");
                let message = format!("ambiguous option: {prefix} could match {names}");
                return Err(Error::usage(message));
            }
            (None, _) => {}
        }
    }
    let plain = is_negative_number(word) || word.contains(' ');
    Ok(if plain { Word::Plain } else { Word::Unknown })
}

/// `-1`, `-1.5`, `-.5`: no option looks like this, so it is a word.
fn is_negative_number(word: &str) -> bool {
    let Some(number) = word.strip_prefix('-') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match number.split_once('.') {
        None => digits(number),
        Some((whole, fraction)) => (whole.is_empty() || digits(whole)) && digits(fraction),
    }
}

fn check(flag: &Flag, word: &str) -> Result<(), Error> {
    match flag.check {
        Check::Nothing => Ok(()),
        Check::ChoiceOrEmpty(_) if word.is_empty() => Ok(()),
        Check::Integer => {
            let word_shown = || format!("invalid int value: {}", python::repr_text(word));
            let number = python::integer(word);
            number.map(drop).ok_or_else(|| Error::argument(&flag.name, word_shown()))
        }
        Check::Choice(choices) | Check::ChoiceOrEmpty(choices) => {
            check_choice(&flag.name, word, choices)
        }
    }
}

fn check_choice(name: &str, word: &str, choices: &[&str]) -> Result<(), Error> {
    if choices.contains(&word) {
        return Ok(());
    }
    let mut lines = vec![format!("Found invalid choice '{word}'\n")];
    let similar = similar::closest(word, choices);
    if !similar.is_empty() {
        lines.push("Maybe you meant:\n".to_owned());
        lines.extend(similar.iter().map(|choice| format!("  * {choice}")));
    }
    Err(Error::argument(name, lines.join("\n")))
}

/// Checks a word that AWS may have and Strongroom may not.
fn check_known(name: &str, word: &str, choices: &[&str], known: &str) -> Result<(), Error> {
    let first = choices.get(..1).unwrap_or_default();
    if choices.contains(&word) || !similar::closest(word, first).is_empty() {
        // AWS's own error tells of a slip in the first choice.
        return check_choice(name, word, choices);
    }
    let what = format!("this aws is Strongroom, which knows {known}, but not {word}");
    Err(Error::argument(name, what)
        .hinted("STRONGROOM_AWS_PASSTHROUGH=1 passes what is not here on to the next aws on PATH"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(name: &str, arity: Arity) -> Flag {
        Flag {
            name: name.to_owned(),
            arity,
            check: if name == "--days" { Check::Integer } else { Check::Nothing },
            abbreviation: Abbreviation::Allowed,
        }
    }

    fn grammar(positional: Positional) -> Grammar {
        let flags = vec![
            flag("--secret-id", Arity::One),
            flag("--secret-string", Arity::One),
            flag("--days", Arity::One),
            flag("--tags", Arity::Many),
            flag("--skeleton", Arity::Optional),
            flag("--force", Arity::None),
            flag("--no-force", Arity::None),
        ];
        Grammar { flags, positional }
    }

    /// Shows what was sorted, one option a word, or the error's message.
    fn show(positional: Positional, line: &[&str]) -> String {
        let grammar = grammar(positional);
        let words: Vec<String> = line.iter().map(|&word| word.to_owned()).collect();
        match sort(&grammar, &words, &["get", "list-secrets", "list-secret-ids"]) {
            Ok(sorted) => {
                let found = sorted.found.iter().map(|(index, words)| {
                    format!("{}[{}]", grammar.flags[*index].name, words.join("|"))
                });
                let found: Vec<String> = found.collect();
                let positional = sorted.positional.unwrap_or_default();
                format!("{} <{positional}> {}", found.join(" "), sorted.rest.join("|"))
            }
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn sorts_as_argparse_does() {
        for (line, expected) in [
            (&["--secret-id", "x"][..], "--secret-id[x] <> "),
            (&["--secret-id=x=y"], "--secret-id[x=y] <> "),
            (&["--secret-id="], "--secret-id[] <> "),
            (&["--secret-i", "x", "--da=7"], "--secret-id[x] --days[7] <> "),
            (&["--tags", "a", "b", "--force"], "--tags[a|b] --force[] <> "),
            (&["--tags", "--tags=c"], "--tags[] --tags[c] <> "),
            (&["--skeleton"], "--skeleton[] <> "),
            (&["--skeleton", "output", "more"], "--skeleton[output] <more> "),
            (&["--secret-string", "-a b"], "--secret-string[-a b] <> "),
            (&["--secret-string", "-"], "--secret-string[-] <> "),
            (&["--secret-string", ""], "--secret-string[] <> "),
            (&["--days", "-1"], "--days[-1] <> "),
            (&["--days", " 1_0 "], "--days[ 1_0 ] <> "),
            (&["a", "--force", "b"], "--force[] <a> b"),
            (&["--force", "b", "c"], "--force[] <b> c"),
            (&["--bogus", "y", "--secret-id", "x"], "--secret-id[x] <y> --bogus"),
            (&["--bogus=1", "-x"], " <> --bogus=1|-x"),
            (&["--force", "--", "--secret-id", "x"], "--force[] <--secret-id> x"),
            (&["--secret-id", "--force"], "argument --secret-id: expected one argument"),
            (&["--secret-id", "-v"], "argument --secret-id: expected one argument"),
            (&["--secret-id"], "argument --secret-id: expected one argument"),
            (&["--secret-id", "--", "x"], "argument --secret-id: expected one argument"),
            (&["--force=true"], "argument --force: ignored explicit argument 'true'"),
            (&["--days", "abc"], "argument --days: invalid int value: 'abc'"),
            (
                &["--secret", "x"],
                "ambiguous option: --secret could match --secret-id, --secret-string",
            ),
            // What follows the `=` may be a secret.
            (
                &["--secret=hunter2"],
                "ambiguous option: --secret could match --secret-id, --secret-string",
            ),
        ] {
            assert_eq!(show(Positional::Optional, line), expected, "{line:?}");
        }
    }

    #[test]
    fn finds_the_command() {
        let required = Positional::Required { name: "operation" };
        for (line, expected) in [
            (&["--bogus", "get", "a"][..], " <get> --bogus|a"),
            (&["--", "get", "--days"], " <get> --days"),
            (&["get", "--", "--days"], " <get> --days"),
            (&["--days", "3"], "the following arguments are required: operation"),
            (&["got"], "argument operation: Found invalid choice 'got'\n"),
            // `--secret-string hunter2 create-secret` showed the value.
            (&["--bogus", "hunter2", "get"], "argument operation: Found invalid choice '***'\n"),
            (&["--days", "3", "got"], "argument operation: Found invalid choice 'got'\n"),
            (
                &["lst-secrets"],
                "argument operation: Found invalid choice 'lst-secrets'\n\nMaybe you meant:\n\n  \
                 * list-secrets\n  * list-secret-ids",
            ),
        ] {
            assert_eq!(show(required, line), expected, "{line:?}");
        }
    }
}
