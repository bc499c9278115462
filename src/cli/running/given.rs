//! What a program is given: values in variables, in files and at its standard input.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use crate::cli::everyday::client::Client;
use crate::cli::everyday::login::Login;
use crate::cli::failure::Failure;
use crate::cli::references::reference::Reference;
use crate::cli::references::resolve::{self, Found};
use crate::cli::references::{dotenv, variable};
use crate::cli::request::error::Error;
use crate::sys::files;
use crate::sys::secret::Secret;

/// What is asked for, by the options of a command line.
pub(crate) struct Wishes<'a> {
    pub(crate) env_files: &'a [String],
    pub(crate) env_from: &'a [String],
    pub(crate) prefix: Option<&'a str>,
    pub(crate) env: &'a [String],
    pub(crate) files: &'a [String],
    pub(crate) temp_files: &'a [String],
    pub(crate) stdin: Option<&'a str>,
}

/// Where a value goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// Into the variable of this name.
    Variable(String),
    /// Into a variable for each member.
    Members,
    File(String, Kind),
    Stdin,
}

/// What a file is that a program finds a value in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has no name, and the program finds it open.
    Open,
    /// It has a name, and is private.
    Named,
}

/// What a program is to get.
#[derive(Default)]
pub(crate) struct Plan {
    references: Vec<Reference>,
    /// Where each goes.
    targets: Vec<Target>,
    /// Variables that are no references, each with how many references come before it.
    plain: Vec<(usize, String, Secret<String>)>,
    prefix: String,
}

/// What a program gets.
#[derive(Default)]
pub(crate) struct Given {
    /// Variables, of which the last of a name counts.
    pub(crate) variables: Vec<(String, Secret<Vec<u8>>)>,
    /// Files, each with the variable that says where it is.
    pub(crate) files: Vec<(String, Kind, Secret<Vec<u8>>)>,
    pub(crate) stdin: Option<Secret<Vec<u8>>>,
    /// Each value once, with the name of its secret.
    pub(crate) values: Vec<(String, Secret<Vec<u8>>)>,
    /// The same values, to find them among many.
    known: BTreeSet<Vec<u8>>,
}

impl Plan {
    /// Reads what is asked for: nothing is read of a vault yet.
    pub(crate) fn of(wishes: &Wishes<'_>) -> Result<Self, Failure> {
        let mut plan = Self::default();
        for path in wishes.env_files {
            plan.add_file(path)?;
        }
        wishes.prefix.unwrap_or_default().clone_into(&mut plan.prefix);
        for secret in wishes.env_from {
            plan.add(Reference::parse(secret)?, Target::Members);
        }
        for pair in wishes.env {
            let (name, reference) = named("--env", pair)?;
            plan.add(reference, Target::Variable(name));
        }
        let files =
            [("--file", wishes.files, Kind::Open), ("--temp-file", wishes.temp_files, Kind::Named)];
        for (option, pairs, kind) in files {
            for pair in pairs {
                let (name, reference) = named(option, pair)?;
                plan.add(reference, Target::File(name, kind));
            }
        }
        if let Some(reference) = wishes.stdin {
            plan.add(Reference::parse(reference)?, Target::Stdin);
        }
        Ok(plan)
    }

    fn add(&mut self, reference: Reference, target: Target) {
        self.references.push(reference);
        self.targets.push(target);
    }

    /// Reads a file of variables, whose values may be references.
    fn add_file(&mut self, path: &str) -> Result<(), Failure> {
        let wrong = |line: Option<usize>, what: &str| {
            let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
            Error::argument("--env-file", format!("{path}{line}: {what}"))
        };
        let bytes = Secret::new(files::read_bounded(Path::new(path), MAX_FILE)?);
        let text =
            str::from_utf8(bytes.expose()).map_err(|_bytes| wrong(None, "it is no UTF-8"))?;
        let variables = dotenv::parse(text);
        for read in variables.map_err(|bad| wrong(Some(bad.line), bad.what))? {
            let Some(value) = read.value else { continue };
            match Reference::find(value.expose()) {
                Some(reference) => {
                    let reference =
                        reference.map_err(|error| wrong(Some(read.line), error.message()))?;
                    self.add(reference, Target::Variable(read.name));
                }
                None if value.expose().contains('\0') => {
                    return Err(wrong(Some(read.line), "a variable cannot hold a NUL").into());
                }
                None => self.plain.push((self.references.len(), read.name, value)),
            }
        }
        Ok(())
    }

