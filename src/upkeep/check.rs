//! Reading and verifying everything, repairing what can be, saving what is left.

use std::path::{Path, PathBuf};

use super::Source;
use crate::vault::check::{Finding, OnProgress};
use crate::vault::evidence::{Accepted, InDoubt};
use crate::vault::repair::RepairOutcome;
use crate::vault::salvage::Salvaged;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, LockedVault, Vault};

/// What a check found.
pub(crate) struct Checked {
    /// What is not as it must be.
    pub(crate) findings: Vec<Finding>,
    /// The secrets that nothing vouches for any more; a repair leaves them out.
    pub(crate) in_doubt: Vec<InDoubt>,
}

/// Checks everything, and names the secrets that a repair would leave out.
pub(crate) fn survey(
    vault: &mut Vault,
    context: RequestContext<'_>,
    tell: OnProgress<'_>,
) -> Result<Checked, vault::Error> {
    let findings = check(vault, context, tell)?;
    let in_doubt = if findings.is_empty() {
        Vec::new()
    } else {
        vault.begin(Access::Read, context)?.in_doubt(tell)?
    };
    Ok(Checked { findings, in_doubt })
}

/// Checks the pages of the file, then every row against the state.
pub(crate) fn check(
    vault: &mut Vault,
    context: RequestContext<'_>,
    tell: OnProgress<'_>,
) -> Result<Vec<Finding>, vault::Error> {
    let pages = vault.store_mut().quick_check()?;
    let mut findings: Vec<Finding> = vault.wreckage().into_iter().collect();
    findings.extend(pages.into_iter().map(|problem| Finding { place: "file".to_owned(), problem }));
    findings.extend(vault.begin(Access::Read, context)?.check(tell)?);
    Ok(findings)
}

/// What a repair did, and where the vault as it was before lies.
pub(crate) struct Repaired {
    /// What was done.
    pub(crate) done: Vec<Finding>,
    /// The secrets that nothing vouched for, kept or not.
    pub(crate) in_doubt: Vec<InDoubt>,
    /// The copy made before.
    pub(crate) backup: PathBuf,
}

/// Repairs a vault after copying it beside itself. Of the secrets that nothing vouches for, only
/// those `accepted` are kept. Where the file is damaged and not only rows in
/// it, a new one takes its place.
pub(crate) fn repair(
    vault: &mut Vault,
    accepted: Accepted<'_>,
    context: RequestContext<'_>,
    tell: OnProgress<'_>,
) -> Result<Repaired, vault::Error> {
    let backup = beside(vault.store_mut().path(), "before-repair");
    let wreckage = vault.wreckage();
    if wreckage.is_some() {
        vault.require_replaceable()?;
    } else {
        vault.store_mut().copy_pages_to(&backup)?;
    }
    let mut transaction = vault.begin(Access::Write, context)?;
    let RepairOutcome { mut done, in_doubt } = transaction.repair(accepted, tell)?;
    transaction.commit()?;
    if let Some(Finding { place, .. }) = wreckage {
        vault.replace_wreck(&backup)?;
        let problem = "written anew with the rows that were found in it".to_owned();
        done.insert(0, Finding { place, problem });
    }
    Ok(Repaired { done, in_doubt, backup })
}

/// Writes what still authenticates into a new vault, which need not have its path yet.
pub(crate) fn salvage(
    damaged: Source<'_, LockedVault>,
    into: &mut Vault,
    accepted: Accepted<'_>,
    context: RequestContext<'_>,
    tell: OnProgress<'_>,
) -> Result<Salvaged, vault::Error> {
    let Source { vault, master } = damaged;
    let mut transaction = into.begin(Access::Write, context)?;
    let salvaged = vault.salvage(master, &mut transaction, accepted, tell)?;
    transaction.commit().map_err(vault::Error::of_draft)?;
    Ok(salvaged)
}

/// Returns a path beside `path` where nothing is yet: `PATH.SUFFIX`, or with a number.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{suffix}"));
        if number > 1 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    };
    (1..1000).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(1))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::fs::DirBuilderExt;

    use super::*;
    use crate::model::time::Timestamp;
    use crate::sys::entropy::CountingEntropy;
    use crate::vault::Origin;

    /// A private directory of this test's own.
    pub(crate) fn directory(name: &str) -> PathBuf {
        let name = format!("strongroom-{}-{name}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        drop(std::fs::remove_dir_all(&directory));
        std::fs::DirBuilder::new().mode(0o700).create(&directory).unwrap();
        directory
    }

    #[test]
    fn a_new_vault_is_clean() {
        let entropy = CountingEntropy::default();
        let origin = Origin::default();
        let context = RequestContext { now: Timestamp(1), entropy: &entropy, origin: &origin };
        let mut vault = Vault::testing(context);
        assert_eq!(check(&mut vault, context, &mut |_| {}).unwrap(), []);
    }
}
