//! What each step leaves when it fails, and that running it again heals it.

use super::{ALL, GOOD, OLD, Stage};

#[test]
fn a_rotation_makes_the_new_value_current() {
    let stage = Stage::new();
    let outcome = stage.rotate(GOOD);
    assert_eq!((outcome.code, outcome.stderr_text().as_str()), (0, ""));
    assert!(outcome.stdout_text().contains("\"VersionId\""), "{}", outcome.stdout_text());
    assert_eq!(stage.steps(), ALL);
    let first = stage.version("AWSCURRENT");
    stage.must_be_rotated_to(&first);
    stage.must_be_tidy();
    assert_eq!(stage.describe("RotationEnabled"), "True");
    assert!(stage.describe("RotationLambdaARN").starts_with("arn:local:exec:/"));
    let second = stage.again();
    assert_eq!(second.code, 0, "{}", second.stderr_text());
    assert_eq!(stage.version("AWSPREVIOUS"), first);
    assert_eq!(stage.describe("length(keys(VersionIdsToStages))"), "2");
}

/// The program moves the label itself, as those written for AWS do.
#[test]
fn a_program_may_finish_itself() {
    let stage = Stage::new();
    let outcome = stage.rotate(
        r#"case $step in
createSecret) create ;;
finishSecret)
    query='VersionIdsToStages | keys(@)'
    for old in $(strongroom describe-secret --secret-id "$id" --query "$query" --output text); do
        [ "$old" = "$token" ] || strongroom update-secret-version-stage --secret-id "$id" \
            --version-stage AWSCURRENT --move-to-version-id "$token" \
            --remove-from-version-id "$old" >"$HOME/moved" || exit 9
    done ;;
esac
"#,
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert!(stage.note("moved").contains("\"ARN\""));
    stage.must_be_rotated_to(&stage.version("AWSCURRENT"));
}

#[test]
fn a_step_that_failed_is_done_again_under_the_same_version() {
    for (failing, script) in [
        ("createSecret", "[ $step = \"$fail\" ] && exit 1\n[ $step != createSecret ] || create\n"),
        (
            "createSecret",
            "[ $step != createSecret ] || create\n[ $step = \"$fail\" ] && exit 1\n:\n",
        ),
        ("setSecret", "[ $step != createSecret ] || create\n[ $step = \"$fail\" ] && exit 1\n:\n"),
        ("testSecret", "[ $step != createSecret ] || create\n[ $step = \"$fail\" ] && exit 1\n:\n"),
        (
            "finishSecret",
            "[ $step != createSecret ] || create\n[ $step = \"$fail\" ] && exit 1\n:\n",
        ),
    ] {
        let stage = Stage::new();
        stage.put("fail", failing);
        let outcome = stage.rotate(&format!("fail=$(cat \"$HOME/fail\")\n{script}"));
        let (code, told) = (outcome.code, outcome.stderr_text());
        assert_eq!(code, 254, "{told}");
        let version = stage.version("AWSPENDING");
        let program = stage.sandbox.work().join("rotate");
        let expected = format!(
            "\nAn error occurred (RotationFailed) when calling the RotateSecret operation: Error \
             when executing {} during {failing} step: exit status 1. Version {version} stays \
             AWSPENDING; run rotate-secret again to resume.\n",
            program.display()
        );
        assert_eq!(told, expected);
        stage.must_be_unchanged();
        assert_eq!(stage.describe("RotationEnabled"), "True");
        stage.steps();
        stage.put("fail", "none");
        let outcome = stage.again();
        assert_eq!(outcome.code, 0, "{failing}: {}", outcome.stderr_text());
        assert_eq!(stage.steps(), ALL, "all steps are done again");
        stage.must_be_rotated_to(&version);
        stage.must_be_tidy();
    }
}

#[test]
fn create_secret_must_store_a_value() {
    let stage = Stage::new();
    let outcome = stage.rotate("exit 0\n");
    let told = outcome.stderr_text();
    assert!(told.contains("createSecret step: exit status 0 but no value was stored."), "{told}");
    assert_eq!((outcome.code, stage.steps().as_str()), (254, "createSecret"));
    stage.must_be_unchanged();
}

