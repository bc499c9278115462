//! What others do while a rotation is running, and what is found afterwards.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::{ALL, GOOD, HostileFixture, NEW, OLD};
use crate::harness::process::{is_there, tool};

/// Two secrets whose rotations were cut in setSecret, so that both are due, `a` first; what `more`
/// says is done in setSecret of `a`, when they go on.
pub(super) fn two_unfinished(more: &str) -> HostileFixture {
    let fixture = HostileFixture::new();
    let program = fixture.program(
        "rotate",
        &format!(
            "name=${{id##*:secret:}} name=${{name%-*}}\n{GOOD}[ $step = setSecret ] || {{ [ $step != finishSecret ] || \
             ! [ -e \"$HOME/wish\" ] || kill -INT $PPID; exit 0; }}\n\
             if ! [ -e \"$HOME/died-$name\" ]; then : >\"$HOME/died-$name\"; kill -9 $PPID; \
             while :; do sleep 1; done; fi\n[ $name = a ] || exit 0\n{more}\n"
        ),
    );
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let grants = fixture.grants();
    for name in ["a", "b"] {
        fixture.done(&["create-secret", "--name", name, "--secret-string", OLD]);
        let mut words = vec!["rotate-secret", "--secret-id", name, "--rotation-env", &path];
        words.extend(grants.iter().map(String::as_str));
        words.extend(["--", &program]);
        assert_eq!(fixture.run(&words).code, 137);
    }
    fixture.steps();
    fixture
}

#[test]
fn what_is_no_longer_due_is_left_alone() {
    for meanwhile in [
        "owner cancel-rotate-secret --secret-id b >/dev/null || exit 7",
        "owner delete-secret --secret-id b --force-delete-without-recovery >/dev/null || exit 7",
        "owner put-secret-value --secret-id b --secret-string by-hand >/dev/null || exit 7",
    ] {
        let fixture = two_unfinished(meanwhile);
        let outcome = fixture.run(&["rotate-due"]);
        assert_eq!(outcome.code, 0, "{meanwhile}: {}", outcome.stderr_text());
        assert_eq!(fixture.steps(), ALL, "{meanwhile}");
    }
}

#[test]
fn a_wish_to_stop_begins_no_other_rotation() {
    // In the last step of the first, which ends.
    let fixture = two_unfinished(": >\"$HOME/wish\"");
    let outcome = fixture.run(&["rotate-due"]);
    assert_eq!(outcome.code, 130, "{}", outcome.stderr_text());
    assert!(outcome.stderr_text().contains("the rest was not begun"), "{}", outcome.stderr_text());
    assert_eq!(fixture.steps(), ALL);
}

#[test]
fn a_name_that_nothing_has_is_an_error() {
    let fixture = HostileFixture::new();
    let outcome = fixture.run(&["rotate-due", "--secret-id", "dd"]);
    assert!(outcome.stderr_text().contains("(ResourceNotFoundException)"));
    assert_eq!(outcome.code, 254);
    assert_eq!(fixture.run(&["rotate-due", "--secret-id", "db"]).code, 0);
}

/// The ARN that is shown means the command that is stored; and on another machine that one is not
/// approved by naming it.
#[test]
fn the_arn_that_is_shown_keeps_the_words() {
    let mut fixture = HostileFixture::new();
    let script = fixture.program("script", GOOD);
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let grants = fixture.grants();
    let mut words = vec!["rotate-secret", "--secret-id", "db", "--rotation-env", &path];
    words.extend(grants.iter().map(String::as_str));
    words.extend(["--", "/bin/sh", &script]);
    fixture.done(&words);
    fixture.steps();
    let arn = fixture.describe("RotationLambdaARN");
    assert_eq!(arn, "arn:local:exec:/bin/sh");
    let again = ["rotate-secret", "--secret-id", "db", "--rotation-lambda-arn", &arn];
    let again = [&again[..], &["--rotation-rules", "AutomaticallyAfterDays=30"]].concat();
    fixture.done(&again);
    assert_eq!(fixture.steps(), ALL);
    let shown = ["rotation", "show", "--secret-id", "db", "--query", "length(Command)"];
    assert_eq!(fixture.done(&shown), "2");
    let elsewhere = fixture.sandbox.home().join("elsewhere").to_str().unwrap().to_owned();
    fixture.sandbox.environment.extend([("XDG_STATE_HOME".to_owned(), elsewhere)]);
    let outcome = fixture.run(&again);
    assert!(outcome.stderr_text().contains("not approved on this machine"));
    assert_eq!((outcome.code, fixture.steps().as_str()), (254, ""));
}

