//! Help, from the declarations: all commands by what a person wants, or one with its options.

use clap::Command;

use super::super::commands;
use super::super::failure::Failure;
use super::super::request::error as request;
use super::{operation, tree};
use crate::service::operation::Group;
use crate::service::operations;

/// Returns the help that these words ask for; without words, that for all commands.
pub(crate) fn text(words: &[String]) -> Result<String, Failure> {
    let wanted = words.iter().find(|word| !["aws", "secretsmanager"].contains(&word.as_str()));
    let Some(name) = wanted else { return Ok(overview()) };
    let none = || request::Error::usage(format!("there is no command {name}"));
    Ok(rendered(command(name).ok_or_else(none)?))
}

/// Returns a command or an operation as clap knows it.
pub(super) fn command(name: &str) -> Option<Command> {
    operations::find(name).map(operation::command).or_else(|| commands::command(name))
}

/// Returns a command's help.
pub(crate) fn rendered(mut command: Command) -> String {
    let mut text = command.render_long_help().to_string();
    text.push_str(
        "\nGlobal options (--vault, --keyfile, --output, --query, --region, …) may stand anywhere; \
         `strongroom help` lists them.\n",
    );
    text
}

fn overview() -> String {
    let mut text = String::from(
        "Strongroom keeps secrets in one encrypted file, with the commands of `aws \
         secretsmanager`.\n\nUsage: strongroom COMMAND [OPTIONS]\n       strongroom help COMMAND\n",
    );
    for (title, group) in GROUPS {
        let of_group = operations::ALL.iter().filter(|entry| entry.group == *group);
        let rows: Vec<(String, &str)> =
            of_group.map(|entry| (entry.command(), entry.summary)).collect();
        section(&mut text, title, &rows);
    }
    let own = commands::summaries();
    section(&mut text, "The vault", &own);
    text.push_str(&tree::global_options());
    text
}

fn section(text: &mut String, title: &str, rows: &[(String, &str)]) {
    if rows.is_empty() {
        return;
    }
    text.extend(["\n", title, ":\n"]);
    text.extend(rows.iter().map(|(name, summary)| format!("  {name:<32} {summary}\n")));
}

/// The groups of operations and their titles, in the order of the help.
pub(super) const GROUPS: &[(&str, Group)] = &[
    ("Secrets", Group::Secrets),
    ("Versions and staging labels", Group::Versions),
    ("Rotation", Group::Rotation),
    ("Resource policies", Group::Policies),
    ("Regions", Group::Regions),
];
