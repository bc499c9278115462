//! Rotation programs that fail, misbehave or attack, run by the built program.
//!
//! Each is a shell script below; `HostileFixture` has a secret to rotate and a way to look
//! at what is left.
//!
//! | a rotation | is held by |
//! |---|---|
//! | fails, in each step | `steps::a_step_that_failed_is_done_again_under_the_same_version` |
//! | dies, is interrupted | `interrupted`, `meanwhile`, and on servers `rotation::course` |
//! | has no time left | `attacks::what_hangs_is_killed` |
//! | has no room left | `around::a_full_disk_leaves_a_rotation_that_goes_on` |
//! | stores no value, an empty or a long one | `steps`, `meanwhile::a_value_that_is_refused_…` |
//! | stores another value | `steps::a_value_once_stored_stays` |
//! | meets its owner's put, cancel, delete | `meanwhile::what_was_called_off_is_stopped_at_once` |
//! | meets another, or a timer | `around::a_second_timer_…`, `around::a_timer_leaves_alone_…` |
//! | meets a write of another secret | `attacks::the_owner_is_not_locked_out`, which waits for it |
//! | meets another key or passphrase | `around::a_vault_that_is_rekeyed_…`, `around::a_passphrase_…` |
//! | is only tested | `interrupted::settings_are_kept_only_if_their_test_succeeds` |
//! | is refused before it begins | `refused::what_others_can_change_is_not_run` |
//!
//! | a program | is held by |
//! |---|---|
//! | floods, hangs, stops itself, forks, leaves daemons | `attacks` |
//! | closes or keeps its streams | `attacks::streams_that_are_closed_or_kept_hold_nobody_up` |
//! | talks half JSON, too long, nine at once | `around::rude_clients_are_refused` |
//! | prints secrets, in any spelling | `attacks::no_secret_is_shown`, `no_way_of_writing_a_value_…` |
//! | reads the terminal, spoils directories | `attacks::there_is_no_terminal`, `directories_that_…` |
//! | asks for more, guesses tokens, rotates | `attacks::a_program_may_ask_for_nothing_else` |
//! | is another user's | `around::another_user_is_not_answered`, `refused::what_belongs_to_others_…` |
//! | changes between steps | `refused::what_changed_since_…`, `a_script_that_changes_meanwhile_…` |
//! | came with a vault from elsewhere | `refused::what_was_approved_elsewhere_is_not_run` |
//! | looks around for descriptors, variables, words | `attacks::a_program_sees_only_what_it_must` |
//! | has an odd or long command | `refused::names_may_hold_anything`, `long_commands_…` |

mod around;
mod attacks;
mod confined;
mod interrupted;
mod meanwhile;
mod recipes;
mod refused;
mod steps;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::harness::Sandbox;
use crate::harness::files::write;
use crate::harness::process::{Invocation, Outcome};
use crate::harness::pty::Typing;

/// What the secret holds before it is rotated.
pub(crate) const OLD: &str = "the-old-password";
/// What a program that does nothing wrong gives it; the version's id follows.
pub(crate) const NEW: &str = "the-new-password";

/// What every script here begins with: it makes a value unless there is one.
const BEGIN: &str = r#"#!/bin/sh
id=$STRONGROOM_SECRET_ID token=$STRONGROOM_CLIENT_REQUEST_TOKEN step=$STRONGROOM_STEP
echo "$step" >>"$HOME/steps"
value() {
    strongroom get-secret-value --secret-id "$id" --query SecretString --output text "$@"
}
create() {
    value --version-id "$token" --version-stage AWSPENDING >/dev/null 2>&1 ||
        strongroom put-secret-value --secret-id "$id" --client-request-token "$token" \
            --version-stages AWSPENDING --secret-string "the-new-password-$token" >/dev/null
}
# Asks as the owner of the vault, who knows of no rotation.
owner() {
    env -u STRONGROOM_ROTATION_SOCKET -u STRONGROOM_ROTATION_TOKEN \
        strongroom --vault "$HOME/.local/share/strongroom/default.vault" \
        --keyfile "$HOME/keyfile" "$@"
}
"#;

/// A vault with the secret `db`, and programs.
pub(crate) struct HostileFixture {
    pub(crate) sandbox: Sandbox,
}

