//! `key-slot add`, `key-slot list`, `key-slot remove`: which credentials open the vault.

use std::path::Path;

use clap::{Arg, Command};

use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::{Asked, Own, flag, keys, new_credential, option};
use crate::crypto::slot::{Credential, SlotKind};
use crate::model::value::Value;
use crate::upkeep::slots::{self, NewSlot};
use crate::vault::slots::LastPortable;
use crate::vault::{Custody, OnDamagedSlot};

/// The command.
pub(super) const KEY_SLOT: Own = Own {
    name: "key-slot",
    title: "KeySlot",
    summary: "Add, list or remove what opens the vault.",
    example: "strongroom key-slot add --kind keyfile --new-keyfile ~/rotate.key --label rotate",
    options,
    run,
};

fn options(command: Command) -> Command {
    let action = Arg::new("action")
        .value_name("ACTION")
        .value_parser(["add", "list", "remove"])
        .required(true)
        .help("What to do");
    let kind = option("kind", "KIND", "What opens the new slot").value_parser([
        "passphrase",
        "keyfile",
        "recovery-code",
        "passphrase-and-keyfile",
    ]);
    let command = command
        .arg(action)
        .arg(kind)
        .arg(option("label", "TEXT", "Your name for the new slot"))
        .arg(option("new-keyfile", "FILE", "The keyfile of the new slot; made if it is missing"))
        .arg(option("slot", "N", "The slot to remove"))
        .arg(flag("damaged", "Remove a slot although it was altered"))
        .arg(flag("force", "Remove the last slot that needs no file"))
        .arg(flag("compromised", "Remove the slot and rekey, as somebody else may know it"))
        .arg(flag("drop-other-slots", "With --compromised: drop the slots that rekey cannot keep"))
        .arg(flag("no-recovery", "With --compromised: make no new recovery code"));
    new_credential::options(command)
}

fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    match asked.text("action") {
        Some("add") => add(asked),
        Some("remove") => remove(asked),
        Some(_) | None => list(asked),
    }
}

fn list(asked: &Asked<'_>) -> Result<(), Failure> {
    let surroundings = asked.surroundings;
    let locked = surroundings.open_locked()?;
    let opened = surroundings.offer().open(&locked)?;
    let custody = Custody { on_damaged_slot: OnDamagedSlot::Tolerate, ..surroundings.custody() };
    let mut vault = locked.unlock(&opened.master, &custody)?;
    let slots = slots::list(&mut vault, surroundings.occasion())?;
    asked.print(vec![("KeySlots".to_owned(), slots)])
}

fn add(asked: &Asked<'_>) -> Result<(), Failure> {
    let surroundings = asked.surroundings;
    let kind = match asked.text("kind") {
        Some("passphrase") => SlotKind::Passphrase,
        Some("keyfile") => SlotKind::Keyfile,
        Some("recovery-code") => SlotKind::RecoveryCode,
        Some("passphrase-and-keyfile") => SlotKind::PassphraseAndKeyfile,
        Some(_) | None => {
            let what = "key-slot add needs --kind: passphrase, keyfile, recovery-code or \
                        passphrase-and-keyfile";
            return Err(request::Error::usage(what).into());
        }
    };
    let kdf = if kind.is_derived() { Some(new_credential::cost(asked)?) } else { None };
    let locked = surroundings.open_locked()?;
    let opened = surroundings.offer().open(&locked)?;
    let mut vault = locked.unlock(&opened.master, &surroundings.custody())?;
    let keyfile = || {
        let missing = request::Error::usage("--new-keyfile FILE says which file opens the slot");
        let path = asked.text("new-keyfile").ok_or(missing)?;
        new_credential::keyfile(Path::new(path))
    };
    let credential = match kind {
        SlotKind::Passphrase => Credential::Passphrase(new_credential::passphrase(asked)?),
        SlotKind::Keyfile => Credential::Keyfile(keyfile()?),
        SlotKind::RecoveryCode => Credential::RecoveryCode(new_credential::recovery_code()?),
        SlotKind::PassphraseAndKeyfile => {
            Credential::PassphraseAndKeyfile(new_credential::passphrase(asked)?, keyfile()?)
        }
    };
    let label = asked.text("label").unwrap_or_default().to_owned();
    let slot = NewSlot { credential, kdf, label };
    let number = slots::add(&mut vault, &opened.master, &slot, surroundings.occasion())?;
    asked.print(vec![("Slot".to_owned(), Value::Integer(number.into()))])
}

fn remove(asked: &Asked<'_>) -> Result<(), Failure> {
    let surroundings = asked.surroundings;
    let number: u8 = asked
        .number("slot")?
        .ok_or_else(|| request::Error::usage("key-slot remove needs --slot N"))?;
    let mut custody = surroundings.custody();
    if asked.flag("damaged") {
        custody.on_damaged_slot = OnDamagedSlot::Tolerate;
    }
    let locked = surroundings.open_locked()?;
    let opened = surroundings.offer().open(&locked)?;
    let survey = slots::survey(&locked);
    let mut vault = locked.unlock(&opened.master, &custody)?;
    let last = if asked.flag("force") { LastPortable::MayGo } else { LastPortable::Keep };
    if asked.flag("compromised") {
        if number == opened.slot {
            let message =
                format!("slot {number} is the one that this command opened the vault with");
            return Err(Failure::environment("SlotError", message)
                .hinted("open the vault with another credential to remove this one"));
        }
        if !survey.iter().any(|(n, ..)| *n == number) {
            return Err(crate::vault::Error::NoSuchSlot(number).into());
        }
        // A rekey keeps only the credential at hand, so the slot goes with it, in one transaction.
        let survey: Vec<_> = survey.into_iter().filter(|(n, ..)| *n != number).collect();
        return keys::rekey_vault(asked, &mut vault, opened, &survey);
    }
    slots::remove(&mut vault, number, last, surroundings.occasion())?;
    terminal::note(
        "note: whoever has an old copy of the vault and this credential can still read newer \
         copies; `strongroom rekey` ends that",
    );
    asked.print(vec![("Slot".to_owned(), Value::Integer(number.into()))])
}
