//! `check`, `salvage` and `purge`: whether everything is right, what can be saved, what should go.

use std::path::Path;

use super::super::agent::{self, Asked, Session};
use super::super::chore;
use super::super::failure::Failure;
use super::super::progress::progress;
use super::super::request::error as request;
use super::super::{terminal, unlock};
use super::keys::{self, GivenUp, Unlocked};
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand, count, text};
use crate::agent::chores::Chore;
use crate::model::value::Value;
use crate::upkeep::init::Plan;
use crate::upkeep::slots::NewSlot;
use crate::upkeep::{Source, check, init, purge};
use crate::vault::evidence::InDoubt;
use crate::vault::state::Settings;
use crate::vault::{OnDamagedSlot, OnRollback, UnlockPolicy};

options! {
    /// The options of `check`.
    pub(super) struct Check {
        /// Copy the vault, then drop what is damaged and rebuild the rest
        repair: bool,
        /// With --repair: keep these secrets though nothing vouches for them
        accept: Vec<String> = "NAME" => .requires("repair"),
    }
}

options! {
    /// The options of `salvage`.
    pub(super) struct Salvage {
        /// The new vault
        out: Word = "OUT",
        /// Save these secrets too though nothing vouches for them
        accept: Vec<String> = "NAME",
    }
}

options! {
    /// The options of `purge`.
    pub(super) struct Purge {
        /// Rekey and rewrite the whole file too, so that no old page is left
        deep: bool,
        /// With --deep: drop the slots that rekey cannot keep
        drop_other_slots: bool => .requires("deep"),
        /// With --deep: make no new recovery code
        no_recovery: bool => .requires("deep"),
    }
}

/// Requires that each name accepted is in doubt: one with a slip in it would be left out.
fn check_accepted(accepted: &[String], in_doubt: &[InDoubt]) -> Result<(), Failure> {
    let is_unknown = |name: &&String| !in_doubt.iter().any(|secret| secret.name == **name);
    match accepted.iter().find(is_unknown) {
        Some(name) => {
            let what = format!("no secret that is in doubt has the name {name}");
            Err(request::Error::argument("--accept", what).into())
        }
        None => Ok(()),
    }
}

impl OwnCommand for Check {
    const NAME: &'static str = "check";
    const TITLE: &'static str = "Check";
    const SUMMARY: &'static str = "Read and verify everything, and say what is wrong and where.";
    const EXAMPLE: &'static str = "strongroom check";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        // A repair takes a credential of its own.
        if !self.repair
            && let Some(session) = Session::find(context)
            && let Asked::Answered(found) = session.check(None)?
        {
            return say(found, invocation);
        }
        let unlock_policy = UnlockPolicy {
            on_damaged_slot: OnDamagedSlot::Tolerate,
            on_rollback: OnRollback::RefuseProven,
            ..context.unlock_policy()
        };
        let unlocked = context.unlock_damaged(&unlock_policy);
        let unlocked = unlocked.map_err(|failure| {
            if self.repair { failure } else { chore::unlock_first(failure, context) }
        });
        let mut vault = unlocked?;
        let checked = check::survey(&mut vault, context.request_context(), &mut progress())?;
        terminal::finish();
        check_accepted(&self.accept, &checked.in_doubt)?;
        if checked.findings.is_empty() || !self.repair {
            return say(checked.shown(), invocation);
        }
        let repaired =
            check::repair(&mut vault, &self.accept, context.request_context(), &mut progress())?;
        let left = check::check(&mut vault, context.request_context(), &mut progress())?;
        terminal::finish();
        let is_whole = repaired.in_doubt.iter().all(|secret| secret.is_kept);
        if !is_whole {
            terminal::note(
                "note: some secrets were left out, as nothing proves that they were still there; to \
             keep them, put the file at BackupPath back, run `strongroom accept-state`, and repair \
             it with --accept",
            );
        }
        let status = if left.is_empty() { "repaired" } else { "damaged" };
        let mut members = vec![
            text("Status", status),
            text("BackupPath", repaired.backup.display().to_string()),
            ("Repairs".to_owned(), check::shown(&repaired.done)),
            ("Findings".to_owned(), check::shown(&left)),
        ];
        members.extend(doubts(&repaired.in_doubt));
        invocation.print(members)?;
        if left.is_empty() && is_whole { Ok(()) } else { Err(Failure::Found) }
    }
}

