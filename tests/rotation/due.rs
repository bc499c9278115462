//! What a timer and a person do about rotations that are due: `rotate-due` and its options, and what
//! makes it try again.

use crate::harness::files::write;
use crate::hostile::{ALL, GOOD, HostileFixture, OLD};

/// Rules by which a secret is due on every day.
const RULES: &str = "AutomaticallyAfterDays=1";

/// Two secrets, `a` and `b`, whose rotations failed for now, and a file that mends them.
fn two_due() -> HostileFixture {
    let fixture = HostileFixture::new();
    let program = fixture.program(
        "rotate",
        &format!(
            "{GOOD}[ $step = setSecret ] || exit 0\n\
             echo \"talks of $(value --version-stage AWSCURRENT)\" >&2\n\
             [ -e \"$HOME/mended\" ] || exit 78\n"
        ),
    );
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let grants = fixture.grants();
    for name in ["a", "b"] {
        fixture.done(&["create-secret", "--name", name, "--secret-string", OLD]);
        let mut words = vec!["rotate-secret", "--secret-id", name, "--rotation-env", &path];
        words.extend(["--rotation-rules", RULES]);
        words.extend(grants.iter().map(String::as_str));
        words.extend(["--", &program]);
        assert_eq!(fixture.run(&words).code, 254);
    }
    fixture.steps();
    write(&fixture.sandbox.home().join("mended"), b"");
    fixture
}

fn approve(fixture: &HostileFixture, name: &str) {
    fixture.done(&["rotation", "approve", "--secret-id", name]);
}

/// Exit status 78 waits for a person; an approval is one.
#[test]
fn an_approval_makes_what_waits_for_a_person_due_at_once() {
    let fixture = two_due();
    let outcome = fixture.run(&["rotate-due"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr_text());
    assert!(outcome.stderr_text().contains("a: Misconfigured"), "{}", outcome.stderr_text());
    assert_eq!(fixture.steps(), "");
    approve(&fixture, "a");
    let outcome = fixture.run(&["rotate-due"]);
    assert_eq!(outcome.code, 1, "b waits still: {}", outcome.stderr_text());
    assert_eq!(fixture.steps(), ALL);
    approve(&fixture, "b");
    let outcome = fixture.run(&["rotate-due", "--no-input"]);
    assert_eq!((outcome.code, outcome.stderr_text().as_str()), (0, ""));
    assert_eq!(fixture.steps(), ALL);
}

#[test]
fn a_limit_and_a_name_choose_among_what_is_due() {
    let fixture = two_due();
    approve(&fixture, "a");
    approve(&fixture, "b");
    let query = ["--query", "Rotations[?Outcome].Name", "--output", "json"];
    for (options, expected) in [
        (&["--max", "0"][..], "[]"),
        (&["--secret-id", "b", "--max", "1", "--jitter", "0s"], "[\"b\"]"),
        (&["--max", "1", "--catch-up"], "[\"a\"]"),
        (&[], "[]"),
    ] {
        let words: Vec<&str> =
            ["rotate-due"].iter().chain(options).chain(&query).copied().collect();
        let told: String = fixture.done(&words).split_whitespace().collect();
        assert_eq!(told, expected, "{options:?}");
    }
    for wrong in [["--jitter", "soon"], ["--max", "-1"]] {
        let outcome = fixture.run(&["rotate-due", wrong[0], wrong[1]]);
        assert_eq!(outcome.code, 252, "{wrong:?}: {}", outcome.stderr_text());
    }
}

/// What a program writes is shown on demand, with secrets left out.
#[test]
fn verbose_shows_what_a_program_that_succeeds_says() {
    let fixture = two_due();
    approve(&fixture, "a");
    approve(&fixture, "b");
    for words in
        [&["rotate-due", "-v", "--max", "1"][..], &["rotate-secret", "--secret-id", "b", "-v"]]
    {
        let outcome = fixture.run(words);
        let told = outcome.stderr_text();
        assert_eq!(outcome.code, 0, "{words:?}: {told}");
        assert!(told.contains("rotation: talks of [redacted]"), "{words:?}: {told}");
        assert!(!told.contains(OLD), "{words:?}: {told}");
    }
    let outcome = fixture.run(&["rotate-secret", "--secret-id", "b"]);
    assert_eq!((outcome.code, outcome.stderr_text().as_str()), (0, ""));
}

/// A secret that may be read is named by its ARN, in whichever region of the vault it is.
#[test]
fn a_secret_of_another_region_may_be_read() {
    let fixture = HostileFixture::new();
    let create =
        ["--region", "far-1", "create-secret", "--name", "admin", "--secret-string", "root"];
    let arn = fixture.done(&[&create[..], &["--query", "ARN", "--output", "text"]].concat());
    let program = fixture.program(
        "rotate",
        &format!(
            "{GOOD}[ $step = setSecret ] || exit 0\n\
             [ \"$(strongroom get-secret-value --secret-id '{arn}' --query SecretString \
             --output text)\" = root ] || exit 9\n"
        ),
    );
    let outcome = fixture.rotate_by(&program, &["--rotation-allow-read", &arn]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    // Nothing is read that was not granted.
    let outcome = fixture.rotate_by(&program, &["--rotation-allow-read", "none"]);
    assert_eq!(outcome.code, 254, "{}", outcome.stderr_text());
    let outcome = fixture.rotate_by(&program, &["--rotation-allow-read", "admin"]);
    assert!(outcome.stderr_text().contains("The secret admin can't be granted"));
}
