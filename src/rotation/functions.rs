//! Which rotation functions this machine has: programs that are to be trusted, and what is built in.

use super::{machine, pins, reach, trust};
use crate::service::fault::{Code, Fault};
use crate::service::rotation::{BUILTIN, FunctionSpec, Functions, MAX_TIMEOUT_S, Registered};
use crate::vault::record::Record;
use crate::vault::rotation::{Command, Protocol};

/// The programs of this machine.
pub(crate) struct Local;

impl Functions for Local {
    fn register(&self, wanted: FunctionSpec<'_>, _record: &Record) -> Result<Registered, Fault> {
        match wanted {
            FunctionSpec::Arn { arn, options } => {
                let argv = vec![path_of(arn)?.to_owned()];
                program(&match options {
                    Some(options) => Command { argv, ..options.clone() },
                    None => Command::new(argv, Protocol::Lambda),
                })
            }
            FunctionSpec::Command(command) => program(command),
        }
    }
}

/// Whether this names the function that is shown so.
pub(super) fn is_function(named: &str, shown: &str) -> bool {
    path_of(named).ok().is_some_and(|path| shown.strip_prefix(EXECUTABLE) == Some(path))
}

/// Finds the path in what stands for a function.
fn path_of(arn: &str) -> Result<&str, Fault> {
    let path = arn.strip_prefix(EXECUTABLE).unwrap_or(arn);
    if path.starts_with('/') {
        return Ok(path);
    }
    let what = if arn.starts_with("arn:aws") {
        "names a function in AWS; strongroom runs programs of this machine"
    } else {
        "names no rotation function"
    };
    Err(Fault::invalid_parameter(format!(
        "The rotation function {arn} {what} ({EXECUTABLE}/path, {BUILTIN} or \
         --rotation-command)."
    )))
}

/// Checks a command, and fingerprints what it is made of.
fn program(command: &Command) -> Result<Registered, Fault> {
    check_form(command).map_err(|what| {
        Fault::invalid_parameter(format!("The rotation command is not valid: {what}."))
    })?;
    let path = command.argv.first().map(String::as_str).unwrap_or_default();
    let cannot = |what: String| {
        let told = "Secrets Manager cannot invoke the specified Lambda function";
        Fault::new(Code::AccessDenied, format!("{told}: {what}"))
    };
    let trusted = |pins| trust::check_command(&command.argv, pins);
    trusted(&[]).map_err(|distrust| cannot(distrust.to_string()))?;
    let pins = pins::compute(&command.argv, &command.pinning);
    let pins = pins.map_err(|mismatch| cannot(mismatch.to_string()))?;
    trusted(&pins).map_err(|distrust| cannot(distrust.to_string()))?;
    let arn = format!("{EXECUTABLE}{path}");
    Ok(Registered { arn, command: Command { pins, ..command.clone() } })
}

fn check_form(command: &Command) -> Result<(), String> {
    let words = command.argv.iter().map(String::as_str);
    let variables = command.env.iter().flat_map(|(name, value)| [name.as_str(), value]);
    let passed = command.pass_env.iter().map(String::as_str);
    if words.clone().chain(variables).chain(passed.clone()).any(|text| text.contains('\0')) {
        return Err("it has a NUL character".to_owned());
    }
    if !command.argv.first().is_some_and(|program| program.starts_with('/')) {
        return Err("its first word must be the absolute path of a program".to_owned());
    }
    let length: usize = words.map(|word| word.len().saturating_add(1)).sum();
    if length > MAX_IN_ARGV {
        return Err(format!("it has {length} bytes, and {MAX_IN_ARGV} are allowed"));
    }
    let names = command.env.iter().map(|(name, _)| name.as_str()).chain(passed);
    for name in names {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_plain = !name.is_empty() && name.chars().all(is_name);
        if !is_plain || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("{name:?} cannot be the name of a variable"));
        }
        if machine::is_reserved(name) {
            return Err(format!("the variable {name} is set by strongroom alone"));
        }
    }
    for grant in &command.grants {
        reach::check_grant(grant)?;
    }
    if !(1..=MAX_TIMEOUT_S).contains(&command.timeout_s) {
        return Err(format!("a step may take from 1 to {MAX_TIMEOUT_S} seconds"));
    }
    Ok(())
}

/// What comes before the path of a program.
const EXECUTABLE: &str = "arn:local:exec:";
const MAX_IN_ARGV: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn command(argv: &[&str]) -> Command {
        Command::new(argv.iter().map(|&word| word.to_owned()).collect(), Protocol::Lambda)
    }

    #[test]
    fn functions_are_paths_or_built_in() {
        for (arn, expected) in [
            ("/opt/rot", Ok("/opt/rot")),
            ("arn:local:exec:/opt/rot", Ok("/opt/rot")),
            ("arn:local:exec:opt/rot", Err("names no rotation function")),
            ("rot", Err("names no rotation function")),
            ("arn:aws:lambda:eu-west-1:1:function:x", Err("names a function in AWS")),
            ("", Err("names no rotation function")),
        ] {
            match (path_of(arn), expected) {
                (Ok(path), expected) => assert_eq!(Ok(path), expected, "{arn}"),
                (Err(fault), Err(part)) => assert!(fault.message.contains(part), "{arn}"),
                (Err(_), Ok(_)) => panic!("{arn}"),
            }
        }
    }

    #[test]
    fn a_program_is_checked_before_it_is_kept() {
        let registered = program(&command(&["/bin/sh", "-c", "exit"])).ok().unwrap();
        assert_eq!(registered.arn, "arn:local:exec:/bin/sh");
        for argv in [&["sh"][..], &[], &["./x"], &["/bin/sh", "a\0b"]] {
            let code = program(&command(argv)).err().unwrap().code;
            assert_eq!(code, Code::InvalidParameter, "{argv:?}");
        }
        for argv in [["/bin"], ["/nowhere/at/all"], ["/etc/passwd"]] {
            assert_eq!(program(&command(&argv)).err().unwrap().code, Code::AccessDenied);
        }
        let long = "x".repeat(5000);
        assert!(program(&command(&["/bin/sh", &long])).is_err());
        for name in ["", "1A", "A B", "A=B", "STRONGROOM_ROTATION_TOKEN", "STRONGROOM_KEYFILE"] {
            let mut with = command(&["/bin/sh"]);
            with.env.push((name.to_owned(), "x".to_owned()));
            assert!(program(&with).is_err(), "{name}");
        }
        for timeout_s in [0, 901, u64::MAX] {
            assert!(program(&Command { timeout_s, ..command(&["/bin/sh"]) }).is_err());
        }
    }
}
