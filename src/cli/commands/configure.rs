//! `configure`: what can be chosen about a vault after `init`.

use super::super::chore;
use super::super::failure::Failure;
use super::super::request::error as request;
use super::options::{Number, options};
use super::own::{Invocation, OwnCommand};
use crate::agent::chores::Chore;
use crate::vault::state::Settings;

options! {
    /// The options of `configure`.
    #[expect(clippy::struct_field_names, reason = "the fields are named as the options are")]
    pub(super) struct Configure {
        /// Whether reads are written to the audit log
        audit_reads: Option<String> = "on|off",
        /// How many entries the audit log keeps: 1000 to 1000000, 50000 by default
        audit_keep: Number<u64> = "N",
        /// For how many days it keeps them: 1 to 36500, 400 by default
        audit_keep_days: Number<i64> = "N",
    }
}

impl OwnCommand for Configure {
    const NAME: &'static str = "configure";
    const TITLE: &'static str = "Configure";
    const SUMMARY: &'static str = "Show or change what the vault logs, and for how long.";
    const EXAMPLE: &'static str = "strongroom configure --audit-reads off";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let mut changes = Vec::new();
        if let Some(reads) = audit_reads(self.audit_reads.as_deref())? {
            changes.push((Settings::AUDIT_READS.to_owned(), reads.to_owned()));
        }
        if let Some(keep) = self.audit_keep.within(&Settings::KEEP)? {
            changes.push((Settings::AUDIT_KEEP.to_owned(), keep.to_string()));
        }
        if let Some(days) = self.audit_keep_days.within(&Settings::KEEP_DAYS)? {
            changes.push((Settings::AUDIT_KEEP_DAYS.to_owned(), days.to_string()));
        }
        let chore = || Chore::Configure(changes.clone());
        invocation.answer_with(chore::have_done(chore, Self::TITLE, invocation.context)?)
    }
}

/// Reads what `--audit-reads` says.
pub(super) fn audit_reads(given: Option<&str>) -> Result<Option<&str>, request::Error> {
    match given {
        None | Some("on" | "off") => Ok(given),
        Some(_) => Err(request::Error::argument("--audit-reads", "it must be on or off")),
    }
}
