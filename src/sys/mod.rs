//! The operating system: clock, randomness, files and their modes, memory, the process itself.
//!
//! Knows nothing of vaults. `memory` is the only module of the crate that may contain `unsafe`.

pub(crate) mod clock;
pub(crate) mod entropy;
pub(crate) mod secret;
