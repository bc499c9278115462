//! Runs the user's rotation program through its four steps, safely: what may run, as what, how
//! long, and what it may ask for meanwhile.
//!
//! What the steps mean is the service's business (`service::jobs`). Does not know command
//! lines, the terminal, or how a vault is unlocked.

pub(crate) mod approvals;
pub(crate) mod attempt;
pub(crate) mod door;
pub(crate) mod due;
pub(crate) mod error;
mod event;
pub(crate) mod functions;
pub(crate) mod lease;
pub(crate) mod machine;
pub(crate) mod options;
pub(crate) mod pins;
pub(crate) mod reach;
pub(crate) mod remote;
mod run;
pub(crate) mod runner;
mod system;
pub(crate) mod templates;
mod tree;
mod trouble;
pub(crate) mod trust;
