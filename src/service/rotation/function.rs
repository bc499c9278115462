//! How a secret's rotation function is found: named in the request, by a command, or stored.

use super::builtin::{self, BUILTIN};
use super::refusals;
use crate::service::fault::Fault;
use crate::vault::record::Record;
use crate::vault::rotation::Command;

/// What functions are on this machine.
pub(crate) trait Functions {
    /// Finds and trusts a function that is to rotate a secret, whose record is as it is stored now.
    fn register(&self, wanted: FunctionSpec<'_>, record: &Record) -> Result<Registered, Fault>;
}

/// How a request names its function.
pub(crate) enum FunctionSpec<'a> {
    /// By `RotationLambdaARN`; the words of `options` are none, the rest of it counts.
    Arn {
        /// As it was given. Never what is built in.
        arn: &'a str,
        /// What else was said about the command.
        options: Option<&'a Command>,
    },
    /// By a command, whose files are not pinned yet. Without words it is the one stored, with other
    /// options.
    Command(&'a Command),
}

/// A function that was found and is trusted.
pub(crate) struct Registered {
    /// `RotationLambdaARN`, as it is shown from now on.
    pub(crate) arn: String,
    /// The command, its files pinned.
    pub(crate) command: Command,
}

/// Finds the function that is given, with a command of its `own`, or that is stored.
pub(crate) fn find(
    functions: &dyn Functions,
    given: Option<&str>,
    own: Option<&Command>,
    record: &Record,
) -> Result<Registered, Fault> {
    let stored = record.rotation.as_ref();
    let has_words = own.is_some_and(|own| !own.argv.is_empty());
    if given.is_none() && !has_words && stored.is_none() {
        return Err(refusals::no_function());
    }
    if given.is_some() && has_words {
        return Err(refusals::two_functions());
    }
    if let (Some(BUILTIN), None) = (given, own) {
        return Ok(Registered { arn: BUILTIN.to_owned(), command: builtin::command() });
    }
    let is_builtin = given.map_or_else(
        || !has_words && stored.is_some_and(|stored| stored.function == BUILTIN),
        |given| given == BUILTIN,
    );
    if is_builtin && own.is_some() {
        return Err(refusals::no_options());
    }
    match (given, own, stored) {
        (Some(arn), options, _) => functions.register(FunctionSpec::Arn { arn, options }, record),
        (None, Some(own), _) => functions.register(FunctionSpec::Command(own), record),
        (None, None, Some(stored)) => {
            let (arn, command) = (stored.function.clone(), stored.command.clone());
            Ok(Registered { arn, command })
        }
        (None, None, None) => Err(refusals::no_function()),
    }
}
