//! `key-slot add`, `key-slot list`, `key-slot remove`: which credentials open the vault.

use std::path::Path;

use super::super::enroll::{self, Made};
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::keys::{self, GivenUp, Unlocked};
use super::new_credential::{self, PassphraseOptions};
use super::options::{Choice, Number, actions, belongs_to, options};
use super::own::{Invocation, OwnCommand};
use crate::crypto::kdf::KdfParameters;
use crate::crypto::slot::{Credential, SlotKind};
use crate::model::value::Value;
use crate::upkeep::slots::{self, NewSlot};
use crate::vault::slots::{LastPortable, in_words};
use crate::vault::{OnDamagedSlot, UnlockPolicy};

options! {
    /// The options of `key-slot`.
    pub(super) struct KeySlot {
        /// What to do
        action: Action = "ACTION",
        ..add: Add,
        ..remove: Remove,
        ..new: PassphraseOptions,
    }
}

actions! {
    /// What is done about the slots.
    pub(super) enum Action {
        /// Add one.
        Add = "add",
        /// List all.
        List = "list",
        /// Remove one.
        Remove = "remove",
    }
}

options! {
    /// The options of `key-slot add`, without those about a new passphrase.
    pub(super) struct Add {
        /// What opens the new slot
        kind: Option<SlotKind> = "KIND",
        /// Your name for the new slot
        label: Option<String> = "TEXT",
        /// The keyfile of the new slot; made if it is missing
        new_keyfile: Option<String> = "FILE",
    }
}

options! {
    /// The options of `key-slot remove`.
    pub(super) struct Remove {
        /// The slot to remove
        slot: Number<u8> = "N",
        /// Remove a slot although it was altered
        damaged: bool,
        /// Remove the last passphrase, or the last slot that needs no file
        force: bool,
        /// Remove the slot and rekey, as somebody else may know it
        compromised: bool,
        /// With --compromised: drop the slots that rekey cannot keep
        drop_other_slots: bool => .requires("compromised"),
        /// With --compromised: make no new recovery code
        no_recovery: bool => .requires("compromised"),
    }
}

impl Choice for SlotKind {
    const ALL: &'static [(&'static str, Self)] = &[
        ("passphrase", Self::Passphrase),
        ("keyfile", Self::Keyfile),
        ("recovery-code", Self::RecoveryCode),
        ("passphrase-and-keyfile", Self::PassphraseAndKeyfile),
    ];
}

impl OwnCommand for KeySlot {
    const NAME: &'static str = "key-slot";
    const TITLE: &'static str = "KeySlot";
    const SUMMARY: &'static str = "Add, list or remove what opens the vault.";
    const EXAMPLE: &'static str =
        "strongroom key-slot add --kind keyfile --new-keyfile ~/rotate.key --label rotate";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let of_add = || {
            invocation
                .first_given::<Add>()
                .or_else(|| invocation.first_given::<PassphraseOptions>())
        };
        let of_remove = || invocation.first_given::<Remove>();
        let of_add = || of_add().map(|name| (name, "key-slot add"));
        let of_remove = || of_remove().map(|name| (name, "key-slot remove"));
        let foreign = match self.action {
            Action::Add => of_remove(),
            Action::List => of_add().or_else(of_remove),
            Action::Remove => of_add(),
        };
        if let Some((name, owner)) = foreign {
            return Err(belongs_to(&name, owner).into());
        }
        match self.action {
            Action::Add => add(&self.add, &self.new, invocation),
            Action::List => list(invocation),
            Action::Remove => remove(&self.remove, invocation),
        }
    }
}

fn list(invocation: &Invocation<'_>) -> Result<(), Failure> {
    let context = invocation.context;
    let locked = context.open_locked()?;
    let opened = context.offer().open(&locked)?;
    let unlock_policy =
        UnlockPolicy { on_damaged_slot: OnDamagedSlot::Tolerate, ..context.unlock_policy() };
    let mut vault = context.unlock_with(locked, &opened, &unlock_policy)?;
    let slots = slots::list(&mut vault, context.request_context())?;
    invocation.print(vec![("KeySlots".to_owned(), slots)])
}

