//! Finds a secret's rotation function: named in the request, given as a command, or stored.

use super::builtin::{self, BUILTIN};
use super::refusals;
use crate::service::fault::Fault;
use crate::vault::record::Record;
use crate::vault::rotation::Command;

/// The functions of this machine.
pub(crate) trait Functions {
    /// Finds a function, and decides whether to trust it with this secret.
    fn register(&self, wanted: FunctionSpec<'_>, record: &Record) -> Result<Registered, Fault>;
}

/// How a request names its function.
pub(crate) enum FunctionSpec<'a> {
    /// By `RotationLambdaARN`.
    Arn {
        /// As given; never the built-in function.
        arn: &'a str,
        /// Options for the command, without words of its own.
        options: Option<&'a Command>,
    },
    /// By a command whose files are not pinned yet. Without words, it is the stored command with
    /// other options.
    Command(&'a Command),
}

/// A function that was found and trusted.
pub(crate) struct Registered {
    /// `RotationLambdaARN`, as shown from now on.
    pub(crate) arn: String,
    /// The command, with its files pinned.
    pub(crate) command: Command,
}

/// Finds the function named by `given`, described by `own` options, or stored in the record.
pub(crate) fn find(
    functions: &dyn Functions,
    given: Option<&str>,
    own: Option<&Command>,
    record: &Record,
) -> Result<Registered, Fault> {
    match (given, own, record.rotation.as_ref()) {
        (Some(_), Some(own), _) if !own.argv.is_empty() => Err(refusals::two_functions()),
        (Some(BUILTIN), Some(_), _) => Err(refusals::no_options()),
        (Some(BUILTIN), None, _) => {
            Ok(Registered { arn: BUILTIN.to_owned(), command: builtin::command() })
        }
        (Some(arn), options, _) => functions.register(FunctionSpec::Arn { arn, options }, record),
        (None, Some(own), _) if !own.argv.is_empty() => {
            functions.register(FunctionSpec::Command(own), record)
        }
        (None, _, None) => Err(refusals::no_function()),
        (None, Some(_), Some(stored)) if stored.function == BUILTIN => Err(refusals::no_options()),
        (None, Some(own), Some(_)) => functions.register(FunctionSpec::Command(own), record),
        (None, None, Some(stored)) => {
            Ok(Registered { arn: stored.function.clone(), command: stored.command.clone() })
        }
    }
}
