//! What a runner of rotations passes in to begin one, and the job it gets back.

use super::function::Functions;
use crate::model::value::Value;
use crate::vault::progress::{Holder, Lease, Purpose};
use crate::vault::rotation::{Command, Rotation};

/// What `rotate-secret` needs from outside the vault.
pub(crate) struct StartRotation<'a> {
    /// The functions of this machine.
    pub(crate) functions: &'a dyn Functions,
    /// The command given with Strongroom's own options.
    pub(crate) own: Option<Command>,
    /// What to do with a rotation that is not finished.
    pub(crate) resume: Resume,
    /// The process that will run it.
    pub(crate) holder: Holder,
    /// A lease that was found on it and may be taken over.
    pub(crate) seen: Option<Lease>,
}

/// What to do with a rotation that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Resume it under its own token, unless it was cancelled. The request's token was generated.
    IfPossible,
    /// The same, but only if its token is the request's, which the caller chose.
    IfSame,
    /// Refuse, as AWS does.
    No,
    /// Resume it even if it was cancelled.
    Yes,
}

/// The outcome of a request to rotate.
pub(crate) enum Started {
    /// There is something to run.
    Run(Box<Job>),
    /// The rotation with this token was done before: its answer, repeated.
    Done(Value),
}

/// A rotation, or a test of one, to be run.
pub(crate) struct Job {
    /// The secret's row.
    pub(crate) rid: u64,
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) region: String,
    /// The id of the new version: `ClientRequestToken`.
    pub(crate) token: String,
    /// Whether it rotates or only tests.
    pub(crate) purpose: Purpose,
    /// Whether an earlier attempt began it.
    pub(crate) resumed: bool,
    /// The function, as shown.
    pub(crate) function: String,
    pub(crate) command: Command,
    /// The settings to store once it succeeds; `None` if they are stored already.
    pub(crate) pending_config: Option<Rotation>,
}
