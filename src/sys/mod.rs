//! The operating system: clock, randomness, files and their modes, memory, the process itself.
//!
//! Knows nothing of vaults. `memory` is the only module of the crate that may contain `unsafe`.

pub(crate) mod apart;
pub(crate) mod clock;
pub(crate) mod entropy;
pub(crate) mod files;
pub(crate) mod interrupts;
pub(crate) mod lock;
#[expect(unsafe_code, reason = "the allocator and the mapped memory; each block says why it holds")]
pub(crate) mod memory;
pub(crate) mod process;
#[cfg(test)]
pub(crate) mod scratch;
pub(crate) mod secret;
pub(crate) mod socket;
