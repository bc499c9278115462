//! Rotations that are cut off, by signals or by death, and go on afterwards.

use super::{ALL, GOOD, OLD, Stage};

#[test]
fn a_rotation_outlives_the_death_of_strongroom() {
    for dying in ALL.split(' ') {
        let stage = Stage::new();
        stage.put("die", dying);
        let outcome = stage.rotate(&format!(
            "{GOOD}if [ $step = \"$(cat \"$HOME/die\")\" ]; then rm \"$HOME/die\"; kill -9 $PPID; \
             while :; do sleep 1; done; fi\n"
        ));
        assert_eq!(outcome.code, 137, "{dying}: {}", outcome.stderr_text());
        stage.must_be_unchanged();
        let version = stage.version("AWSPENDING");
        stage.steps();
        let outcome = stage.again();
        assert_eq!(outcome.code, 0, "{dying}: {}", outcome.stderr_text());
        assert_eq!(stage.steps(), ALL);
        stage.must_be_rotated_to(&version);
    }
}

#[test]
fn the_first_wish_to_stop_lets_the_step_end() {
    let stage = Stage::new();
    let outcome = stage.rotate(&format!(
        "{GOOD}if [ $step = setSecret ] && ! [ -e \"$HOME/asked\" ]; then kill -INT $PPID; sleep 1; \
         : >\"$HOME/asked\"; fi\n"
    ));
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 130, "{told}");
    assert!(told.contains("resume"), "{told}");
    assert!(stage.sandbox.home().join("asked").exists(), "the step was not cut");
    assert_eq!(stage.steps(), "createSecret setSecret");
    stage.must_be_unchanged();
    let version = stage.version("AWSPENDING");
    let outcome = stage.again();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    stage.must_be_rotated_to(&version);
}

#[test]
fn the_second_wish_and_an_order_stop_at_once() {
    for signal in ["INT", "TERM", "HUP"] {
        let stage = Stage::new();
        let outcome = stage.rotate(&format!(
            "{GOOD}if [ $step = setSecret ]; then while :; do kill -{signal} $PPID; sleep 1; done; \
             fi\n"
        ));
        assert_eq!(outcome.code, 130, "{signal}: {}", outcome.stderr_text());
        stage.must_be_unchanged();
        stage.must_be_tidy();
    }
}

#[test]
fn what_is_not_finished_is_due_at_once() {
    let stage = Stage::new();
    let silent = stage.run(&["rotate-due"]);
    assert_eq!((silent.code, silent.stdout_text(), silent.stderr_text()), Default::default());
    let program = stage.program(
        "rotate",
        &format!(
            "{GOOD}if [ $step = setSecret ] && ! [ -e \"$HOME/died\" ]; then : >\"$HOME/died\"; \
             kill -9 $PPID; while :; do sleep 1; done; fi\n"
        ),
    );
    let rules = ["--rotation-rules", "AutomaticallyAfterDays=30"];
    assert_eq!(stage.rotate_by(&program, &rules).code, 137);
    let version = stage.version("AWSPENDING");
    let query = "Rotations[].[Name,State]";
    let dry = ["rotate-due", "--dry-run", "--query", query, "--output", "text"];
    assert_eq!(stage.done(&dry), "db\tUnfinished");
    let outcome = stage.run(&["rotate-due"]);
    assert_eq!(
        (outcome.code, outcome.stdout_text().as_str()),
        (0, ""),
        "{}",
        outcome.stderr_text()
    );
    stage.must_be_rotated_to(&version);
    assert_eq!(stage.done(&dry), "db\tNotYet");
}

