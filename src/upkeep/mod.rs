//! What AWS has no word for: making, checking, copying and re-keying a vault.
//!
//! Takes credentials that were obtained elsewhere, and returns plain results. Does not know of
//! terminals, arguments or output.

pub(crate) mod check;
pub(crate) mod copy;
pub(crate) mod events;
pub(crate) mod init;
pub(crate) mod rekey;
pub(crate) mod settings;
pub(crate) mod slots;
pub(crate) mod status;
