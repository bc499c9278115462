//! What whoever runs rotations says when one is to begin, and what is handed to them.

use super::function::Functions;
use crate::model::value::Value;
use crate::vault::progress::{Holder, Kind, Lease};
use crate::vault::rotation::{Command, Rotation};

/// What `rotate-secret` needs from outside the vault.
pub(crate) struct StartRotation<'a> {
    /// What functions there are.
    pub(crate) functions: &'a dyn Functions,
    /// The command given with options of our own.
    pub(crate) own: Option<Command>,
    /// What to do with a rotation that is not finished.
    pub(crate) resume: Resume,
    /// Who is going to be at work on it.
    pub(crate) holder: Holder,
    /// Who was found to be at work on it, and need not be minded.
    pub(crate) seen: Option<Lease>,
}

/// What to do with a rotation that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Go on with it under its own token, unless it was cancelled. The request's token was made up.
    IfPossible,
    /// The same, if its token is the request's, which somebody chose.
    IfSame,
    /// Refuse, as AWS does.
    No,
    /// Go on with it even though it was cancelled.
    Yes,
}

/// How a request was taken.
pub(crate) enum Started {
    /// There is something to run.
    Run(Box<Job>),
    /// The rotation that its token names is done: this is the answer once more.
    Done(Value),
}

/// A rotation, or the test of one, that is to be run.
pub(crate) struct Job {
    /// The secret's row.
    pub(crate) rid: u64,
    /// Its ARN.
    pub(crate) arn: String,
    /// Its name.
    pub(crate) name: String,
    /// The region it is in.
    pub(crate) region: String,
    /// The version that is made: `ClientRequestToken`.
    pub(crate) token: String,
    /// Whether it rotates or only tests.
    pub(crate) kind: Kind,
    /// Whether it was begun before.
    pub(crate) resumed: bool,
    /// The function, as it is shown.
    pub(crate) function: String,
    /// What to run.
    pub(crate) command: Command,
    /// What is stored when it has succeeded; `None` where it is stored already.
    pub(crate) pending_config: Option<Rotation>,
}
