//! Rotations against real servers: each ready-made rotator, from a secret to a login.
//!
//! Every server runs as a user without rights, in a directory of its own, on a local socket or on
//! none; it is started once for each test. Where it is not installed, its tests say so. `due` needs none: it
//! is about the timer.

mod course;
mod due;
mod htpasswd;
mod lambda;
mod mariadb;
mod postgresql;
mod redis;
mod server;
mod ssh;
mod stage;
