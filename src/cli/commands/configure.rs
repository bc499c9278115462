//! `configure`: what can be chosen about a vault after `init`.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::Command;

use super::super::failure::Failure;
use super::super::request::error as request;
use super::{Asked, Own, option};
use crate::upkeep::settings;
use crate::vault::state::Settings;
use crate::vault::transaction::Access;

/// The command.
pub(super) const CONFIGURE: Own = Own {
    name: "configure",
    title: "Configure",
    summary: "Show or change what the vault logs, and for how long.",
    example: "strongroom configure --audit-reads off",
    options,
    run,
};

fn options(command: Command) -> Command {
    command
        .arg(option("audit-reads", "on|off", "Whether reads are written to the audit log"))
        .arg(option(
            "audit-keep",
            "N",
            "How many entries the audit log keeps: 1000 to 1000000, 50000 by default",
        ))
        .arg(option(
            "audit-keep-days",
            "N",
            "For how many days it keeps them: 1 to 36500, 400 by default",
        ))
}

fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    let mut changes = Vec::new();
    if let Some(reads) = audit_reads(asked)? {
        changes.push((Settings::AUDIT_READS, reads.to_owned()));
    }
    if let Some(keep) = within(asked, "audit-keep", &Settings::KEEP)? {
        changes.push((Settings::AUDIT_KEEP, keep));
    }
    if let Some(days) = within(asked, "audit-keep-days", &Settings::KEEP_DAYS)? {
        changes.push((Settings::AUDIT_KEEP_DAYS, days));
    }
    let mut vault = asked.context.unlock()?;
    let request_context = asked.context.request_context();
    let shown = if changes.is_empty() {
        settings::shown(&vault.begin(Access::Read, request_context)?.state().settings)
    } else {
        settings::configure(&mut vault, &changes, request_context)?
    };
    asked.print(shown)
}

/// Returns what `--audit-reads` says.
pub(super) fn audit_reads<'a>(asked: &'a Asked<'_>) -> Result<Option<&'a str>, Failure> {
    match asked.text("audit-reads") {
        found @ (None | Some("on" | "off")) => Ok(found),
        Some(_) => Err(request::Error::argument("--audit-reads", "it must be on or off").into()),
    }
}

/// Returns an option's number as it is stored, which must be in the range.
fn within<N: FromStr + Display + PartialOrd>(
    asked: &Asked<'_>,
    name: &str,
    range: &RangeInclusive<N>,
) -> Result<Option<String>, Failure> {
    let Some(number) = asked.number::<N>(name)? else { return Ok(None) };
    if range.contains(&number) {
        return Ok(Some(number.to_string()));
    }
    let what = format!("it must be {} to {}", range.start(), range.end());
    Err(request::Error::argument(&format!("--{name}"), what).into())
}
