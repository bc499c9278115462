//! What AWS has no word for: making, checking, copying and re-keying a vault.
//!
//! Takes credentials that were obtained elsewhere, and returns plain results. Does not know of
//! terminals, arguments or output.

pub(crate) mod backups;
pub(crate) mod check;
pub(crate) mod copy;
pub(crate) mod events;
pub(crate) mod init;
pub(crate) mod notices;
pub(crate) mod purge;
pub(crate) mod rekey;
pub(crate) mod settings;
pub(crate) mod slots;
pub(crate) mod status;

/// A vault that is copied or saved from, and its master key.
pub(crate) struct Source<'a, V> {
    pub(crate) vault: &'a mut V,
    /// Its key.
    pub(crate) master: &'a crate::crypto::keys::MasterKey,
}
