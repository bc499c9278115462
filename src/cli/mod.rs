//! The only layer with argv, the environment, the terminal and exit codes.
//!
//! `request` turns words into a request; `run` obtains a vault and an answer; `output` and `query`
//! turn the answer into bytes; `failure` turns what went wrong into an exit code.

mod agent;
pub(crate) mod answer;
pub(crate) mod assignments;
mod aws;
mod chore;
mod colours;
pub(crate) mod commands;
pub(crate) mod creation;
pub(crate) mod credentials;
mod duration;
mod elsewhere;
mod enroll;
pub(crate) mod environment;
mod everyday;
pub(crate) mod failure;
mod field;
mod handing;
mod held;
mod keyboard;
mod location;
mod manual;
mod moving;
mod on_demand;
mod open_peer;
pub(crate) mod operate;
pub(crate) mod output;
mod pager;
pub(crate) mod pages;
mod passphrase_source;
mod password_prompt;
mod peers;
mod private_place;
mod progress;
pub(crate) mod python;
pub(crate) mod query;
pub(crate) mod references;
pub(crate) mod request;
pub(crate) mod rotate;
mod run;
mod running;
mod serving;
pub(crate) mod stdout;
pub(crate) mod suggest;
mod tell;
pub(crate) mod templates;
pub(crate) mod terminal;
pub(crate) mod unlock;
mod welcome;

use std::ffi::OsString;
use std::panic::catch_unwind;
use std::path::PathBuf;

use crate::agent::process;
use crate::programs::{clipboard, monitor, spawn, task, tied};
use crate::sys;
use environment::Environment;

/// Does as [`start`], and before it what the standard library does before `main` where it is let.
#[must_use]
pub fn start_alone() -> u8 {
    use sys::streams::{fill_gaps, outlive_readers};
    if fill_gaps().and_then(|()| outlive_readers()).is_err() {
        // There is nowhere to say why.
        return PANICKED;
    }
    // Whoever called this is not Rust.
    catch_unwind(start).unwrap_or(PANICKED)
}

/// Runs the command line that the process was started with, and returns its exit code.
#[must_use]
pub fn start() -> u8 {
    if sys::process::harden().is_err() {
        terminal::note("note: the system did not let this process be closed to others");
    }
    let mut argv = std::env::args_os();
    let program = argv.next().map(PathBuf::from).unwrap_or_default();
    let mut argv = argv.peekable();
    if argv.next_if(|word| word == spawn::FIRST_WORD).is_some() {
        let words: Vec<OsString> = argv.collect();
        return spawn::become_program(&words);
    }
    if argv.next_if(|word| word == task::FIRST_WORD).is_some() {
        let words: Vec<OsString> = argv.collect();
        return task::become_program(&words);
    }
    if argv.next_if(|word| word == monitor::FIRST_WORD).is_some() {
        let words: Vec<OsString> = argv.collect();
        return monitor::be(&words);
    }
    if argv.next_if(|word| word == tied::FIRST_WORD).is_some() {
        let words: Vec<OsString> = argv.collect();
        return tied::become_program(&words);
    }
    if argv.next_if(|word| word == clipboard::FIRST_WORD).is_some() {
        let words: Vec<OsString> = argv.collect();
        return clipboard::be(&words);
    }
    if argv.next_if(|word| word == process::FIRST_WORD).is_some() {
        let words: Vec<OsString> = argv.collect();
        return process::be(&words, agent::explain());
    }
    run::run(&program, argv.collect(), &Environment::of_process())
}

/// What the standard library ends with after a panic.
const PANICKED: u8 = 101;
