//! Passing on what is not here to the next `aws` on `PATH`, where `STRONGROOM_AWS_PASSTHROUGH=1`
//! says so.
//!
//! That program takes this process's place and gets the command line as it is. The next is none that
//! is this program, be it under another name, nor one that led back here again and again.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::request::error::Form;
use crate::cli::request::foreign;

/// Says that it is wanted.
const SWITCH: &str = "STRONGROOM_AWS_PASSTHROUGH";
/// Where a command line was passed on to already, as `PATH` has it.
const PASSED: &str = "STRONGROOM_AWS_PASSED_TO";
/// How often one program is passed something on to from within itself. An `aws` may well run another
/// (`credential_process = aws configure export-credentials`); one that only leads back never ends.
const MOST: usize = 4;

/// Whether other services are to be passed on.
fn is_wanted(environment: &Environment) -> bool {
    environment.text(SWITCH) == Some("1")
}

/// Becomes the next `aws`, if the command line is for it. Otherwise comes back.
pub(crate) fn pass_on(
    argv: &[OsString],
    form: Form,
    environment: &Environment,
) -> Result<(), Failure> {
    if !is_wanted(environment) {
        return Ok(());
    }
    // What is passed on need not be text.
    let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let Some(foreign) = foreign::foreign(&words, form) else { return Ok(()) };
    let passed = environment.path(PASSED).map(Path::as_os_str);
    let passed: Vec<PathBuf> = passed.into_iter().flat_map(std::env::split_paths).collect();
    let path = environment.path("PATH").map(Path::as_os_str).unwrap_or_default();
    let Some(next) = next(path, &passed) else {
        let why = if passed.is_empty() { "there is none" } else { "each leads back here" };
        let service = &foreign.service;
        let message = format!("{SWITCH} passes {service} on to the next aws on PATH, and {why}");
        return Err(Failure::environment("NoOtherAws", message));
    };
    let all = passed.into_iter().chain([next.clone()]);
    let failed = |error: &dyn std::fmt::Display| {
        Failure::environment("NoOtherAws", format!("{} cannot be run: {error}", next.display()))
    };
    let all = std::env::join_paths(all).map_err(|error| failed(&error))?;
    let words = argv.iter().enumerate().filter(|(index, _)| Some(*index) != foreign.own_word);
    let mut command = Command::new(&next);
    let error = command.args(words.map(|(_, word)| word)).env(PASSED, all).exec();
    Err(failed(&error))
}

/// Finds the next `aws`: the first on `PATH` that is a program, not this one, and not one that
/// command lines were passed on to [`MOST`] times before.
fn next(path: &OsStr, passed: &[PathBuf]) -> Option<PathBuf> {
    let this = std::env::current_exe().ok().and_then(|this| identity(&this));
    // A relative directory may be anybody's.
    let directories = std::env::split_paths(path).filter(|directory| directory.is_absolute());
    directories.map(|directory| directory.join("aws")).find(|found| {
        let is_other = identity(found).is_some_and(|other| Some(other) != this);
        let turns = passed.iter().filter(|passed| *passed == found).count();
        is_other && is_program(found) && turns < MOST
    })
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|found| (found.dev(), found.ino()))
}

fn is_program(path: &Path) -> bool {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let may_run = accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_ok();
    may_run && path.is_file()
}
