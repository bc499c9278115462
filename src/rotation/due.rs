//! All rotations that are due, one after the other: what a timer calls.

use super::attempt::{self, Consent, Wish};
use super::error::Error;
use super::options::Options;
use super::run::{Runner, new_token};
use crate::model::types::SecretId;
use crate::model::value::Value;
use crate::service::rotation::settings;
use crate::service::rotation::{self as service, CatchUp, Due, DueFault, Resume, State};

/// What to rotate.
pub(crate) struct Wanted<'a> {
    /// What about windows that were missed.
    pub(crate) catch_up: CatchUp,
    /// At most so many.
    pub(crate) most: Option<usize>,
    /// Only this one: a name or an ARN.
    pub(crate) only: Option<&'a str>,
    /// Whether to do it.
    pub(crate) deed: Deed,
}

/// Whether to rotate, or to say what would be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Rotate.
    Rotate,
    /// Say.
    Say,
}

/// What became of one secret.
pub(crate) struct Fate {
    /// The secret, and how it stood.
    pub(crate) due: Due,
    /// Whether its command may run here.
    pub(crate) is_approved: bool,
    /// What was done; `None` where nothing was.
    pub(crate) outcome: Option<Result<Value, Error>>,
}

impl Fate {
    /// Whether somebody has to look after it.
    pub(crate) fn is_trouble(&self) -> bool {
        let failed = matches!(self.outcome, Some(Err(_)));
        let needs_a_person = matches!(self.due.state, State::Misconfigured | State::Orphaned);
        failed || needs_a_person || (is_due(&self.due) && !self.is_approved)
    }
}

/// Rotates what is due. One that fails does not stop the others; somebody who asks to stop does.
pub(crate) fn rotate_due(
    runner: &mut Runner<'_>,
    wanted: &Wanted<'_>,
) -> Result<Vec<Fate>, DueFault> {
    let all = service::due(runner.vault, wanted.catch_up, runner.circumstances.occasion())?;
    let mut fates = Vec::new();
    let mut left = wanted.most.unwrap_or(usize::MAX);
    for due in all {
        if wanted.only.is_some_and(|only| only != due.name && only != due.arn) {
            continue;
        }
        let is_approved = is_approved(runner, &due)?;
        let is_wanted = is_due(&due) && is_approved && wanted.deed == Deed::Rotate && left > 0;
        let outcome = if is_wanted {
            left = left.saturating_sub(1);
            Some(rotate(runner, &due))
        } else {
            None
        };
        let is_over = matches!(outcome, Some(Err(Error::Interrupted { .. })));
        fates.push(Fate { due, is_approved, outcome });
        if is_over {
            break;
        }
    }
    Ok(fates)
}

fn is_due(due: &Due) -> bool {
    matches!(due.state, State::Unfinished | State::Open)
}

fn rotate(runner: &mut Runner<'_>, due: &Due) -> Result<Value, Error> {
    let token = new_token(runner.circumstances.entropy)?;
    let members = [("SecretId", due.arn.clone()), ("ClientRequestToken", token)];
    let members = members.map(|(name, text)| (name.to_owned(), Value::Text(text)));
    let (request, region) = (Value::Map(members.into()), Some(due.region.as_str()));
    let (options, resume, consent) = (Options::default(), Resume::IfPossible, Consent::Before);
    runner.rotate(Wish { request, region, options, resume, consent })
}

fn is_approved(runner: &mut Runner<'_>, due: &Due) -> Result<bool, DueFault> {
    let (id, region) = (SecretId(due.arn.clone()), Some(due.region.as_str()));
    let occasion = runner.circumstances.occasion();
    let found = settings::settings(runner.vault, &id, region, occasion)?;
    let Some(rotation) = &found.rotation else { return Ok(false) };
    match attempt::is_approved(runner.vault, runner.machine, due.rid, &rotation.command) {
        Ok(is_approved) => Ok(is_approved),
        Err(Error::Service(failure)) => Err(DueFault::Failure(failure)),
        // Approvals that cannot be read approve nothing; an attempt says why.
        Err(Error::File(_) | Error::Failed(_) | Error::Interrupted { .. }) => Ok(false),
    }
}
