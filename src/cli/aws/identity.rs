//! `sts get-caller-identity`: the vault's owner, who is the root of its account.

use super::home;
use crate::cli::answer::Answer;
use crate::cli::failure::Failure;
use crate::cli::operate;
use crate::cli::pages::Pages;
use crate::cli::request::arguments::{self, Paging, Parsed, Picking, Signature};
use crate::cli::request::build::Built;
use crate::cli::stdout::print;
use crate::cli::unlock::CommandContext;
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::rules::arn::Place;
use crate::service::rules::policy::principal::Identity;

structure! {
    /// Who calls.
    pub(crate) struct Response {
        /// The unique id of who calls; of a root it is the account's.
        user_id: String => "UserId",
        /// The account.
        account: String => "Account",
        /// The ARN of who calls.
        arn: String => "Arn",
    }
}

/// Answers with the account of the vault.
pub(crate) fn run(words: &[String], context: &CommandContext<'_>) -> Result<(), Failure> {
    let signature = Signature {
        input: &[],
        output: Response::SHAPE,
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
        Built::Sample(value) => return answer.print(Pages::One(value)),
        Built::Call(_) => {}
    }
    let home = home(context)?;
    let region = context.region().unwrap_or(&home.region);
    let arn = Identity::root(Place { account: &home.account, region }).arn();
    let response = Response { user_id: home.account.clone(), account: home.account, arn };
    answer.print(Pages::One(response.into_value().unwrap_or(Value::Null)))
}

/// What `help` prints.
pub(crate) const HELP: &str = "\
aws sts get-caller-identity

Answers with the account of the vault, whose owner is the root of it. The vault has to be unlocked.
No other operation of sts is here.
";