impl HostileFixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { sandbox: Sandbox::with_vault() };
        fixture.done(&["create-secret", "--name", "db", "--secret-string", OLD]);
        fixture
    }

    /// Writes a program: the common beginning, then this.
    pub(crate) fn program(&self, name: &str, text: &str) -> String {
        let path = self.sandbox.work().join(name);
        write(&path, format!("{BEGIN}{text}").as_bytes());
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        let outcome = self.sandbox.strongroom(words);
        assert_eq!(outcome.crash(), None, "{words:?}");
        outcome
    }

    /// Runs a command that must succeed, and returns its output without the last newline.
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let outcome = self.run(words);
        assert_eq!(outcome.code, 0, "{words:?}: {}", outcome.stderr_text());
        outcome.stdout_text().trim_end().to_owned()
    }

    /// Rotates `db` by a program, and more options.
    pub(crate) fn rotate_by(&self, program: &str, options: &[&str]) -> Outcome {
        let outcome = self.rotation_by(program, options).run();
        assert_eq!(outcome.crash(), None, "{options:?}");
        outcome
    }

    /// Does the same where standard error is a terminal, whose screen it returns.
    pub(crate) fn rotate_seen(&self, program: &str, options: &[&str]) -> (i32, String) {
        let mut invocation = self.rotation_by(program, options);
        invocation.terminal =
            Some(Typing { lines: Vec::new(), streams: vec!["stderr".to_owned()] });
        let outcome = invocation.run();
        (outcome.code, outcome.screen)
    }

    /// Prepares that.
    pub(crate) fn rotation_by(&self, program: &str, options: &[&str]) -> Invocation {
        let path = format!("PATH={}", self.sandbox.environment["PATH"]);
        let mut words = vec!["rotate-secret", "--secret-id", "db", "--rotation-env", &path];
        let grants = self.grants();
        if !options.contains(&"--rotation-grant") {
            words.extend(grants.iter().map(String::as_str));
        }
        words.extend(options);
        words.extend(["--", program]);
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        self.sandbox.invocation("strongroom", &words)
    }

    /// Options that let programs leave notes, ask as the vault's owner, and kill Strongroom.
    pub(crate) fn grants(&self) -> [String; 6] {
        let write = |path: &Path| format!("write={}", path.display());
        let grant = || "--rotation-grant".to_owned();
        let (home, work) = (write(&self.sandbox.home()), write(&self.sandbox.work()));
        [grant(), home, grant(), work, grant(), "signals".to_owned()]
    }

    /// Rotates `db` by a script.
    pub(crate) fn rotate(&self, script: &str) -> Outcome {
        self.rotate_by(&self.program("rotate", script), &[])
    }

    /// Rotates `db` as before.
    pub(crate) fn again(&self) -> Outcome {
        self.run(&["rotate-secret", "--secret-id", "db"])
    }

    /// Reads the value with a label; nothing if there is none.
    pub(crate) fn value(&self, label: &str) -> String {
        let words = ["get-secret-value", "--secret-id", "db", "--query", "SecretString"];
        let outcome =
            self.run(&[&words[..], &["--output", "text", "--version-stage", label]].concat());
        outcome.stdout_text().trim_end().to_owned()
    }

    /// Asks `describe-secret`.
    pub(crate) fn describe(&self, query: &str) -> String {
        self.done(&["describe-secret", "--secret-id", "db", "--query", query, "--output", "text"])
    }

    /// Returns the version with a label, or `None`.
    pub(crate) fn version(&self, label: &str) -> String {
        let ids = self.describe("VersionIdsToStages | keys(@)");
        let has = |id: &&str| {
            let stages = self.describe(&format!("VersionIdsToStages.\"{id}\""));
            stages.split_whitespace().any(|fixture| fixture == label)
        };
        ids.split_whitespace().find(has).unwrap_or("None").to_owned()
    }

    /// Returns which steps were run since the last time.
    pub(crate) fn steps(&self) -> String {
        let path = self.sandbox.home().join("steps");
        let steps = fs::read_to_string(&path).unwrap_or_default();
        drop(fs::remove_file(path));
        steps.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Reads a file that a program wrote into the home directory.
    pub(crate) fn note(&self, name: &str) -> String {
        let text = fs::read_to_string(self.sandbox.home().join(name)).unwrap_or_default();
        text.trim_end().to_owned()
    }

    /// Puts a file into the home directory.
    pub(crate) fn put(&self, name: &str, text: &str) {
        write(&self.sandbox.home().join(name), text.as_bytes());
    }

    /// Requires that nothing is left of a rotation in the runtime directory.
    pub(crate) fn must_be_tidy(&self) {
        let runtime = PathBuf::from(&self.sandbox.environment["XDG_RUNTIME_DIR"]);
        let mut left = crate::harness::files::files_below(&runtime);
        // The agent's, where one holds the vault open.
        left.retain(|path| !path.starts_with(runtime.join("strongroom")));
        assert_eq!(left, Vec::<PathBuf>::new());
    }

    /// Requires that the secret is as it was before any rotation, with a pending version or none.
    pub(crate) fn must_be_unchanged(&self) {
        assert_eq!(self.value("AWSCURRENT"), OLD);
        assert_eq!(self.value("AWSPREVIOUS"), "");
        assert_eq!(self.describe("LastRotatedDate"), "None");
    }

    /// Requires that the secret was rotated to the value of this version.
    pub(crate) fn must_be_rotated_to(&self, version: &str) {
        assert_eq!(self.value("AWSCURRENT"), format!("{NEW}-{version}"));
        assert_eq!(self.value("AWSPREVIOUS"), OLD);
        assert_eq!(self.version("AWSPENDING"), "None");
        assert_eq!(self.describe("length(keys(VersionIdsToStages))"), "2");
        assert_ne!(self.describe("LastRotatedDate"), "None");
    }
}

/// A program that does what it should.
pub(crate) const GOOD: &str = "[ $step != createSecret ] || create\n";

/// The four steps.
pub(crate) const ALL: &str = "createSecret setSecret testSecret finishSecret";