    /// Has all references resolved, at one moment. Whatever is wrong with one, the program is not begun.
    pub(crate) fn resolve(self, client: &mut Client<'_>) -> Result<Given, Failure> {
        let found = resolve::resolve(&self.references, client)?;
        let mut given = Given::default();
        let mut plain = self.plain.into_iter().peekable();
        let all = self.references.iter().zip(self.targets).zip(found);
        for (number, ((reference, target), found)) in all.enumerate() {
            while let Some((_, name, value)) = plain.next_if(|(before, ..)| *before <= number) {
                given.variables.push((name, into_bytes(&value)));
            }
            given.give(reference, target, found, &self.prefix)?;
        }
        given.variables.extend(plain.map(|(_, name, value)| (name, into_bytes(&value))));
        Ok(given)
    }
}

impl Given {
    fn give(
        &mut self,
        reference: &Reference,
        target: Target,
        found: Found,
        prefix: &str,
    ) -> Result<(), Failure> {
        let Found { name: secret, value } = found;
        match target {
            Target::Variable(name) => {
                self.note(&secret, value.expose());
                self.set(reference, name, value)?;
            }
            Target::Members => {
                for (name, value) in members(reference, &value, prefix)? {
                    self.note(&secret, value.expose());
                    self.set(reference, name, value)?;
                }
            }
            Target::File(name, kind) => {
                self.note(&secret, value.expose());
                self.files.push((name, kind, value));
            }
            Target::Stdin => {
                self.note(&secret, value.expose());
                self.stdin = Some(value);
            }
        }
        Ok(())
    }

    fn set(
        &mut self,
        reference: &Reference,
        name: String,
        value: Secret<Vec<u8>>,
    ) -> Result<(), Failure> {
        if value.expose().contains(&0) {
            let why = format!("its value has a NUL, which the variable {name} cannot hold");
            let failure = resolve::unresolved(reference, &why);
            return Err(failure.hinted(format!("--file {name}={} can hold it", reference.given)));
        }
        self.variables.push((name, value));
        Ok(())
    }

    fn note(&mut self, secret: &str, value: &[u8]) {
        if self.known.insert(value.to_vec()) {
            self.values.push((secret.to_owned(), Secret::new(value.to_vec())));
        }
    }
}

/// A variable and what it is set to.
type Member = (String, Secret<Vec<u8>>);

/// Makes a variable of each member of a JSON object that has a value.
fn members(
    reference: &Reference,
    value: &Secret<Vec<u8>>,
    prefix: &str,
) -> Result<Vec<Member>, Failure> {
    let login = str::from_utf8(value.expose()).ok().and_then(Login::read);
    let Some(login) = login else {
        let failure =
            resolve::unresolved(reference, "its value is no JSON object, which has members");
        return Err(failure.hinted(format!("--env NAME={} is all of it", reference.given)));
    };
    let mut variables: Vec<Member> = Vec::new();
    let mut made_of: BTreeMap<String, &str> = BTreeMap::new();
    for member in login.members().iter().filter(|member| member.json() != "null") {
        let name = variable::of_member(prefix, &member.name);
        let wrong = if !variable::is_name(&name) {
            Some(format!("of its member {:?} no variable can be named", member.name))
        } else if variable::is_powerful(&name) {
            let says = "which says what programs load";
            Some(format!("its member {:?} would be the variable {name}, {says}", member.name))
        } else {
            let other = made_of.get(&name);
            let both = |other: &str| {
                format!("its members {other:?} and {:?} would both be {name}", member.name)
            };
            other.map(|other| both(other))
        };
        if let Some(wrong) = wrong {
            let hint = "--env NAME=REF#MEMBER chooses the name, and --prefix begins all of them";
            return Err(resolve::unresolved(reference, &wrong).hinted(hint));
        }
        made_of.insert(name.clone(), &member.name);
        let value = Secret::new(member.value().expose().as_bytes().to_vec());
        variables.push((name, value));
    }
    Ok(variables)
}

/// Reads `NAME=REF`.
fn named(option: &str, pair: &str) -> Result<(String, Reference), Error> {
    let Some((name, reference)) = pair.split_once('=') else {
        return Err(Error::argument(option, format!("{pair:?} is not NAME=REFERENCE")));
    };
    if !variable::is_name(name) {
        return Err(Error::argument(option, format!("{name:?} is no name of a variable")));
    }
    Ok((name.to_owned(), Reference::parse(reference)?))
}

fn into_bytes(text: &Secret<String>) -> Secret<Vec<u8>> {
    Secret::new(text.expose().as_bytes().to_vec())
}

/// Returns bytes as the system has them in a variable.
pub(crate) fn as_variable(bytes: &Secret<Vec<u8>>) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.expose().clone())
}

/// The longest file of variables, in bytes.
const MAX_FILE: usize = 10 << 20;
