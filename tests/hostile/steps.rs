//! What each step leaves when it fails, and that running it again heals it.

use super::{ALL, GOOD, HostileFixture, OLD};

#[test]
fn a_rotation_makes_the_new_value_current() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(GOOD);
    assert_eq!((outcome.code, outcome.stderr_text().as_str()), (0, ""));
    assert!(outcome.stdout_text().contains("\"VersionId\""), "{}", outcome.stdout_text());
    assert_eq!(fixture.steps(), ALL);
    let first = fixture.version("AWSCURRENT");
    fixture.must_be_rotated_to(&first);
    fixture.must_be_tidy();
    assert_eq!(fixture.describe("RotationEnabled"), "True");
    assert!(fixture.describe("RotationLambdaARN").starts_with("arn:local:exec:/"));
    let second = fixture.again();
    assert_eq!(second.code, 0, "{}", second.stderr_text());
    assert_eq!(fixture.version("AWSPREVIOUS"), first);
    assert_eq!(fixture.describe("length(keys(VersionIdsToStages))"), "2");
}

/// The program moves the label itself, as those written for AWS do.
#[test]
fn a_program_may_finish_itself() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(
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
    assert!(fixture.note("moved").contains("\"ARN\""));
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
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
        let fixture = HostileFixture::new();
        fixture.put("fail", failing);
        let outcome = fixture.rotate(&format!("fail=$(cat \"$HOME/fail\")\n{script}"));
        let (code, told) = (outcome.code, outcome.stderr_text());
        assert_eq!(code, 254, "{told}");
        let version = fixture.version("AWSPENDING");
        let program = fixture.sandbox.work().join("rotate");
        let expected = format!(
            "\nAn error occurred (RotationFailed) when calling the RotateSecret operation: Error \
             when executing {} during {failing} step: exit status 1. Version {version} stays \
             AWSPENDING; run rotate-secret again to resume.\n",
            program.display()
        );
        assert_eq!(told, expected);
        fixture.must_be_unchanged();
        assert_eq!(fixture.describe("RotationEnabled"), "True");
        fixture.steps();
        fixture.put("fail", "none");
        let outcome = fixture.again();
        assert_eq!(outcome.code, 0, "{failing}: {}", outcome.stderr_text());
        assert_eq!(fixture.steps(), ALL, "all steps are done again");
        fixture.must_be_rotated_to(&version);
        fixture.must_be_tidy();
    }
}

#[test]
fn create_secret_must_store_a_value() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate("exit 0\n");
    let told = outcome.stderr_text();
    assert!(told.contains("createSecret step: exit status 0 but no value was stored."), "{told}");
    assert_eq!((outcome.code, fixture.steps().as_str()), (254, "createSecret"));
    fixture.must_be_unchanged();
}

#[test]
fn a_value_once_stored_stays() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(
        r#"[ $step != createSecret ] || create
[ $step != createSecret ] || strongroom put-secret-value --secret-id "$id" \
    --client-request-token "$token" --version-stages AWSPENDING --secret-string other 2>"$HOME/told"
exit 0
"#,
    );
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert!(fixture.note("told").contains("ResourceExistsException"), "{}", fixture.note("told"));
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
}

