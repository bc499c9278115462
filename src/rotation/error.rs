//! Why a rotation did not come to its end, in the words that a person reads.

use std::fmt;

use crate::gateway::refusal::Explained;
use crate::programs::output;
use crate::service::caller::Step;
use crate::service::failure::Failure;
use crate::service::jobs::LeftBehind;
use crate::sys::files::FileFault;

/// Why a rotation did not come to its end.
#[derive(Debug)]
pub(crate) enum Error {
    /// Something of this machine is not as it must be: approvals, locks.
    File(FileFault),
    /// Something failed in another process of this program, which says how.
    Told(Explained),
    /// The service refused, or the vault failed.
    Service(Failure),
    /// Another process of this machine is at work on it: AWS's words, and nothing to be done.
    AtWork(Failure),
    /// A step failed.
    Failed(Failed),
    /// Somebody asked to stop.
    Interrupted {
        /// The step that comes next, or was cut.
        step: Step,
        /// The version.
        token: String,
        /// What is left of it.
        left: LeftBehind,
    },
    /// Somebody asked to stop before anything was begun.
    Stopped,
    /// There is nothing to do any more: it is no longer due, or another process is at it.
    Passed,
}

/// A step that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(super) function: String,
    pub(super) step: Step,
    pub(super) what: String,
    pub(super) token: String,
    pub(super) left: LeftBehind,
    /// The last lines that the program wrote to stderr, without what is known to be secret.
    pub(crate) lines: Vec<String>,
}

impl From<FileFault> for Error {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Service(failure)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, step, what, token, left, .. } = self;
        let (function, what) = (output::visible(function), output::visible(what));
        write!(f, "Error when executing {function} during {} step: {what}.", step.name())?;
        match left {
            LeftBehind::Pending => {
                write!(f, " Version {token} stays AWSPENDING; run rotate-secret again to resume.")
            }
            LeftBehind::Complete => write!(f, " Version {token} is AWSCURRENT all the same."),
            LeftBehind::Nothing => Ok(()),
        }
    }
}
