//! `completions`: prints what makes a shell complete commands, options and their choices, and the
//! names of secrets, for which the shell calls this program again.

use clap::builder::ValueHint;
use clap::{Arg, Command};
use clap_complete::Shell;

use super::super::failure::Failure;
use super::super::stdout::print;
use super::options::{Choice, options};
use super::own::{Invocation, Manual, OwnCommand, Takes};

options! {
    /// The options of `completions`.
    pub(super) struct Completions {
        /// The shell that reads them
        shell: Shell = "SHELL",
    }
}

impl Choice for Shell {
    const ALL: &'static [(&'static str, Self)] = &[
        ("bash", Self::Bash),
        ("elvish", Self::Elvish),
        ("fish", Self::Fish),
        ("powershell", Self::PowerShell),
        ("zsh", Self::Zsh),
    ];
}

impl OwnCommand for Completions {
    const NAME: &'static str = "completions";
    const TITLE: &'static str = "Completions";
    const SUMMARY: &'static str = "Print completions for a shell.";
    const EXAMPLE: &'static str =
        "strongroom completions bash > ~/.local/share/bash-completion/completions/strongroom";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        print(script(self.shell, invocation.manual).as_bytes())
    }
}

fn script(shell: Shell, manual: Manual) -> String {
    let program = (manual.program)();
    let mut completed =
        program.clone().mut_args(completable).mut_subcommands(|c| c.mut_args(completable));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut completed, "strongroom", &mut script);
    let mut script = with_names(shell, &String::from_utf8_lossy(&script));
    if shell == Shell::Fish {
        script.insert_str(0, FISH_WORDS);
        script.push_str(&fish_words(&program, manual.takes));
    }
    script
}

/// Offers the words that are not options, which clap's completions for fish leave out.
fn fish_words(program: &Command, takes: fn(&str) -> &'static [Takes]) -> String {
    let mut out = String::new();
    for command in program.get_subcommands() {
        let values = command.get_positionals().flat_map(Arg::get_possible_values);
        let words: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        let name = command.get_name();
        let mut offer = |when: &str, words: &str| {
            let when = format!("__fish_strongroom_using_subcommand {name}{when}");
            out.extend(["complete -c strongroom -n \"", &when, "\" -f -a \"", words, "\"\n"]);
        };
        if !words.is_empty() {
            let words = words.join(" ");
            offer(&format!("; and not __fish_seen_subcommand_from {words}"), &words);
        }
        match takes(name) {
            [] => {}
            // Before it is known it is a file.
            [.., Takes::Peer] => {
                let when = "; and not __fish_seen_subcommand_from add";
                offer(when, "(__fish_strongroom_words)");
            }
            _ => offer("", "(__fish_strongroom_words)"),
        }
    }
    out
}

/// Makes the shell ask for words where clap, which knows fixed values only, has none.
fn with_names(shell: Shell, script: &str) -> String {
    let mut out = String::with_capacity(script.len() * 2);
    let mut before = "";
    for line in script.lines() {
        let takes_names = ["--secret-id)", "--secret-id-list)"].contains(&before.trim());
        if shell == Shell::Bash && line == "_strongroom() {" {
            out.extend([BASH_WORDS, "_strongroom_listed() {"]);
        } else if shell == Shell::Bash && takes_names {
            // What is no name is no file either.
            out.push_str(&line.replace("($(compgen -f \"${cur}\"))", "()"));
        } else if shell == Shell::Zsh && line.starts_with("#compdef") {
            out.extend([line, "\n", ZSH_WORDS]);
        } else if shell == Shell::Zsh && line == "_strongroom() {" {
            out.extend([line, "\n", ZSH_LINE]);
        } else if shell == Shell::Zsh && is_asked_for(line) {
            out.push_str(&line.replace(":_default'", ":_strongroom_words'"));
        } else if shell == Shell::Fish && line.contains(" -l secret-id") {
            out.extend([line, " -f -a \"(__fish_strongroom_words)\""]);
        } else {
            out.push_str(line);
        }
        out.push('\n');
        before = line;
    }
    out
}

/// Whether zsh has a line for a word that the program may know: a secret, or one that is no option's.
fn is_asked_for(line: &str) -> bool {
    ["'--secret-id", "'--secrets", "':", "'*:"].iter().any(|begin| line.starts_with(begin))
}

