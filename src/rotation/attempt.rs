//! One attempt to rotate a secret, from the request to the answer: alone, approved, then run.

use super::approvals::Place;
use super::error::Error;
use super::functions::Local;
use super::machine::Machine;
use super::options::Options;
use super::run::Runner;
use crate::model::types::SecretId;
use crate::model::value::Value;
use crate::service::context::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::rotation::settings::{self, Settings};
use crate::service::rotation::{self as service, Order, Resume, Started};
use crate::sys::lock;
use crate::vault::Vault;
use crate::vault::rotation::{Command, Protocol};

/// What is asked for.
pub(crate) struct Wish<'a> {
    /// The request, which client validation has let through.
    pub(crate) request: Value,
    /// The region asked for.
    pub(crate) region: Option<&'a str>,
    /// What was said about the command.
    pub(crate) options: Options,
    /// What to do with a rotation that is not finished.
    pub(crate) resume: Resume,
    /// Who says that the command may run.
    pub(crate) consent: Consent,
}

/// Who says that the command may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// The request names a function: whoever asks, on this machine, wants it run.
    InRequest,
    /// The vault names it, which must have been approved here; the request says how to run it.
    Changed,
    /// The vault does, and what a vault says was approved here, or is not run.
    Before,
}

impl Runner<'_> {
    /// Rotates a secret.
    pub(crate) fn rotate(&mut self, wish: Wish<'_>) -> Result<Value, Error> {
        let Wish { request, region, options, resume, consent } = wish;
        let id = match request.get("SecretId") {
            Some(Value::Text(id)) => SecretId(id.clone()),
            Some(_) | None => return Err(Failure::from(Fault::secret_not_found()).into()),
        };
        let occasion = self.circumstances.occasion();
        let rid = service::probe(self.vault, &id, region, occasion)?;
        let vault = self.vault.vault_id().to_string();
        let lock = lock::take(&self.machine.lock_of(&vault, rid))?;
        if lock.is_none() {
            return Err(Failure::from(busy()).into());
        }
        let found = self.look_up(&id, region)?;
        // What cannot be approved is not to be stored.
        self.machine.approvals().check()?;
        if consent != Consent::InRequest {
            self.require_approval(&found)?;
        }
        let own = self.command(options, &request, (region, &found))?;
        let order = Order { request, region, own, resume };
        let occasion = self.circumstances.occasion();
        let job = match service::start(self.vault, order, &Local, occasion)? {
            Started::Done(answer) => return Ok(answer),
            Started::Run(job) => job,
        };
        if consent != Consent::Before {
            self.approve(job.rid, &job.command)?;
        }
        if job.resumed {
            (self.tell)(&format!(
                "the rotation to version {} is not finished; going on with it",
                job.token
            ));
        }
        self.run(&job)
    }

    fn look_up(&mut self, id: &SecretId, region: Option<&str>) -> Result<Settings, Failure> {
        let occasion = self.circumstances.occasion();
        settings::settings(self.vault, id, region, occasion)
    }

    /// Returns the command that the options describe; `None` where there are none.
    fn command(
        &mut self,
        mut options: Options,
        request: &Value,
        (region, found): (Option<&str>, &Settings),
    ) -> Result<Option<Command>, Error> {
        if options.is_empty() {
            return Ok(None);
        }
        for read in &mut options.reads {
            *read = self.look_up(&SecretId(std::mem::take(read)), region)?.arn;
        }
        let is_named = request.get("RotationLambdaARN").is_some();
        let stored = found.rotation.as_ref().filter(|_| !is_named);
        Ok(Some(options.applied_to(stored.map(|rotation| &rotation.command))))
    }

    /// Requires that what the vault says is to be run was approved here.
    fn require_approval(&self, found: &Settings) -> Result<(), Error> {
        let Some(rotation) = &found.rotation else { return Ok(()) };
        if is_approved(self.vault, self.machine, found.rid, &rotation.command)? {
            return Ok(());
        }
        Err(Failure::from(unapproved()).into())
    }

    fn approve(&self, rid: u64, command: &Command) -> Result<(), Error> {
        let (place, digest) = named(self.vault, rid, command);
        Ok(self.machine.approvals().approve(&place, &digest)?)
    }
}

/// Whether a command may run on this machine. What is built in needs nobody's approval.
pub(crate) fn is_approved(
    vault: &Vault,
    machine: &Machine,
    rid: u64,
    command: &Command,
) -> Result<bool, Error> {
    let (place, digest) = named(vault, rid, command);
    Ok(command.protocol == Protocol::Builtin || machine.approvals().has(&place, &digest)?)
}

/// Returns what approvals call a command.
pub(crate) fn named(vault: &Vault, rid: u64, command: &Command) -> (Place, [u8; 32]) {
    let id = vault.vault_id();
    (Place { vault: id.to_string(), rid }, command.digest(id, rid))
}

/// The text of AWS for a rotation that is not finished (ROTATION §1.1, check 10).
fn busy() -> Fault {
    Fault::invalid_request("A previous rotation isn't complete. That rotation will be reattempted.")
}

fn unapproved() -> Fault {
    Fault::new(
        Code::AccessDenied,
        "The rotation command of this secret is not approved on this machine. Review it with \
         `strongroom rotation show`, approve with `strongroom rotation approve`.",
    )
}
