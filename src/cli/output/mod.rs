pub(crate) mod json;
pub(crate) mod python;
pub(crate) mod view;
