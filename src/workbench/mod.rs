//! What reaches into the library from outside it: the benchmark and the fuzz targets.
//!
//! No part of a release: the feature `workbench` alone lets others in, and nothing that is built
//! without it has this module. Tests have it too.

mod agent;
pub mod bench_vault;
mod between;
mod boxes;
mod canonical;
mod changes;
pub mod fuzz;
mod http;
pub mod hush;
#[cfg(test)]
mod mutate;
mod readers;
mod sample;
mod scratch;
mod system;