#[test]
fn a_test_that_is_interrupted_leaves_nothing() {
    let fixture = HostileFixture::new();
    let program = fixture.program("rotate", "while :; do kill -TERM $PPID; sleep 1; done\n");
    let outcome = fixture.rotate_by(&program, &["--no-rotate-immediately"]);
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 130, "{told}");
    assert!(told.contains("nothing was changed") && !told.contains("AWSPENDING"), "{told}");
    assert_eq!(fixture.version("AWSPENDING"), "None");
    assert_eq!(fixture.describe("RotationEnabled"), "None");
}

#[test]
fn what_was_moved_before_the_interrupt_is_complete() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = finishSecret ] || exit 0\n\
         current=$(strongroom get-secret-value --secret-id \"$id\" --query VersionId --output text)\n\
         strongroom update-secret-version-stage --secret-id \"$id\" --version-stage AWSCURRENT \
         --move-to-version-id \"$token\" --remove-from-version-id \"$current\" >/dev/null || exit 9\n\
         while :; do kill -TERM $PPID; sleep 1; done\n"
    ));
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 130, "{told}");
    assert!(told.contains("the rotation is complete"), "{told}");
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
}

/// A script that names the version itself tidies up after a crash by asking again.
#[test]
fn asking_again_by_its_own_token_tidies_up() {
    let fixture = HostileFixture::new();
    let token = "11111111-1111-4111-8111-111111111111";
    let program = fixture.program(
        "rotate",
        &format!(
            "{GOOD}[ $step = finishSecret ] || exit 0\n\
             current=$(strongroom get-secret-value --secret-id \"$id\" --query VersionId \
             --output text)\nstrongroom update-secret-version-stage --secret-id \"$id\" \
             --version-stage AWSCURRENT --move-to-version-id \"$token\" \
             --remove-from-version-id \"$current\" >/dev/null || exit 9\n\
             kill -9 $PPID; while :; do sleep 1; done\n"
        ),
    );
    let named = ["--client-request-token", token];
    assert_eq!(fixture.rotate_by(&program, &named).code, 137);
    assert_eq!(fixture.version("AWSPENDING"), token);
    fixture.steps();
    let again = ["rotate-secret", "--secret-id", "db", "--client-request-token", token];
    fixture.done(&again);
    assert_eq!(fixture.steps(), "");
    fixture.must_be_rotated_to(token);
}

/// A value that the vault does not take is a failed step like any other: counted, and put off.
#[test]
fn a_value_that_is_refused_counts_as_a_failure() {
    let fixture = HostileFixture::new();
    let long = "printf '{\"SecretString\":\"'; head -c 70000 /dev/zero | tr '\\0' x; printf '\"}'";
    let program =
        fixture.program("rotate", &format!("[ $step != createSecret ] || {{ {long}; }}\n"));
    let outcome = fixture.rotate_by(&program, &["--rotation-protocol", "stdio"]);
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 254, "{told}");
    assert!(told.contains("during createSecret step: the value is refused: "), "{told}");
    assert!(!told.contains("xxxxxxxx"), "{told}");
    let shown = ["rotation", "show", "--secret-id", "db", "--query", "Unfinished.Failures"];
    assert_eq!(fixture.done(&shown), "1");
    let events = ["list-events", "--query", "Events[].EventName", "--output", "text"];
    assert!(fixture.done(&events).contains("RotationFailed"));
}

#[test]
fn a_script_that_comes_later_is_not_run() {
    let fixture = HostileFixture::new();
    let script = fixture.sandbox.work().join("later");
    let later = script.to_str().unwrap();
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let words = ["rotate-secret", "--secret-id", "db", "--rotation-env", &path];
    let outcome = fixture.run(&[&words[..], &["--", "/bin/sh", later]].concat());
    assert_eq!(outcome.code, 254, "{}", outcome.stderr_text());
    fixture.program("later", GOOD);
    let outcome = fixture.again();
    let told = outcome.stderr_text();
    assert!(told.contains("was not there when this was approved"), "{told}");
    std::fs::set_permissions(&script, Permissions::from_mode(0o777)).unwrap();
    let outcome = fixture.again();
    assert!(outcome.stderr_text().contains("can be changed by others"));
    assert_eq!(fixture.steps(), "");
}

#[test]
fn a_secret_among_the_words_is_pointed_out() {
    let fixture = HostileFixture::new();
    let program = fixture.program("rotate", GOOD);
    let variable = format!("PASSWORD={OLD}");
    let (code, seen) = fixture.rotate_seen(&program, &["--rotation-env", &variable]);
    assert!(seen.contains("a value of this secret stands in the command's words"), "{seen}");
    assert!(!seen.contains(OLD) && code == 0, "{seen}");
}

/// The value that the program was given is known even when its owner has written twice since.
#[test]
fn a_value_that_is_gone_by_now_is_not_shown() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = setSecret ] || exit 0\nold=$(value)\n\
         owner put-secret-value --secret-id db --secret-string one >/dev/null || exit 7\n\
         owner put-secret-value --secret-id db --secret-string two >/dev/null || exit 7\n\
         echo \"login failed for $old\" >&2\nexit 1\n"
    ));
    let told = outcome.stderr_text();
    assert!(told.contains("login failed for [redacted]"), "{told}");
    assert!(!told.contains(OLD) && !told.contains(NEW), "{told}");
}