#[test]
fn a_value_once_stored_stays() {
    let stage = Stage::new();
    let outcome = stage.rotate(
        r#"[ $step != createSecret ] || create
[ $step != createSecret ] || strongroom put-secret-value --secret-id "$id" \
    --client-request-token "$token" --version-stages AWSPENDING --secret-string other 2>"$HOME/told"
exit 0
"#,
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert!(stage.note("told").contains("ResourceExistsException"), "{}", stage.note("told"));
    stage.must_be_rotated_to(&stage.version("AWSCURRENT"));
}

#[test]
fn one_shot_programs_are_told_and_answer() {
    let stage = Stage::new();
    let program = stage.program(
        "one shot",
        r#"event=$(cat)
printf '%s\n' "$event" >>"$HOME/events"
[ -z "${STRONGROOM_ROTATION_SOCKET-}${STRONGROOM_ROTATION_TOKEN-}" ] || exit 9
[ $step != createSecret ] || printf '{"SecretString":"the-new-password-%s"}' "$token"
"#,
    );
    let outcome = stage.rotate_by(&program, &["--rotation-protocol", "stdio"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    stage.must_be_rotated_to(&stage.version("AWSCURRENT"));
    let events = stage.note("events");
    let events: Vec<&str> = events.lines().collect();
    assert_eq!(events.len(), 4);
    assert!(
        events[0].contains(&format!(r#""current":{{"SecretString":"{OLD}"}}"#)),
        "{}",
        events[0]
    );
    assert!(events[0].contains("\"pending\":null") && !events[1].contains("\"pending\":null"));
}

#[test]
fn a_one_shot_program_must_answer_with_a_value() {
    for (answer, expected) in [
        ("", "its stdout is not JSON"),
        ("{}", "its stdout must have SecretString or SecretBinary"),
        ("{\"SecretString\":\"\"}", "the value it wrote is empty"),
    ] {
        let stage = Stage::new();
        let program = stage.program("rotate", &format!("printf '%s' '{answer}'\n"));
        let outcome = stage.rotate_by(&program, &["--rotation-protocol", "stdio"]);
        let told = outcome.stderr_text();
        assert!(outcome.code == 254 && told.contains(expected), "{told}");
        stage.must_be_unchanged();
    }
}

/// A rotation that failed early leaves a version without a value, which nobody can make current.
#[test]
fn what_is_empty_cannot_become_current() {
    let stage = Stage::new();
    assert_eq!(stage.rotate("exit 1\n").code, 254);
    let (pending, current) = (stage.version("AWSPENDING"), stage.version("AWSCURRENT"));
    let words =
        ["update-secret-version-stage", "--secret-id", "db", "--version-stage", "AWSCURRENT"];
    let ids = ["--move-to-version-id", &pending, "--remove-from-version-id", &current];
    let outcome = stage.run(&[&words[..], &ids].concat());
    let told = outcome.stderr_text();
    assert!(outcome.code == 254 && told.contains("because it has no value"), "{told}");
    assert_eq!(stage.value("AWSCURRENT"), OLD);
}

#[test]
fn what_is_built_in_needs_no_program() {
    let stage = Stage::new();
    let builtin = "arn:local:builtin:random-password";
    stage.done(&["rotate-secret", "--secret-id", "db", "--rotation-lambda-arn", builtin]);
    let new = stage.value("AWSCURRENT");
    assert!(new.len() >= 16 && new != OLD, "{new}");
    assert_eq!(stage.value("AWSPREVIOUS"), OLD);
    stage.done(&["rotate-secret", "--secret-id", "db"]);
    assert_eq!(stage.value("AWSPREVIOUS"), new);
}

/// What a program that succeeds writes to stderr is for whoever asks for it.
#[test]
fn words_of_programs_that_succeed_are_shown_on_demand() {
    let stage = Stage::new();
    let program = stage.program("rotate", &format!("{GOOD}echo \"at $step, $(value)\" >&2\n"));
    let outcome = stage.rotate_by(&program, &["--verbose"]);
    let told = outcome.stderr_text();
    assert!(told.contains("rotation: at setSecret, [redacted]"), "{told}");
    assert_eq!((outcome.code, stage.again().stderr_text().as_str()), (0, ""));
}

#[test]
fn another_region_s_secret_can_be_granted() {
    let stage = Stage::new();
    let words = ["--region", "eu-west-3", "create-secret", "--name", "admin", "--secret-string"];
    let words = [&words[..], &["of-the-admin", "--query", "ARN", "--output", "text"]].concat();
    let admin = stage.done(&words);
    let program = stage.program(
        "rotate",
        &format!("{GOOD}[ $step != setSecret ] || id={admin} value >\"$HOME/admin\"\n"),
    );
    let outcome = stage.rotate_by(&program, &["--rotation-allow-read", &admin]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(stage.note("admin"), "of-the-admin");
    let outcome = stage.rotate_by(&program, &["--rotation-allow-read", "nobody"]);
    let told = outcome.stderr_text();
    assert!(told.contains("The secret nobody can't be granted"), "{told}");
}

/// A person who looked at what failed and approved it does not wait for the back-off to end.
#[test]
fn what_was_approved_anew_is_tried_at_once() {
    let stage = Stage::new();
    let program = stage.program("rotate", &format!("{GOOD}[ $step != setSecret ] || exit 78\n"));
    assert_eq!(stage.rotate_by(&program, &[]).code, 254);
    let dry = ["rotate-due", "--dry-run", "--query", "Rotations[].State", "--output", "text"];
    assert_eq!(stage.done(&dry), "Misconfigured");
    stage.program("rotate", GOOD);
    stage.done(&["rotation", "approve", "--secret-id", "db", "--repin"]);
    assert_eq!(stage.done(&dry), "Unfinished");
    assert_eq!(stage.run(&["rotate-due"]).code, 0);
    assert_eq!(stage.done(&dry), "NotYet");
}

/// What needs no vault was answered before anybody asked whether the step may.
#[test]
fn passwords_are_made_in_the_first_two_steps() {
    let stage = Stage::new();
    let outcome = stage.rotate(&format!(
        "{GOOD}strongroom get-random-password >/dev/null 2>>\"$HOME/told\"\n\
         echo $? >>\"$HOME/codes\"\nexit 0\n"
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(stage.note("codes"), "0\n0\n254\n254", "{}", stage.note("told"));
    let told = stage.note("told");
    for step in ["testSecret", "finishSecret"] {
        let refusal = format!(
            "The {step} step of a rotation is not allowed to perform: \
             secretsmanager:GetRandomPassword"
        );
        assert!(told.contains(&refusal), "{told}");
    }
    let events = ["list-events", "--outcome", "AccessDeniedException", "--output", "text"];
    assert!(stage.done(&events).contains("rotation:testSecret"));
}
