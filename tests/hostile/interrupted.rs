//! Rotations that are cut off, by signals or by death, and go on afterwards.

use super::{ALL, GOOD, HostileFixture, OLD};

#[test]
fn a_rotation_outlives_the_death_of_strongroom() {
    for dying in ALL.split(' ') {
        let fixture = HostileFixture::new();
        fixture.put("die", dying);
        let outcome = fixture.rotate(&format!(
            "{GOOD}if [ $step = \"$(cat \"$HOME/die\")\" ]; then rm \"$HOME/die\"; kill -9 $PPID; \
             while :; do sleep 1; done; fi\n"
        ));
        assert_eq!(outcome.code, 137, "{dying}: {}", outcome.stderr_text());
        fixture.must_be_unchanged();
        let version = fixture.version("AWSPENDING");
        fixture.steps();
        let outcome = fixture.again();
        assert_eq!(outcome.code, 0, "{dying}: {}", outcome.stderr_text());
        assert_eq!(fixture.steps(), ALL);
        fixture.must_be_rotated_to(&version);
    }
}

#[test]
fn the_first_wish_to_stop_lets_the_step_end() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}if [ $step = setSecret ] && ! [ -e \"$HOME/asked\" ]; then kill -INT $PPID; sleep 1; \
         : >\"$HOME/asked\"; fi\n"
    ));
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 130, "{told}");
    assert!(told.contains("resume"), "{told}");
    assert!(fixture.sandbox.home().join("asked").exists(), "the step was not cut");
    assert_eq!(fixture.steps(), "createSecret setSecret");
    fixture.must_be_unchanged();
    let version = fixture.version("AWSPENDING");
    let outcome = fixture.again();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    fixture.must_be_rotated_to(&version);
}

#[test]
fn the_second_wish_and_an_order_stop_at_once() {
    for signal in ["INT", "TERM", "HUP"] {
        let fixture = HostileFixture::new();
        let outcome = fixture.rotate(&format!(
            "{GOOD}if [ $step = setSecret ]; then while :; do kill -{signal} $PPID; sleep 1; done; \
             fi\n"
        ));
        assert_eq!(outcome.code, 130, "{signal}: {}", outcome.stderr_text());
        fixture.must_be_unchanged();
        fixture.must_be_tidy();
    }
}

#[test]
fn what_is_not_finished_is_due_at_once() {
    let fixture = HostileFixture::new();
    let silent = fixture.run(&["rotate-due"]);
    assert_eq!((silent.code, silent.stdout_text(), silent.stderr_text()), Default::default());
    let program = fixture.program(
        "rotate",
        &format!(
            "{GOOD}if [ $step = setSecret ] && ! [ -e \"$HOME/died\" ]; then : >\"$HOME/died\"; \
             kill -9 $PPID; while :; do sleep 1; done; fi\n"
        ),
    );
    let rules = ["--rotation-rules", "AutomaticallyAfterDays=30"];
    assert_eq!(fixture.rotate_by(&program, &rules).code, 137);
    let version = fixture.version("AWSPENDING");
    let query = "Rotations[].[Name,State]";
    let dry = ["rotate-due", "--dry-run", "--query", query, "--output", "text"];
    assert_eq!(fixture.done(&dry), "db\tUnfinished");
    let outcome = fixture.run(&["rotate-due"]);
    assert_eq!(
        (outcome.code, outcome.stdout_text().as_str()),
        (0, ""),
        "{}",
        outcome.stderr_text()
    );
    fixture.must_be_rotated_to(&version);
    assert_eq!(fixture.done(&dry), "db\tNotYet");
}

