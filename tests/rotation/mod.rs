//! Rotations against real servers: each ready-made rotator, from a secret to a login.
//!
//! Every server runs as a user without rights, in its own directory, on a local socket or on none;
//! it is started once for each test. If it is not installed, its tests say so. `due`, about the
//! timer, and `peer`, about a replica in another vault, need no server.

mod course;
mod due;
mod fixture;
mod htpasswd;
mod lambda;
mod mariadb;
mod peer;
mod postgresql;
mod redis;
pub(crate) mod server;
mod ssh;
mod unlocked;