/// Says what a check found, as [`check::Checked::shown`] has it.
fn say(found: Value, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let Value::Map(found) = found else { return Err(agent::unintelligible()) };
    let none = ("Findings".to_owned(), Value::List(Vec::new()));
    let is_clean = found.contains(&none);
    let mut members = vec![text("Status", if is_clean { "clean" } else { "damaged" })];
    members.extend(found);
    invocation.print(members)?;
    if is_clean { Ok(()) } else { Err(Failure::Found) }
}

/// Names the secrets that nothing vouches for, if there are any, and whether they were kept.
fn doubts(in_doubt: &[InDoubt]) -> Option<(String, Value)> {
    let shown = in_doubt.iter().map(|secret| {
        let mut members = check::doubt(secret);
        members.push(("Kept".to_owned(), Value::Boolean(secret.is_kept)));
        Value::Map(members)
    });
    (!in_doubt.is_empty()).then(|| ("InDoubt".to_owned(), Value::List(shown.collect())))
}

impl OwnCommand for Salvage {
    const NAME: &'static str = "salvage";
    const TITLE: &'static str = "Salvage";
    const SUMMARY: &'static str =
        "Write what still authenticates in a damaged vault into a new one.";
    const EXAMPLE: &'static str = "strongroom salvage saved.vault";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let out = Path::new(&self.out.0);
        unlock::check_destination(out)?;
        let mut damaged = context.open_damaged()?;
        let opened = context.offer().open(&damaged)?;
        let kdf = damaged
            .slots()
            .find(|(number, _)| *number == opened.slot)
            .and_then(|(_, body)| body.kdf());
        let label = String::new();
        let slots = vec![NewSlot { credential: opened.credential, kdf, label }];
        // What is saved brings the settings along.
        let settings = Settings::new("000000000000", "local-1");
        let plan = Plan { slots, settings, anchors: context.environment.anchors() };
        let request_context = context.request_context();
        let source = Source { vault: &mut damaged, master: &opened.master };
        // It appears when all of it is there.
        let made = init::prepare(out, plan, request_context).and_then(|mut saved| {
            let salvaged =
                check::salvage(source, &mut saved, &self.accept, request_context, &mut progress())?;
            Ok((saved, salvaged))
        });
        terminal::finish();
        let (mut saved, salvaged) = made.map_err(|error| error.for_want_of_space_at(out))?;
        check_accepted(&self.accept, &salvaged.in_doubt)?;
        saved.appear().map_err(|error| error.for_want_of_space_at(out))?;
        if !salvaged.in_doubt.is_empty() {
            terminal::note(
                "note: nothing proves that the secrets in doubt are the newest; look before you rely \
             on them",
            );
        }
        let mut members = vec![
            text("VaultPath", out.display().to_string()),
            count("Secrets", salvaged.secrets),
            count("Values", salvaged.values),
            count("LostSecrets", salvaged.lost_secrets),
            count("LostValues", salvaged.lost_values),
        ];
        members.extend(doubts(&salvaged.in_doubt));
        invocation.print(members)
    }
}

impl OwnCommand for Purge {
    const NAME: &'static str = "purge";
    const TITLE: &'static str = "Purge";
    const SUMMARY: &'static str = "Erase secrets whose recovery window is over.";
    const EXAMPLE: &'static str = "strongroom purge";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        if !self.deep {
            return invocation.answer_with(chore::have_done(
                || Chore::Purge,
                Self::TITLE,
                context,
            )?);
        }
        let Unlocked { mut vault, opened, survey } =
            keys::unlock(context, &context.unlock_policy())?;
        // Judged before anything is erased: a command that is refused must not have half its effect.
        let given_up = GivenUp { other_slots: self.drop_other_slots, recovery: self.no_recovery };
        let plan = keys::plan_rekey(opened, &survey, given_up)?;
        let names = purge::purge(&mut vault, context.request_context())?;
        let names = names.into_iter().map(Value::Text).collect();
        let mut members = vec![("Erased".to_owned(), Value::List(names))];
        let rekeyed = keys::rekey_vault(context, &mut vault, plan);
        members.extend(rekeyed.map_err(|failure| failure.after(ERASED))?);
        let vacuumed = vault.store_mut().vacuum().map_err(crate::vault::Error::Store);
        vacuumed.map_err(|error| error.after(REKEYED))?;
        invocation.print(members)
    }
}

/// How far `purge --deep` came.
const ERASED: &str = "the secrets past their recovery window were erased";
const REKEYED: &str = "the rekey was done, but old pages may be left in the file";
