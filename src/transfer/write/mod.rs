//! The way out: items as other programs want them, one file a format, each a function from items to
//! bytes. What a format cannot hold is counted.

pub(crate) mod aws;
mod bitwarden;
mod env;
mod keepass;
mod losses;
mod place;
pub(crate) mod protected;
mod table;
mod written;

use super::taken::Taken;

pub(crate) use losses::{Feature, Losses};
pub(crate) use written::Written;

/// A format of one file that anybody can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Bitwarden's JSON.
    Bitwarden,
    /// A table as Chrome writes it.
    Csv,
    /// Lines of `KEY=value`.
    Env,
    /// KeePass 2's XML.
    KeePass,
}

/// Writes items.
pub(crate) fn write(target: Target, items: &[Taken]) -> Written {
    match target {
        Target::Bitwarden => bitwarden::write(items),
        Target::Csv => table::write(items),
        Target::Env => env::write(items),
        Target::KeePass => keepass::write(items),
    }
}

#[cfg(test)]
mod tests;