#[test]
fn one_shot_programs_are_told_and_answer() {
    let fixture = HostileFixture::new();
    let program = fixture.program(
        "one shot",
        r#"event=$(cat)
printf '%s\n' "$event" >>"$HOME/events"
[ -z "${STRONGROOM_ROTATION_SOCKET-}${STRONGROOM_ROTATION_TOKEN-}" ] || exit 9
[ $step != createSecret ] || printf '{"SecretString":"the-new-password-%s"}' "$token"
"#,
    );
    let outcome = fixture.rotate_by(&program, &["--rotation-protocol", "stdio"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
    let events = fixture.note("events");
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
        let fixture = HostileFixture::new();
        let program = fixture.program("rotate", &format!("printf '%s' '{answer}'\n"));
        let outcome = fixture.rotate_by(&program, &["--rotation-protocol", "stdio"]);
        let told = outcome.stderr_text();
        assert!(outcome.code == 254 && told.contains(expected), "{told}");
        fixture.must_be_unchanged();
    }
}

/// A rotation that failed early leaves a version without a value, which nobody can make current.
#[test]
fn what_is_empty_cannot_become_current() {
    let fixture = HostileFixture::new();
    assert_eq!(fixture.rotate("exit 1\n").code, 254);
    let (pending, current) = (fixture.version("AWSPENDING"), fixture.version("AWSCURRENT"));
    let words =
        ["update-secret-version-stage", "--secret-id", "db", "--version-stage", "AWSCURRENT"];
    let ids = ["--move-to-version-id", &pending, "--remove-from-version-id", &current];
    let outcome = fixture.run(&[&words[..], &ids].concat());
    let told = outcome.stderr_text();
    assert!(outcome.code == 254 && told.contains("because it has no value"), "{told}");
    assert_eq!(fixture.value("AWSCURRENT"), OLD);
}

#[test]
fn what_is_built_in_needs_no_program() {
    let fixture = HostileFixture::new();
    let builtin = "arn:local:builtin:random-password";
    fixture.done(&["rotate-secret", "--secret-id", "db", "--rotation-lambda-arn", builtin]);
    let new = fixture.value("AWSCURRENT");
    assert!(new.len() >= 16 && new != OLD, "{new}");
    assert_eq!(fixture.value("AWSPREVIOUS"), OLD);
    fixture.done(&["rotate-secret", "--secret-id", "db"]);
    assert_eq!(fixture.value("AWSPREVIOUS"), new);
}

/// What a successful program writes to stderr is shown only on request.
#[test]
fn words_of_programs_that_succeed_are_shown_on_demand() {
    let fixture = HostileFixture::new();
    let program = fixture.program("rotate", &format!("{GOOD}echo \"at $step, $(value)\" >&2\n"));
    let outcome = fixture.rotate_by(&program, &["--verbose"]);
    let told = outcome.stderr_text();
    assert!(told.contains("rotation: at setSecret, [redacted]"), "{told}");
    assert_eq!((outcome.code, fixture.again().stderr_text().as_str()), (0, ""));
}

#[test]
fn another_region_s_secret_can_be_granted() {
    let fixture = HostileFixture::new();
    let words = ["--region", "eu-west-3", "create-secret", "--name", "admin", "--secret-string"];
    let words = [&words[..], &["of-the-admin", "--query", "ARN", "--output", "text"]].concat();
    let admin = fixture.done(&words);
    let program = fixture.program(
        "rotate",
        &format!("{GOOD}[ $step != setSecret ] || id={admin} value >\"$HOME/admin\"\n"),
    );
    let outcome = fixture.rotate_by(&program, &["--rotation-allow-read", &admin]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(fixture.note("admin"), "of-the-admin");
    let outcome = fixture.rotate_by(&program, &["--rotation-allow-read", "nobody"]);
    let told = outcome.stderr_text();
    assert!(told.contains("The secret nobody can't be granted"), "{told}");
}

/// A person who looked at what failed and approved it does not wait for the back-off to end.
#[test]
fn what_was_approved_anew_is_tried_at_once() {
    let fixture = HostileFixture::new();
    let program = fixture.program("rotate", &format!("{GOOD}[ $step != setSecret ] || exit 78\n"));
    assert_eq!(fixture.rotate_by(&program, &[]).code, 254);
    let dry = ["rotate-due", "--dry-run", "--query", "Rotations[].State", "--output", "text"];
    assert_eq!(fixture.done(&dry), "Misconfigured");
    fixture.program("rotate", GOOD);
    fixture.done(&["rotation", "approve", "--secret-id", "db", "--repin"]);
    assert_eq!(fixture.done(&dry), "Unfinished");
    assert_eq!(fixture.run(&["rotate-due"]).code, 0);
    assert_eq!(fixture.done(&dry), "NotYet");
}

/// What needs no vault was answered before anybody asked whether the step may.
#[test]
fn passwords_are_made_in_the_first_two_steps() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}strongroom get-random-password >/dev/null 2>>\"$HOME/told\"\n\
         echo $? >>\"$HOME/codes\"\nexit 0\n"
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(fixture.note("codes"), "0\n0\n254\n254", "{}", fixture.note("told"));
    let told = fixture.note("told");
    for step in ["testSecret", "finishSecret"] {
        let refusal = format!(
            "The {step} step of a rotation is not allowed to perform: \
             secretsmanager:GetRandomPassword"
        );
        assert!(told.contains(&refusal), "{told}");
    }
    let events = ["list-events", "--outcome", "AccessDeniedException", "--output", "text"];
    assert!(fixture.done(&events).contains("rotation:testSecret"));
}
