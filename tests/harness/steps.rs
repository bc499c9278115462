//! What each step of a script does.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use rustix::process::Signal;

use super::Sandbox;
use super::canary::Canaries;
use super::files::{Archive, make_dirs, write};
use super::pattern::{Bindings, difference};
use super::process::{Invocation, Outcome, Running};
use super::pty::Typing;
use super::script::{Mode, Quoting, Step, Word, quote};

/// The steps that may follow `!`.
const NEGATABLE: &[&str] = &["strongroom", "aws", "exec", "wait", "exists", "contains"];

/// Everything a script has at hand while it runs.
pub(crate) struct ScriptFixture {
    /// What has been run, and what it printed.
    pub(crate) transcript: String,
    sandbox: Sandbox,
    archive: Archive,
    mode: Mode,
    bindings: Bindings,
    canaries: Canaries,
    last: Option<Outcome>,
    stdin: Vec<u8>,
    typing: Option<Typing>,
    background: BTreeMap<String, Running>,
    /// New texts of steps, by their first line: how many lines to replace, and with what.
    edits: BTreeMap<usize, (usize, String)>,
}

type Done = Result<(), String>;

impl ScriptFixture {
    /// Makes a sandbox with the script's files in it.
    pub(crate) fn set(archive: Archive, mode: Mode, steps: &[Step]) -> Self {
        let without = [vec![(Quoting::Bare, "no-vault".to_owned())]];
        let sandbox = match steps.first() {
            Some(step) if step.words == without => Sandbox::empty(),
            _ => Sandbox::with_vault(),
        };
        for (name, content) in &archive.files {
            write(&sandbox.work().join(name), content.as_bytes());
        }
        let mut canaries = Canaries::default();
        if let Some(keyfile) = sandbox.environment.get("STRONGROOM_KEYFILE") {
            canaries.learn_credential(keyfile.as_ref());
        }
        Self {
            transcript: String::new(),
            sandbox,
            archive,
            mode,
            bindings: Bindings::default(),
            canaries,
            last: None,
            stdin: Vec::new(),
            typing: None,
            background: BTreeMap::new(),
            edits: BTreeMap::new(),
        }
    }

    /// Plays one step.
    pub(crate) fn run_step(&mut self, step: &Step) -> Done {
        let words: Result<Vec<String>, String> =
            step.words.iter().map(|word| self.expand(word)).collect();
        let words = words?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let verb = words[0];
        if step.negated && !NEGATABLE.contains(&verb) {
            return Err(format!("{verb} cannot be negated"));
        }
        match words[..] {
            ["no-vault"] if step.first == 0 || self.transcript.is_empty() => Ok(()),
            ["strongroom" | "aws", ..] => self.run(&words, step),
            ["exec", _, ..] => self.run(&words[1..], step),
            ["bg", name, _, ..] => self.start(name, &words[2..]),
            ["until", name, text] => self.running(name)?.wait_for(text),
            ["stop", name, signal] => self.stop(name, signal),
            ["wait", name] => self.wait(name, step),
            ["code", code] => self.code(code, step),
            ["stdout" | "stderr" | "ttyout", _, ..] => self.whole(verb, &words[1..], step),
            ["contains", file, _, ..] => self.contains(file, &words[2..], step),
            ["cmp", actual, expected] => self.compare(actual, expected),
            ["exists", _, ..] => self.exists(&words[1..], step),
            ["mode", mode, path] => self.mode(mode, path),
            ["stdin", file] => self.content(file).map(|content| self.stdin = content),
            ["ttyin", ref streams @ .., file] => self.ttyin(streams, file),
            ["env", _, ..] => self.env(&words[1..]),
            ["unset", _, ..] => {
                words[1..].iter().for_each(|name| drop(self.sandbox.environment.remove(*name)));
                Ok(())
            }
            _ => self.change_files(&words),
        }
    }

    /// Ends the script; returns its text with what was rewritten.
    pub(crate) fn leave(mut self) -> Result<String, String> {
        if let Some(name) = self.background.keys().next() {
            return Err(format!("{name} still runs: let the script `wait` for it"));
        }
        self.canaries.check_files(&self.sandbox.root())?;
        for (first, (lines, text)) in self.edits.into_iter().rev() {
            self.archive.lines.splice(first..first + lines, [text]);
        }
        Ok(self.archive.to_text())
    }

