//! The way out: items as other programs want them, one file a format, each a function from items to
//! bytes. What a format cannot hold is counted.

mod env;
mod losses;
mod table;

use super::taken::Taken;
use crate::sys::secret::Secret;

pub(crate) use losses::{Feature, Losses};

/// What was written, all of it in memory.
pub(crate) struct Written {
    pub(crate) bytes: Secret<Vec<u8>>,
    pub(crate) losses: Losses,
}

/// A format of one file that anybody can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A table as Chrome writes it.
    Csv,
    /// Lines of `KEY=value`.
    Env,
}

/// Writes items.
pub(crate) fn write(target: Target, items: &[Taken]) -> Written {
    match target {
        Target::Csv => table::write(items),
        Target::Env => env::write(items),
    }
}
