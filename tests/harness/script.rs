//! Scripts: a user's session in a file, with what it should print beside each command.
//!
//! Reads the lines into steps and runs them in order; `steps` says what each does. The language
//! is described in docs/CONTRIBUTING.md.

use std::fmt;
use std::fs;

use super::files::{Archive, write};
use super::repository;
use super::steps::ScriptFixture;

/// Declares one test for each script: `scripts! { get_secret_value }` runs
/// `tests/script/get-secret-value.txt`.
#[macro_export]
macro_rules! scripts {
    ($($name:ident)*) => {
        const LISTED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                $crate::harness::script::run(stringify!($name));
            }
        )*
    };
}

/// Whether expectations are checked, or replaced by what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A difference fails the test.
    Check,
    /// A difference is written into the script.
    Update,
}

/// Why a script did not pass, and what it had done until then.
#[derive(Debug)]
pub(crate) struct Failure {
    line: usize,
    message: String,
    transcript: String,
}

/// One step: a line, or several that end in a backslash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The first line, counted from 0.
    pub(crate) first: usize,
    /// How many lines it takes.
    pub(crate) lines: usize,
    /// Whether it begins with `!`.
    pub(crate) negated: bool,
    /// Its words.
    pub(crate) words: Vec<Word>,
}

/// A word: pieces of text, and whether each stood in quotes.
pub(crate) type Word = Vec<(Quoting, String)>;

/// Whether `$NAME` means something in a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quoting {
    Bare,
    Quoted,
}

/// Runs the script of a test, and panics with its transcript if it fails.
pub(crate) fn run(script: &str) {
    let name = format!("tests/script/{}.txt", script.replace('_', "-"));
    let path = repository().join(&name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let update = super::setting("UPDATE").is_some();
    match session(&text, if update { Mode::Update } else { Mode::Check }) {
        Ok(rewritten) if rewritten != text => write(&path, rewritten.as_bytes()),
        Ok(_) => {}
        Err(failure) => panic!("{name}:{failure}"),
    }
}

/// Runs a script; returns its text, rewritten where [`Mode::Update`] changed an expectation.
pub(crate) fn session(text: &str, mode: Mode) -> Result<String, Failure> {
    let archive = Archive::parse(text);
    let fail = |line, message| Failure { line, message, transcript: String::new() };
    let steps = steps(&archive.lines).map_err(|(line, message)| fail(line, message))?;
    let mut fixture = ScriptFixture::set(archive, mode, &steps);
    for step in &steps {
        if let Err(message) = fixture.run_step(step) {
            let transcript = fixture.transcript;
            return Err(Failure { line: step.first, message, transcript });
        }
    }
    let last = steps.last().map_or(0, |step| step.first);
    fixture.leave().map_err(|message| fail(last, message))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line + 1, self.message.trim_end())?;
        match self.transcript.as_str() {
            "" => Ok(()),
            transcript => write!(f, "\n\nThe session until then:\n{transcript}"),
        }
    }
}

/// Reads lines into steps.
fn steps(lines: &[String]) -> Result<Vec<Step>, (usize, String)> {
    let mut out = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let first = index;
        let mut text = String::new();
        while let Some(start) = lines.get(index).and_then(|line| line.strip_suffix(" \\")) {
            text.extend([start, " "]);
            index += 1;
        }
        text.push_str(lines.get(index).map_or("", String::as_str));
        index += 1;
        let mut words = words(&text).map_err(|message| (first, message))?;
        let negated = words.first().is_some_and(|word| *word == [(Quoting::Bare, "!".to_owned())]);
        if negated {
            words.remove(0);
        }
        if !words.is_empty() {
            out.push(Step { first, lines: index - first, negated, words });
        }
    }
    Ok(out)
}

