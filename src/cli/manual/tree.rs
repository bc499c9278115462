//! The whole command line as clap knows commands: for completions, manual pages and the list of
//! global options. clap never parses by it.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};

use super::super::commands;
use super::super::request::argparse::{Arity, Check, Flag};
use super::super::request::error::Form;
use super::super::request::globals;
use super::operation;
use crate::service::operation::Entry;
use crate::service::operations;

/// Returns the program with all its commands and global options.
pub(crate) fn program() -> Command {
    let names = operations::ALL.iter().map(Entry::command);
    let names: Vec<String> =
        names.chain(commands::NAMES.iter().map(|&name| name.to_owned())).collect();
    let topic = Arg::new("topic")
        .value_name("COMMAND")
        .help("The command to tell about")
        .value_parser(PossibleValuesParser::new(names))
        .hide_possible_values(true);
    let helper = Command::new("help").about("Show all commands, or one with its options.");
    Command::new("strongroom")
        .bin_name("strongroom")
        .about("Keep secrets in one encrypted file, with the commands of aws secretsmanager.")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_help_heading("Commands")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .args(globals::flags(Form::Plain).iter().filter(|flag| !is_idle(flag)).map(argument))
        .subcommands(operations::ALL.iter().map(operation::command))
        .subcommands(commands::NAMES.iter().filter_map(|name| commands::command(name)))
        .subcommand(helper.arg(topic))
}

/// Returns the list of global options, as the help shows it.
pub(super) fn global_options() -> String {
    let mut text = String::from("\nGlobal options:\n");
    for (name, value, about) in OPTIONS {
        let option = format!("--{name} {value}");
        let indented = about.replace('\n', &format!("\n{:31}", ""));
        text.extend([format!("  {option:<28} {indented}\n")]);
    }
    text.push_str(
        "\nWhere no option and no variable names a credential, strongroom.key or \
         strongroom.passphrase in\n$CREDENTIALS_DIRECTORY (systemd's LoadCredential=) opens the \
         vault; then the terminal is asked.\n",
    );
    let flags = globals::flags(Form::Plain);
    let idle: Vec<&str> =
        flags.iter().filter(|flag| is_idle(flag)).map(|flag| flag.name.as_str()).collect();
    text.push_str(
        "\nOptions of the AWS CLI that only make sense with a network or with colours are accepted \
         and have\nno effect:\n",
    );
    for line in idle.chunks(IDLE_IN_LINE) {
        text.extend(["  ", &line.join(" "), "\n"]);
    }
    text
}

fn argument(flag: &Flag) -> Arg {
    let name = flag.name.trim_start_matches('-').to_owned();
    let described = OPTIONS.iter().find(|(known, ..)| *known == name);
    let about = described.map_or("Print help", |(_, _, about)| about).replace('\n', " ");
    let argument = Arg::new(name.clone()).help(about).global(true);
    let argument = match name.as_str() {
        "h" => argument.short('h'),
        _ => argument.long(name),
    };
    if matches!(flag.arity, Arity::None | Arity::Stop) {
        return argument.action(ArgAction::SetTrue);
    }
    let value = described.map_or("VALUE", |(_, value, _)| value);
    let argument = argument.value_name(value).hide_possible_values(true);
    match flag.check {
        Check::Choice(choices) | Check::ChoiceOrEmpty(choices) => {
            argument.value_parser(PossibleValuesParser::new(choices))
        }
        Check::Nothing | Check::Integer => argument,
    }
}

/// Whether an option of AWS's is taken and has no effect; those that have one are in the table.
fn is_idle(flag: &Flag) -> bool {
    let name = flag.name.trim_start_matches('-');
    !["help", "h"].contains(&name) && !OPTIONS.iter().any(|(known, ..)| *known == name)
}

const IDLE_IN_LINE: usize = 5;

/// The global options that do something: name, value, what for.
const OPTIONS: &[(&str, &str, &str)] = &[
    ("vault", "PATH", "The vault (or STRONGROOM_VAULT); by default the profile's"),
    ("profile", "NAME", "The vault of this name in the data directory (STRONGROOM_PROFILE)"),
    ("region", "REGION", "The region within the vault (STRONGROOM_REGION)"),
    ("keyfile", "FILE", "Unlock with a keyfile (STRONGROOM_KEYFILE)"),
    ("passphrase-file", "FILE", "Read the passphrase from a file (STRONGROOM_PASSPHRASE_FILE)"),
    ("passphrase-fd", "N", "Read the passphrase from an open descriptor"),
    (
        "passphrase-command",
        "COMMAND",
        "Read the passphrase from what a command prints\n(STRONGROOM_PASSPHRASE_COMMAND)",
    ),
    ("output", "FORMAT", "json, text, table, yaml, yaml-stream or off"),
    ("query", "EXPRESSION", "Print only what a JMESPath expression selects"),
    ("ask", "", "Ask for the secret value at the terminal, without showing it"),
    ("multi-line", "", "With --ask: take all lines that are typed or pasted, up to Ctrl-D"),
    ("expect", "CHECKPOINT", "Fail unless the vault is at this checkpoint"),
    ("cli-binary-format", "FORMAT", "How binary values are given: base64, raw-in-base64-out"),
    ("cli-error-format", "FORMAT", "enhanced, legacy, json, yaml, text or table"),
    ("no-paginate", "", "Print one page of a list, and the token of the next"),
    ("no-cli-pager", "", "Print at a terminal too, without STRONGROOM_PAGER or AWS_PAGER"),
    ("allow-costly-kdf", "", "Unlock a vault whose key derivation needs very much memory"),
    ("allow-weak-kdf", "", "Take a key derivation that costs an attacker too little"),
    (
        "trust-file-modes",
        "",
        "Take a vault or a credential although others may read it\n(STRONGROOM_TRUST_FILE_MODES=1)",
    ),
    ("no-input", "", "Ask nobody, as if there were no terminal"),
    ("version", "", "Print the version"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_described_option_is_there() {
        let flags = globals::flags(Form::Plain);
        for (name, value, _) in OPTIONS {
            let flag = flags.iter().find(|flag| flag.name == format!("--{name}"));
            let flag = flag.unwrap_or_else(|| panic!("there is no option --{name}"));
            assert_eq!(value.is_empty(), matches!(flag.arity, Arity::None | Arity::Stop), "{name}");
        }
    }

    #[test]
    fn the_tree_is_sound() {
        // clap looks for options that are there twice, and for much else.
        program().debug_assert();
    }
}
