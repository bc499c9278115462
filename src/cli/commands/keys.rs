//! `change-passphrase` and `rekey`: another passphrase for the same key, or another key.

use clap::Command;

use super::super::credentials::Opened;
use super::super::enroll;
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::{Asked, Own, count, flag, new_credential, option, progress, text};
use crate::crypto::kdf::KdfParameters;
use crate::crypto::slot::{Credential, SlotKind};
use crate::model::value::Value;
use crate::upkeep::rekey;
use crate::upkeep::slots::{self, NewSlot};
use crate::vault::Vault;
use crate::vault::slots::in_words;

/// The first command.
pub(super) const CHANGE_PASSPHRASE: Own = Own {
    name: "change-passphrase",
    title: "ChangePassphrase",
    summary: "Change the passphrase of a key slot.",
    example: "strongroom change-passphrase",
    options: passphrase_options,
    run: change_passphrase,
};

/// The second command.
pub(super) const REKEY: Own = Own {
    name: "rekey",
    title: "Rekey",
    summary: "Give the vault a new master key and seal everything anew.",
    example: "strongroom rekey --drop-other-slots",
    options: rekey_options,
    run: run_rekey,
};

fn passphrase_options(command: Command) -> Command {
    let command =
        command.arg(option("slot", "N", "The slot to change. The default is the one you open"));
    new_credential::options(command)
}

fn rekey_options(command: Command) -> Command {
    command
        .arg(flag("drop-other-slots", "Drop the slots whose credential is not at hand"))
        .arg(flag("no-recovery", "Make no new recovery code; the old one is dropped"))
}

fn change_passphrase(asked: &Asked<'_>) -> Result<(), Failure> {
    let context = asked.context;
    let kdf = Some(new_credential::cost(asked)?);
    let wanted: Option<u8> = asked.number("slot")?;
    let locked = context.open_locked()?;
    let survey = slots::survey(&locked);
    let opened = context.offer().open(&locked)?;
    let mut vault = context.unlock_with(locked, &opened, &context.unlock_policy())?;
    let number = wanted.unwrap_or(opened.slot);
    let kind = survey.iter().find(|(n, ..)| *n == number).map(|(_, kind, _)| *kind);
    if kind != Some(SlotKind::Passphrase) {
        let message = format!("slot {number} has no passphrase to change");
        return Err(Failure::environment("SlotError", message)
            .hinted("`strongroom key-slot list` shows the slots; --slot N chooses one"));
    }
    let passphrase = new_credential::passphrase(asked)?;
    let credential = Credential::Passphrase(passphrase);
    let slot = NewSlot { credential, kdf, label: String::new() };
    slots::replace(&mut vault, &opened.master, number, &slot, context.request_context())?;
    terminal::note(
        "note: whoever has an old copy of the vault and the old passphrase can still read newer \
         copies; `strongroom rekey` ends that",
    );
    asked.print(vec![("Slot".to_owned(), Value::Integer(number.into()))])
}

fn run_rekey(asked: &Asked<'_>) -> Result<(), Failure> {
    let context = asked.context;
    let locked = context.open_locked()?;
    let survey = slots::survey(&locked);
    let opened = context.offer().open(&locked)?;
    let mut vault = context.unlock_with(locked, &opened, &context.unlock_policy())?;
    let change = plan_rekey(asked, opened, &survey)?;
    asked.print(rekey_vault(asked, &mut vault, change)?)
}

/// A rekey that the user agrees to.
pub(super) struct Rekey {
    opened: Opened,
    kdf: Option<KdfParameters>,
    renews_recovery: bool,
}

/// Judges a rekey before anything is changed. The credential at hand is kept, a recovery code is
/// made anew; for any other slot nobody could wrap the new key, and the user must agree that it goes.
pub(super) fn plan_rekey(
    asked: &Asked<'_>,
    opened: Opened,
    survey: &[(u8, SlotKind, Option<KdfParameters>)],
) -> Result<Rekey, Failure> {
    let others = || survey.iter().filter(|(number, ..)| *number != opened.slot);
    let has_recovery = others().any(|(_, kind, _)| *kind == SlotKind::RecoveryCode);
    let renews_recovery = has_recovery && !asked.flag("no-recovery");
    let dropped: Vec<String> = others()
        .filter(|(_, kind, _)| !(renews_recovery && *kind == SlotKind::RecoveryCode))
        .map(|(number, kind, _)| format!("{number} ({})", in_words(*kind)))
        .collect();
    if renews_recovery && !terminal::is_there() {
        return Err(Failure::environment(
            "NoTerminal",
            terminal::nobody_sees("the new recovery code"),
        )
        .hinted("--no-recovery with --drop-other-slots gives the recovery code up"));
    }
    allow_drops(asked, &dropped)?;
    let kdf = survey.iter().find(|(n, ..)| *n == opened.slot).and_then(|(.., kdf)| *kdf);
    Ok(Rekey { opened, kdf, renews_recovery })
}

/// Rekeys an unlocked vault, and returns what there is to print about it.
pub(super) fn rekey_vault(
    asked: &Asked<'_>,
    vault: &mut Vault,
    change: Rekey,
) -> Result<Vec<(String, Value)>, Failure> {
    let Rekey { opened, kdf, renews_recovery } = change;
    let label = slots::label(vault, opened.slot, asked.context.request_context())?;
    let mut slots = vec![(0, NewSlot { credential: opened.credential, kdf, label })];
    if renews_recovery {
        let credential = Credential::RecoveryCode(enroll::recovery_code()?);
        slots.push((1, NewSlot { credential, kdf: None, label: "recovery code".to_owned() }));
    }
    let kept = u64::try_from(slots.len()).unwrap_or(0);
    rekey::rekey(vault, slots, asked.context.request_context(), &mut progress())?;
    terminal::finish();
    Ok(vec![
        text("VaultId", vault.vault_id().to_string()),
        count("KeyEpoch", vault.header().key_epoch.into()),
        count("KeySlots", kept),
    ])
}

fn allow_drops(asked: &Asked<'_>, dropped: &[String]) -> Result<(), Failure> {
    if dropped.is_empty() || asked.flag("drop-other-slots") {
        return Ok(());
    }
    let list = dropped.join(", ");
    let question = format!("The key slots {list} cannot be kept and will be dropped.");
    if terminal::is_there() && terminal::confirm(&question).unwrap_or(false) {
        return Ok(());
    }
    let message = format!("the key slots {list} cannot be kept: their credentials are not at hand");
    Err(request::Error::usage(format!("{message}; --drop-other-slots drops them")).into())
}
