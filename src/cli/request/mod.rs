//! From words to a request: the options of one operation, read as AWS CLI version 2 reads them.
//!
//! In two steps. `globals` and `arguments` sort the words into plain data, without effects;
//! `build` then loads files, reads shorthand and JSON, fills in what AWS's client fills in and
//! validates. Everything is derived from the operation's shapes; nothing here knows an operation
//! by its name, prints anything, or reads the environment or a terminal on its own.

pub(crate) mod argparse;
pub(crate) mod arguments;
pub(crate) mod base64;
pub(crate) mod build;
pub(crate) mod cli_input;
mod encoding;
pub(crate) mod error;
pub(crate) mod fit;
pub(crate) mod foreign;
pub(crate) mod globals;
pub(crate) mod json;
pub(crate) mod paramfile;
pub(crate) mod shorthand;
pub(crate) mod similar;
pub(crate) mod skeleton;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod unpack;
pub(crate) mod validate;
pub(crate) mod yaml;
