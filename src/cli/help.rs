//! Help, from the declarations: all commands by what a person wants, or one with its options.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};

use super::failure::Failure;
use super::request::error as request;
use super::{commands, rotate, tree};
use crate::model::case::kebab;
use crate::model::shape::{Bounds, Member, Shape};
use crate::service::operation::{Entry, Group, Pages};
use crate::service::operations;

/// Returns the help that these words ask for; for all commands where there are none.
pub(crate) fn text(words: &[String]) -> Result<String, Failure> {
    let wanted = words.iter().find(|word| !["aws", "secretsmanager"].contains(&word.as_str()));
    let Some(name) = wanted else { return Ok(overview()) };
    if let Some(entry) = operations::find(name) {
        return Ok(rendered(of_operation(entry)));
    }
    match commands::command(name) {
        Some(command) => Ok(rendered(command)),
        None => Err(Failure::Request(request::Error::usage(format!("there is no command {name}")))),
    }
}

/// Returns one operation as clap knows commands: for its help, the reference, and more.
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
    if matches!(entry.pages, Pages::Gathered(_)) {
        // As in AWS: they turn the gathering of pages off, and are there for whoever knows them.
        command = command.mut_arg("max-results", |argument| argument.hide(true));
        command = command.mut_arg("next-token", |argument| argument.hide(true));
    }
    command.args(of_client(entry)).args(rotate::own::arguments(entry))
}

/// The options that belong to the client rather than to the request.
fn of_client(entry: &Entry) -> Vec<Arg> {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    let mut options = vec![
        option(
            "cli-input-json",
            "JSON",
            "Take the members of the request from a JSON document; options override it",
        ),
        option("cli-input-yaml", "YAML", "The same from a YAML document"),
    ];
    if matches!(entry.pages, Pages::Gathered(_)) {
        options.extend([
            option("starting-token", "TOKEN", "Go on where an earlier answer's NextToken says"),
            option("page-size", "NUMBER", "How many elements to ask for at a time"),
            option("max-items", "NUMBER", "How many elements to print in all"),
        ]);
    }
    let skeleton = option(
        "generate-cli-skeleton",
        "KIND",
        "Print a request to fill in (input, yaml-input) or a response (output); call nothing",
    );
    let kinds = ["input", "output", "yaml-input"];
    options.push(skeleton.num_args(0..=1).value_parser(kinds).hide_possible_values(true));
    if entry.holds_value() {
        options.push(option(
            "field",
            "NAME",
            "Print only this member of a value that is a JSON object: text as it is, anything else as \
             compact JSON, and a newline",
        ));
        let raw = Arg::new("raw").long("raw").action(ArgAction::SetTrue);
        options.push(raw.help("Print only the value, text or bytes, with nothing added"));
    }
    options
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
    let argument = match choices(member.shape) {
        [] => argument,
        choices => argument.value_parser(PossibleValuesParser::new(choices)),
    };
    let argument = argument.hide_possible_values(true);
    let is_list = matches!(member.shape, Shape::List(_));
    vec![if is_list { argument.num_args(1..) } else { argument }]
}

fn choices(shape: &Shape) -> &'static [&'static str] {
    match shape {
        Shape::Text(text) => text.choices,
        Shape::List(list) => choices(list.element),
        Shape::Structure(_)
        | Shape::Map(_)
        | Shape::Integer(_)
        | Shape::Boolean
        | Shape::Blob(_)
        | Shape::Timestamp => &[],
    }
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

/// Returns what a member is for, and its limits in brackets.
pub(super) fn describe(member: &Member) -> String {
    let (bounds, unit) = match member.shape {
        Shape::Text(text) => (text.bounds, " characters"),
        Shape::Blob(blob) => (blob.bounds, " bytes"),
        Shape::Integer(bounds) => (*bounds, ""),
        Shape::List(list) => (list.bounds, " elements"),
        Shape::Structure(_) | Shape::Map(_) | Shape::Boolean | Shape::Timestamp => {
            (Bounds::NONE, "")
        }
    };
    let range = bounds.max.map(|max| format!("{} to {max}{unit}", bounds.min.unwrap_or(0)));
    let pattern = match member.shape {
        Shape::Text(text) => text.pattern.map(|pattern| format!("pattern {}", pattern.text)),
        Shape::Structure(_)
        | Shape::List(_)
        | Shape::Map(_)
        | Shape::Integer(_)
        | Shape::Boolean
        | Shape::Blob(_)
        | Shape::Timestamp => None,
    };
    let limits: Vec<String> = range.into_iter().chain(pattern).collect();
    if limits.is_empty() {
        return member.help();
    }
    format!("{} [{}]", member.help(), limits.join(", "))
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
