//! `completions`: prints what makes a shell complete commands, options and their choices, and the
//! names of secrets, for which the shell calls this program again.

use clap::builder::ValueHint;
use clap::{Arg, Command};
use clap_complete::Shell;

use super::super::failure::Failure;
use super::super::stdout::print;
use super::options::{Choice, options};
use super::own::{Invocation, OwnCommand};

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
        print(script(self.shell, &(invocation.manual.program)()).as_bytes())
    }
}

fn script(shell: Shell, program: &Command) -> String {
    let mut completed =
        program.clone().mut_args(completable).mut_subcommands(|c| c.mut_args(completable));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut completed, "strongroom", &mut script);
    let mut script = with_names(shell, &String::from_utf8_lossy(&script));
    if shell == Shell::Fish {
        script.push_str(&fish_words(program));
    }
    script
}

/// Offers the words that are not options, which clap's completions for fish leave out.
fn fish_words(program: &Command) -> String {
    let mut out = String::new();
    for command in program.get_subcommands() {
        let values = command.get_positionals().flat_map(Arg::get_possible_values);
        let words: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        if !words.is_empty() {
            let (name, words) = (command.get_name(), words.join(" "));
            let when = format!("__fish_strongroom_using_subcommand {name}");
            out.extend(["complete -c strongroom -n \"", &when, "\" -f -a \"", &words, "\"\n"]);
        }
    }
    out
}

/// Makes the shell ask for names where an option takes one: clap knows fixed values only.
fn with_names(shell: Shell, script: &str) -> String {
    let mut out = String::with_capacity(script.len() * 2);
    let mut lines = Lines { shell, section: "", before: "" };
    for line in script.lines() {
        out.extend([lines.with_names(line).as_str(), "\n"]);
        if shell == Shell::Zsh && line.starts_with("#compdef") {
            out.push_str(ZSH_NAMES);
        } else if shell == Shell::Zsh && line == "_strongroom() {" {
            out.push_str(ZSH_LINE);
        }
    }
    out
}

/// A script as it is read, line by line.
struct Lines<'s> {
    shell: Shell,
    /// The head of the part about one command.
    section: &'s str,
    before: &'s str,
}

impl<'s> Lines<'s> {
    fn with_names(&mut self, line: &'s str) -> String {
        let head = line.trim();
        if head.ends_with(')') && (head.starts_with("strongroom__") || head.starts_with('(')) {
            self.section = head;
        }
        let before = std::mem::replace(&mut self.before, line).trim();
        let is_of_restore = self.section.contains("restore__subcmd__secret")
            || self.section == "(restore-secret)"
            || line.contains("using_subcommand restore-secret\"");
        let which = if is_of_restore { " --scheduled" } else { "" };
        let ask = format!("strongroom offer-names{which} --prefix=");
        let takes_names = ["--secret-id)", "--secret-id-list)"].contains(&before);
        if self.shell == Shell::Bash && takes_names {
            let ask = format!("{ask}\"${{cur}}\" -- \"${{COMP_WORDS[@]:1}}\" 2>/dev/null");
            line.replace("compgen -f \"${cur}\"", &ask)
        } else if self.shell == Shell::Zsh && line.starts_with("'--secret-id") {
            line.replace(":_default'", &format!(":_strongroom_names{which}'"))
        } else if self.shell == Shell::Fish && line.contains(" -l secret-id") {
            // fish looks at the beginning of a word by itself.
            format!("{line} -f -a \"({ask} -- (commandline -opc)[2..] 2>/dev/null)\"")
        } else {
            line.to_owned()
        }
    }
}

const ZSH_NAMES: &str = r#"
_strongroom_names() {
    local -a which names
    [[ "${argv[-1]}" == --scheduled ]] && which=(--scheduled)
    names=(${(f)"$(strongroom offer-names $which --prefix="$PREFIX" -- $strongroom_line 2>/dev/null)"})
    compadd -a names
}
"#;

/// Keeps the whole line, of which the functions for its parts see less and less.
const ZSH_LINE: &str = r#"    local -a strongroom_line
    strongroom_line=("${(@Q)words[2,-1]}")
"#;

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
            let text = script(*variant, &(MANUAL.program)());
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
        let takers = (MANUAL.program)().get_subcommands().filter(has_id).count();
        for (shell, ask) in [
            (
                Shell::Bash,
                "(strongroom offer-names --prefix=\"${cur}\" -- \"${COMP_WORDS[@]:1}\" 2>/dev/null)",
            ),
            (Shell::Zsh, ":_strongroom_names'"),
            (
                Shell::Fish,
                " -f -a \"(strongroom offer-names --prefix= -- (commandline -opc)[2..] 2>/dev/null)\"",
            ),
        ] {
            let text = script(shell, &(MANUAL.program)());
            assert_eq!(text.matches(ask).count(), takers - 1, "{shell}");
            let scheduled = if shell == Shell::Zsh {
                ":_strongroom_names --scheduled'"
            } else {
                "(strongroom offer-names --scheduled --prefix="
            };
            assert_eq!(text.matches(scheduled).count(), 1, "{shell}");
        }
    }
}
