//! One attempt to rotate a secret, from the request to the answer: alone, approved, then run.

use std::path::Path;

use super::approvals::SecretOfVault;
use super::error::Error;
use super::functions::{self, Local};
use super::lease::{self, OnLease};
use super::machine::Machine;
use super::options::{NONE, Options};
use super::runner::Runner;
use crate::crypto::header::VaultId;
use crate::model::types::SecretId;
use crate::model::value::Value;
use crate::programs::redact::Redactor;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::jobs::settings::{self, RotationSettings};
use crate::service::jobs::{self, CatchUp, Due};
use crate::service::rotation::{Job, Resume, StartRotation, Started, refusals};
use crate::service::rules::arn;
use crate::sys::lock;
use crate::vault::rotation::{Command, Protocol, Rotation};

/// What is asked for.
pub(crate) struct RotateRequest<'a> {
    /// The request, which client validation has let through.
    pub(crate) request: Value,
    /// The region asked for.
    pub(crate) region: Option<&'a str>,
    /// What was said about the command.
    pub(crate) options: Options,
    /// What to do with a rotation that is not finished.
    pub(crate) resume: Resume,
    /// What has to be due still; `None` where it is rotated in any case.
    pub(crate) still: Option<StillDue<'a>>,
    /// What if another machine began it.
    pub(crate) on_lease: OnLease,
}

/// What is rotated only if it is due still.
#[derive(Clone, Copy)]
pub(crate) struct StillDue<'a> {
    /// The secret, as it was found.
    pub(crate) due: &'a Due,
    /// What about windows that were missed.
    pub(crate) catch_up: CatchUp,
}

/// Who says that the command may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Consent {
    /// The request names a function: somebody on this machine asks for it to be run.
    InRequest,
    /// The vault names it, which must have been approved here; the request says how to run it.
    Changed,
    /// The vault does, and what a vault says was approved here, or is not run.
    Before,
}

impl Runner<'_> {
    /// Rotates a secret.
    pub(crate) fn rotate(&mut self, asked: RotateRequest<'_>) -> Result<Value, Error> {
        let RotateRequest { mut request, region, options, resume, still, on_lease } = asked;
        let id = match request.get("SecretId") {
            Some(Value::Text(id)) => SecretId(id.clone()),
            Some(_) | None => return Err(Failure::from(Fault::secret_not_found()).into()),
        };
        let context = self.circumstances.context();
        let rid = jobs::probe(self.vault, &id, region, context)?;
        let vault = self.vault.vault_id().to_string();
        let lock = lock::take(&self.machine.lock_of(&vault, rid))?;
        if lock.is_none() {
            return Err(if still.is_some() {
                Error::Passed
            } else {
                Error::AtWork(refusals::not_complete().into())
            });
        }
        if let Some(StillDue { due, catch_up }) = still {
            let context = self.circumstances.context();
            let now = jobs::due_still(self.vault, due, catch_up, context)?;
            if !now.is_some_and(|due| due.is_due()) {
                return Err(Error::Passed);
            }
        }
        let found = self.look_up(&id, region)?;
        let holder = lease::own(&self.circumstances.origin.actor);
        let seen = found.progress.as_ref().and_then(|progress| progress.lease.clone());
        if let Some(lease) = &seen {
            let now = self.circumstances.context().now;
            let free = lease::must_be_free(lease, &holder, on_lease, now);
            let is_over = now >= lease.until;
            free.map_err(|error| if still.is_some() && !is_over { Error::Passed } else { error })?;
        }
        let consent = consent(&request, &options, found.rotation.as_ref());
        if options.argv.is_empty() && names_stored(&request, found.rotation.as_ref()) {
            // The function it has: as it is stored, with all its words.
            if let Value::Map(members) = &mut request {
                members.retain(|(name, _)| name != "RotationLambdaARN");
            }
        }
        // What cannot be approved is not to be stored.
        self.machine.approvals().check()?;
        if consent != Consent::InRequest {
            self.require_approval(&found)?;
        }
        let own = self.command(options, &request, region, &found)?;
        let start = StartRotation { functions: &Local, own, resume, holder, seen };
        let context = self.circumstances.context();
        let job = match jobs::begin(self.vault, request, region, &start, context)? {
            Started::Done(answer) => return Ok(answer),
            Started::Run(job) => job,
        };
        if consent != Consent::Before {
            self.approve(job.rid, &job.command)?;
            self.warn_of_secrets(&job);
        }
        // A timer's success is silent, unless somebody wants to hear all.
        if job.resumed && (still.is_none() || self.show.is_some()) {
            (self.tell)(&format!(
                "the rotation to version {} is not finished; going on with it",
                job.token
            ));
        }
        self.run(&job)
    }

    /// Says so where a secret can be read by everybody.
    fn warn_of_secrets(&mut self, job: &Job) {
        let context = self.circumstances.context();
        let Ok(known) = jobs::known_values(self.vault, job, context) else { return };
        let mut redactor = Redactor::default();
        let known = [known.current, known.pending, known.previous].into_iter().flatten();
        known.for_each(|value| redactor.add_credentials(&value));
        let variables = job.command.env.iter().map(|(_, value)| value);
        if job.command.argv.iter().chain(variables).any(|text| redactor.is_in(text)) {
            (self.tell)(
                "a value of this secret stands in the command's words or variables, where others \
                 can read it; the program is to ask for it",
            );
        }
    }

    fn look_up(
        &mut self,
        id: &SecretId,
        region: Option<&str>,
    ) -> Result<RotationSettings, Failure> {
        let context = self.circumstances.context();
        settings::settings(self.vault, id, region, context)
    }

    /// Returns the command that the options describe; `None` where there are none.
    fn command(
        &mut self,
        mut options: Options,
        request: &Value,
        region: Option<&str>,
        found: &RotationSettings,
    ) -> Result<Option<Command>, Error> {
        if options.is_empty() {
            return Ok(None);
        }
        for read in options.reads.iter_mut().filter(|read| *read != NONE) {
            let region = arn::region_of(read).or(region);
            let found = self.look_up(&SecretId(read.clone()), region);
            *read = found.map_err(|failure| not_readable(read, failure))?.arn;
        }
        let is_named = request.get("RotationLambdaARN").is_some();
        let stored = found.rotation.as_ref().filter(|_| !is_named);
        Ok(Some(options.applied_to(stored.map(|rotation| &rotation.command))))
    }

    /// Requires that what the vault says is to be run was approved here.
    fn require_approval(&self, found: &RotationSettings) -> Result<(), Error> {
        let Some(rotation) = &found.rotation else { return Ok(()) };
        if is_approved(self.vault.vault_id(), self.machine, found.rid, &rotation.command)? {
            return Ok(());
        }
        Err(Failure::from(unapproved()).into())
    }

    fn approve(&self, rid: u64, command: &Command) -> Result<(), Error> {
        let (place, digest) = named(self.vault.vault_id(), rid, command);
        if let Some(kept) = self.machine.approvals().approve(&place, &digest)? {
            (self.tell)(&begun_anew(&kept));
        }
        Ok(())
    }
}

