//! A transaction about a job, and the job's secret in it.

use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::rotation::job::Job;
use crate::service::rotation::progress;
use crate::vault::Vault;
use crate::vault::progress::{Outlook, Progress};
use crate::vault::record::Record;
use crate::vault::transaction::{Access, RequestContext};

/// Reads or writes the vault in one region.
pub(super) fn transact<T>(
    vault: &mut Vault,
    region: Option<&str>,
    access: Access,
    context: RequestContext<'_>,
    act: impl FnOnce(&mut Context<'_, '_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut transaction = vault.begin(access, context)?;
    let home = transaction.state().settings.region().to_owned();
    let done = act(&mut Context::new(&mut transaction, region, &home))?;
    transaction.commit()?;
    Ok(done)
}

/// Finds a job's secret, and makes sure that the job still has a version to make.
///
/// # Errors
/// As [`super::steps::before_step`].
pub(super) fn at_work(cx: &mut Context<'_, '_>, job: &Job) -> Result<(Record, Progress), Failure> {
    let record = find(cx, job)?;
    if record.deletion.is_some() {
        return Err(Fault::marked_for_deletion().into());
    }
    let progress = progress_of(&record, job).cloned().ok_or_else(abandoned)?;
    if progress.outlook == Outlook::Cancelled && !progress::is_complete(&record, &progress) {
        return Err(Fault::invalid_request("The rotation was cancelled.").into());
    }
    Ok((record, progress))
}

/// Finds a job's secret, even if the job was ended.
pub(super) fn find(cx: &mut Context<'_, '_>, job: &Job) -> Result<Record, Failure> {
    let namespace = cx.namespace()?;
    let found = cx.vault()?.find(&namespace, &job.name)?;
    let record = found.filter(|record| record.rid == job.rid);
    Ok(record.ok_or_else(Fault::secret_not_found)?)
}

pub(super) fn progress_of<'r>(record: &'r Record, job: &Job) -> Option<&'r Progress> {
    record.progress.as_ref().filter(|progress| progress.token == job.token)
}

pub(super) fn abandoned() -> Fault {
    Fault::invalid_request(
        "The rotation was abandoned, because the secret got a new version or the staging label \
         AWSPENDING was moved.",
    )
}
