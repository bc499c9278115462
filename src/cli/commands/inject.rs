//! `inject`: a text with references in it, and what it becomes when they are resolved.

use std::io::{self, IsTerminal, Read};
use std::path::Path;

use super::super::everyday::client::Client;
use super::super::failure::Failure;
use super::super::request::error::Error;
use super::super::stdout::print;
use super::super::templates::filling::{Finding, MOST_BYTES, Template};
use super::super::templates::syntax::Syntax;
use super::options::options;
use super::own::{Invocation, OwnCommand, count, text};
use crate::model::value::Value;
use crate::sys::files;
use crate::sys::secret::Secret;

options! {
    /// The options of `inject`.
    pub(super) struct Inject {
        /// The template; what comes from the standard input unless given
        r#in: Option<String> = "FILE",
        /// The file that is written, for its owner alone; the standard output unless given
        out: Option<String> = "FILE",
        /// Only say which references cannot be resolved, and what else is wrong
        check: bool
    }
}

impl OwnCommand for Inject {
    const NAME: &'static str = "inject";
    const TITLE: &'static str = "Inject";
    const SUMMARY: &'static str = "Fill a template: put values where it has references to them.";
    const EXAMPLE: &'static str =
        "echo 'login: {{strongroom:example/login#username}}' | strongroom inject";
    const IS_OF_OPERATIONS: bool = true;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let name = self.r#in.as_deref().unwrap_or_default();
        let bytes = self.template()?;
        let text = str::from_utf8(bytes.expose())
            .map_err(|_bytes| Error::argument("--in", "the template is no UTF-8"))?;
        let template = Template::read(name, text, self.syntax())?;
        let mut client = Client::new(invocation.context)?;
        if self.check {
            let found = template.examine(&mut client)?;
            invocation.print(vec![
                text_of_status(&found),
                count("References", u64::try_from(template.count()).unwrap_or(u64::MAX)),
                ("Findings".to_owned(), Value::List(found.iter().map(shown).collect())),
            ])?;
            return if found.is_empty() { Ok(()) } else { Err(Failure::Found) };
        }
        let filled = template.fill(&mut client)?;
        // The vault need not stay open while somebody reads.
        drop(client);
        deliver(filled.expose().as_bytes(), self.out.as_deref(), self.r#in.as_deref())
    }
}

impl Inject {
    /// Returns the syntax of the text: by the name of what is written, or of what is read.
    fn syntax(&self) -> Syntax {
        let names = [self.out.as_deref(), self.r#in.as_deref()];
        let mut known = names.into_iter().flatten().map(Syntax::of);
        known.find(|syntax| *syntax != Syntax::Any).unwrap_or(Syntax::Any)
    }

    fn template(&self) -> Result<Secret<Vec<u8>>, Failure> {
        if let Some(path) = &self.r#in {
            return Ok(Secret::new(files::read_bounded(Path::new(path), MOST_BYTES)?));
        }
        if io::stdin().is_terminal() {
            let what = "name the template, or give it at the standard input";
            return Err(Error::argument("--in", what).into());
        }
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
        let mut bytes = Secret::new(Vec::new());
        let read = io::stdin().lock().take(most.saturating_add(1)).read_to_end(bytes.expose_mut());
        read.map_err(|error| {
            Failure::environment("IoError", format!("the standard input cannot be read: {error}"))
        })?;
        if bytes.expose().len() > MOST_BYTES {
            let what = format!("a template has at most {MOST_BYTES} bytes");
            return Err(Error::argument("--in", what).into());
        }
        Ok(bytes)
    }
}

/// Prints what was asked for, or puts it into a private file, whole or not at all. `from` is a file
/// that it must not be.
pub(super) fn deliver(bytes: &[u8], out: Option<&str>, from: Option<&str>) -> Result<(), Failure> {
    let Some(out) = out else { return print(bytes) };
    let path = Path::new(out);
    if from.is_some_and(|from| files::is_same(Path::new(from), path)) {
        let what = format!("{out} is the template, which would be gone");
        return Err(Error::argument("--out", what).into());
    }
    files::check_replaceable(path)?;
    Ok(files::write_replacing(path, bytes)?)
}

fn text_of_status(found: &[Finding]) -> (String, Value) {
    text("Status", if found.is_empty() { "ok" } else { "failing" })
}

fn shown(finding: &Finding) -> Value {
    let mut members =
        vec![("Line".to_owned(), Value::Integer(i64::try_from(finding.line).unwrap_or(i64::MAX)))];
    if !finding.reference.is_empty() {
        members.push(text("Reference", &*finding.reference));
    }
    members.push(text("Message", &*finding.what));
    Value::Map(members)
}
