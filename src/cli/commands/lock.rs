//! `unlock` and `lock`: have the agent hold the vault open, and have it forget.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::agent;
use super::super::duration;
use super::super::failure::Failure;
use super::super::handing;
use super::super::on_demand::{self, Manner};
use super::super::request::error as request;
use super::super::terminal;
use super::options::{Choice, OptionalNumber, options};
use super::own::{Invocation, OwnCommand, count};
use super::serve::USUAL_PORT;
use crate::agent::limits::Limits;
use crate::agent::messages::{Ask, At, Reads, Refused, Reply, Unlock as Unlocking};
use crate::agent::place::Place;
use crate::agent::process::{self, First, NotStarted};
use crate::sys::lock;

options! {
    /// The options of `unlock`.
    pub(super) struct Unlock {
        /// Lock the vault when it was not used for so long: 90s, 15m, 8h, 1d. The default is 15m
        timeout: Option<String> = "TIME",
        /// Lock the vault after so long, used or not. The default is 8h
        max_age: Option<String> = "TIME",
        /// When reads are written to the audit log: before they are answered, or several at a time
        /// within two seconds, which is the default
        audit_reads: Option<ReadsWritten>,
        /// Be AWS's endpoint for the vault until it is locked, at this port of 127.0.0.1: 2773 unless
        /// given, and 0 is any that is free
        serve: OptionalNumber<u16> = "PORT",
        /// Do not go into the background: hold the vault open in this process
        foreground: bool,
        /// From now on, do so by itself on this machine when a person has typed the passphrase
        on_demand: bool,
        /// No longer do so by itself
        no_on_demand: bool => .conflicts_with("on-demand"),
    }
}

options! {
    /// The options of `lock`.
    pub(super) struct Lock {
        /// Lock all vaults, and end the agent
        all: bool,
    }
}

/// When reads are written to the audit log.
#[derive(Clone, Copy)]
pub(super) struct ReadsWritten(Reads);

impl Choice for ReadsWritten {
    const ALL: &'static [(&'static str, Self)] =
        &[("batched", Self(Reads::Batched)), ("at-once", Self(Reads::AtOnce))];
}

impl OwnCommand for Unlock {
    const NAME: &'static str = "unlock";
    const TITLE: &'static str = "Unlock";
    const SUMMARY: &'static str = "Hold the vault open, so that commands need no passphrase.";
    const EXAMPLE: &'static str = "strongroom unlock --timeout 1h";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let limits = Limits {
            idle_ms: time("--timeout", self.timeout.as_deref(), IDLE)?,
            age_ms: time("--max-age", self.max_age.as_deref(), AGE)?,
        };
        let serve = self.serve.get(USUAL_PORT)?.map(At::Port);
        let locked = context.open_locked()?;
        if self.foreground {
            handing::must_be_alone(context.environment)?;
        }
        let opened = context.offer().open(&locked)?;
        let key = opened.master.vault_key(locked.vault_id());
        // Whatever is wrong with the vault is said here, and nothing is started.
        drop(context.unlock_with(locked, &opened, &context.unlock_policy())?);
        drop(opened);
        let path = handing::resolved(&context.location()?.path)?;
        let anchors = context.environment.anchors();
        let reads = self.audit_reads.map_or(Reads::Batched, |ReadsWritten(reads)| reads);
        if self.on_demand || self.no_on_demand {
            let manner = self.on_demand.then_some(Manner { limits, reads });
            on_demand::set(manner, context.environment)?;
        }
        let login = handing::login(context.environment);
        let unlocking = Unlocking { path: path.clone(), key, limits, anchors, reads, login, serve };
        let place = handing::make_place(context.environment)?;
        if self.foreground {
            return hold_open(invocation, &place, unlocking);
        }
        let answer = handing::hand_over(&place, &Ask::Unlock(unlocking))?;
        invocation.print(handing::kept(&answer, &place, &path, limits)?)
    }
}

impl OwnCommand for Lock {
    const NAME: &'static str = "lock";
    const TITLE: &'static str = "Lock";
    const SUMMARY: &'static str = "Forget the key of the vault at once.";
    const EXAMPLE: &'static str = "strongroom lock --all";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let vault = if self.all { None } else { Some(vault_to_lock(&context.location()?.path)?) };
        let mut locked = 0;
        if let Some(place) = handing::place_to_lock(context.environment)? {
            if let Some(line) = handing::connect(&place)? {
                let ask = Ask::Lock { vault: vault.clone() };
                let answer = handing::answered(line.ask(&ask).map_err(handing::silent)?)?;
                locked = answer.get("locked").and_then(Json::as_u64).unwrap_or(0);
            }
            if let Some(vault) = &vault {
                place.forget_token(vault);
            }
        }
        invocation.print(vec![count("Locked", locked)])
    }
}

/// Returns which vault is meant, as the agent calls it.
fn vault_to_lock(path: &Path) -> Result<PathBuf, Failure> {
    handing::resolved(path).map_err(|failure| {
        if path.exists() {
            return failure;
        }
        Failure::environment("NoVault", format!("there is no vault at {}", path.display())).hinted(
            "`strongroom lock --all` locks whatever is unlocked, also where the file is gone",
        )
    })
}

/// Holds a vault open in this process, after saying so.
fn hold_open(
    invocation: &Invocation<'_>,
    place: &Place,
    unlocking: Unlocking,
) -> Result<(), Failure> {
    terminal::end_silence();
    let (path, limits) = (unlocking.path.clone(), unlocking.limits);
    // What starts a unit has a keyring of its own, which no login session sees.
    let is_in_session = unlocking.login.is_some();
    // Whoever unlocks or locks something meanwhile waits until this process is heard.
    let mut starting = Some(lock::wait(&place.start())?);
    let held = process::hold(place).map_err(|why| handing::not_started(&why))?;
    let mut told = Ok(());
    let mut tell = |answer: Result<Json, Refused>| {
        drop(starting.take());
        let answer = handing::answered(Reply { outcome: answer, notices: Vec::new() });
        let members = answer.and_then(|answer| {
            let token = handing::token_in(&answer);
            let scope = if is_in_session {
                place.keep_token(&path, &token, limits.age_s())?
            } else {
                place.keep_token_for_user(&path, &token)?
            };
            Ok(handing::unlocked(&answer, &path, scope))
        });
        told = members.and_then(|members| invocation.print_now(members));
        told.is_ok()
    };
    let served = process::serve(place, held, agent::explain(), First::Vault(unlocking, &mut tell));
    told?;
    served.map_err(|error| handing::not_started(&NotStarted::System(error)))
}

fn time(option: &str, given: Option<&str>, default: i64) -> Result<i64, request::Error> {
    let Some(given) = given else { return Ok(default) };
    let wrong = || request::Error::argument(option, "it must be a time such as 90s, 15m, 8h or 1d");
    duration::milliseconds(given).filter(|ms| *ms > 0).ok_or_else(wrong)
}

/// 15 minutes.
const IDLE: i64 = 15 * 60 * 1000;
/// 8 hours.
const AGE: i64 = 8 * 60 * 60 * 1000;
