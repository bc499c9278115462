//! What a program does not get of what this process has: what opens the vault.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::cli::environment::Environment;

/// Returns the environment without what opens a vault, if it is to be left out.
pub(crate) fn environment(
    environment: &Environment,
    keeps_credentials: bool,
) -> Vec<(OsString, OsString)> {
    let is_kept = |name: &OsStr| keeps_credentials || !is_credential(name, environment);
    let all = environment.all().filter(|(name, _)| is_kept(name));
    all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn is_credential(name: &OsStr, environment: &Environment) -> bool {
    let is_ours = |name: &&str| {
        let directory = environment.path(name);
        directory.is_some_and(|path| OURS.iter().any(|file| path.join(file).exists()))
    };
    CREDENTIALS.iter().any(|known| name == *known)
        || Some(SYSTEMD).filter(|known| name == *known).as_ref().is_some_and(is_ours)
}

/// Whether a program of an assistant's runs this process, by the variables that those set.
pub(crate) fn is_agents(environment: &Environment) -> bool {
    AGENTS.iter().any(|name| environment.path(name).is_some_and(|value| value != Path::new("0")))
}

/// What says with which credential a vault is opened, or as whom it is asked.
const CREDENTIALS: [&str; 7] = [
    "STRONGROOM_KEYFILE",
    "STRONGROOM_PASSPHRASE_FILE",
    "STRONGROOM_PASSPHRASE_COMMAND",
    "STRONGROOM_GRANT",
    "STRONGROOM_GRANT_PLACE",
    "STRONGROOM_ROTATION_SOCKET",
    "STRONGROOM_ROTATION_TOKEN",
];
/// Where systemd puts the credentials of a service, and what is ours among them.
const SYSTEMD: &str = "CREDENTIALS_DIRECTORY";
const OURS: [&str; 2] = ["strongroom.key", "strongroom.passphrase"];

/// Variables by which coding agents tell the programs that they run.
const AGENTS: [&str; 10] = [
    "AGENT",
    "AI_AGENT",
    "AUGMENT_AGENT",
    "CLAUDECODE",
    "CLINE_ACTIVE",
    "CODEX_SANDBOX",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "GOOSE_TERMINAL",
    "OPENCODE",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_opens_a_vault_is_left_out() {
        let all = Environment::testing(&[
            ("HOME", "/h"),
            ("STRONGROOM_VAULT", "/v"),
            ("STRONGROOM_KEYFILE", "/k"),
            ("STRONGROOM_PASSPHRASE_FILE", "/p"),
            ("STRONGROOM_PASSPHRASE_COMMAND", "p"),
            ("STRONGROOM_GRANT", "g"),
            ("STRONGROOM_ROTATION_TOKEN", "t"),
            ("CREDENTIALS_DIRECTORY", "/none"),
        ]);
        let names = |keeps| {
            let kept = environment(&all, keeps);
            kept.into_iter().map(|(name, _)| name.into_string().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["CREDENTIALS_DIRECTORY", "HOME", "STRONGROOM_VAULT"]);
        assert_eq!(names(true).len(), 8);
    }

    #[test]
    fn assistants_are_known_by_their_variables() {
        for (variables, expected) in [
            (&[("CLAUDECODE", "1")][..], true),
            (&[("CURSOR_AGENT", "1")], true),
            (&[("AGENT", "")], false),
            (&[("CLAUDECODE", "0")], false),
            (&[("TERM", "xterm")], false),
        ] {
            assert_eq!(is_agents(&Environment::testing(variables)), expected, "{variables:?}");
        }
    }
}