/// bash takes a line apart at `=` and `:`, and has one function for all of it.
const BASH_WORDS: &str = r#"_strongroom() {
    local cur="${COMP_WORDS[COMP_CWORD]}" count=$((COMP_CWORD - 1))
    if [[ "$cur" == [=:] ]]; then
        cur=""
        count=$COMP_CWORD
    fi
    COMPREPLY=()
    if [[ "$cur" != -* ]]; then
        COMPREPLY=($(strongroom offer-names --prefix="$cur" -- "${COMP_WORDS[@]:1:count}" 2>/dev/null))
    fi
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
        _strongroom_listed "$@"
    elif [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

"#;

/// Of a peer without a name yet a file is meant.
const ZSH_WORDS: &str = r#"
_strongroom_words() {
    local -a names
    names=(${(f)"$(strongroom offer-names --prefix="$strongroom_word" -- $strongroom_line 2>/dev/null)"})
    if (( ! $#names )); then
        (( ${strongroom_line[(I)peer]} )) && _default
        return
    fi
    compadd -S '' -- ${(M)names:#*/}
    compadd -- ${names:#*/}
}
"#;

/// Keeps the line, of which the functions for its parts see less and less.
const ZSH_LINE: &str = r#"    local strongroom_word="${(Q)PREFIX}"
    local -a strongroom_line
    strongroom_line=("${(@Q)words[2,CURRENT-1]}")
"#;

const FISH_WORDS: &str = r"
function __fish_strongroom_words
    set -l line (commandline -opc)
    set -e line[1]
    strongroom offer-names --prefix=(commandline -ct | string collect) -- $line 2>/dev/null
end
";

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
    use super::super::super::manual::MANUAL;
    use super::*;
    use crate::service::operation::Entry;
    use crate::service::operations;

    #[test]
    fn every_shell_is_offered_every_command() {
        for (shell, variant) in Shell::ALL {
            let text = script(*variant, MANUAL);
            let operations = operations::ALL.iter().map(Entry::command);
            let own = super::super::NAMES.iter().map(|&name| name.to_owned());
            let options = ["version-stage", "vault"].map(str::to_owned);
            for name in operations.chain(own).chain(options) {
                assert!(text.contains(&name), "{shell}: {name}");
            }
            assert!(!text.contains("fileb:"), "{shell}");
        }
    }

    #[test]
    fn names_are_asked_for_where_an_option_takes_one() {
        let has_id = |command: &&Command| {
            command
                .get_arguments()
                .any(|argument| argument.get_id().as_str().starts_with("secret-id"))
        };
        let program = (MANUAL.program)();
        let takers = program.get_subcommands().filter(has_id).count();
        let text = |shell| script(shell, MANUAL);
        let zsh = text(Shell::Zsh);
        let lines = || zsh.lines().filter(|line| line.contains(":_strongroom_words'"));
        assert_eq!(lines().filter(|line| line.starts_with("'--secret-id")).count(), takers);
        assert!(lines().any(|line| line.starts_with("':secret -- ")));
        let fish = text(Shell::Fish);
        let asks = |line: &&str| line.contains(" -a \"(__fish_strongroom_words)\"");
        let lines = || fish.lines().filter(asks);
        assert_eq!(lines().filter(|line| line.contains("-l secret-id")).count(), takers);
        let own = super::super::ALL.iter().filter(|spec| !spec.takes.is_empty()).count();
        assert_eq!(lines().filter(|line| !line.contains(" -l ")).count(), own);
        assert!(text(Shell::Bash).contains("_strongroom_listed \"$@\""));
    }

    /// A command that takes a name and does not say so completes none.
    #[test]
    fn every_command_says_what_its_words_are() {
        let program = (MANUAL.program)();
        for name in super::super::NAMES {
            let command = program.find_subcommand(name).unwrap();
            let is_name = |argument: &&Arg| {
                let names = argument.get_value_names().unwrap_or_default();
                names
                    .first()
                    .is_some_and(|name| ["NAME", "OLD", "PREFIX/"].contains(&name.as_str()))
            };
            let takes_name =
                command.get_positionals().find(is_name).is_some() && *name != "rotation";
            assert!(!takes_name || !(MANUAL.takes)(name).is_empty(), "{name}");
        }
    }
}
