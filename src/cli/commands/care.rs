//! `check`, `salvage` and `purge`: whether everything is right, what can be saved, what should go.

use std::path::Path;

use clap::Command;

use super::super::failure::Failure;
use super::super::{terminal, unlock};
use super::{Asked, Own, count, flag, keys, progress, text, word};
use crate::model::value::Value;
use crate::upkeep::init::Plan;
use crate::upkeep::slots::{self, NewSlot};
use crate::upkeep::{check, init};
use crate::vault::audit::{Event, Subject};
use crate::vault::check::Finding;
use crate::vault::clock::ClockState;
use crate::vault::state::Settings;
use crate::vault::transaction::Access;
use crate::vault::{Custody, OnDamagedSlot, OnRollback};

/// The first command.
pub(super) const CHECK: Own = Own {
    name: "check",
    title: "Check",
    summary: "Read and verify everything, and say what is wrong and where.",
    example: "strongroom check",
    options: check_options,
    run: run_check,
};

/// The second command.
pub(super) const SALVAGE: Own = Own {
    name: "salvage",
    title: "Salvage",
    summary: "Write what still authenticates in a damaged vault into a new one.",
    example: "strongroom salvage saved.vault",
    options: salvage_options,
    run: run_salvage,
};

/// The third command.
pub(super) const PURGE: Own = Own {
    name: "purge",
    title: "Purge",
    summary: "Erase secrets whose recovery window is over.",
    example: "strongroom purge",
    options: purge_options,
    run: run_purge,
};

fn check_options(command: Command) -> Command {
    command.arg(flag("repair", "Copy the vault, then drop what is damaged and rebuild the rest"))
}

fn salvage_options(command: Command) -> Command {
    command.arg(word("out", "OUT", "The new vault"))
}

fn purge_options(command: Command) -> Command {
    command
        .arg(flag("deep", "Rekey and rewrite the whole file too, so that no old page is left"))
        .arg(
            flag("drop-other-slots", "With --deep: drop the slots that rekey cannot keep")
                .requires("deep"),
        )
        .arg(flag("no-recovery", "With --deep: make no new recovery code").requires("deep"))
}

fn run_check(asked: &Asked<'_>) -> Result<(), Failure> {
    let surroundings = asked.surroundings;
    let custody = Custody {
        on_damaged_slot: OnDamagedSlot::Tolerate,
        on_rollback: OnRollback::RefuseProven,
        ..surroundings.custody()
    };
    let mut vault = surroundings.unlock_damaged(&custody)?;
    let findings = check::check(&mut vault, surroundings.occasion(), &mut progress())?;
    terminal::finish();
    if findings.is_empty() || !asked.flag("repair") {
        let status = if findings.is_empty() { "clean" } else { "damaged" };
        asked.print(vec![text("Status", status), ("Findings".to_owned(), shown(&findings))])?;
        return if findings.is_empty() { Ok(()) } else { Err(Failure::Found) };
    }
    let repaired = check::repair(&mut vault, surroundings.occasion(), &mut progress())?;
    let left = check::check(&mut vault, surroundings.occasion(), &mut progress())?;
    terminal::finish();
    terminal::note(
        "note: a row that authenticates may still be older than it was; compare with a backup",
    );
    let status = if left.is_empty() { "repaired" } else { "damaged" };
    asked.print(vec![
        text("Status", status),
        text("BackupPath", repaired.backup.display().to_string()),
        ("Repairs".to_owned(), shown(&repaired.done)),
        ("Findings".to_owned(), shown(&left)),
    ])?;
    if left.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

fn shown(findings: &[Finding]) -> Value {
    let shown = findings.iter().map(|finding| {
        Value::Map(vec![
            text("Place", finding.place.as_str()),
            text("Problem", finding.problem.as_str()),
        ])
    });
    Value::List(shown.collect())
}

fn run_salvage(asked: &Asked<'_>) -> Result<(), Failure> {
    let surroundings = asked.surroundings;
    let out = Path::new(asked.text("out").unwrap_or_default());
    unlock::check_destination(out)?;
    let mut damaged = surroundings.open_damaged()?;
    let opened = surroundings.offer().open(&damaged)?;
    let kdf =
        damaged.slots().find(|(number, _)| *number == opened.slot).and_then(|(_, body)| body.kdf());
    let label = String::new();
    let slots = vec![NewSlot { credential: opened.credential, kdf, label }];
    // What is saved brings the settings along.
    let settings = Settings::new("000000000000", "local-1");
    let plan = Plan { slots, settings, anchors: surroundings.environment.anchors() };
    let mut saved = init::init(out, plan, surroundings.occasion())?;
    let occasion = surroundings.occasion();
    let salvaged =
        check::salvage(&mut damaged, &opened.master, &mut saved, occasion, &mut progress())?;
    terminal::finish();
    terminal::note(
        "note: nothing proves that what was saved is the newest; look before you rely on it",
    );
    asked.print(vec![
        text("VaultPath", out.display().to_string()),
        count("Secrets", salvaged.secrets),
        count("Values", salvaged.values),
        count("LostSecrets", salvaged.lost_secrets),
        count("LostValues", salvaged.lost_values),
    ])
}

fn run_purge(asked: &Asked<'_>) -> Result<(), Failure> {
    let surroundings = asked.surroundings;
    let locked = surroundings.open_locked()?;
    let survey = slots::survey(&locked);
    let opened = surroundings.offer().open(&locked)?;
    let mut vault = surroundings.unlock_with(locked, &opened, &surroundings.custody())?;
    // Judged before anything is erased: a command that is refused must not have half its effect.
    let change =
        if asked.flag("deep") { Some(keys::plan_rekey(asked, opened, &survey)?) } else { None };
    let mut transaction = vault.begin(Access::Write, surroundings.occasion())?;
    if transaction.clock_state() != ClockState::Believed {
        return Err(crate::vault::Error::ClockJumped.into());
    }
    let names = transaction.erase_gone(usize::MAX)?;
    for name in &names {
        let subject = Subject { name: name.clone(), ..Subject::default() };
        transaction.record("Purge", Event::SUCCESS, subject)?;
    }
    transaction.commit()?;
    let names = names.into_iter().map(Value::Text).collect();
    let mut members = vec![("Erased".to_owned(), Value::List(names))];
    if let Some(change) = change {
        let rekeyed = keys::rekey_vault(asked, &mut vault, change);
        members.extend(rekeyed.map_err(|failure| failure.after(ERASED))?);
        let vacuumed = vault.store_mut().vacuum().map_err(crate::vault::Error::Store);
        vacuumed.map_err(|error| error.after(REKEYED))?;
    }
    asked.print(members)
}

/// How far `purge --deep` came.
const ERASED: &str = "the secrets past their recovery window were erased";
const REKEYED: &str = "the rekey was done, but old pages may be left in the file";
