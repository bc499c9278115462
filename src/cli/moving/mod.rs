//! What `import` reads and `export` writes, and what they say of it. Formats are `transfer`'s.

pub(crate) mod archive;
pub(crate) mod found;
pub(crate) mod leaving;
pub(crate) mod source;
mod store;
pub(crate) mod told;
pub(crate) mod tree;
