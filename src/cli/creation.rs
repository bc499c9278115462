//! The first `create-secret`: makes the vault that is not there yet, says so, and goes on.

use super::commands;
use super::failure::Failure;
use super::terminal;
use super::unlock::{Chosen, Surroundings};
use crate::service::operation::Entry;
use crate::sys::files;
use crate::vault::Vault;

/// The one operation that makes a vault where there is none.
const OPERATION: &str = "CreateSecret";

/// Whether this command makes the vault: the first secret, at the place nobody named. A path that
/// was named is never made by accident.
pub(crate) fn is_first(entry: &Entry, surroundings: &Surroundings<'_>) -> bool {
    let location = &surroundings.location;
    entry.name == OPERATION
        && location.chosen == Chosen::ByDefault
        && !location.path.exists()
        && !location.path.is_symlink()
}

/// Makes the vault.
pub(crate) fn make(surroundings: &Surroundings<'_>) -> Result<Vault, Failure> {
    let path = &surroundings.location.path;
    terminal::note(&format!("there is no vault yet; making one at {}", path.display()));
    if let Some(directory) = path.parent() {
        files::create_private_dir(directory)?;
    }
    commands::init::found(surroundings)
}
