//! Which credentials open a vault: adding, changing, removing and listing them.
//!
//! Every change needs a credential that opens the vault already: the master key is wrapped, and
//! nobody but a credential's owner can unwrap it.

use crate::crypto;
use crate::crypto::header::VaultId;
use crate::crypto::kdf::KdfParameters;
use crate::crypto::keys::MasterKey;
use crate::crypto::slot::{Credential, SlotBody, SlotKind};
use crate::model::value::Value;
use crate::sys::entropy::Entropy;
use crate::vault::slots::{LastPortable, in_words};
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, LockedVault, Vault};

/// A slot to be made.
pub(crate) struct NewSlot {
    /// The credential that will open it.
    pub(crate) credential: Credential,
    /// The derivation's cost, for credentials that need one.
    pub(crate) kdf: Option<KdfParameters>,
    /// The user's name for it.
    pub(crate) label: String,
}

impl NewSlot {
    /// Wraps the master key for the credential.
    pub(crate) fn wrap(
        &self,
        master: &MasterKey,
        vault_id: &VaultId,
        entropy: &dyn Entropy,
    ) -> Result<SlotBody, crypto::Error> {
        let kdf = self.kdf.filter(|_| self.credential.kind().is_derived());
        SlotBody::wrap(master, vault_id, &self.credential, kdf, entropy)
    }
}

/// Adds a slot, and returns its number.
pub(crate) fn add(
    vault: &mut Vault,
    master: &MasterKey,
    slot: &NewSlot,
    context: RequestContext<'_>,
) -> Result<u8, vault::Error> {
    let body = slot.wrap(master, vault.vault_id(), context.entropy)?;
    let mut transaction = vault.begin(Access::Write, context)?;
    let number = transaction.add_slot(&body, &slot.label)?;
    let detail = format!("slot {number}, {}", in_words(slot.credential.kind()));
    transaction.record_own("KeySlotAdd", &detail)?;
    transaction.commit()?;
    Ok(number)
}

/// Puts another credential into a slot: a changed passphrase.
pub(crate) fn replace(
    vault: &mut Vault,
    master: &MasterKey,
    number: u8,
    slot: &NewSlot,
    context: RequestContext<'_>,
) -> Result<(), vault::Error> {
    let body = slot.wrap(master, vault.vault_id(), context.entropy)?;
    let mut transaction = vault.begin(Access::Write, context)?;
    transaction.replace_slot(number, &body)?;
    transaction.record_own("ChangePassphrase", &format!("slot {number}"))?;
    transaction.commit()
}

/// Removes a slot.
pub(crate) fn remove(
    vault: &mut Vault,
    number: u8,
    last: LastPortable,
    context: RequestContext<'_>,
) -> Result<(), vault::Error> {
    let mut transaction = vault.begin(Access::Write, context)?;
    transaction.remove_slot(number, last)?;
    transaction.record_own("KeySlotRemove", &format!("slot {number}"))?;
    transaction.commit()
}

/// Shows what a slot says of itself without a key: number, kind and cost.
pub(crate) fn public(vault: &LockedVault) -> Value {
    let shown = vault.slots().map(|(number, body)| Value::Map(public_members(number, body)));
    Value::List(shown.collect())
}

/// Shows the slots with the labels and dates that only an unlocked vault knows, damaged ones too.
pub(crate) fn list(vault: &mut Vault, context: RequestContext<'_>) -> Result<Value, vault::Error> {
    let transaction = vault.begin(Access::Read, context)?;
    let mut shown = Vec::new();
    for slot in transaction.slots()? {
        let mut members = match &slot.body {
            Some(body) if slot.is_intact => public_members(slot.number, body),
            Some(_) | None => vec![
                ("Slot".to_owned(), Value::Integer(slot.number.into())),
                ("Kind".to_owned(), Value::Text("damaged".to_owned())),
            ],
        };
        if let Some(entry) = slot.entry {
            if !entry.label.is_empty() {
                members.push(("Label".to_owned(), Value::Text(entry.label)));
            }
            members.push(("CreatedDate".to_owned(), Value::Timestamp(entry.created)));
        }
        shown.push(Value::Map(members));
    }
    Ok(Value::List(shown))
}

/// Returns the user's name for a slot.
pub(crate) fn label(
    vault: &mut Vault,
    number: u8,
    context: RequestContext<'_>,
) -> Result<String, vault::Error> {
    let transaction = vault.begin(Access::Read, context)?;
    let entry = transaction.state().slot(number).map(|entry| entry.label.clone());
    Ok(entry.unwrap_or_default())
}

/// Returns what slots say of themselves, to be kept while the vault is unlocked.
pub(crate) fn survey(vault: &LockedVault) -> Vec<(u8, SlotKind, Option<KdfParameters>)> {
    vault.slots().map(|(number, body)| (number, body.kind(), body.kdf())).collect()
}

fn public_members(number: u8, body: &SlotBody) -> Vec<(String, Value)> {
    members(number, body.kind(), body.kdf())
}

fn members(number: u8, kind: SlotKind, kdf: Option<KdfParameters>) -> Vec<(String, Value)> {
    let mut members = vec![
        ("Slot".to_owned(), Value::Integer(number.into())),
        ("Kind".to_owned(), Value::Text(in_words(kind).to_owned())),
    ];
    if let Some(kdf) = kdf {
        members.push(("Derivation".to_owned(), Value::Text(format!("Argon2id, {kdf}"))));
    }
    members
}
