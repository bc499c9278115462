//! `key-slot add`, `key-slot list`, `key-slot remove`: which credentials open the vault.

use std::path::Path;

use clap::{Arg, Command};

use super::super::enroll::{self, Made};
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::new_credential;
use super::{Asked, Own, flag, keys, option};
use crate::crypto::kdf::KdfParameters;
use crate::crypto::slot::{Credential, SlotKind};
use crate::model::value::Value;
use crate::upkeep::slots::{self, NewSlot};
use crate::vault::slots::{LastPortable, in_words};
use crate::vault::{OnDamagedSlot, UnlockPolicy};

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
        .arg(flag("force", "Remove the last passphrase, or the last slot that needs no file"))
        .arg(flag("compromised", "Remove the slot and rekey, as somebody else may know it"))
        .arg(
            flag("drop-other-slots", "With --compromised: drop the slots that rekey cannot keep")
                .requires("compromised"),
        )
        .arg(
            flag("no-recovery", "With --compromised: make no new recovery code")
                .requires("compromised"),
        );
    new_credential::options(command)
}

fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    let action = asked.text("action").unwrap_or_default();
    for (owner, names) in OPTIONS_OF {
        let foreign = names.iter().find(|name| *owner != action && asked.is_given(name));
        if let Some(name) = foreign {
            let what = format!("it belongs to key-slot {owner}");
            return Err(request::Error::argument(&format!("--{name}"), what).into());
        }
    }
    match action {
        "add" => add(asked),
        "remove" => remove(asked),
        _ => list(asked),
    }
}

/// Which options an action has.
const OPTIONS_OF: &[(&str, &[&str])] = &[
    ("add", &["kind", "label", "new-keyfile"]),
    ("add", &new_credential::OPTIONS),
    ("remove", &["slot", "damaged", "force", "compromised", "drop-other-slots", "no-recovery"]),
];

fn list(asked: &Asked<'_>) -> Result<(), Failure> {
    let context = asked.context;
    let locked = context.open_locked()?;
    let opened = context.offer().open(&locked)?;
    let unlock_policy =
        UnlockPolicy { on_damaged_slot: OnDamagedSlot::Tolerate, ..context.unlock_policy() };
    let mut vault = context.unlock_with(locked, &opened, &unlock_policy)?;
    let slots = slots::list(&mut vault, context.request_context())?;
    asked.print(vec![("KeySlots".to_owned(), slots)])
}

fn add(asked: &Asked<'_>) -> Result<(), Failure> {
    let context = asked.context;
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
    check_kind(asked, kind)?;
    let kdf = if kind.is_derived() { Some(new_credential::cost(asked)?) } else { None };
    let locked = context.open_locked()?;
    let opened = context.offer().open(&locked)?;
    let mut vault = context.unlock_with(locked, &opened, &context.unlock_policy())?;
    let (credential, made) = new_credential(asked, kind)?;
    let label = asked.text("label").unwrap_or_default().to_owned();
    let slot = NewSlot { credential, kdf, label };
    let added = slots::add(&mut vault, &opened.master, &slot, context.request_context());
    let number = made.settle(added.map_err(Failure::from))?;
    asked.print(vec![("Slot".to_owned(), Value::Integer(number.into()))])
}

/// Requires the options that a slot of this kind has, and no others.
fn check_kind(asked: &Asked<'_>, kind: SlotKind) -> Result<(), Failure> {
    let has_keyfile = matches!(kind, SlotKind::Keyfile | SlotKind::PassphraseAndKeyfile);
    if has_keyfile && asked.text("new-keyfile").is_none() {
        let what = "--new-keyfile FILE says which file opens the slot";
        return Err(request::Error::usage(what).into());
    }
    let of_keyfile = if has_keyfile { None } else { Some("new-keyfile") };
    let of_passphrase = new_credential::OPTIONS.into_iter().filter(|_| !kind.is_derived());
    match of_keyfile.into_iter().chain(of_passphrase).find(|name| asked.is_given(name)) {
        None => Ok(()),
        Some(name) => {
            let what = format!("a slot of kind {} has no use for it", in_words(kind));
            Err(request::Error::argument(&format!("--{name}"), what).into())
        }
    }
}

fn new_credential(asked: &Asked<'_>, kind: SlotKind) -> Result<(Credential, Made), Failure> {
    let path = Path::new(asked.text("new-keyfile").unwrap_or_default());
    let made = Made::default();
    Ok(match kind {
        SlotKind::Passphrase => (Credential::Passphrase(new_credential::passphrase(asked)?), made),
        SlotKind::RecoveryCode => (Credential::RecoveryCode(enroll::recovery_code()?), made),
        SlotKind::Keyfile => {
            let (keyfile, made) = enroll::keyfile(path, kind)?;
            (Credential::Keyfile(keyfile), made)
        }
        SlotKind::PassphraseAndKeyfile => {
            let passphrase = new_credential::passphrase(asked)?;
            let (keyfile, made) = enroll::keyfile(path, kind)?;
            (Credential::PassphraseAndKeyfile(passphrase, keyfile), made)
        }
    })
}

fn remove(asked: &Asked<'_>) -> Result<(), Failure> {
    let context = asked.context;
    let number: u8 = asked
        .number("slot")?
        .ok_or_else(|| request::Error::usage("key-slot remove needs --slot N"))?;
    let mut unlock_policy = context.unlock_policy();
    if asked.flag("damaged") {
        unlock_policy.on_damaged_slot = OnDamagedSlot::Tolerate;
    }
    let locked = context.open_locked()?;
    let opened = context.offer().open(&locked)?;
    let survey = slots::survey(&locked);
    let mut vault = context.unlock_with(locked, &opened, &unlock_policy)?;
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
        let change = keys::plan_rekey(asked, opened, &survey)?;
        return asked.print(keys::rekey_vault(asked, &mut vault, change)?);
    }
    if !asked.flag("force") && !asked.flag("damaged") && is_only_passphrase(&survey, number) {
        let message = format!("key slot {number} has the only passphrase of this vault");
        return Err(Failure::environment("SlotError", message).hinted(
            "--force removes it; what the other slots need is all that opens the vault then",
        ));
    }
    slots::remove(&mut vault, number, last, context.request_context())?;
    terminal::note(
        "note: whoever has an old copy of the vault and this credential can still read newer \
         copies; `strongroom rekey` ends that",
    );
    asked.print(vec![("Slot".to_owned(), Value::Integer(number.into()))])
}

/// Whether this slot has a passphrase, and no other slot has one.
fn is_only_passphrase(survey: &[(u8, SlotKind, Option<KdfParameters>)], number: u8) -> bool {
    let mut of_passphrase = survey.iter().filter(|(_, kind, _)| *kind == SlotKind::Passphrase);
    of_passphrase.next().is_some_and(|(n, ..)| *n == number) && of_passphrase.next().is_none()
}
