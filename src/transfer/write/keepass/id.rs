//! The ids of entries and groups.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::fingerprint;

/// Makes an id, always the same for the same name.
pub(super) fn uuid(what: &str, name: &str) -> String {
    let digest = fingerprint::of_bytes(format!("{what}\0{name}").as_bytes());
    STANDARD.encode(digest.get(..16).unwrap_or_default())
}
