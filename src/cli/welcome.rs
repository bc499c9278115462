//! `strongroom` alone at a terminal: where the vault stands, and the commands that people need. Nothing is
//! opened, nobody is asked for anything, and what is unlocked does not stay so for longer.

use std::ffi::OsString;
use std::fmt::Write;
use std::io::{self, IsTerminal};

use super::agent;
use super::environment::Environment;
use super::everyday::times;
use super::failure::Failure;
use super::held::Held;
use super::request::error::Form;
use super::request::globals::options::Globals;
use super::rotate::inside;
use super::stdout::print;
use super::unlock::CommandContext;
use crate::model::value::Value;
use crate::upkeep::status;

/// Where a vault stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    Absent,
    /// What opens it lies ready.
    Ready(String),
    Locked,
    Unlocked(String),
    /// It cannot be opened by anybody, and why.
    Wrong(String),
}

/// Whether somebody typed the program's name alone, who may see all.
pub(super) fn is_asked_for(argv: &[OsString], form: Form, environment: &Environment) -> bool {
    argv.is_empty()
        && form == Form::Plain
        && io::stdin().is_terminal()
        && io::stdout().is_terminal()
        && !agent::is_granted(environment)
        && inside::line(environment).is_none()
}

/// Shows it.
pub(super) fn show(environment: &Environment) -> Result<(), Failure> {
    let globals = Globals::default();
    let context = CommandContext::new(&globals, environment, Form::Plain)?;
    let path = context.location()?.path.display().to_string();
    let (standing, secrets) = standing(&context)?;
    print(text(&path, &standing, secrets).as_bytes())
}

/// Finds out where the vault stands, and how many secrets it has.
fn standing(context: &CommandContext<'_>) -> Result<(Standing, Option<u64>), Failure> {
    let path = &context.location()?.path;
    if !path.exists() && !path.is_symlink() {
        return Ok((Standing::Absent, None));
    }
    let mut locked = match context.open_locked() {
        Ok(locked) => locked,
        Err(failure) => {
            let why = failure.told().map(|(_, message)| message).unwrap_or_default();
            return Ok((Standing::Wrong(why), None));
        }
    };
    let secrets = status::secrets(&mut locked);
    let offer = context.offer();
    let standing = match (Held::find(context), offer.keyfile_path()) {
        (Some(held), _) if held.is_for_us() => Standing::Unlocked(until(&held.shown())),
        (_, Some(keyfile)) => Standing::Ready(format!("the keyfile {}", keyfile.display())),
        (_, None) if offer.has_passphrase() => {
            Standing::Ready("the passphrase that a variable leads to".to_owned())
        }
        (Some(_), None) => Standing::Unlocked(" in another login session".to_owned()),
        (None, None) => Standing::Locked,
    };
    Ok((standing, secrets))
}

/// Says until when.
fn until(members: &[(String, Value)]) -> String {
    let time = |wanted: &str| match members.iter().find(|(name, _)| name == wanted) {
        Some((_, Value::Timestamp(time))) => Some(times::minute(*time)),
        Some(_) | None => None,
    };
    match (time("LocksAt"), time("LocksAtTheLatest")) {
        (Some(first), Some(last)) if first != last => {
            format!(" until {first} if nobody uses it, {last} at the latest")
        }
        (Some(time), _) | (None, Some(time)) => format!(" until {time}"),
        (None, None) => String::new(),
    }
}

fn text(path: &str, standing: &Standing, secrets: Option<u64>) -> String {
    let told = match standing {
        Standing::Absent => "there is none yet".to_owned(),
        Standing::Ready(what) => format!("locked; {what} opens it"),
        Standing::Locked => "locked".to_owned(),
        Standing::Unlocked(until) => format!("unlocked{until}"),
        Standing::Wrong(why) => why.clone(),
    };
    let mut text = format!("vault    {path}\nstate    {told}\n");
    if let Some(secrets) = secrets {
        // Only the key tells which rows are secrets. Writing to a text does not fail.
        let _written = writeln!(text, "secrets  {secrets} (access keys counted)");
    }
    let of_state = match standing {
        Standing::Absent => ("init", "make the vault; the first `set` does it, too"),
        Standing::Ready(_) | Standing::Locked => ("unlock", "open the vault for all commands"),
        Standing::Unlocked(_) => ("lock", "forget its key at once"),
        Standing::Wrong(_) => ("check", "say what is wrong with it"),
    };
    text.push('\n');
    for (command, what) in [of_state].iter().chain(COMMANDS) {
        let _written = writeln!(text, "  strongroom {command:<10} {what}");
    }
    text.push_str("\n`strongroom help` lists every command.\n");
    text
}

/// What people need once the vault is there.
const COMMANDS: &[(&str, &str)] = &[
    ("set NAME", "store a secret, or change it"),
    ("pick", "find one by typing, and copy it"),
    ("copy NAME", "put its password into the clipboard"),
    ("get NAME", "print it"),
    ("undo", "take back the last change"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    #[test]
    fn it_says_where_the_vault_stands_and_what_comes_next() {
        for (standing, told, next) in [
            (Standing::Absent, "there is none yet", "strongroom init "),
            (Standing::Locked, "locked", "strongroom unlock "),
            (
                Standing::Ready("the keyfile k".to_owned()),
                "locked; the keyfile k opens it",
                "unlock",
            ),
            (Standing::Unlocked(" until 1".to_owned()), "unlocked until 1", "strongroom lock "),
            (Standing::Wrong("it is none".to_owned()), "it is none", "strongroom check "),
        ] {
            let text = text("/v", &standing, Some(3));
            let head = format!(
                "vault    /v\nstate    {told}\nsecrets  3 (access keys counted)\n\n  strongroom "
            );
            assert!(text.starts_with(&head), "{text}");
            let commands: Vec<&str> =
                text.lines().filter(|line| line.starts_with("  strongroom ")).collect();
            assert_eq!(commands.len(), 6);
            assert!(commands[0].contains(next), "{text}");
            assert!(text.lines().all(|line| line.len() < 80));
        }
        assert!(!text("/v", &Standing::Absent, None).contains("secrets  "));
    }

    #[test]
    fn it_says_until_when() {
        let at = |name: &str, ms| (name.to_owned(), Value::Timestamp(Timestamp(ms)));
        let both = until(&[at("LocksAt", 1), at("LocksAtTheLatest", 60_001)]);
        assert!(both.contains(" if nobody uses it, ") && both.ends_with(" at the latest"));
        let one = until(&[at("LocksAt", 1), at("LocksAtTheLatest", 1)]);
        assert!(one.starts_with(" until ") && !one.contains("latest"));
        assert_eq!(until(&[]), "");
    }
}