    /// The steps that make and change files.
    fn change_files(&mut self, words: &[&str]) -> Done {
        let sandbox = &self.sandbox;
        let at = |name: &str| sandbox.work().join(name);
        let result = match *words {
            ["cp", from, to] => return self.content(from).map(|c| write(&at(to), &c)),
            ["write", to, ref lines @ ..] => {
                write(&at(to), lines.join("\n").as_bytes());
                Ok(())
            }
            ["hex", to, digits] => {
                write(&at(to), &bytes(digits).ok_or(format!("{digits} is not hexadecimal"))?);
                Ok(())
            }
            ["flip", name, offset] => {
                let offset: usize =
                    offset.parse().map_err(|_unreadable| format!("{offset} is no offset"))?;
                let mut content = self.content(name)?;
                *content.get_mut(offset).ok_or(format!("{name} is shorter"))? ^= 1;
                write(&at(name), &content);
                Ok(())
            }
            ["mkdir", name] => {
                make_dirs(&at(name));
                Ok(())
            }
            ["rm", name] if at(name).is_dir() => fs::remove_dir_all(at(name)),
            ["rm", name] => fs::remove_file(at(name)),
            ["chmod", mode, name] => {
                fs::set_permissions(at(name), Permissions::from_mode(octal(mode)?))
            }
            ["link", target, name] => symlink(target, at(name)),
            ref other => return Err(format!("no such step: {}", other.join(" "))),
        };
        result.map_err(|error| format!("{}: {error}", words.join(" ")))
    }

    fn run(&mut self, words: &[&str], step: &Step) -> Done {
        let outcome = self.invocation(words).run();
        self.judge(outcome, step)
    }

    fn start(&mut self, name: &str, words: &[&str]) -> Done {
        let running = self.invocation(words).start();
        match self.background.insert(name.to_owned(), running) {
            Some(_) => Err(format!("{name} runs already")),
            None => Ok(()),
        }
    }

    fn stop(&mut self, name: &str, signal: &str) -> Done {
        let signal = match signal {
            "HUP" => Signal::HUP,
            "INT" => Signal::INT,
            "KILL" => Signal::KILL,
            "TERM" => Signal::TERM,
            _ => return Err(format!("no such signal: {signal}")),
        };
        self.running(name).map(|running| running.signal(signal))
    }

    fn wait(&mut self, name: &str, step: &Step) -> Done {
        self.running(name)?;
        let outcome = self.background.remove(name).map(Running::finish).unwrap_or_default();
        self.judge(outcome, step)
    }

    fn running(&self, name: &str) -> Result<&Running, String> {
        self.background.get(name).ok_or_else(|| format!("no program {name} runs"))
    }

    fn invocation(&mut self, words: &[&str]) -> Invocation {
        self.transcript.extend(["$ ", &words.join(" "), "\n"]);
        let arguments: Vec<String> = words[1..].iter().map(|&word| word.to_owned()).collect();
        self.canaries.learn(&arguments, &self.sandbox.work());
        let mut invocation = self.sandbox.invocation(words[0], &arguments);
        invocation.stdin = std::mem::take(&mut self.stdin);
        invocation.terminal = self.typing.take();
        invocation
    }

    /// Keeps what a program did, and judges whether it may.
    fn judge(&mut self, outcome: Outcome, step: &Step) -> Done {
        for text in [outcome.stdout_text(), outcome.stderr_text(), outcome.screen.clone()] {
            let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            self.transcript.extend([text.as_str(), line_end]);
        }
        let crash = outcome.crash();
        let leak = self.canaries.check(&outcome);
        let code = self.last.insert(outcome).code;
        match crash {
            Some(crash) => Err(crash),
            None if (code != 0) != step.negated => Err(format!("it exited with {code}")),
            None => leak,
        }
    }

    fn code(&mut self, expected: &str, step: &Step) -> Done {
        let code = self.outcome()?.code.to_string();
        match self.mode {
            _ if code == expected => Ok(()),
            Mode::Check => Err(format!("the exit code is {code}, not {expected}")),
            Mode::Update => {
                self.edits.insert(step.first, (step.lines, format!("code {code}")));
                Ok(())
            }
        }
    }

    fn whole(&mut self, stream: &str, lines: &[&str], step: &Step) -> Done {
        let expected = lines.join("\n");
        let actual = self.text(stream)?;
        let actual = actual.trim_matches('\n');
        if self.bindings.accept(expected.trim_matches('\n'), actual) {
            return Ok(());
        }
        if self.mode == Mode::Check {
            let shown = difference(&expected, actual, &self.bindings);
            return Err(format!("{stream} is not as expected:\n{shown}"));
        }
        let rewritten = self.bindings.rewrite(&expected, actual);
        let lines: Vec<String> = rewritten.lines().map(quote).collect();
        let lines = if lines.is_empty() { quote("") } else { lines.join(" ") };
        self.edits.insert(step.first, (step.lines, format!("{stream} {lines}")));
        Ok(())
    }

