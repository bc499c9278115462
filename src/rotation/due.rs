//! All rotations that are due, one after the other: what a timer calls.

use super::attempt::{self, RotateRequest, StillDue};
use super::error::Error;
use super::lease::OnLease;
use super::options::Options;
use super::runner::Runner;
use crate::model::types::SecretId;
use crate::model::value::Value;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::jobs::settings;
use crate::service::jobs::{self, CatchUp, Due, DueFault, DueState};
use crate::service::rotation::Resume;
use crate::sys::entropy::random_uuid;

/// What to rotate.
pub(crate) struct DueRequest<'a> {
    /// What about windows that were missed.
    pub(crate) catch_up: CatchUp,
    /// At most so many.
    pub(crate) most: Option<usize>,
    /// Only this one: a name or an ARN.
    pub(crate) only: Option<&'a str>,
    /// Whether to do it.
    pub(crate) mode: Mode,
}

/// Whether to rotate, or to say what would be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Rotate.
    Rotate,
    /// Say.
    Say,
}

/// What became of one secret.
pub(crate) struct DueOutcome {
    /// The secret, and how it stood.
    pub(crate) due: Due,
    /// Whether its command may run here.
    pub(crate) is_approved: bool,
    /// What was done; `None` where nothing was.
    pub(crate) outcome: Option<Result<Value, Error>>,
}

impl DueOutcome {
    /// Whether somebody has to look after it.
    pub(crate) fn is_trouble(&self) -> bool {
        let failed = matches!(self.outcome, Some(Err(_)));
        let needs_a_person = matches!(self.due.state, DueState::Misconfigured | DueState::Orphaned);
        let is_unapproved = self.due.is_due() && !self.is_approved;
        failed || needs_a_person || is_unapproved || self.is_waiting()
    }

    /// Whether it failed and is tried again by itself, when its time or its turn comes. Until then
    /// its users may be locked out.
    pub(crate) fn is_waiting(&self) -> bool {
        let is_tried_again = self.due.is_due() && self.due.has_failed && self.is_approved;
        let is_left = is_tried_again && self.outcome.is_none();
        self.due.state == DueState::Waiting || is_left
    }
}

/// Rotates what is due. One that fails does not stop the others; somebody who asks to stop does.
pub(crate) fn rotate_due(
    runner: &mut Runner<'_>,
    asked: &DueRequest<'_>,
) -> Result<Vec<DueOutcome>, DueFault> {
    let all = jobs::due(runner.vault, asked.catch_up, runner.circumstances.context())?;
    let mut outcomes = Vec::new();
    let mut left = asked.most.unwrap_or(usize::MAX);
    if let Some(only) = asked.only
        && !jobs::is_known(runner.vault, only, runner.circumstances.context())?
    {
        return Err(Fault::secret_not_found().into());
    }
    for due in all {
        if asked.only.is_some_and(|only| only != due.name && only != due.arn) {
            continue;
        }
        let (is_approved, outcome) = match is_approved(runner, &due) {
            Ok(is_approved) => {
                let is_wanted = due.is_due() && is_approved && left > 0;
                let is_wanted = is_wanted && asked.mode == Mode::Rotate;
                let outcome = is_wanted
                    .then(|| rotate(runner, StillDue { due: &due, catch_up: asked.catch_up }));
                (is_approved, outcome)
            }
            // It was deleted while others were rotated.
            Err(Failure::Fault(fault)) if fault.code == Code::ResourceNotFound => continue,
            Err(failure) => (false, Some(Err(Error::Service(failure)))),
        };
        let outcome = match outcome {
            Some(Err(Error::Passed)) => None,
            outcome => outcome,
        };
        left = left.saturating_sub(usize::from(outcome.is_some()));
        let is_over = matches!(outcome, Some(Err(Error::Interrupted { .. } | Error::Stopped)));
        outcomes.push(DueOutcome { due, is_approved, outcome });
        if is_over {
            break;
        }
    }
    Ok(outcomes)
}

fn rotate(runner: &mut Runner<'_>, still: StillDue<'_>) -> Result<Value, Error> {
    if runner.events.is_stop_requested() {
        return Err(Error::Stopped);
    }
    let due = still.due;
    let token = random_uuid(runner.circumstances.entropy).map_err(Failure::from)?;
    let members = [("SecretId", due.arn.clone()), ("ClientRequestToken", token)];
    let members = members.map(|(name, text)| (name.to_owned(), Value::Text(text)));
    let (request, region) = (Value::Map(members.into()), Some(due.region.as_str()));
    let (options, resume) = (Options::default(), Resume::IfPossible);
    let still = Some(still);
    let on_lease = OnLease::Respect;
    runner.rotate(RotateRequest { request, region, options, resume, still, on_lease })
}

fn is_approved(runner: &mut Runner<'_>, due: &Due) -> Result<bool, Failure> {
    let (id, region) = (SecretId(due.arn.clone()), Some(due.region.as_str()));
    let context = runner.circumstances.context();
    let found = settings::settings(runner.vault, &id, region, context)?;
    let Some(rotation) = &found.rotation else { return Ok(false) };
    match attempt::is_approved(runner.vault.vault_id(), runner.machine, due.rid, &rotation.command)
    {
        Ok(is_approved) => Ok(is_approved),
        Err(Error::Service(failure)) => Err(failure),
        // Approvals that cannot be read approve nothing; an attempt says why.
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `--quiet` was silent about a command that is not approved here, if it had failed before: nothing
    /// tries that again by itself.
    #[test]
    fn what_is_not_approved_does_not_wait() {
        let outcome = |is_approved| DueOutcome {
            due: Due {
                rid: 1,
                arn: String::new(),
                name: String::new(),
                region: String::new(),
                next_rotation: None,
                window: None,
                state: DueState::Unfinished,
                next_attempt: None,
                has_failed: true,
            },
            is_approved,
            outcome: None,
        };
        assert!(outcome(true).is_waiting() && outcome(true).is_trouble());
        assert!(!outcome(false).is_waiting() && outcome(false).is_trouble());
    }
}
