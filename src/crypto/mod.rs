//! Keys and sealing: bytes in, bytes out. Every byte here is the one `docs/format.md` describes.
//!
//! Reads no file, no clock and no environment; randomness is handed in. Does not know of rows,
//! records or the tree's shape.

pub(crate) mod crockford;
mod error;
mod fields;
pub(crate) mod fingerprint;
pub(crate) mod foreign;
pub(crate) mod header;
pub(crate) mod history;
pub(crate) mod kdf;
pub(crate) mod keyfile;
pub(crate) mod keys;
pub(crate) mod leaked;
pub(crate) mod likeness;
pub(crate) mod otp;
pub(crate) mod passphrase;
mod primitives;
pub(crate) mod recovery;
pub(crate) mod sealed;
pub(crate) mod signing;
pub(crate) mod slot;
#[cfg(test)]
mod testing;

pub(crate) use error::Error;
