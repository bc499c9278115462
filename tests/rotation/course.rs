//! What every rotator must get through, judged only by logins and the vault.

use serde_json::Value;

use super::fixture::RotationFixture;
use crate::harness::process::{Outcome, tool};

/// A secret, its rotator, and how to see what really works.
pub(crate) struct Course<'a> {
    /// Where it is tried.
    pub(crate) fixture: &'a RotationFixture,
    /// The secret's name.
    pub(crate) secret: &'a str,
    /// What is registered with it.
    pub(crate) options: Vec<String>,
    /// The command.
    pub(crate) command: Vec<String>,
    /// Whether the server takes the login that is in a value.
    pub(crate) accepts: &'a dyn Fn(&Value) -> bool,
    /// How many values before the current one still work.
    pub(crate) grace: usize,
    /// The member that must not be seen.
    pub(crate) hidden: &'a str,
}

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

impl Course<'_> {
    /// Registers the rotator and rotates once.
    pub(crate) fn register(&self) -> Outcome {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        self.fixture.register(self.secret, &options, &command)
    }

    /// Three rotations, the last of them watched: each time the new login works, the one before the
    /// grace period is refused, and no program ever has a value among its arguments.
    pub(crate) fn rotates_three_times(&self) {
        let mut values = vec![self.current()];
        assert!((self.accepts)(&values[0]), "{}: the first login works", self.secret);
        for round in 0..3 {
            let before = self.fixture.labels(self.secret);
            let outcome = match (round, tool("strace")) {
                (0, _) => self.register(),
                (2, Some(strace)) => {
                    let lines = self.fixture.command_lines(self.secret, &strace);
                    values.push(self.current());
                    self.check_hidden(&values, &lines);
                    self.check_round(&values, &before["AWSCURRENT"]);
                    return;
                }
                (_, _) => self.fixture.rotate(self.secret),
            };
            assert_eq!(outcome.code, 0, "{}: {}", self.secret, outcome.stderr_text());
            assert_eq!(outcome.stderr_text(), "", "{}", self.secret);
            values.push(self.current());
            self.check_round(&values, &before["AWSCURRENT"]);
        }
    }

    fn check_round(&self, values: &[Value], before: &str) {
        let labels = self.fixture.labels(self.secret);
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["AWSCURRENT", "AWSPREVIOUS"]);
        assert_eq!(labels["AWSPREVIOUS"], before);
        let newest = values.len() - 1;
        for (index, value) in values.iter().enumerate() {
            let is_valid = newest - index <= self.grace;
            let told = format!("{}: value {index} of {newest}", self.secret);
            assert_eq!((self.accepts)(value), is_valid, "{told}");
        }
    }

    fn check_hidden(&self, values: &[Value], lines: &str) {
        assert!(lines.contains("execve("), "strace shows nothing: may it trace here?");
        for value in values {
            let hidden = value[self.hidden].as_str().unwrap();
            // As it is, and as strace writes it.
            let written = hidden.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            assert!(!lines.contains(hidden) && !lines.contains(&written), "{}", self.secret);
        }
    }

    /// Strongroom is killed after each step in turn. The rotation goes on as the same version, and
    /// ends with a login that works.
    pub(crate) fn survives_crashes(&self) {
        for step in STEPS {
            let before = self.fixture.labels(self.secret);
            let told = format!("{}: killed after {step}", self.secret);
            self.fixture.crash_after(step);
            assert_eq!(self.fixture.rotate(self.secret).code, 128 + 9, "{told}");
            let between = self.fixture.labels(self.secret);
            let pending = between.get("AWSPENDING").unwrap_or_else(|| panic!("{told}")).clone();
            if step != "finishSecret" {
                assert_eq!(between["AWSCURRENT"], before["AWSCURRENT"], "{told}");
            }
            let value = self.fixture.value(self.secret, "AWSPENDING");
            assert!(value.is_some(), "{told}: the pending value is stored");

            let outcome = self.fixture.rotate(self.secret);
            assert_eq!(outcome.code, 0, "{told}: {}", outcome.stderr_text());
            let after = self.fixture.labels(self.secret);
            assert!(!after.contains_key("AWSPENDING"), "{told}");
            assert!((self.accepts)(&self.current()), "{told}");
            if step == "finishSecret" && between["AWSCURRENT"] == pending {
                // That rotation was over.
                continue;
            }
            assert_eq!(after["AWSCURRENT"], pending, "{told}");
            assert_eq!(value, Some(self.current()), "{told}: the value is not made anew");
        }
    }

    /// A stored value that no login accepts: nothing is changed, and storing the right one repairs it.
    pub(crate) fn refuses_a_wrong_value(&self, wrong: &Value) {
        let right = self.current();
        // Twice, as the previous value would be tried too.
        let mut wrong = wrong.clone();
        wrong["note"] = Value::from("previous");
        self.fixture.store(self.secret, &wrong);
        wrong["note"] = Value::from("current");
        self.fixture.store(self.secret, &wrong);
        self.fails("setSecret: exit status 1");
        assert!((self.accepts)(&right), "{}: the login is as it was", self.secret);
        assert_eq!(self.current(), wrong);
        // That abandons the rotation.
        self.fixture.store(self.secret, &right);
        assert!(!self.fixture.labels(self.secret).contains_key("AWSPENDING"));
        self.succeeds();
    }

    /// A server that is away when it is to take the password, and comes back.
    pub(crate) fn waits_for_the_server(&self, away: impl FnOnce(), back: impl FnOnce()) {
        let before = self.current();
        away();
        self.fails("setSecret: exit status 75");
        let pending = self.fixture.labels(self.secret)["AWSPENDING"].clone();
        back();
        assert!((self.accepts)(&before));
        self.succeeds();
        assert_eq!(self.fixture.labels(self.secret)["AWSCURRENT"], pending);
    }

    /// The administrator's secret is not read unless that was allowed.
    pub(crate) fn needs_the_administrator(&self, secret: &str) {
        self.fixture.store(secret, &self.current());
        let denied = Course {
            fixture: self.fixture,
            secret,
            options: options_without_reads(&self.options),
            command: self.command.clone(),
            accepts: self.accepts,
            grace: self.grace,
            hidden: self.hidden,
        };
        let outcome = denied.register();
        denied.check_failed(&outcome, "setSecret: exit status 78");
        assert!(outcome.stderr_text().contains("AccessDenied"), "{}", outcome.stderr_text());
        assert!((self.accepts)(&self.current()), "{secret}: the login is as it was");
        // What was missing is given, and the rotation goes on.
        let allowed = Course { options: self.options.clone(), ..denied };
        let outcome = allowed.register();
        assert_eq!(outcome.code, 0, "{secret}: {}", outcome.stderr_text());
        assert!((self.accepts)(&allowed.current()), "{secret}");
        // One account, one secret.
        self.fixture.store(self.secret, &allowed.current());
    }

    fn current(&self) -> Value {
        self.fixture.value(self.secret, "AWSCURRENT").unwrap()
    }

    fn succeeds(&self) {
        let outcome = self.fixture.rotate(self.secret);
        assert_eq!(outcome.code, 0, "{}: {}", self.secret, outcome.stderr_text());
        assert!((self.accepts)(&self.current()), "{}", self.secret);
    }

    /// Rotates, which fails: the step, the status, and what is left.
    pub(crate) fn fails(&self, how: &str) {
        let outcome = self.fixture.rotate(self.secret);
        self.check_failed(&outcome, how);
    }

    fn check_failed(&self, outcome: &Outcome, how: &str) {
        let (step, status) = how.split_once(": ").unwrap();
        let told = outcome.stderr_text();
        assert_eq!(outcome.code, 254, "{}: {told}", self.secret);
        let expected = format!("during {step} step: {status}.");
        assert!(told.contains("(RotationFailed)") && told.contains(&expected), "{told}");
        assert!(self.fixture.labels(self.secret).contains_key("AWSPENDING"), "{told}");
        for label in ["AWSCURRENT", "AWSPENDING"] {
            let hidden = self.fixture.value(self.secret, label).unwrap()[self.hidden].clone();
            assert!(!told.contains(hidden.as_str().unwrap()), "{}: a value is shown", self.secret);
        }
    }
}

fn options_without_reads(options: &[String]) -> Vec<String> {
    let pairs = options.chunks(2).filter(|pair| pair[0] != "--rotation-allow-read");
    pairs.flatten().cloned().collect()
}
