//! `completions`: prints what makes a shell complete commands, options and their choices.

use clap::builder::{PossibleValuesParser, ValueHint};
use clap::{Arg, Command};
use clap_complete::Shell;

use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::run::print;
use super::super::tree;
use super::{Asked, Own, word};

/// The command.
pub(super) const COMPLETIONS: Own = Own {
    name: "completions",
    title: "Completions",
    summary: "Print completions for a shell.",
    example: "strongroom completions bash > ~/.local/share/bash-completion/completions/strongroom",
    options,
    run,
};

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

fn options(command: Command) -> Command {
    let shell = word("shell", "SHELL", "The shell that reads them");
    command.arg(shell.value_parser(PossibleValuesParser::new(SHELLS)))
}

fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    let name = asked.text("shell").unwrap_or_default();
    let shell = name.parse().map_err(|_unknown: String| {
        request::Error::usage(format!("there are no completions for {name}"))
    })?;
    print(&script(shell))
}

fn script(shell: Shell) -> Vec<u8> {
    let program = tree::program();
    let program = program.mut_args(completable).mut_subcommands(|c| c.mut_args(completable));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut { program }, "strongroom", &mut script);
    script
}

/// Says what a value is by the name it has in the help, and spells the name so that no shell sees
/// anything in it.
fn completable(argument: Arg) -> Arg {
    let name = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let Some(name) = name else { return argument };
    let hint = match name.as_str() {
        "FILE" | "PATH" | "SRC" | "DEST" => ValueHint::AnyPath,
        "COMMAND" if argument.get_long().is_some() => ValueHint::CommandString,
        _ => ValueHint::Unknown,
    };
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let name = if is_plain { name } else { "VALUE".to_owned() };
    argument.value_name(name).value_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_is_offered_every_command() {
        for shell in SHELLS {
            let text = String::from_utf8(script(shell.parse().unwrap())).unwrap();
            for name in ["get-secret-value", "key-slot", "completions", "version-stage", "vault"] {
                assert!(text.contains(name), "{shell}: {name}");
            }
            assert!(!text.contains("fileb:"), "{shell}");
        }
    }
}