/// Splits a line at spaces; `'…'` keeps them, `''` within quotes is a quote, `#` ends the line.
fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut out: Vec<Word> = Vec::new();
    let mut inside = false;
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        if letter == '#' && !inside {
            break;
        }
        if letter == ' ' {
            inside = false;
            rest = rest.trim_start();
            continue;
        }
        if !inside {
            out.push(Word::new());
            inside = true;
        }
        let word = out.last_mut().unwrap();
        if letter == '\'' {
            let (text, after) = quoted(rest).ok_or("a quote is not closed")?;
            word.push((Quoting::Quoted, text));
            rest = after;
        } else {
            let end = rest.find([' ', '\'']).unwrap_or(rest.len());
            let (text, after) = rest.split_at(end);
            word.push((Quoting::Bare, text.to_owned()));
            rest = after;
        }
    }
    Ok(out)
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text.strip_prefix('\'')?;
    loop {
        let (part, after) = rest.split_once('\'')?;
        out.push_str(part);
        rest = after;
        match rest.strip_prefix('\'') {
            Some(after) => {
                out.push('\'');
                rest = after;
            }
            None => return Some((out, rest)),
        }
    }
}

/// Quotes a text so that it is one word.
pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a script without a vault.
    fn run_script(script: &str) -> Result<String, String> {
        let text = format!("no-vault\n{script}");
        session(&text, Mode::Check).map_err(|failure| failure.to_string())
    }

    #[track_caller]
    fn passes(script: &str) {
        if let Err(failure) = run_script(script) {
            panic!("{failure}");
        }
    }

    #[track_caller]
    fn fails(script: &str, because: &str) {
        let failure = run_script(script).expect_err(script);
        assert!(failure.contains(because), "{script}\n{failure}");
    }

    #[test]
    fn reads_words() {
        let read = |line| words(line).unwrap();
        let bare = |text: &str| (Quoting::Bare, text.to_owned());
        let quoted = |text: &str| (Quoting::Quoted, text.to_owned());
        assert_eq!(read("  a  b # c"), [vec![bare("a")], vec![bare("b")]]);
        assert_eq!(read("x#y '#'"), [vec![bare("x#y")], vec![quoted("#")]]);
        assert_eq!(read("a'b c'$d"), [vec![bare("a"), quoted("b c"), bare("$d")]]);
        assert_eq!(read("'it''s' ''"), [vec![quoted("it's")], vec![quoted("")]]);
        assert!(words("'open").is_err());
    }

    #[test]
    fn runs_programs_and_judges_their_ends() {
        passes("exec true\ncode 0\n! exec false\ncode 1");
        passes("! exec sh -c 'kill -TERM $$'\ncode 143");
        fails("exec false", "exited with 1");
        fails("! exec true", "exited with 0");
        fails("! exec false\ncode 2", "1, not 2");
        fails("! exec sh -c 'kill -SEGV $$'", "killed by signal 11");
        fails("! exec sh -c 'echo thread panicked at x >&2; exit 101'", "panicked");
        fails("code 0", "nothing has been run");
        fails("dance", "no such step: dance");
        fails("! env A=b", "cannot be negated");
        passes("exec sh -c \\\n  'exit 0'");
    }

    #[test]
    fn compares_whole_streams() {
        passes("exec printf 'a\\nb\\n'\nstdout a b\nstderr ''");
        passes("exec sh -c 'echo; echo no >&2'\nstdout ''\nstderr 'n[..]'");
        fails("exec echo ab\nstdout a", "    -a\n    +ab");
        fails("exec sh -c 'echo oops >&2'\nstderr ''", "+oops");
        passes("exec echo abc\ncontains stdout b\n! contains stdout d");
        fails("exec echo abc\n! contains stdout b", "contains b");
        fails("exec echo abc\ncontains stdout d", "does not contain d");
    }

    #[test]
    fn compares_files() {
        passes("exec printf 'a\\n'\ncmp stdout want\n-- want --\n[..]");
        fails("exec printf a\ncmp stdout want\n-- want --\na\n", "newline");
        passes("exec printf '[..]'\ncp stdout x\ncp x y\ncmp x y");
        fails("write x a\nwrite y [..]\ncmp x y", "differ");
        passes("hex x 00ff\nhex y 00FF\ncmp x y\nflip y 1\n! exec cmp -s x y");
        passes("exists want\n! exists other\nrm want\n! exists want\n-- want --");
        passes("write d/x '' \nchmod 640 d/x\nmode 0640 d/x\nlink d/x z\ncmp z d/x");
        fails("mkdir d\nmode 0755 d", "0700, not 0755");
        fails("exists other", "there is no other");
    }

    #[test]
    fn agrees_across_steps_and_hands_on_what_was_printed() {
        let id = "11111111-2222-4333-8444-555555555555";
        let other = "21111111-2222-4333-8444-555555555555";
        let print = format!("exec echo {id}\nstdout [UUID:a]\n");
        passes(&format!("{print}exec echo x${{UUID:a}}\nstdout 'x[UUID:a]'"));
        fails(&format!("{print}exec echo {other}\nstdout [UUID:a]"), "+2111");
        fails("exec echo ${UUID:a}", "UUID:a");
    }

    #[test]
    fn gives_programs_only_what_it_says() {
        passes("exec env\n! contains stdout CARGO\ncontains stdout TZ=UTC");
        passes(
            "env A=b\nexec sh -c 'echo $A'\nstdout $A\nunset A\nexec sh -c 'echo $A'\nstdout ''",
        );
        passes(
            "exec cat\nstdout ''\nstdin f\nexec cat\nstdout hello\nexec cat\nstdout ''\n-- f --\nhello",
        );
        passes("exec pwd\nstdout '[..]/work'");
        // Without a terminal there is none, not even the one the tests were started from.
        passes("! exec sh -c 'exec 2>/dev/null; : </dev/tty'");
    }

    #[test]
    fn types_at_a_terminal() {
        let ask = "stty -echo </dev/tty; printf \"Name: \" >/dev/tty; read a </dev/tty; \
                   stty echo </dev/tty; printf \"\\nSure? \" >/dev/tty; read b </dev/tty; echo $a $b";
        passes(&format!(
            "ttyin keys\nexec sh -c '{ask}'\nstdout 'Tr0ub4dor yes'\nttyout 'Name: ' 'Sure? yes'\n\
             -- keys --\nTr0ub4dor\nyes\n"
        ));
        passes(
            "ttyin -stdin -stdout -stderr keys\nexec sh -c 'test -t 0 -a -t 1 -a -t 2; echo $?'\n\
                ttyout 0\nstdout ''\n-- keys --\n",
        );
        passes("ttyin keys\n! exec sh -c 'test -t 0 -o -t 1 -o -t 2'\n-- keys --\n");
        // A child that asks more than there are answers gets the end of file; one that is
        // interrupted dies of it.
        passes(
            "ttyin keys\n! exec sh -c 'printf \"? \" >/dev/tty; read a </dev/tty'\n-- keys --\n",
        );
        passes(
            "ttyin keys\n! exec sh -c 'printf \"? \" >/dev/tty; read a </dev/tty'\ncode 130\n\
                -- keys --\n^C\n",
        );
    }

    #[test]
    fn runs_programs_side_by_side() {
        passes(
            "bg one sh -c 'echo ready; read line; echo $line; exit 3'\nuntil one ready\n\
                exec echo two\nstdout two\n! wait one\ncode 3\nstdout ready ''",
        );
        passes(
            "bg one sh -c 'echo ready; exec cat /dev/zero >/dev/null'\nuntil one ready\n\
                stop one TERM\n! wait one\ncode 143",
        );
        fails("bg one cat /dev/zero", "one still runs");
        fails("wait one", "no program one");
    }

    #[test]
    fn notices_secrets_in_the_wrong_place() {
        let show = "exec sh -c 'echo $2 >&2' x --secret-string";
        fails(&format!("{show} hunter2"), "a secret's value");
        passes("exec sh -c 'echo $2' x --secret-string hunter2\nstdout hunter2");
    }

    #[test]
    fn rewrites_what_it_expected() {
        let text = "no-vault\nexec printf 'a\\nit''s\\n' # why\nstdout x \\\n  y\n\
                    cmp stdout want\n! exec false\ncode 7\n-- want --\na\nb\n";
        let new = session(text, Mode::Update).unwrap();
        assert_eq!(
            new,
            "no-vault\nexec printf 'a\\nit''s\\n' # why\nstdout 'a' 'it''s'\n\
             cmp stdout want\n! exec false\ncode 1\n-- want --\na\nit's\n"
        );
        assert_eq!(session(&new, Mode::Check).unwrap(), new);
    }
}
