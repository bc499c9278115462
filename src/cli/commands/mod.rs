//! The vault's own commands.

pub(crate) mod init;

use super::failure::Failure;
use super::unlock::Surroundings;

/// All names.
pub(crate) const NAMES: &[&str] = &["init"];

/// x
pub(crate) fn command(_name: &str) -> Option<clap::Command> {
    None
}

/// x
pub(crate) fn summaries() -> Vec<(String, &'static str)> {
    Vec::new()
}

/// x
pub(crate) fn run(_name: &str, _words: &[String], s: &Surroundings<'_>) -> Result<(), Failure> {
    if let Some(d) = s.location.path.parent() {
        crate::sys::files::create_private_dir(d)?;
    }
    init::found(s).map(|_| ())
}
