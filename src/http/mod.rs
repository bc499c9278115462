//! The endpoint that programs written with an AWS SDK speak to: HTTP on the loopback interface or at a
//! socket of the file system.
//!
//! Requests in JSON for Secrets Manager and in forms for STS, both signed; the local protocol of AWS's
//! Secrets Manager Agent; the credentials that a container's process asks for. Who has which key, and
//! the vault, are behind [`back::Back`]: nothing here knows of either.

mod answer;
mod aws_json;
pub(crate) mod back;
pub(crate) mod container;
mod endpoint;
mod exchange;
mod head;
mod local;
mod members;
mod refusal;
mod refused;
mod request;
mod room;
pub(crate) mod rules;
pub(crate) mod server;
pub(crate) mod sigv4;
pub(crate) mod site;
mod sts;
#[cfg(any(test, feature = "workbench"))]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
