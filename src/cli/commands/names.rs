//! The names of secrets, for a shell that completes one: known only where a keyfile opens the vault
//! by itself. Whatever is in the way, nobody is asked and nothing is said.

use clap::Command;

use super::super::failure::Failure;
use super::super::run::print;
use super::super::unlock::Surroundings;
use super::{Asked, Own, flag, option};
use crate::crypto::slot::Credential;
use crate::service::context;
use crate::service::names::{self, Which};
use crate::store::Mode;
use crate::vault::{Custody, LockedVault, OnDamagedSlot, OnRollback};

/// The command.
pub(super) const OFFER_NAMES: Own = Own {
    name: "offer-names",
    title: "OfferNames",
    summary: "Print the names of secrets, for completions.",
    example: "strongroom offer-names --prefix app/",
    options,
    run,
};

fn options(command: Command) -> Command {
    let prefix = option("prefix", "TEXT", "Only those that begin so");
    command.args([prefix, flag("scheduled", "Those that are scheduled for deletion")])
}

fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    let which = if asked.flag("scheduled") { Which::Scheduled } else { Which::Active };
    let names = names(which, asked.surroundings).unwrap_or_default();
    let prefix = asked.text("prefix").unwrap_or_default();
    let begun = names.iter().filter(|name| name.starts_with(prefix));
    print(begun.flat_map(|name| [name.as_str(), "\n"]).collect::<String>().as_bytes())
}

fn names(which: Which, surroundings: &Surroundings<'_>) -> Option<Vec<String>> {
    let offer = surroundings.offer();
    let credential = Credential::Keyfile(offer.keyfile().ok()??);
    let locked = LockedVault::open(&surroundings.location.path, Mode::ReadOnly).ok()?;
    let (_, master) = locked.try_credential(&credential, offer.limit()).ok()?;
    // What this machine remembers is neither asked nor changed: nothing is decided by a name.
    let custody = Custody {
        anchors: None,
        on_rollback: OnRollback::Refuse,
        on_damaged_slot: OnDamagedSlot::Refuse,
    };
    let mut vault = locked.unlock(&master, &custody).ok()?;
    let occasion = surroundings.occasion();
    let found: Result<_, context::Failure> =
        names::of_region(&mut vault, surroundings.region(), which, occasion);
    found.ok()
}
