//! The first `create-secret`: makes the vault that is not there yet, says so, and goes on.

use super::commands;
use super::failure::Failure;
use super::terminal;
use super::unlock::{Chosen, CommandContext, Location};
use crate::service::action::Action;
use crate::service::operation::Entry;
use crate::vault::Vault;

/// The one operation that makes a vault where there is none.
const OPERATION: &str = Action::CreateSecret.name();

/// Whether this command makes the vault: the first secret, at the place nobody named. A path that
/// was named is never made by accident.
pub(crate) fn is_first(entry: &Entry, context: &CommandContext<'_>) -> bool {
    let Location { path, chosen, .. } = &context.location;
    let is_missing = !path.exists() && !path.is_symlink();
    entry.name == OPERATION && *chosen == Chosen::ByDefault && is_missing
}

/// Makes the vault.
pub(crate) fn make(context: &CommandContext<'_>) -> Result<Vault, Failure> {
    let path = context.location.path.display();
    let offer = context.offer();
    // A person who is asked for a new passphrase must know what for, be stderr a pipe
    // (`OUT=$(strongroom create-secret … 2>&1)`); anybody else hears of what was made, not of what
    // may fail.
    let will_ask = !offer.has_passphrase() && offer.keyfile_path().is_none();
    if will_ask && terminal::is_there() {
        terminal::object(&format!("there is no vault yet; making one at {path}"));
        return commands::init::create(context);
    }
    let vault = commands::init::create(context)?;
    terminal::note(&format!("there was no vault yet; made one at {path}"));
    Ok(vault)
}