/// One that fails does not stop the others; what needs a person is told, and the exit code says so.
#[test]
fn the_timer_tells_trouble_from_peace() {
    let mut fixture = HostileFixture::new();
    let dying = format!(
        "{GOOD}if [ $step = setSecret ]; then if [ -e \"$HOME/died\" ]; then exit 1; fi; \
         kill -9 $PPID; while :; do sleep 1; done; fi\n"
    );
    assert_eq!(fixture.rotate(&dying).code, 137);
    fixture.put("died", "");
    // Not approved elsewhere: nothing is run.
    fixture.steps();
    let here = fixture.sandbox.environment["XDG_STATE_HOME"].clone();
    let variable = |place: &str| ("XDG_STATE_HOME".to_owned(), place.to_owned());
    fixture.sandbox.environment.extend([variable(&format!("{here}/elsewhere"))]);
    let outcome = fixture.run(&["rotate-due"]);
    assert_eq!((outcome.code, fixture.steps().as_str()), (1, ""));
    assert!(outcome.stderr_text().contains("db: NotApproved"), "{}", outcome.stderr_text());
    fixture.sandbox.environment.extend([variable(&here)]);
    let outcome = fixture.run(&["rotate-due"]);
    assert_eq!((outcome.code, outcome.stdout_text().as_str()), (1, ""));
    assert!(
        outcome.stderr_text().contains("db: Error when executing"),
        "{}",
        outcome.stderr_text()
    );
    // It waits now before it is tried again, and users of the secret may be locked out: a unit
    // that had failed seemed well again after an hour.
    let outcome = fixture.run(&["rotate-due", "--verbose"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr_text());
    assert!(outcome.stdout_text().contains("\"Waiting\""), "{}", outcome.stdout_text());
    let outcome = fixture.run(&["rotate-due"]);
    let told = outcome.stderr_text();
    assert!(outcome.code == 1 && told.contains("db: Waiting"), "{told}");
    let quiet = fixture.run(&["rotate-due", "--quiet"]);
    assert_eq!((quiet.code, quiet.stdout_text(), quiet.stderr_text()), Default::default());
    let query = "UnfinishedRotations[].[Name, Outlook, LastError]";
    let status = ["status", "--query", query, "--output", "text"];
    assert_eq!(fixture.done(&status), "db\tOpen\tsetSecret: exit status 1");
    // It stays that way while the vault cannot be opened.
    let keyfile = fixture.sandbox.environment.remove("STRONGROOM_KEYFILE");
    let unlock = |fixture: &mut HostileFixture| {
        fixture
            .sandbox
            .environment
            .extend(keyfile.clone().map(|k| ("STRONGROOM_KEYFILE".into(), k)));
    };
    let outcome = fixture.run(&["rotate-due"]);
    let told = outcome.stderr_text();
    assert!(outcome.code == 1 && told.contains("a rotation had failed"), "{told}");
    assert_eq!(fixture.run(&["rotate-due", "--quiet"]).code, 75);
    // Mended, seen to be, and well again.
    unlock(&mut fixture);
    fixture.rotate(GOOD);
    assert_eq!(fixture.done(&status), "");
    assert_eq!(fixture.run(&["rotate-due"]).code, 0);
    fixture.sandbox.environment.remove("STRONGROOM_KEYFILE");
    assert_eq!(fixture.run(&["rotate-due"]).code, 75);
    unlock(&mut fixture);
    let outcome = fixture.run(&["rotate-due", "--max", "none"]);
    assert_eq!(outcome.code, 252);
}

#[test]
fn a_rotation_that_is_cancelled_stops() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = setSecret ] && ! [ -e \"$HOME/cancelled\" ] || exit 0\n\
         owner cancel-rotate-secret --secret-id db --query VersionId >\"$HOME/cancelled\" || exit 7\n"
    ));
    assert_eq!(outcome.code, 254, "{}", outcome.stderr_text());
    assert_eq!(fixture.steps(), "createSecret setSecret");
    fixture.must_be_unchanged();
    let version = fixture.version("AWSPENDING");
    assert_eq!(fixture.note("cancelled"), format!("\"{version}\""));
    let outcome = fixture.again();
    assert_eq!(outcome.code, 254);
    assert!(outcome.stderr_text().contains("A previous rotation isn't complete."));
    let outcome = fixture.run(&["rotate-secret", "--secret-id", "db", "--resume"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    fixture.must_be_rotated_to(&version);
}

#[test]
fn settings_are_kept_only_if_their_test_succeeds() {
    for (status, is_kept) in [(0, true), (1, false)] {
        let fixture = HostileFixture::new();
        let program = fixture.program(
            "rotate",
            &format!("value --version-stage AWSPENDING >\"$HOME/seen\"\nexit {status}\n"),
        );
        let options = ["--no-rotate-immediately", "--rotation-rules", "AutomaticallyAfterDays=30"];
        let outcome = fixture.rotate_by(&program, &options);
        assert_eq!(outcome.code, if is_kept { 0 } else { 254 }, "{}", outcome.stderr_text());
        assert_eq!((fixture.steps().as_str(), fixture.note("seen").as_str()), ("testSecret", OLD));
        fixture.must_be_unchanged();
        assert_eq!(fixture.version("AWSPENDING"), "None");
        let days = fixture.describe("RotationRules.AutomaticallyAfterDays");
        assert_eq!(days, if is_kept { "30" } else { "None" });
    }
}
