//! Help, from the declarations: all commands by what a person wants, or one with its options.

use clap::{Arg, ArgAction, Command};

use super::commands;
use super::failure::Failure;
use super::request::error as request;
use crate::model::case::kebab;
use crate::model::shape::{Member, Shape};
use crate::service::operation::{self, Entry, Group, Pages};
use crate::service::operations;

/// Returns the help that these words ask for; for all commands where there are none.
pub(crate) fn text(words: &[String]) -> Result<String, Failure> {
    let wanted = words.iter().find(|word| !["aws", "secretsmanager"].contains(&word.as_str()));
    let Some(name) = wanted else { return Ok(overview()) };
    if let Some(entry) = operation::find(name) {
        return Ok(rendered(of_operation(entry)));
    }
    match commands::command(name) {
        Some(command) => Ok(rendered(command)),
        None => Err(Failure::Request(request::Error::usage(format!("there is no command {name}")))),
    }
}

/// Returns one operation as clap knows commands: for its help, and later for completions.
pub(crate) fn of_operation(entry: &Entry) -> Command {
    let mut command = Command::new(entry.command())
        .bin_name(format!("strongroom {}", entry.command()))
        .about(entry.summary)
        .after_help(format!("Example:\n  {}", entry.example))
        .disable_help_flag(true)
        .max_term_width(100);
    for member in entry.input.members() {
        for argument in arguments(member) {
            command = command.arg(argument);
        }
    }
    if let Pages::Gathered(_) = entry.pages {
        // As in AWS: they turn the gathering of pages off, and are there for whoever knows them.
        command = command.mut_arg("max-results", |argument| argument.hide(true));
        command = command.mut_arg("next-token", |argument| argument.hide(true));
        command = command.args(PAGING.map(option));
    }
    command.args(INPUT.map(option)).arg(
        Arg::new("generate-cli-skeleton").long("generate-cli-skeleton").value_name("KIND").num_args(0..=1).help(
            "Print a request to fill in (input, yaml-input) or a response (output); call nothing",
        ),
    )
}

fn option((name, value, help): (&'static str, &'static str, &'static str)) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

/// The options of one member: a pair of flags for a boolean, one option for anything else.
fn arguments(member: &Member) -> Vec<Arg> {
    let name = kebab(member.name);
    let help = describe(member);
    if matches!(member.shape, Shape::Boolean) {
        let no = format!("no-{name}");
        return vec![
            Arg::new(name.clone()).long(name).action(ArgAction::SetTrue).help(help),
            Arg::new(no.clone()).long(no).action(ArgAction::SetTrue).help("The opposite"),
        ];
    }
    let argument = Arg::new(name.clone()).long(name).help(help).required(member.required);
    let argument = argument.value_name(value_name(member.shape));
    let is_list = matches!(member.shape, Shape::List(_));
    vec![if is_list { argument.num_args(1..) } else { argument }]
}

fn value_name(shape: &Shape) -> String {
    match shape {
        Shape::Integer(_) => "NUMBER".to_owned(),
        Shape::Blob(_) => "BASE64|fileb://FILE".to_owned(),
        Shape::Text(text) if !text.choices.is_empty() => text.choices.join("|"),
        Shape::Text(_) => "TEXT".to_owned(),
        Shape::List(list) => value_name(list.element),
        Shape::Structure(members) => {
            let parts: Vec<String> =
                members.iter().map(|member| format!("{}=…", member.name)).collect();
            parts.join(",")
        }
        Shape::Boolean | Shape::Map(_) | Shape::Timestamp => "VALUE".to_owned(),
    }
}

fn describe(member: &Member) -> String {
    let mut help = member.help();
    let bounds = match member.shape {
        Shape::Text(text) => Some((text.bounds, " characters")),
        Shape::Blob(blob) => Some((blob.bounds, " bytes")),
        Shape::Integer(bounds) => Some((*bounds, "")),
        Shape::List(list) => Some((list.bounds, " elements")),
        Shape::Structure(_) | Shape::Map(_) | Shape::Boolean | Shape::Timestamp => None,
    };
    if let Some((bounds, unit)) = bounds
        && let Some(max) = bounds.max
    {
        let min = bounds.min.unwrap_or(0);
        help = format!("{help} [{min} to {max}{unit}]");
    }
    help
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
    text.push_str(GLOBALS);
    text
}

fn section(text: &mut String, title: &str, rows: &[(String, &str)]) {
    if rows.is_empty() {
        return;
    }
    text.extend(["\n", title, ":\n"]);
    text.extend(rows.iter().map(|(name, summary)| format!("  {name:<32} {summary}\n")));
}

const PAGING: [(&str, &str, &str); 3] = [
    ("max-items", "NUMBER", "Print at most so many, and a token to go on from"),
    ("starting-token", "TOKEN", "Go on from where --max-items stopped"),
    ("page-size", "NUMBER", "How many make a page where pages are printed one by one"),
];

const INPUT: [(&str, &str, &str); 2] = [
    (
        "cli-input-json",
        "JSON",
        "Take the members of the request from a JSON document; options override it",
    ),
    ("cli-input-yaml", "YAML", "The same from a YAML document"),
];

const GROUPS: &[(&str, Group)] =
    &[("Secrets", Group::Secrets), ("Versions and staging labels", Group::Versions)];

const GLOBALS: &str = "
Global options:
  --vault PATH                 The vault (STRONGROOM_VAULT); by default the profile's
  --profile NAME               The vault of this name in the data directory (STRONGROOM_PROFILE)
  --region REGION              The region within the vault (STRONGROOM_REGION)
  --keyfile FILE               Unlock with a keyfile (STRONGROOM_KEYFILE)
  --passphrase-file FILE       Read the passphrase from a file (STRONGROOM_PASSPHRASE_FILE)
  --passphrase-fd N            Read the passphrase from an open descriptor
  --passphrase-command COMMAND Read the passphrase from what a command prints
                               (STRONGROOM_PASSPHRASE_COMMAND)
  --output FORMAT              json, text, table, yaml, yaml-stream or off
  --query EXPRESSION           Print only what a JMESPath expression selects
  --ask                        Ask for the secret value at the terminal, without showing it
  --expect CHECKPOINT          Fail unless the vault is at this checkpoint
  --cli-error-format FORMAT    enhanced, legacy, json, yaml, text or table
  --version                    Print the version

Options of the AWS CLI that only make sense with a network (--endpoint-url, --no-verify-ssl,
--ca-bundle, --cli-read-timeout, --cli-connect-timeout, --no-sign-request) are accepted and have
no effect.
";
