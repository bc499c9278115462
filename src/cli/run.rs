//! One command line, from words to an exit code.

use std::io::{self, Write};

use super::environment::Environment;
use super::failure::Failure;
use super::output::{self, Format};
use super::query::Query;
use super::request::arguments::{self, Arguments, Paging, Parsed, Signature};
use super::request::build::{self, Built, Call, Pages};
use super::request::error::Form;
use super::request::globals::{self, Command, CommandLine, Globals, Names};
use super::request::paramfile::{self, Sources};
use super::unlock::{Chosen, Surroundings};
use super::{commands, creation, help, pages, terminal};
use crate::model::value::Value;
use crate::service::dispatch;
use crate::service::operation::{self, Entry, Touch};
use crate::service::operations;
use crate::sys::entropy::SystemEntropy;
use crate::sys::secret::Secret;
use crate::vault::Vault;
