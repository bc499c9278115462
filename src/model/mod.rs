//! The words everybody uses: values on the wire, their shapes, names and times. Pure data.
//!
//! Does not know of vaults, rows, keys or command lines.

#[macro_use]
pub(crate) mod declare;

pub(crate) mod case;
pub(crate) mod order;
pub(crate) mod otp;
pub(crate) mod rotation;
pub(crate) mod secret_value;
pub(crate) mod shape;
pub(crate) mod time;
pub(crate) mod types;
pub(crate) mod value;