/// Says that the list of approvals was damaged, and where it is kept.
pub(crate) fn begun_anew(kept: &Path) -> String {
    format!(
        "the list of approved commands was damaged and is begun anew; what it was is kept in {}",
        kept.display()
    )
}

/// Says on whose word a command would run. An empty name names none, and that of the function that
/// is stored stands for all its words, which the vault says.
fn consent(request: &Value, options: &Options, stored: Option<&Rotation>) -> Consent {
    let is_named = match request.get("RotationLambdaARN") {
        Some(Value::Text(arn)) => !arn.is_empty(),
        Some(_) | None => false,
    };
    let is_stored = names_stored(request, stored);
    let is_bare = stored.is_some_and(|stored| is_bare(&stored.command));
    if !options.argv.is_empty() || is_named && (!is_stored || is_bare) {
        Consent::InRequest
    } else if is_named || !options.is_empty() {
        Consent::Changed
    } else {
        Consent::Before
    }
}

/// Whether a request names the function that is stored, as `describe-secret` shows it.
fn names_stored(request: &Value, stored: Option<&Rotation>) -> bool {
    let Some(Value::Text(arn)) = request.get("RotationLambdaARN") else { return false };
    let stored = stored.filter(|stored| stored.command.protocol != Protocol::Builtin);
    stored.is_some_and(|stored| functions::is_function(arn, &stored.function))
}

/// Whether the name of the function says all there is to a command.
fn is_bare(command: &Command) -> bool {
    let lists = [&command.pass_env, &command.reads, &command.grants];
    command.argv.len() == 1
        && command.env.is_empty()
        && command.protocol == Protocol::Lambda
        && lists.iter().all(|list| list.is_empty())
}

/// Whether a command may run on this machine. What is built in needs nobody's approval.
pub(crate) fn is_approved(
    vault: &VaultId,
    machine: &Machine,
    rid: u64,
    command: &Command,
) -> Result<bool, Error> {
    let (place, digest) = named(vault, rid, command);
    Ok(command.protocol == Protocol::Builtin || machine.approvals().has(&place, &digest)?)
}

/// Returns what approvals call a command.
pub(crate) fn named(vault: &VaultId, rid: u64, command: &Command) -> (SecretOfVault, [u8; 32]) {
    (SecretOfVault { vault: vault.to_string(), rid }, command.digest(vault, rid))
}

/// Says which secret it is that cannot be found.
fn not_readable(read: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Fault(fault) => {
            let message = format!("The secret {read} can't be granted: {}", fault.message);
            Fault::new(fault.code, message).into()
        }
        vault @ Failure::Vault(_) => vault,
    }
}

fn unapproved() -> Fault {
    Fault::new(
        Code::AccessDenied,
        "The rotation command of this secret is not approved on this machine. Review it with \
         `strongroom rotation show`, approve with `strongroom rotation approve`.",
    )
}
