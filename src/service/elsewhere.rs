//! The regions of a vault in which a name is taken, for when the region asked for lacks it, and the
//! secrets that once had it.

use crate::model::order;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, Vault};

/// The most secrets that are looked through; in a larger vault only its home is looked at.
const MAX_LOOKED_THROUGH: u64 = 5_000;

/// Where a name is, and where the vault is at home.
pub(crate) struct Found {
    pub(crate) home: String,
    /// The regions that have a secret of the name, in order.
    pub(crate) regions: Vec<String>,
    /// The regions that have a secret which was called so, and what it is called now.
    pub(crate) renamed: Vec<(String, String)>,
}

/// Finds the regions that have a secret of this name.
pub(crate) fn find(
    vault: &mut Vault,
    name: &str,
    context: RequestContext<'_>,
) -> Result<Found, vault::Error> {
    let transaction = vault.begin(Access::Read, context)?;
    let home = transaction.state().settings.region().to_owned();
    let (mut regions, mut renamed) = (Vec::new(), Vec::new());
    if transaction.state().secrets > MAX_LOOKED_THROUGH {
        let at_home = transaction.find(&transaction.namespace(&home), name)?;
        regions.extend(at_home.map(|record| record.namespace.region));
    } else {
        transaction.each(|record| {
            if record.name == name {
                regions.push(record.namespace.region);
            } else if record.former_names.iter().any(|former| former == name) {
                renamed.push((record.namespace.region, record.name));
            }
            Ok(())
        })?;
        order::sort_all(&mut regions);
        order::sort_all(&mut renamed);
    }
    Ok(Found { home, regions, renamed })
}