/// One that fails does not stop the others; what needs a person is told, and the exit code says so.
#[test]
fn the_timer_tells_trouble_from_peace() {
    let mut stage = Stage::new();
    let dying = format!(
        "{GOOD}if [ $step = setSecret ]; then if [ -e \"$HOME/died\" ]; then exit 1; fi; \
         kill -9 $PPID; while :; do sleep 1; done; fi\n"
    );
    assert_eq!(stage.rotate(&dying).code, 137);
    stage.put("died", "");
    // Not approved elsewhere: nothing is run.
    stage.steps();
    let here = stage.sandbox.environment["XDG_STATE_HOME"].clone();
    let variable = |place: &str| ("XDG_STATE_HOME".to_owned(), place.to_owned());
    stage.sandbox.environment.extend([variable(&format!("{here}/elsewhere"))]);
    let outcome = stage.run(&["rotate-due"]);
    assert_eq!((outcome.code, stage.steps().as_str()), (1, ""));
    assert!(outcome.stderr_text().contains("db: NotApproved"), "{}", outcome.stderr_text());
    stage.sandbox.environment.extend([variable(&here)]);
    let outcome = stage.run(&["rotate-due"]);
    assert_eq!((outcome.code, outcome.stdout_text().as_str()), (1, ""));
    assert!(
        outcome.stderr_text().contains("db: Error when executing"),
        "{}",
        outcome.stderr_text()
    );
    // It waits now before it is tried again, and whoever uses the secret may be locked out: a unit
    // that had failed seemed well again after an hour.
    let outcome = stage.run(&["rotate-due", "--verbose"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr_text());
    assert!(outcome.stdout_text().contains("\"Waiting\""), "{}", outcome.stdout_text());
    let outcome = stage.run(&["rotate-due"]);
    let told = outcome.stderr_text();
    assert!(outcome.code == 1 && told.contains("db: Waiting"), "{told}");
    let quiet = stage.run(&["rotate-due", "--quiet"]);
    assert_eq!((quiet.code, quiet.stdout_text(), quiet.stderr_text()), Default::default());
    let query = "UnfinishedRotations[].[Name, Outlook, LastError]";
    let status = ["status", "--query", query, "--output", "text"];
    assert_eq!(stage.done(&status), "db\tOpen\tsetSecret: exit status 1");
    // So it stays while nobody can look.
    let keyfile = stage.sandbox.environment.remove("STRONGROOM_KEYFILE");
    let unlock = |stage: &mut Stage| {
        stage.sandbox.environment.extend(keyfile.clone().map(|k| ("STRONGROOM_KEYFILE".into(), k)));
    };
    let outcome = stage.run(&["rotate-due"]);
    let told = outcome.stderr_text();
    assert!(outcome.code == 1 && told.contains("a rotation had failed"), "{told}");
    assert_eq!(stage.run(&["rotate-due", "--quiet"]).code, 75);
    // Mended, seen to be, and well again.
    unlock(&mut stage);
    stage.rotate(GOOD);
    assert_eq!(stage.done(&status), "");
    assert_eq!(stage.run(&["rotate-due"]).code, 0);
    stage.sandbox.environment.remove("STRONGROOM_KEYFILE");
    assert_eq!(stage.run(&["rotate-due"]).code, 75);
    unlock(&mut stage);
    let outcome = stage.run(&["rotate-due", "--max", "none"]);
    assert_eq!(outcome.code, 252);
}

#[test]
fn a_rotation_that_is_cancelled_stops() {
    let stage = Stage::new();
    let outcome = stage.rotate(&format!(
        "{GOOD}[ $step = setSecret ] && ! [ -e \"$HOME/cancelled\" ] || exit 0\n\
         owner cancel-rotate-secret --secret-id db --query VersionId >\"$HOME/cancelled\" || exit 7\n"
    ));
    assert_eq!(outcome.code, 254, "{}", outcome.stderr_text());
    assert_eq!(stage.steps(), "createSecret setSecret");
    stage.must_be_unchanged();
    let version = stage.version("AWSPENDING");
    assert_eq!(stage.note("cancelled"), format!("\"{version}\""));
    let outcome = stage.again();
    assert_eq!(outcome.code, 254);
    assert!(outcome.stderr_text().contains("A previous rotation isn't complete."));
    let outcome = stage.run(&["rotate-secret", "--secret-id", "db", "--resume"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    stage.must_be_rotated_to(&version);
}

#[test]
fn settings_are_kept_only_if_their_test_succeeds() {
    for (status, is_kept) in [(0, true), (1, false)] {
        let stage = Stage::new();
        let program = stage.program(
            "rotate",
            &format!("value --version-stage AWSPENDING >\"$HOME/seen\"\nexit {status}\n"),
        );
        let options = ["--no-rotate-immediately", "--rotation-rules", "AutomaticallyAfterDays=30"];
        let outcome = stage.rotate_by(&program, &options);
        assert_eq!(outcome.code, if is_kept { 0 } else { 254 }, "{}", outcome.stderr_text());
        assert_eq!((stage.steps().as_str(), stage.note("seen").as_str()), ("testSecret", OLD));
        stage.must_be_unchanged();
        assert_eq!(stage.version("AWSPENDING"), "None");
        let days = stage.describe("RotationRules.AutomaticallyAfterDays");
        assert_eq!(days, if is_kept { "30" } else { "None" });
    }
}
