//! The whole command line as clap knows commands: for completions, manual pages and the list of
//! global options. clap never parses by it.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command};

use super::super::commands;
use super::super::request::argparse::{Arity, Check};
use super::super::request::globals::options::{self, GlobalOption, OPTIONS};
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
        .args(OPTIONS.iter().filter(|option| !option.is_idle()).map(argument))
        .subcommands(operations::ALL.iter().map(operation::command))
        .subcommands(commands::NAMES.iter().filter_map(|name| commands::command(name)))
        .subcommand(helper.arg(topic))
}

/// Returns the list of global options, as the help shows it.
pub(super) fn global_options() -> String {
    let mut text = String::from("\nGlobal options:\n");
    for (option, help) in options::described() {
        let option = format!("{} {}", option.name, help.value);
        let indented = help.about.replace('\n', &format!("\n{:31}", ""));
        text.extend([format!("  {option:<28} {indented}\n")]);
    }
    text.push_str(
        "\nA vault that `strongroom unlock` holds open needs no credential; an option that names one \
         is used\nall the same. Where no option and no variable does, strongroom.key or \
         strongroom.passphrase in\n$CREDENTIALS_DIRECTORY (systemd's LoadCredential=) opens the \
         vault; then the terminal is asked.\nWith the token of a grant in STRONGROOM_GRANT nothing \
         else is used (`strongroom help grant`).\n",
    );
    let idle = OPTIONS.iter().filter(|option| option.is_idle());
    let idle: Vec<&str> = idle.map(|option| option.name).collect();
    text.push_str(
        "\nOptions of the AWS CLI that only make sense with a network or with prompts are accepted \
         and have\nno effect:\n",
    );
    for line in idle.chunks(IDLE_IN_LINE) {
        text.extend(["  ", &line.join(" "), "\n"]);
    }
    text
}

fn argument(option: &GlobalOption) -> Arg {
    let name = option.name.trim_start_matches('-');
    let about = option.help.as_ref().map_or("Print help", |help| help.about).replace('\n', " ");
    let argument = Arg::new(name).help(about).global(true);
    let argument = match name {
        "h" => argument.short('h'),
        _ => argument.long(name),
    };
    if matches!(option.arity, Arity::None | Arity::Stop) {
        return argument.action(ArgAction::SetTrue);
    }
    let value = option.help.as_ref().map_or("VALUE", |help| help.value);
    let argument = argument.value_name(value).hide_possible_values(true);
    match option.check {
        Check::Choice(choices) | Check::ChoiceOrEmpty(choices) => {
            argument.value_parser(PossibleValuesParser::new(choices))
        }
        Check::Nothing | Check::Integer => argument,
    }
}

const IDLE_IN_LINE: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        // clap looks for options that are there twice, and for much else.
        program().debug_assert();
    }
}
