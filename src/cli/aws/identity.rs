//! `sts get-caller-identity`: the vault's owner, who is the root of its account, or the holder of a
//! grant, who is a session of a role in it.

use super::home;
use crate::cli::agent::Session;
use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::operate;
use crate::cli::pages::Fetched;
use crate::cli::request::arguments::{self, Paging, Parsed, Picking, Signature};
use crate::cli::request::build::Built;
use crate::cli::stdout::print;
use crate::cli::unlock::CommandContext;
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::identity::CallerIdentity;
use crate::service::rules::arn::Place;

/// Answers with the account of the vault, and who calls in it.
pub(crate) fn run(words: &[String], context: &CommandContext<'_>) -> Result<(), Failure> {
    let signature = Signature {
        input: &[],
        output: CallerIdentity::SHAPE,
        paging: Paging::Manual,
        picking: Picking::Absent,
    };
    let arguments = match arguments::parse(&signature, words)? {
        Parsed::Help => return print(HELP.as_bytes()),
        Parsed::Call(arguments) => arguments,
    };
    let answer = Answer::new(context, "GetCallerIdentity")?;
    context.check_region()?;
    match operate::build(&signature, arguments, context)? {
        Built::Text(text) => return print(text.as_bytes()),
        Built::Sample(value) => return answer.print(Fetched::One(value)),
        Built::Call(_) => {}
    }
    if let Some(granted) = Session::granted(context.environment)? {
        let (identity, _region) = granted.identity(context.region())?;
        return answer.print(Fetched::One(identity));
    }
    let home = home(context)?;
    let here = Place { account: &home.account, region: context.region().unwrap_or(&home.region) };
    let identity = CallerIdentity::of(&Caller::Owner, here);
    answer.print(Fetched::One(identity.into_value().unwrap_or(Value::Null)))
}

/// What `help` prints.
pub(crate) const HELP: &str = "\
aws sts get-caller-identity

Answers with the account of the vault, whose owner is the root of it, and the holder of a grant a
session of the role strongroom-grant. The vault has to be unlocked.
No other operation of sts is here.
";
