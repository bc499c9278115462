//! `change-passphrase` and `rekey`: another passphrase for the same key, or another key.

use super::super::credentials::Opened;
use super::super::enroll;
use super::super::failure::Failure;
use super::super::progress::progress;
use super::super::request::error as request;
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::new_credential::{self, PassphraseOptions};
use super::options::{Number, options};
use super::own::{Invocation, OwnCommand, count, text};
use crate::crypto::kdf::KdfParameters;
use crate::crypto::slot::{Credential, SlotKind};
use crate::model::value::Value;
use crate::upkeep::rekey;
use crate::upkeep::slots::{self, NewSlot};
use crate::vault::slots::in_words;
use crate::vault::{UnlockPolicy, Vault};

options! {
    /// The options of `change-passphrase`.
    pub(super) struct ChangePassphrase {
        /// The slot to change. The default is the one you open
        slot: Number<u8> = "N",
        ..new: PassphraseOptions,
    }
}

options! {
    /// The options of `rekey`.
    pub(super) struct Rekey {
        /// Drop the slots whose credential is not at hand
        drop_other_slots: bool,
        /// Make no new recovery code; the old one is dropped
        no_recovery: bool,
    }
}

impl OwnCommand for ChangePassphrase {
    const NAME: &'static str = "change-passphrase";
    const TITLE: &'static str = "ChangePassphrase";
    const SUMMARY: &'static str = "Change the passphrase of a key slot.";
    const EXAMPLE: &'static str = "strongroom change-passphrase";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let kdf = Some(new_credential::cost(&self.new, context.globals)?);
        let wanted = self.slot.get()?;
        let Unlocked { mut vault, opened, survey } = unlock(context, &context.unlock_policy())?;
        let number = wanted.unwrap_or(opened.slot);
        let kind = survey.iter().find(|(n, ..)| *n == number).map(|(_, kind, _)| *kind);
        if kind != Some(SlotKind::Passphrase) {
            let message = format!("slot {number} has no passphrase to change");
            return Err(Failure::environment("SlotError", message)
                .hinted("`strongroom key-slot list` shows the slots; --slot N chooses one"));
        }
        let passphrase = new_credential::passphrase(&self.new)?;
        let credential = Credential::Passphrase(passphrase);
        let slot = NewSlot { credential, kdf, label: String::new() };
        slots::replace(&mut vault, &opened.master, number, &slot, context.request_context())?;
        terminal::note(
            "note: whoever has an old copy of the vault and the old passphrase can still read newer \
         copies; `strongroom rekey` ends that",
        );
        invocation.print(vec![("Slot".to_owned(), Value::Integer(number.into()))])
    }
}

impl OwnCommand for Rekey {
    const NAME: &'static str = "rekey";
    const TITLE: &'static str = "Rekey";
    const SUMMARY: &'static str = "Give the vault a new master key and seal everything anew.";
    const EXAMPLE: &'static str = "strongroom rekey --drop-other-slots";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let Unlocked { mut vault, opened, survey } = unlock(context, &context.unlock_policy())?;
        let given_up = GivenUp { other_slots: self.drop_other_slots, recovery: self.no_recovery };
        let plan = plan_rekey(opened, &survey, given_up)?;
        invocation.print(rekey_vault(context, &mut vault, plan)?)
    }
}

/// A vault, the credential that opened it, and the slots that it had then.
pub(super) struct Unlocked {
    pub(super) vault: Vault,
    pub(super) opened: Opened,
    pub(super) survey: Vec<(u8, SlotKind, Option<KdfParameters>)>,
}

/// Opens the vault for work on its slots.
pub(super) fn unlock(
    context: &CommandContext<'_>,
    policy: &UnlockPolicy,
) -> Result<Unlocked, Failure> {
    let locked = context.open_locked()?;
    let survey = slots::survey(&locked);
    let opened = context.offer().open(&locked)?;
    let vault = context.unlock_with(locked, &opened, policy)?;
    Ok(Unlocked { vault, opened, survey })
}

/// What the user gives up for a rekey without being asked.
#[derive(Clone, Copy)]
pub(super) struct GivenUp {
    /// `--drop-other-slots`.
    pub(super) other_slots: bool,
    /// `--no-recovery`.
    pub(super) recovery: bool,
}

/// A rekey that the user agrees to.
pub(super) struct RekeyPlan {
    opened: Opened,
    kdf: Option<KdfParameters>,
    renews_recovery: bool,
}

/// Judges a rekey before anything is changed. The credential at hand is kept and a recovery code is
/// replaced. No other slot can wrap the new key, so the user must agree to drop it.
pub(super) fn plan_rekey(
    opened: Opened,
    survey: &[(u8, SlotKind, Option<KdfParameters>)],
    given_up: GivenUp,
) -> Result<RekeyPlan, Failure> {
    let others = || survey.iter().filter(|(number, ..)| *number != opened.slot);
    let has_recovery = others().any(|(_, kind, _)| *kind == SlotKind::RecoveryCode);
    let renews_recovery = has_recovery && !given_up.recovery;
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
    if !given_up.other_slots {
        ask_for_drops(&dropped)?;
    }
    let kdf = survey.iter().find(|(n, ..)| *n == opened.slot).and_then(|(.., kdf)| *kdf);
    Ok(RekeyPlan { opened, kdf, renews_recovery })
}

/// Rekeys an unlocked vault, and returns the answer's members.
pub(super) fn rekey_vault(
    context: &CommandContext<'_>,
    vault: &mut Vault,
    plan: RekeyPlan,
) -> Result<Vec<(String, Value)>, Failure> {
    let RekeyPlan { opened, kdf, renews_recovery } = plan;
    let label = slots::label(vault, opened.slot, context.request_context())?;
    let mut slots = vec![(0, NewSlot { credential: opened.credential, kdf, label })];
    if renews_recovery {
        let credential = Credential::RecoveryCode(enroll::recovery_code()?);
        slots.push((1, NewSlot { credential, kdf: None, label: "recovery code".to_owned() }));
    }
    let kept = u64::try_from(slots.len()).unwrap_or(0);
    rekey::rekey(vault, slots, context.request_context(), &mut progress())?;
    terminal::finish();
    Ok(vec![
        text("VaultId", vault.vault_id().to_string()),
        count("KeyEpoch", vault.header().key_epoch.into()),
        count("KeySlots", kept),
    ])
}

fn ask_for_drops(dropped: &[String]) -> Result<(), Failure> {
    if dropped.is_empty() {
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
