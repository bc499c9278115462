//! Many secrets on their way out, in one transaction: each with all its versions, and an entry in the
//! audit log that it was read.

use super::context::Context;
use super::failure::Failure;
use super::rules::policy::pattern;
use crate::model::order;
use crate::model::secret_value::SecretValue;
use crate::store;
use crate::vault::audit::Event;
use crate::vault::record::{Record, Replication};
use crate::vault::state::Settings;
use crate::vault::transaction::{Access, RequestContext, Transaction};
use crate::vault::{self, Unlogged, Vault};

/// The event in the audit log: one for each secret that was read.
pub(crate) const EXPORT: &str = "Export";

/// A secret, and the values of its versions.
pub(crate) struct Exported {
    pub(crate) record: Record,
    /// By the ids of the versions; a version that a rotation has only begun has none.
    pub(crate) values: Vec<(String, SecretValue)>,
}

/// What was asked for.
pub(crate) struct Export {
    /// In the order of their names.
    pub(crate) secrets: Vec<Exported>,
    /// How many more would have been among them, but are scheduled for deletion.
    pub(crate) scheduled: u64,
    /// The account and the home region that they come from.
    pub(crate) settings: Settings,
}

/// Whether it is really done, or only what it would come to is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Export,
    DryRun,
}

/// Reads the secrets of a region whose names are like one of the patterns, as those of a grant; all, if
/// there are no patterns. `None` as region is the vault's home.
pub(crate) fn take(
    vault: &mut Vault,
    region: Option<&str>,
    patterns: &[String],
    purpose: Purpose,
    context: RequestContext<'_>,
) -> Result<Export, Failure> {
    let is_logged = purpose == Purpose::Export && vault.audits_reads() && !vault.is_read_only();
    if !is_logged {
        return attempt(vault, region, patterns, Access::Read, context);
    }
    match attempt(vault, region, patterns, Access::Write, context) {
        // What is in a vault must not be out of reach because nothing more goes into its log.
        Err(Failure::Vault(vault::Error::Store(store::Error::NoSpace))) => {
            vault.leave_reads_unlogged(Unlogged::Full);
            attempt(vault, region, patterns, Access::Read, context)
        }
        done => done,
    }
}

fn attempt(
    vault: &mut Vault,
    region: Option<&str>,
    patterns: &[String],
    access: Access,
    context: RequestContext<'_>,
) -> Result<Export, Failure> {
    let mut transaction = vault.begin(access, context)?;
    let settings = transaction.state().settings.clone();
    let home = settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home);
    let namespace = cx.namespace()?;
    let is_meant = |name: &str| {
        patterns.is_empty() || patterns.iter().any(|pattern| pattern::is_like(name, pattern))
    };
    let (mut records, mut scheduled) = (Vec::new(), 0);
    cx.vault()?.each(|record| {
        if record.namespace == namespace && is_meant(&record.name) {
            if record.deletion.is_some() {
                scheduled += 1;
            } else {
                records.push(record);
            }
        }
        Ok(())
    })?;
    order::sort_by_key(&mut records, |record: &Record| record.name.clone());
    let mut secrets = Vec::with_capacity(records.len());
    for record in records {
        let mut values = Vec::with_capacity(record.versions.len());
        for version in &record.versions {
            if let Some(value) = transaction.value(&record, version)? {
                values.push((version.id.clone(), value));
            }
        }
        if access == Access::Write {
            let mut subject = Transaction::subject(&record);
            if namespace.region != home {
                subject.region.clone_from(&namespace.region);
            }
            transaction.record(EXPORT, Event::SUCCESS, subject)?;
        }
        secrets.push(Exported { record, values });
    }
    transaction.commit()?;
    Ok(Export { secrets, scheduled, settings })
}

/// Puts secrets into a vault of their own, with everything that they are; but none of them follows
/// another there, or is in the middle of a rotation.
pub(crate) fn settle(
    into: &mut Vault,
    secrets: Vec<Exported>,
    context: RequestContext<'_>,
) -> Result<(), vault::Error> {
    let mut transaction = into.begin(Access::Write, context)?;
    let count = secrets.len();
    for Exported { mut record, values } in secrets {
        record.progress = None;
        record.replication = Replication::Primary(Vec::new());
        record.cross_replica = None;
        record.cross_primary = None;
        record.versions.retain(|version| version.value.is_some());
        transaction.adopt(record, &values)?;
    }
    transaction.record_own(EXPORT, &format!("{count} secrets"))?;
    transaction.commit().map_err(vault::Error::of_draft)
}