fn add(add: &Add, new: &PassphraseOptions, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let context = invocation.context;
    let kind = add.kind.ok_or_else(|| {
        request::Error::usage(
            "key-slot add needs --kind: passphrase, keyfile, recovery-code or \
             passphrase-and-keyfile",
        )
    })?;
    check_kind(kind, add, invocation)?;
    let kdf =
        if kind.is_derived() { Some(new_credential::cost(new, context.globals)?) } else { None };
    let locked = context.open_locked()?;
    let opened = context.offer().open(&locked)?;
    let mut vault = context.unlock_with(locked, &opened, &context.unlock_policy())?;
    let (credential, made) = new_credential(kind, add, new)?;
    let label = add.label.clone().unwrap_or_default();
    let slot = NewSlot { credential, kdf, label };
    let added = slots::add(&mut vault, &opened.master, &slot, context.request_context());
    let number = made.settle(added.map_err(Failure::from))?;
    invocation.print(vec![("Slot".to_owned(), Value::Integer(number.into()))])
}

/// Requires the options that a slot of this kind has, and no others.
fn check_kind(kind: SlotKind, add: &Add, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let has_keyfile = matches!(kind, SlotKind::Keyfile | SlotKind::PassphraseAndKeyfile);
    if has_keyfile && add.new_keyfile.is_none() {
        let what = "--new-keyfile FILE says which file opens the slot";
        return Err(request::Error::usage(what).into());
    }
    let useless = if !has_keyfile && add.new_keyfile.is_some() {
        Some("new-keyfile".to_owned())
    } else if kind.is_derived() {
        None
    } else {
        invocation.first_given::<PassphraseOptions>()
    };
    match useless {
        None => Ok(()),
        Some(name) => {
            let what = format!("a slot of kind {} has no use for it", in_words(kind));
            Err(request::Error::argument(&format!("--{name}"), what).into())
        }
    }
}

fn new_credential(
    kind: SlotKind,
    add: &Add,
    new: &PassphraseOptions,
) -> Result<(Credential, Made), Failure> {
    let path = Path::new(add.new_keyfile.as_deref().unwrap_or_default());
    let made = Made::default();
    Ok(match kind {
        SlotKind::Passphrase => (Credential::Passphrase(new_credential::passphrase(new)?), made),
        SlotKind::RecoveryCode => (Credential::RecoveryCode(enroll::recovery_code()?), made),
        SlotKind::Keyfile => {
            let (keyfile, made) = enroll::keyfile(path, kind)?;
            (Credential::Keyfile(keyfile), made)
        }
        SlotKind::PassphraseAndKeyfile => {
            let passphrase = new_credential::passphrase(new)?;
            let (keyfile, made) = enroll::keyfile(path, kind)?;
            (Credential::PassphraseAndKeyfile(passphrase, keyfile), made)
        }
    })
}

fn remove(remove: &Remove, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let context = invocation.context;
    let none = || request::Error::usage("key-slot remove needs --slot N");
    let number = remove.slot.get()?.ok_or_else(none)?;
    let mut unlock_policy = context.unlock_policy();
    if remove.damaged {
        unlock_policy.on_damaged_slot = OnDamagedSlot::Tolerate;
    }
    let Unlocked { mut vault, opened, survey } = keys::unlock(context, &unlock_policy)?;
    let last = if remove.force { LastPortable::MayGo } else { LastPortable::Keep };
    if remove.compromised {
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
        let given_up =
            GivenUp { other_slots: remove.drop_other_slots, recovery: remove.no_recovery };
        let plan = keys::plan_rekey(opened, &survey, given_up)?;
        return invocation.print(keys::rekey_vault(context, &mut vault, plan)?);
    }
    if !remove.force && !remove.damaged && is_only_passphrase(&survey, number) {
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
    invocation.print(vec![("Slot".to_owned(), Value::Integer(number.into()))])
}

/// Whether this slot has a passphrase, and no other slot has one.
fn is_only_passphrase(survey: &[(u8, SlotKind, Option<KdfParameters>)], number: u8) -> bool {
    let mut of_passphrase = survey.iter().filter(|(_, kind, _)| *kind == SlotKind::Passphrase);
    of_passphrase.next().is_some_and(|(n, ..)| *n == number) && of_passphrase.next().is_none()
}
