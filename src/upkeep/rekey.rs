//! A new master key over everything.

use super::slots::NewSlot;
use crate::crypto::keys::MasterKey;
use crate::sys::files;
use crate::vault::check::OnProgress;
use crate::vault::rekey::Rekeying;
use crate::vault::transaction::RequestContext;
use crate::vault::{self, Vault};
use crate::{crypto, store};

/// Gives the vault a new master key that exactly these slots open. All other slots are gone
/// afterwards: their credentials would have to be known to wrap the new key for them.
pub(crate) fn rekey(
    vault: &mut Vault,
    slots: Vec<(u8, NewSlot)>,
    context: RequestContext<'_>,
    tell: OnProgress<'_>,
) -> Result<(), vault::Error> {
    if vault.is_read_only() {
        return Err(vault::Error::Store(store::Error::ReadOnly));
    }
    check_space(vault)?;
    let master = MasterKey::generate(context.entropy)?;
    let vault_id = *vault.vault_id();
    let wrap = |(number, slot): (u8, NewSlot)| {
        let body = slot.wrap(&master, &vault_id, context.entropy)?;
        Ok((number, body, slot.label))
    };
    let slots = slots.into_iter().map(wrap).collect::<Result<Vec<_>, crypto::Error>>()?;
    vault.rekey(Rekeying { master: &master, slots, reason: String::new() }, context, tell)
}

/// The journal holds every old page: as much as the file, and some more.
fn check_space(vault: &mut Vault) -> Result<(), vault::Error> {
    let path = vault.store_mut().path();
    let size = path.metadata().map_or(0, |metadata| metadata.len());
    let needed = size.saturating_add(size / 5);
    match files::free_space(path) {
        Some(free) if free < needed => Err(vault::Error::Store(store::Error::NoSpace)),
        Some(_) | None => Ok(()),
    }
}
