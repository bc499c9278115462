//! The small vocabulary for hands: `get`, `set`, `show`, `ls` and the others are made of AWS's own
//! operations, so that versions, labels, the log and grants hold for them alike.

pub(crate) mod address;
pub(crate) mod candidates;
pub(crate) mod client;
pub(crate) mod clipboard;
pub(crate) mod doctor;
pub(crate) mod fuzzy;
pub(crate) mod login;
pub(crate) mod making;
pub(crate) mod pick;
pub(crate) mod qr;
pub(crate) mod swap;
pub(crate) mod times;
