//! Templates: texts of any kind in which references stand, and what they become.
//!
//! `text` finds the references, `escape` writes a value as a text can hold it, `filled` puts values in;
//! `syntax` looks whether what comes out says what the template says, where the name of the file tells
//! its syntax, with `same` and `toml`. `filling` has references resolved; nothing else knows a vault.

pub(crate) mod escape;
pub(crate) mod filled;
pub(crate) mod filling;
pub(crate) mod same;
pub(crate) mod syntax;
pub(crate) mod text;
pub(crate) mod toml;
