//! What stops a rotation: how a program ended, what is written down about it, and what a person is
//! told. Nothing that a program wrote is kept.

use std::io;

use super::error::{Error, Failed};
use super::runner::Runner;
use crate::programs::launch::{End, Outcome};
use crate::programs::output;
use crate::programs::redact::Redactor;
use crate::service::caller::Step;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::jobs::{self, KnownValues, LeftBehind, Retry};
use crate::service::rotation::Job;
use crate::sys::secret::Secret;
use crate::vault::progress::Purpose;
use crate::vault::rotation::Command;

/// Why a step is not done.
pub(super) enum Stop {
    /// The service or the vault refused.
    Service(Failure),
    /// The program, or what it made, was not as it must be.
    Failed { what: String, retry: Retry, stderr: Secret<Vec<u8>> },
    /// Somebody asked to stop.
    Interrupted,
    /// Its owner ended the rotation.
    CalledOff,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Service(failure)
    }
}

impl Runner<'_> {
    /// What may be secret in what the program writes. Where it cannot be read, nothing is shown.
    pub(super) fn known(&mut self, job: &Job) -> Option<KnownValues> {
        jobs::known_values(self.vault, job, self.circumstances.context()).ok()
    }

    /// Shows what a program that succeeded wrote, where that is wanted.
    pub(super) fn show(
        &mut self,
        job: &Job,
        before: Option<&KnownValues>,
        stderr: &Secret<Vec<u8>>,
    ) {
        let Some(show) = self.show else { return };
        let after = self.known(job);
        let known: Vec<&KnownValues> = before.into_iter().chain(&after).collect();
        if !known.is_empty() {
            for line in shown(stderr.expose(), &known) {
                show(&line);
            }
        }
    }

    /// Writes a failure down, and puts it in words.
    pub(super) fn explain(
        &mut self,
        job: &Job,
        step: Step,
        before: Option<&KnownValues>,
        why: Stop,
    ) -> Error {
        let token = job.token.clone();
        let unknown = match job.purpose {
            Purpose::Rotate => LeftBehind::Pending,
            Purpose::TestOnly => LeftBehind::Nothing,
        };
        let (mut what, retry, stderr) = match why {
            // Its owner ended it meanwhile.
            Stop::Service(failure @ Failure::Fault(_)) => {
                self.release(job);
                return Error::Service(failure);
            }
            Stop::Service(Failure::Vault(error)) => {
                (error.to_string(), Retry::BackOff, Secret::new(Vec::new()))
            }
            Stop::Interrupted => {
                let context = self.circumstances.context();
                let left = jobs::interrupt(self.vault, job, step, context).unwrap_or(unknown);
                return Error::Interrupted { step, token, left };
            }
            Stop::CalledOff => {
                let reason = self.reason(job, step);
                self.release(job);
                return Error::Service(reason);
            }
            Stop::Failed { what, retry, stderr } => (what, retry, stderr),
        };
        let after = self.known(job);
        let known: Vec<&KnownValues> = before.into_iter().chain(&after).collect();
        let lines =
            if known.is_empty() { Vec::new() } else { shown(stderr.expose(), known.as_slice()) };
        let context = self.circumstances.context();
        let failed = jobs::FailedStep { step, status: &what, retry };
        let left = jobs::fail(self.vault, job, &failed, context).unwrap_or_else(|failure| {
            let why = match failure {
                Failure::Fault(fault) => fault.message,
                Failure::Vault(error) => error.to_string(),
            };
            if why != what {
                what = format!("{what}; and it could not be noted: {why}");
            }
            unknown
        });
        let function = job.command.argv.first().unwrap_or(&job.function).clone();
        Error::Failed(Failed { function, step, what, token, left, lines })
    }

    /// Gives the lease back. Where that fails it ends by itself.
    fn release(&mut self, job: &Job) {
        drop(jobs::release(self.vault, job, self.circumstances.context()));
    }

    /// Says why a rotation was called off while its program ran.
    fn reason(&mut self, job: &Job, step: Step) -> Failure {
        let context = self.circumstances.context();
        match jobs::before_step(self.vault, job, step, context) {
            Err(failure) => failure,
            Ok(_) => Fault::invalid_request("The rotation was called off.").into(),
        }
    }
}

/// Says whether a program ended well.
pub(super) fn judge(outcome: Outcome, command: &Command) -> Result<Outcome, Stop> {
    let (what, retry) = match &outcome.end {
        End::Exited(0) if !outcome.is_left_over => return Ok(outcome),
        End::Exited(0) => ("it left processes that cannot be killed".to_owned(), Retry::BackOff),
        End::Exited(75) => ("exit status 75".to_owned(), Retry::Temporary),
        End::Exited(78) => ("exit status 78".to_owned(), Retry::Configuration),
        End::Exited(code) => (format!("exit status {code}"), Retry::BackOff),
        End::Signalled(signal) => (format!("killed by signal {signal}"), Retry::BackOff),
        End::TimedOut => (format!("timed out after {} s", command.timeout_s), Retry::BackOff),
        End::Flooded => ("output limit".to_owned(), Retry::BackOff),
        End::NotStarted(why) => (format!("it cannot be started: {why}"), Retry::Configuration),
        End::Interrupted => return Err(Stop::Interrupted),
        End::CalledOff => return Err(Stop::CalledOff),
    };
    Err(Stop::Failed { what, retry, stderr: outcome.stderr })
}

/// A value that the service does not take is a step that failed.
pub(super) fn refused(failure: Failure, stderr: Secret<Vec<u8>>) -> Stop {
    match failure {
        Failure::Fault(fault) => {
            let what = format!("the value is refused: {}", fault.message);
            Stop::Failed { what, retry: Retry::BackOff, stderr }
        }
        vault @ Failure::Vault(_) => Stop::Service(vault),
    }
}

/// There is no place to work in.
pub(super) fn not_possible(error: &io::Error) -> Stop {
    let what = format!("there is no place for its socket: {error}");
    Stop::Failed { what, retry: Retry::Temporary, stderr: Secret::new(Vec::new()) }
}

/// Returns what a person may see of stderr.
fn shown(stderr: &[u8], known: &[&KnownValues]) -> Vec<String> {
    let mut redactor = Redactor::default();
    for known in known {
        let own = [&known.current, &known.pending, &known.previous].into_iter().flatten();
        let linked = known.linked.iter().map(|(_, value)| value);
        own.chain(linked).for_each(|value| redactor.add(value));
    }
    output::last_lines(&redactor.redact(stderr, output::SHOWN), LINES)
}

/// How many lines of a failed program's stderr are shown.
const LINES: usize = 20;
