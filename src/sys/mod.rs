//! The operating system: clock, randomness, files and their modes, memory, the process itself.
//!
//! Knows nothing of vaults. `entry`, `kernel`, `key_place`, `memory` and `streams` are the only modules of
//! the crate that may contain `unsafe`.

pub(crate) mod alarm;
#[cfg(target_os = "linux")]
pub(crate) mod attributes;
pub(crate) mod clock;
pub(crate) mod connection;
pub(crate) mod credential;
pub(crate) mod detach;
pub(crate) mod draft;
pub(crate) mod entropy;
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
#[expect(unsafe_code, reason = "where the program begins there is no other language")]
mod entry;
pub(crate) mod exposure;
pub(crate) mod files;
#[cfg(target_os = "linux")]
pub(crate) mod filter;
pub(crate) mod growing;
pub(crate) mod interrupts;
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "system calls that no crate here wraps; each says why it holds")]
pub(crate) mod kernel;
#[expect(unsafe_code, reason = "the pages that keys are in; each block says why it holds")]
pub(crate) mod key_place;
mod left_overs;
mod listing;
pub(crate) mod lock;
pub(crate) mod login;
#[expect(unsafe_code, reason = "the allocator and the mapped memory; each block says why it holds")]
pub(crate) mod memory;
pub(crate) mod modes;
pub(crate) mod overwrite;
pub(crate) mod process;
mod remedy;
pub(crate) mod removal;
pub(crate) mod runtime;
#[cfg(test)]
pub(crate) mod scratch;
pub(crate) mod secret;
pub(crate) mod session_key;
pub(crate) mod silence;
pub(crate) mod socket;
#[expect(
    unsafe_code,
    reason = "what runs before the standard library, and streams known by a number"
)]
pub(crate) mod streams;
mod turn;
pub(crate) mod unnamed;