    fn contains(&mut self, file: &str, texts: &[&str], step: &Step) -> Done {
        let actual = self.text(file)?;
        for text in texts {
            let found = self.bindings.accept_within(text, &actual);
            if found == step.negated {
                let verb = if found { "contains" } else { "does not contain" };
                return Err(format!("{file} {verb} {text}:\n{actual}"));
            }
        }
        Ok(())
    }

    fn compare(&mut self, actual: &str, expected: &str) -> Done {
        let content = self.content(actual)?;
        let Some(text) = self.archive.file(expected).map(str::to_owned) else {
            let same = content == self.content(expected)?;
            return if same { Ok(()) } else { Err(format!("{actual} and {expected} differ")) };
        };
        let content = String::from_utf8(content)
            .map_err(|_unreadable| format!("{actual} is not text: use exec cmp"))?;
        if self.bindings.accept(&text, &content) {
            return Ok(());
        }
        if self.mode == Mode::Check {
            let shown = difference(&text, &content, &self.bindings);
            return Err(format!("{actual} is not as {expected} says:\n{shown}"));
        }
        let rewritten = self.bindings.rewrite(&text, &content);
        self.archive.replace(expected, rewritten);
        Ok(())
    }

    fn exists(&self, names: &[&str], step: &Step) -> Done {
        for name in names {
            match self.sandbox.work().join(name).symlink_metadata() {
                Ok(_) if step.negated => return Err(format!("there is a {name}")),
                Err(_) if !step.negated => return Err(format!("there is no {name}")),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn mode(&self, expected: &str, name: &str) -> Done {
        let metadata = self.sandbox.work().join(name).symlink_metadata();
        let metadata = metadata.map_err(|error| format!("{name}: {error}"))?;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode == octal(expected)? {
            return Ok(());
        }
        Err(format!("the mode of {name} is {mode:04o}, not {expected}"))
    }

    fn ttyin(&mut self, streams: &[&str], file: &str) -> Done {
        let keys = String::from_utf8(self.content(file)?).map_err(|error| error.to_string())?;
        let mut typing =
            Typing { lines: keys.lines().map(str::to_owned).collect(), ..Typing::default() };
        for stream in streams {
            match stream.strip_prefix('-') {
                Some(name @ ("stdin" | "stdout" | "stderr")) => {
                    typing.streams.push(name.to_owned());
                }
                _ => return Err(format!("no such stream: {stream}")),
            }
        }
        self.typing = Some(typing);
        Ok(())
    }

    fn env(&mut self, settings: &[&str]) -> Done {
        for setting in settings {
            let (name, value) = setting.split_once('=').ok_or(format!("{setting} has no ="))?;
            self.sandbox.environment.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    fn outcome(&self) -> Result<&Outcome, String> {
        self.last.as_ref().ok_or_else(|| "nothing has been run".to_owned())
    }

    fn text(&self, name: &str) -> Result<String, String> {
        self.content(name).map(|content| String::from_utf8_lossy(&content).into_owned())
    }

    fn content(&self, name: &str) -> Result<Vec<u8>, String> {
        match name {
            "stdout" => Ok(self.outcome()?.stdout.clone()),
            "stderr" => Ok(self.outcome()?.stderr.clone()),
            "ttyout" => Ok(self.outcome()?.screen.clone().into_bytes()),
            _ => {
                let path: PathBuf = self.sandbox.work().join(name);
                fs::read(path).map_err(|error| format!("{name}: {error}"))
            }
        }
    }

    /// Puts in what `$NAME` and `${NAME}` stand for: a placeholder's text, or a variable.
    fn expand(&self, word: &Word) -> Result<String, String> {
        let mut out = String::new();
        for (quoting, text) in word {
            if *quoting == Quoting::Quoted {
                out.push_str(text);
                continue;
            }
            let mut parts = text.split('$');
            out.push_str(parts.next().unwrap_or_default());
            for part in parts {
                let braced = part.strip_prefix('{').and_then(|rest| rest.split_once('}'));
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let bare = part.split_at(part.find(|c| !is_name(c)).unwrap_or(part.len()));
                let (name, after) = braced.unwrap_or(bare);
                let variable = self.sandbox.environment.get(name).map(String::as_str);
                let value = self.bindings.get(name).or(variable);
                out.push_str(value.ok_or_else(|| format!("nothing is known of ${name}"))?);
                out.push_str(after);
            }
        }
        Ok(out)
    }
}

fn octal(mode: &str) -> Result<u32, String> {
    u32::from_str_radix(mode, 8).map_err(|_unreadable| format!("{mode} is not a mode"))
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(byte).collect())?
}
