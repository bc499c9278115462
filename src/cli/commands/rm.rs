//! `rm` and `restore`: a secret goes with a way back, and comes back.

use jiff::Timestamp as Instant;

use super::super::everyday::address::Address;
use super::super::everyday::client::{Client, text};
use super::super::failure::Failure;
use super::super::terminal;
use super::options::{Number, Word, options};
use super::own::{Invocation, OwnCommand, Takes};
use crate::model::value::Value;
use crate::service::action::Action;

options! {
    /// The options of `rm`.
    pub(super) struct Rm {
        /// The secret
        secret: Word = "NAME",
        /// For how many days it can be restored, 7 to 30; 30 if you say nothing
        days: Number<i64> = "N"
    }
}

impl OwnCommand for Rm {
    const NAME: &'static str = "rm";
    const TITLE: &'static str = "Rm";
    const SUMMARY: &'static str = "Delete a secret; for some days it can be restored.";
    const EXAMPLE: &'static str = "strongroom rm example/login";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Secret];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let secret = Address::whole_secret(&self.secret.0, "rm")?;
        let days = self.days.within(&(7..=30))?;
        let mut request = vec![text("SecretId", &secret)];
        request.extend(days.map(|days| ("RecoveryWindowInDays", Value::Integer(days))));
        let mut client = Client::new(invocation.context)?;
        let answer = client.call(Action::DeleteSecret, request)?;
        let until = match answer.get("DeletionDate") {
            Some(Value::Timestamp(at)) => Instant::from_millisecond(at.0).ok(),
            Some(_) | None => None,
        };
        let until = until.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
        terminal::note(&format!(
            "{secret} can be restored until {until}: `strongroom restore {secret}`"
        ));
        Ok(())
    }
}

options! {
    /// The options of `restore`.
    pub(super) struct Restore {
        /// The secret
        secret: Word = "NAME"
    }
}

impl OwnCommand for Restore {
    const NAME: &'static str = "restore";
    const TITLE: &'static str = "Restore";
    const SUMMARY: &'static str = "Bring back a secret that was deleted.";
    const EXAMPLE: &'static str = "strongroom restore example/login";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Scheduled];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let secret = Address::whole_secret(&self.secret.0, "restore")?;
        let mut client = Client::new(invocation.context)?;
        client.call(Action::RestoreSecret, vec![text("SecretId", &secret)])?;
        terminal::note(&format!("{secret} is back"));
        Ok(())
    }
}
