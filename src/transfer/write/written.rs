//! What comes of writing items.

use super::losses::Losses;
use crate::sys::secret::Secret;

/// What was written, all of it in memory.
pub(crate) struct Written {
    pub(crate) bytes: Secret<Vec<u8>>,
    pub(crate) losses: Losses,
}
