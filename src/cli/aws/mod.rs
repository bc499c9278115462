//! What the `aws` form knows beside `secretsmanager`: how scripts begin that ask who they are and
//! where (`sts get-caller-identity`, `configure`), and who else could answer what they ask for.

pub(super) mod configure;
pub(super) mod identity;
pub(super) mod passing;

use super::agent::{Asked, Session};
use super::chore;
use super::failure::Failure;
use super::unlock::{self, CommandContext};
use crate::agent::chores::Chore;
use crate::model::value::Value;
use crate::vault::transaction::Access;

/// The home region of a vault, of which whoever asks has a part only.
fn granted_region(context: &CommandContext<'_>) -> Result<Option<String>, Failure> {
    let Some(granted) = Session::granted(context.environment)? else { return Ok(None) };
    granted.identity(None).map(|(_identity, region)| Some(region))
}

/// The account of a vault, and its home region.
struct Home {
    account: String,
    region: String,
}

/// Asks the vault, which has to be unlocked for it: in the agent, or else here.
fn home(context: &CommandContext<'_>) -> Result<Home, Failure> {
    if let Some(session) = Session::find(context)
        && let Asked::Answered(status) = session.chore(Chore::Status { anchors: None }, "Status")?
        && let (Some(Value::Text(account)), Some(Value::Text(region))) =
            (status.get("AccountId"), status.get("Region"))
    {
        return Ok(Home { account: account.clone(), region: region.clone() });
    }
    let opened = context.unlock_silently(&context.unlock_policy());
    let mut vault = opened.map_err(|failure| chore::unlock_first(failure, context))?;
    let transaction = vault.begin(Access::Read, context.request_context())?;
    let settings = &transaction.state().settings;
    let home =
        Home { account: settings.account().to_owned(), region: settings.region().to_owned() };
    drop(transaction);
    unlock::warn(&vault);
    Ok(home)
}
