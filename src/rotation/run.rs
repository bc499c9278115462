//! A rotation from its first step to its last. Each step is a run of the user's program between two
//! transactions; while it runs, nothing of the vault is locked.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::approvals::SecretOfVault;
use super::door::StepDoor;
use super::error::Error;
use super::runner::Runner;
use super::trouble::{Stop, judge, not_possible, refused};
use super::{door, event, pins, reach, trust};
use crate::gateway::answers::Circumstances;
use crate::gateway::server::Server;
use crate::model::secret_value::SecretValue;
use crate::model::value::Value;
use crate::programs::confine::Freedom;
use crate::programs::launch::{self, Attendant, Outcome, Run, RunEvents};
use crate::programs::output::{self, Keep};
use crate::programs::workplace::Workplace;
use crate::service::caller::{Caller, Capability, Step};
use crate::service::failure::Failure;
use crate::service::jobs::{self, Retry, StepFault};
use crate::service::rotation::Job;
use crate::sys::entropy::random_uuid;
use crate::sys::secret::Secret;
use crate::sys::socket::Listener;
use crate::vault::Vault;
use crate::vault::progress::Purpose;
use crate::vault::rotation::{Command, Protocol};

impl Runner<'_> {
    /// Runs a job to its end, and returns the answer of the operation.
    pub(super) fn run(&mut self, job: &Job) -> Result<Value, Error> {
        let steps: &[Step] = match job.purpose {
            Purpose::Rotate => &Step::ALL,
            Purpose::TestOnly => &[Step::Test],
        };
        for &step in steps {
            let before = self.known(job);
            if self.events.is_stop_requested() {
                return Err(self.explain(job, step, before.as_ref(), Stop::Interrupted));
            }
            let done = self.step(job, step);
            let stderr = done.map_err(|why| self.explain(job, step, before.as_ref(), why))?;
            self.show(job, before.as_ref(), &stderr);
        }
        let finished = jobs::finish(self.vault, job, self.circumstances.context());
        finished.map_err(|failure| self.explain(job, Step::Finish, None, failure.into()))
    }

    /// Returns what the program wrote to stderr.
    fn step(&mut self, job: &Job, step: Step) -> Result<Secret<Vec<u8>>, Stop> {
        let (capability, command) =
            jobs::before_step(self.vault, job, step, self.circumstances.context())?;
        let stderr = match command.protocol {
            Protocol::Builtin => {
                let context = self.circumstances.context();
                let done = jobs::builtin_step(self.vault, job, step, context);
                done.map_err(|failure| refused(failure, Secret::new(Vec::new())))?;
                Secret::new(Vec::new())
            }
            Protocol::Lambda | Protocol::Stdio => {
                let files = self.check(job, &command)?;
                let launched = match command.protocol {
                    Protocol::Stdio => self.one_shot(job, capability, &command, &files)?,
                    Protocol::Lambda | Protocol::Builtin => {
                        self.lambda(job, capability, &command, &files)?
                    }
                };
                launched.map_or_else(|| Secret::new(Vec::new()), |outcome| outcome.stderr)
            }
        };
        match jobs::after_step(self.vault, job, step, self.circumstances.context()) {
            Ok(()) => Ok(stderr),
            Err(StepFault::NoValue) => {
                let what = "exit status 0 but no value was stored".to_owned();
                Err(Stop::Failed { what, retry: Retry::BackOff, stderr })
            }
            Err(StepFault::Failure(failure)) => Err(Stop::Service(failure)),
        }
    }

    /// Requires that the command was approved here and is what was approved.
    fn check(&self, job: &Job, command: &Command) -> Result<pins::Verified, Stop> {
        let refuse = |what: String| {
            let (retry, stderr) = (Retry::Configuration, Secret::new(Vec::new()));
            Stop::Failed { what, retry, stderr }
        };
        let vault = self.vault.vault_id();
        let place = SecretOfVault { vault: vault.to_string(), rid: job.rid };
        let approved = self.machine.approvals().has(&place, &command.digest(vault, job.rid));
        if !approved.map_err(|fault| refuse(fault.to_string()))? {
            return Err(refuse("it is not approved on this machine".to_owned()));
        }
        let trusted = trust::check_command(&command.argv, &command.pins);
        trusted.map_err(|distrust| refuse(distrust.to_string()))?;
        let complete = pins::must_be_complete(command);
        complete.and_then(|()| pins::verify(&command.pins)).map_err(|mismatch| {
            refuse(format!(
                "{mismatch}; `strongroom rotation approve --repin` takes it as it is, and a file \
                 that the program itself changes is better named by --rotation-env"
            ))
        })
    }

    /// Runs a program that asks for what it needs.
    fn lambda(
        &mut self,
        job: &Job,
        capability: Capability,
        command: &Command,
        files: &pins::Verified,
    ) -> Result<Option<Outcome>, Stop> {
        let circumstances = self.circumstances;
        let (step, token) =
            (capability.step, random_uuid(circumstances.entropy).map_err(Failure::from)?);
        let workplace = self.workplace()?;
        let (listener, closer) =
            Listener::bind(&workplace.socket()).map_err(|error| not_possible(&error))?;
        let mut run = self.prepare(job, step, command, &workplace)?;
        run.stdin = event::lambda(job, step, &token);
        let socket = workplace.socket().to_string_lossy().into_owned();
        run.environment.push(("STRONGROOM_ROTATION_SOCKET".to_owned(), socket));
        run.environment.push(("STRONGROOM_ROTATION_TOKEN".to_owned(), token.clone()));
        let caller = Caller::Step(capability);
        let vault = Mutex::new(&mut *self.vault);
        let answers = door::answers(&vault, job, circumstances);
        let door = StepDoor { token: &token, caller: &caller, answers };
        let server = Server::new(&door, door::RULES);
        let (events, tell) = (&mut *self.events, self.tell);
        let stop_requested = || tell(STOPPING);
        let is_called_off = || is_called_off(&vault, job, step, circumstances);
        let attendant =
            Attendant { stop_requested: &stop_requested, is_called_off: &is_called_off };
        let outcome = thread::scope(|threads| {
            threads.spawn(|| server.serve(&listener, None));
            let outcome = start(run, files, events, &attendant);
            server.close();
            drop(closer);
            outcome
        })?;
        judge(outcome, command).map(Some)
    }

    /// Runs a program that is told all it may know, and can ask for nothing.
    fn one_shot(
        &mut self,
        job: &Job,
        capability: Capability,
        command: &Command,
        files: &pins::Verified,
    ) -> Result<Option<Outcome>, Stop> {
        let (step, context) = (capability.step, self.circumstances.context());
        let known = jobs::hand_over(self.vault, job, step, context)?;
        if step == Step::Create && known.pending.is_some() {
            return Ok(None);
        }
        let workplace = self.workplace()?;
        let mut run = self.prepare(job, step, command, &workplace)?;
        run.stdin = event::one_shot(job, step, &known);
        if step == Step::Create {
            run.keep = Keep::Beginning(output::MAX_ANSWER);
        }
        let vault = Mutex::new(&mut *self.vault);
        let is_called_off = || is_called_off(&vault, job, step, self.circumstances);
        let stop_requested = || (self.tell)(STOPPING);
        let attendant =
            Attendant { stop_requested: &stop_requested, is_called_off: &is_called_off };
        let outcome = judge(start(run, files, self.events, &attendant)?, command)?;
        if step != Step::Create {
            if outcome.written > EMPTY_ANSWER {
                (self.tell)(&format!("what the program wrote in {} is dropped", step.name()));
            }
            return Ok(Some(outcome));
        }
        let most = u64::try_from(output::MAX_ANSWER).unwrap_or(u64::MAX);
        let value = if outcome.written > most {
            Err("its stdout is longer than 256 KiB")
        } else {
            event::new_value(outcome.stdout.expose())
        };
        match value {
            Ok(value) => match self.store(job, capability, value) {
                Ok(()) => Ok(Some(outcome)),
                Err(failure) => Err(refused(failure, outcome.stderr)),
            },
            Err(what) => Err(Stop::Failed {
                what: format!("exit status 0 but {what}"),
                retry: Retry::BackOff,
                stderr: outcome.stderr,
            }),
        }
    }

    /// Stores the value that a program wrote, as if it had asked for that itself.
    fn store(&mut self, job: &Job, step: Capability, value: SecretValue) -> Result<(), Failure> {
        let caller = Caller::Step(step);
        let vault = Mutex::new(&mut *self.vault);
        door::put(&door::answers(&vault, job, self.circumstances), &caller, job, value)
    }

    fn workplace(&self) -> Result<Workplace, Stop> {
        let bases = self.machine.workplaces();
        Workplace::new("rotation", &bases, self.circumstances.entropy)
            .map_err(|error| not_possible(&error))
    }

    /// Says how a step's program is run, which reads nothing yet.
    fn prepare<'c>(
        &self,
        job: &Job,
        step: Step,
        command: &'c Command,
        workplace: &Workplace,
    ) -> Result<Run<'c>, Stop> {
        let mut freedoms = reach::freedoms(command, self.machine);
        freedoms.push(Freedom::Write(workplace.temporary()));
        Ok(Run {
            argv: &command.argv,
            environment: self.environment(job, step, command, workplace),
            freedoms,
            stdin: Secret::new(Vec::new()),
            keep: Keep::Nothing,
            time: Duration::from_secs(command.timeout_s),
            mark: random_uuid(self.circumstances.entropy).map_err(Failure::from)?,
        })
    }

    fn environment(
        &self,
        job: &Job,
        step: Step,
        command: &Command,
        workplace: &Workplace,
    ) -> Vec<(String, String)> {
        let mut environment = self.machine.environment(command);
        let temporary = workplace.temporary().to_string_lossy().into_owned();
        let protocol = "1".to_owned();
        for (name, value) in [
            // Python takes compiled code from there, and not from beside a file that is pinned.
            ("PYTHONPYCACHEPREFIX", temporary.clone()),
            ("TMPDIR", temporary),
            ("STRONGROOM_ROTATION_PROTOCOL", protocol),
            ("STRONGROOM_ROTATION_TIMEOUT", command.timeout_s.to_string()),
            ("STRONGROOM_STEP", step.name().to_owned()),
            ("STRONGROOM_SECRET_ID", job.arn.clone()),
            ("STRONGROOM_CLIENT_REQUEST_TOKEN", job.token.clone()),
        ] {
            environment.retain(|(known, _)| known != name);
            environment.push((name.to_owned(), value));
        }
        environment
    }
}

/// Whether the owner has ended the rotation. What cannot be read now is looked at after the step.
fn is_called_off(
    vault: &Mutex<&mut Vault>,
    job: &Job,
    step: Step,
    circumstances: Circumstances<'_>,
) -> bool {
    let mut vault = vault.lock().unwrap_or_else(PoisonError::into_inner);
    let looked = jobs::before_step(&mut vault, job, step, circumstances.context());
    matches!(looked, Err(Failure::Fault(_)))
}

fn start(
    run: Run<'_>,
    files: &pins::Verified,
    events: &mut RunEvents,
    attendant: &Attendant<'_>,
) -> Result<Outcome, Stop> {
    files.still().map_err(|mismatch| Stop::Failed {
        what: mismatch.to_string(),
        retry: Retry::Configuration,
        stderr: Secret::new(Vec::new()),
    })?;
    Ok(launch::run(run, events, attendant))
}

/// Told when somebody asks to stop while a program runs.
const STOPPING: &str = "stopping after this step; ^C once more stops at once";
/// The length of `{}` and a line feed.
const EMPTY_ANSWER: u64 = 3;
