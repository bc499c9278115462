//! A vault, rotators out of the program under test, and a place for servers.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::Sandbox;
use crate::harness::files::{self, TempDir};
use crate::harness::process::Outcome;

/// Where rotations are tried.
pub(crate) struct RotationFixture {
    sandbox: Sandbox,
    /// Short, as sockets' paths must be, and open for the servers' user to pass through.
    place: TempDir,
}

/// Runs a rotator; when the file `CRASH` has the step's name, Strongroom is killed after it.
const KILLER: &str = r#"#!/bin/sh
event=$(cat)
printf '%s' "$event" | "$@" || exit
[ -s "$CRASH" ] || exit 0
case $event in
*"\"$(cat "$CRASH")\""*) ;;
*) exit 0 ;;
esac
rm "$CRASH"
kill -KILL "$PPID"
"#;

impl RotationFixture {
    /// A fixture with an empty vault.
    pub(crate) fn new() -> Self {
        let fixture =
            Self { sandbox: Sandbox::with_vault(), place: TempDir::below(&std::env::temp_dir()) };
        fs::set_permissions(fixture.place(), Permissions::from_mode(0o711)).unwrap();
        fixture.write("killer", KILLER);
        fixture
    }

    /// Returns the place for servers.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// Returns a path there as text.
    pub(crate) fn at(&self, name: &str) -> String {
        self.place().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a program of this user's.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.place().join(name);
        write(&path, text);
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        path
    }

    /// Runs `strongroom` with something on standard input.
    pub(crate) fn strongroom(&self, arguments: &[&str], stdin: &str) -> Outcome {
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        let mut invocation = self.sandbox.invocation("strongroom", &arguments);
        invocation.stdin = stdin.as_bytes().to_vec();
        invocation.run()
    }

    /// Makes a secret, or gives it another value.
    pub(crate) fn store(&self, name: &str, value: &Value) {
        let words = ["create-secret", "--name", name, "--secret-string", "file:///dev/stdin"];
        if self.strongroom(&words, &value.to_string()).code == 0 {
            return;
        }
        let words =
            ["put-secret-value", "--secret-id", name, "--secret-string", "file:///dev/stdin"];
        let put = self.strongroom(&words, &value.to_string());
        assert_eq!(put.code, 0, "{}", put.stderr_text());
    }

    /// Returns a secret's ARN.
    pub(crate) fn arn(&self, name: &str) -> String {
        self.described(name)["ARN"].as_str().unwrap().to_owned()
    }

    /// Returns the value with a label, if there is one.
    pub(crate) fn value(&self, name: &str, label: &str) -> Option<Value> {
        let words = ["get-secret-value", "--secret-id", name, "--version-stage", label];
        let got = self.strongroom(&words, "");
        let answer: Value = serde_json::from_slice(&got.stdout).ok()?;
        serde_json::from_str(answer["SecretString"].as_str()?).ok()
    }

    /// Returns which version has each label.
    pub(crate) fn labels(&self, name: &str) -> BTreeMap<String, String> {
        let described = self.described(name);
        let versions = described["VersionIdsToStages"].as_object().unwrap();
        let labels = versions.iter().flat_map(|(version, labels)| {
            let labels = labels.as_array().unwrap().iter();
            labels.map(|label| (label.as_str().unwrap().to_owned(), version.clone()))
        });
        labels.collect()
    }

    /// Returns the answer of `describe-secret`.
    pub(crate) fn described(&self, name: &str) -> Value {
        let got = self.strongroom(&["describe-secret", "--secret-id", name], "");
        serde_json::from_slice(&got.stdout).unwrap_or_else(|_| panic!("{}", got.stderr_text()))
    }

    /// Saves a ready-made rotator, as its user would.
    pub(crate) fn template(&self, name: &str) -> PathBuf {
        let printed = self.strongroom(&["rotation", "template", name], "");
        assert_eq!(printed.code, 0, "{}", printed.stderr_text());
        self.write(name, &printed.stdout_text())
    }

    /// Has Strongroom killed after a step of the next rotation.
    pub(crate) fn crash_after(&self, step: &str) {
        write(self.at("crash"), step);
    }

    /// Registers a command and rotates with it. The command can be told to kill its parent.
    pub(crate) fn register(&self, name: &str, options: &[&str], command: &[&str]) -> Outcome {
        let crash = format!("CRASH={}", self.at("crash"));
        let killer = self.at("killer");
        let mut words = vec!["rotate-secret", "--secret-id", name, "--rotation-env", &crash];
        // It removes the file that tells it to kill.
        let place = format!("write={}", self.place().display());
        words.extend(["--rotation-grant", &place, "--rotation-grant", "signals"]);
        words.extend(options);
        words.extend(["--", &killer]);
        words.extend(command);
        self.strongroom(&words, "")
    }

    /// Rotates, or goes on with a rotation, as it was registered.
    pub(crate) fn rotate(&self, name: &str) -> Outcome {
        self.strongroom(&["rotate-secret", "--secret-id", name], "")
    }

    /// Rotates under `strace`, and returns the command lines of all programs that were run.
    pub(crate) fn command_lines(&self, name: &str, strace: &Path) -> String {
        let trace = self.at("trace");
        let program = self.sandbox.invocation("strongroom", &[]).program;
        let words = [
            "-f",
            "-qq",
            "-e",
            "trace=execve",
            "-s",
            "65536",
            "-o",
            &trace,
            program.to_str().unwrap(),
            "rotate-secret",
            "--secret-id",
            name,
        ];
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let rotated = self.sandbox.invocation(strace.to_str().unwrap(), &words).run();
        assert_eq!(rotated.code, 0, "{}", rotated.stderr_text());
        let lines = fs::read_to_string(&trace).unwrap();
        fs::remove_file(trace).unwrap();
        lines
    }
}

/// Writes a file that only this user may read.
pub(crate) fn write(path: impl AsRef<Path>, text: &str) {
    files::write(path.as_ref(), text.as_bytes());
}
