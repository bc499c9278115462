//! Strongroom: an encrypted secrets vault in one file, with the commands of `aws secretsmanager`.
//!
//! The folders are layers, top to bottom. Each may name only what is below it; the test
//! `tidy::layers` holds that order. `docs/architecture.md` follows one command through them.
//!
//! * `workbench` is no layer of the program: it lets the benchmark and the fuzz targets in, and no
//!   release has it.
//! * `cli` is the only layer with argv, the environment, the terminal and exit codes. It turns a
//!   command line into a request and a response into bytes.
//! * `agent` is a process that holds vaults open between commands, and answers at a socket.
//! * `http` is the endpoint of programs that use an AWS SDK: signed requests, answered as AWS does.
//! * `rotation` runs the user's program that gives a secret a new value, step by step, and lets it
//!   do nothing else with the vault.
//! * `gateway` answers other processes of this user: who proves who he is makes an ordinary call
//!   under his own rights.
//! * `transfer` is what other programs export, read and written: one file a format, bytes to items
//!   and back.
//! * `service` is what AWS does: one file an operation, its rules as pure functions, its fault
//!   codes written once.
//! * `upkeep` is what AWS has no word for: making, checking, copying and re-keying a vault.
//! * `vault` is the only place where keys meet rows: it seals, opens, finds, lists and audits, and
//!   checks every answer against the state of the whole vault.
//! * `programs` starts other people's programs, confines them and hushes them.
//! * `store` is SQLite: rows of sealed bytes and transactions. It cannot name a key.
//! * `crypto` is keys and sealing: bytes in, bytes out. It cannot name a row.
//! * `model` is the words everybody uses: shapes, values, names, times.
//! * `sys` is the operating system: clock, randomness, files, memory, the process itself.

// The two declaring macros of `model` are in scope only below it, so it comes first.
#[macro_use]
mod model;

#[doc(hidden)]
#[cfg(any(test, feature = "workbench"))]
pub mod workbench;

mod cli;

mod agent;
mod http;
mod rotation;

mod gateway;
mod transfer;

mod service;
mod upkeep;

mod programs;
mod vault;

mod store;

mod crypto;

mod sys;

pub use cli::{start, start_alone};
pub use sys::secret::Secret;

/// Serialisers and buffers leave copies of what passed through them; this wipes them all.
#[global_allocator]
static ALLOCATOR: sys::memory::ZeroingAllocator = sys::memory::ZeroingAllocator;
