//! The operating system: clock, randomness, files and their modes, memory, the process itself.
//!
//! Knows nothing of vaults. `kernel`, `memory` and `streams` are the only modules of the crate that
//! may contain `unsafe`.

pub(crate) mod apart;
pub(crate) mod clock;
pub(crate) mod confine;
pub(crate) mod credential;
pub(crate) mod draft;
pub(crate) mod entropy;
pub(crate) mod files;
pub(crate) mod interrupts;
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "system calls that no crate here wraps; each says why it holds")]
mod kernel;
pub(crate) mod lock;
#[expect(unsafe_code, reason = "the allocator and the mapped memory; each block says why it holds")]
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod removal;
#[cfg(test)]
pub(crate) mod scratch;
pub(crate) mod secret;
pub(crate) mod socket;
#[expect(unsafe_code, reason = "a function that runs before the standard library does")]
pub(crate) mod streams;
