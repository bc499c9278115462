//! References to secrets, as `run` takes them: which value of which version is meant, and what it is.
//!
//! `reference` and `dotenv` read texts that others may have written, and know no vault; `resolve`
//! has the values read. What becomes of a value is not known here.

pub(crate) mod dotenv;
pub(crate) mod reference;
pub(crate) mod resolve;
pub(crate) mod variable;
