//! What `doctor` judges, apart from how it is read: kinds of findings, passwords among values, and what
//! surrounds the vault. No finding holds a value.

pub(crate) mod around;
pub(crate) mod examiner;
pub(crate) mod finding;
pub(crate) mod kind;
pub(crate) mod listing;
pub(crate) mod passwords;
