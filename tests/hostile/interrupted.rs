//! Rotations that are cut off, by signals or by death, and go on afterwards.

use super::{ALL, GOOD, Stage};

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
    assert!(told.contains("^C once more stops at once") && told.contains("resume"), "{told}");
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
