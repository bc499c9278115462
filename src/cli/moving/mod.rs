//! What `import` reads, and what it says of it. Formats are `transfer`'s.

pub(crate) mod found;
pub(crate) mod source;
mod store;
pub(crate) mod told;
