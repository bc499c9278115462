//! Reading and verifying everything, repairing what can be, saving what is left.

use std::path::{Path, PathBuf};

use super::Source;
use crate::model::value::Value;
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

impl Checked {
    /// What was found where nobody asks what a repair would leave out.
    pub(crate) fn of_findings(findings: Vec<Finding>) -> Self {
        Self { findings, in_doubt: Vec::new() }
    }

    /// Returns it as a person is shown it: `Findings`, and `InDoubt` if any are.
    pub(crate) fn shown(&self) -> Value {
        let mut members = vec![("Findings".to_owned(), shown(&self.findings))];
        if !self.in_doubt.is_empty() {
            let in_doubt = self.in_doubt.iter().map(doubt).map(Value::Map).collect();
            members.push(("InDoubt".to_owned(), Value::List(in_doubt)));
        }
        Value::Map(members)
    }
}

/// Returns findings as a person is shown them.
pub(crate) fn shown(findings: &[Finding]) -> Value {
    let shown = findings.iter().map(|finding| {
        Value::Map(vec![text("Place", &finding.place), text("Problem", &finding.problem)])
    });
    Value::List(shown.collect())
}

/// Reads the findings of what [`Checked::shown`] returned; `None` if that is something else.
pub(crate) fn findings_of(shown: &Value) -> Option<Vec<Finding>> {
    let Some(Value::List(rows)) = shown.get("Findings") else { return None };
    let finding = |row: &Value| match (row.get("Place"), row.get("Problem")) {
        (Some(Value::Text(place)), Some(Value::Text(problem))) => {
            Some(Finding { place: place.clone(), problem: problem.clone() })
        }
        _ => None,
    };
    rows.iter().map(finding).collect()
}

/// Returns what a person is shown of a secret that nothing vouches for.
pub(crate) fn doubt(secret: &InDoubt) -> Vec<(String, Value)> {
    vec![text("Name", &secret.name), text("Region", &secret.region), text("Problem", secret.doubt)]
}

fn text(name: &str, text: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(text.to_owned()))
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
    match vault.read_beside_writers(|copy| read_all(copy, context, tell)) {
        Ok(Some(findings)) => findings,
        Err(error) if !error.is_damage() => Err(error),
        // What SQLite cannot copy, it may still say something about.
        Ok(None) | Err(_) => read_all(vault, context, tell),
    }
}

fn read_all(
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
    fn what_is_shown_is_read_as_it_was() {
        let finding = Finding { place: "a".to_owned(), problem: "b".to_owned() };
        let checked = Checked::of_findings(vec![finding]);
        assert_eq!(findings_of(&checked.shown()), Some(checked.findings));
        assert_eq!(findings_of(&Value::Map(Vec::new())), None);
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
