//! The names of a region's secrets, for completion in a shell: not an operation, and not in the log.

use super::context::Context;
use super::failure::Failure;
use crate::model::order;
use crate::vault::Vault;
use crate::vault::transaction::{Access, RequestContext};

/// Which secrets are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those in use.
    Active,
    /// Those that are scheduled for deletion.
    Scheduled,
}

/// Returns the names, in order; `None` as region is the vault's home.
pub(crate) fn of_region(
    vault: &mut Vault,
    region: Option<&str>,
    which: Which,
    context: RequestContext<'_>,
) -> Result<Vec<String>, Failure> {
    let mut transaction = vault.begin(Access::Read, context)?;
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home);
    let namespace = cx.namespace()?;
    let mut names = Vec::new();
    cx.vault()?.each(|record| {
        let is_scheduled = record.deletion.is_some();
        if record.namespace == namespace && is_scheduled == (which == Which::Scheduled) {
            names.push(record.name);
        }
        Ok(())
    })?;
    order::sort_all(&mut names);
    Ok(names)
}
