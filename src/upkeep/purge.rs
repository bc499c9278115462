//! Erasing what is past its recovery window.

use crate::vault::audit::{Event, Subject};
use crate::vault::clock::ClockState;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{Error, Vault};

/// Erases all secrets whose recovery window is over, and returns their names.
///
/// # Errors
/// [`Error::ClockJumped`] while it is in doubt what is over.
pub(crate) fn purge(vault: &mut Vault, context: RequestContext<'_>) -> Result<Vec<String>, Error> {
    let mut transaction = vault.begin(Access::Write, context)?;
    if transaction.clock_state() != ClockState::Believed {
        return Err(Error::ClockJumped);
    }
    let names = transaction.erase_gone(usize::MAX)?;
    for name in &names {
        let subject = Subject { name: name.clone(), ..Subject::default() };
        transaction.record("Purge", Event::SUCCESS, subject)?;
    }
    transaction.commit()?;
    Ok(names)
}