/// Ending a rotation does not wait for its program.
#[test]
fn what_was_called_off_is_stopped_at_once() {
    for (command, expected) in [
        ("cancel-rotate-secret --secret-id db", "The rotation was cancelled."),
        ("put-secret-value --secret-id db --secret-string by-hand", "The rotation was abandoned"),
        ("delete-secret --secret-id db", "because it was marked for deletion."),
    ] {
        for protocol in ["lambda", "stdio"] {
            let fixture = HostileFixture::new();
            let create = match protocol {
                "lambda" => GOOD,
                _ => {
                    "[ $step != createSecret ] || { echo '{\"SecretString\":\"new\"}'; exit 0; }\n"
                }
            };
            let program = fixture.program(
                "rotate",
                &format!(
                    "{create}[ $step = setSecret ] || exit 0\nowner {command} >/dev/null || exit 7\n\
                     while :; do sleep 1; done\n"
                ),
            );
            let outcome = fixture.rotate_by(&program, &["--rotation-protocol", protocol]);
            let told = outcome.stderr_text();
            assert!(outcome.code == 254 && told.contains(expected), "{protocol}: {told}");
            assert_eq!(fixture.steps(), "createSecret setSecret");
            fixture.must_be_tidy();
        }
    }
}

/// A vault on a disk that machines share: what one began, the other leaves alone.
#[test]
fn a_rotation_of_another_machine_is_left_alone() {
    let fixture = HostileFixture::new();
    let Some(unshare) = tool("unshare") else { return };
    if !is_there("root, who may be another host", rustix::process::geteuid().is_root()) {
        return;
    }
    let program = fixture.program(
        "rotate",
        &format!(
            "{GOOD}[ $step != setSecret ] || [ -e \"$HOME/died\" ] || {{ : >\"$HOME/died\"; \
             kill -9 $PPID; while :; do sleep 1; done; }}\n"
        ),
    );
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let script = "echo elsewhere >/proc/sys/kernel/hostname && exec \"$@\"";
    let words = ["--uts", "sh", "-c", script, "sh", "strongroom", "rotate-secret", "--secret-id"];
    let words = words.into_iter().chain(["db", "--rotation-env", &path]).map(str::to_owned);
    let words: Vec<String> =
        words.chain(fixture.grants()).chain(["--".to_owned(), program]).collect();
    let outcome = fixture.sandbox.invocation(unshare.to_str().unwrap(), &words).run();
    assert_eq!(outcome.code, 137, "{}", outcome.stderr_text());
    let outcome = fixture.again();
    let told = outcome.stderr_text();
    assert!(told.contains("(InvalidRequestException)"), "{told}");
    assert!(told.contains("The machine elsewhere is at work on it."), "{told}");
    let outcome = fixture.run(&["rotate-secret", "--secret-id", "db", "--break-lease"]);
    assert_eq!(outcome.code, 254, "not before the lease has ended");
    assert_eq!(fixture.run(&["rotate-due"]).code, 0);
    let shown = ["rotation", "show", "--secret-id", "db", "--query", "Unfinished.AtWork.Host"];
    assert_eq!(fixture.done(&shown), "\"elsewhere\"");
}

/// Children started by the process that became `strongroom` go on, even if that process ignored them.
#[test]
fn what_others_started_lives_on() {
    let fixture = HostileFixture::new();
    let Some(perl) = tool("perl") else { return };
    let program = fixture.program("rotate", GOOD);
    let script = "trap '' CHLD; sleep 1000 >/dev/null 2>&1 & echo $! >\"$HOME/older\"; exec \"$@\"";
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let words = ["-c", script, "sh", "strongroom", "rotate-secret", "--secret-id", "db"];
    let words = [&words[..], &["--rotation-env", &path]].concat();
    let words = words.into_iter().map(str::to_owned).chain(fixture.grants());
    let words: Vec<String> = words.chain(["--".to_owned(), program]).collect();
    let outcome =
        fixture.sandbox.invocation(perl.to_str().unwrap(), &ignoring_children(words)).run();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    let older = fixture.note("older");
    let comm = std::fs::read_to_string(format!("/proc/{older}/comm")).unwrap_or_default();
    drop(std::process::Command::new("kill").arg(&older).status());
    assert_eq!(comm, "sleep\n");
}

/// Runs `sh` by a program that ignores its children, which shells cannot.
fn ignoring_children(words: Vec<String>) -> Vec<String> {
    let begin = ["-e", "$SIG{CHLD} = 'IGNORE'; exec @ARGV", "sh"].map(str::to_owned);
    begin.into_iter().chain(words).collect()
}
