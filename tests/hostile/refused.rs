//! Programs that are never run.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::{GOOD, HostileFixture};

impl HostileFixture {
    fn mode(&self, name: &str, mode: u32) {
        let path = self.sandbox.work().join(name);
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// Requires that a program is refused and that nothing is kept of the request.
    fn must_refuse(&self, program: &str, code: &str, expected: &str) {
        let outcome = self.rotate_by(program, &[]);
        let told = outcome.stderr_text();
        assert_eq!(outcome.code, 254, "{program}: {told}");
        assert!(told.contains(code) && told.contains(expected), "{program}: {told}");
        assert_eq!(self.steps(), "");
        self.must_be_unchanged();
        let query = "[RotationEnabled,RotationLambdaARN,RotationRules,NextRotationDate]";
        assert_eq!(self.describe(query), "None\tNone\tNone\tNone");
        assert_eq!(self.version("AWSPENDING"), "None");
    }
}

#[test]
fn what_others_can_change_is_not_run() {
    let fixture = HostileFixture::new();
    let denied = "AccessDeniedException";
    let good = fixture.program("rotate", GOOD);
    for (mode, expected) in [
        (0o777, "can be changed by others"),
        (0o720, "can be changed by others"),
        (0o4700, "would run as another user or group"),
        (0o600, "is not executable"),
    ] {
        fixture.mode("rotate", mode);
        fixture.must_refuse(&good, denied, expected);
    }
    let inside = fixture.program("open/rotate", GOOD);
    fixture.mode("open", 0o770);
    fixture.must_refuse(&inside, denied, "can be changed by others");
    let link = fixture.sandbox.work().join("link");
    symlink(&inside, &link).unwrap();
    fixture.must_refuse(link.to_str().unwrap(), denied, "can be changed by others");
    fixture.must_refuse("/nowhere/at/all", denied, "/nowhere: No such file");
    fixture.must_refuse("/usr", denied, "is not a regular file");
    fixture.must_refuse("rotate", "InvalidParameterException", "absolute path");
}

#[test]
fn names_may_hold_anything() {
    for name in ["with space", "quo'te\"s", "neue Z\u{e9}ile\nzwei", "$(exit 3)"] {
        let fixture = HostileFixture::new();
        let program = fixture.program(name, GOOD);
        let outcome = fixture.rotate_by(&program, &[]);
        assert_eq!(outcome.code, 0, "{name}: {}", outcome.stderr_text());
        fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
    }
}

/// A vault that comes from elsewhere brings its commands along, but not the permission to run them.
#[test]
fn what_was_approved_elsewhere_is_not_run() {
    let mut fixture = HostileFixture::new();
    assert_eq!(fixture.rotate(GOOD).code, 0);
    fixture.steps();
    let elsewhere = fixture.sandbox.home().join("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap().to_owned();
    let variable = |value: &str| ("XDG_STATE_HOME".to_owned(), value.to_owned());
    let here = fixture.sandbox.environment["XDG_STATE_HOME"].clone();
    fixture.sandbox.environment.extend([variable(&elsewhere)]);
    let outcome = fixture.again();
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 254, "{told}");
    assert!(
        told.contains("(AccessDeniedException)") && told.contains("not approved on this machine"),
        "{told}"
    );
    assert_eq!(fixture.version("AWSPENDING"), "None");
    assert_eq!(fixture.steps(), "");
    let approved = ["--secret-id", "db", "--query", "ApprovedOnThisMachine", "--output", "text"];
    let approved = |action| fixture.done(&[&["rotation", action], &approved[..]].concat());
    assert_eq!(approved("show"), "False");
    assert_eq!(approved("approve"), "True");
    assert_eq!(fixture.again().code, 0);
    assert_eq!(approved("revoke"), "False");
    assert_eq!(fixture.again().code, 254);
    fixture.sandbox.environment.extend([variable(&here)]);
    assert_eq!(fixture.again().code, 0);
}

/// Saying how a program is to be run is not saying that it may.
#[test]
fn options_alone_approve_nothing() {
    let mut fixture = HostileFixture::new();
    assert_eq!(fixture.rotate(GOOD).code, 0);
    let longer = ["rotate-secret", "--secret-id", "db", "--rotation-timeout", "2m"];
    fixture.done(&longer);
    let shown = ["rotation", "show", "--secret-id", "db", "--output", "text", "--query"];
    assert_eq!(fixture.done(&[&shown[..], &["TimeoutSeconds"]].concat()), "120");
    assert_eq!(fixture.done(&[&shown[..], &["keys(Environment)"]].concat()), "PATH");
    assert_eq!(fixture.again().code, 0, "what was changed here was approved here");
    fixture.steps();
    let elsewhere = fixture.sandbox.home().join("elsewhere").to_str().unwrap().to_owned();
    fixture.sandbox.environment.extend([("XDG_STATE_HOME".to_owned(), elsewhere)]);
    let outcome = fixture.run(&longer);
    assert!(outcome.code == 254 && fixture.steps().is_empty(), "{}", outcome.stderr_text());
    // Nor is naming nothing, as a script does whose variable is not set.
    let outcome = fixture.run(&["rotate-secret", "--secret-id", "db", "--rotation-lambda-arn", ""]);
    assert!(outcome.stderr_text().contains("not approved"), "{}", outcome.stderr_text());
    assert_eq!((outcome.code, fixture.steps().as_str()), (254, ""));
}

/// The program is a different one in the second step.
#[test]
fn what_changed_since_it_was_approved_is_not_run() {
    for change in [
        "echo '# changed' >>\"$0\"",
        "{ cat \"$0\"; echo :; } >\"$0.new\" && chmod 700 \"$0.new\" && mv \"$0.new\" \"$0\"",
        "cp \"$0\" \"$0.other\" && echo : >>\"$0.other\" && ln -sf \"$0.other\" \"$0\"",
    ] {
        let fixture = HostileFixture::new();
        let outcome = fixture.rotate(&format!(
            "{GOOD}[ $step != createSecret ] || [ -e \"$HOME/calm\" ] || {{ {change}; }}\n"
        ));
        let told = outcome.stderr_text();
        assert_eq!(outcome.code, 254, "{change}: {told}");
        assert!(told.contains("during setSecret step"), "{change}: {told}");
        assert!(told.contains("is not the file that was approved"), "{change}: {told}");
        let digests = told.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 64);
        assert_eq!(digests.count(), 2, "{told}");
        assert_eq!(fixture.steps(), "createSecret");
        fixture.must_be_unchanged();
        let version = fixture.version("AWSPENDING");
        assert_ne!(version, "None");
        fixture.done(&["rotation", "approve", "--secret-id", "db", "--repin"]);
        fixture.put("calm", "");
        let outcome = fixture.again();
        assert_eq!(outcome.code, 0, "{change}: {}", outcome.stderr_text());
        fixture.must_be_rotated_to(&version);
    }
}

#[test]
fn a_script_is_pinned_like_its_interpreter() {
    let fixture = HostileFixture::new();
    let script = fixture.program("script", GOOD);
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let words = ["rotate-secret", "--secret-id", "db", "--rotation-env", &path, "--"];
    fixture.done(&[&words[..], &["/bin/sh", &script]].concat());
    fixture.program("script", &format!("{GOOD}# changed\n"));
    let outcome = fixture.again();
    assert_eq!(outcome.code, 254);
    assert!(outcome.stderr_text().contains("is not the file"), "{}", outcome.stderr_text());
}

/// Additional pins do not replace the others; and even without any, nobody else may be able to change
/// the script.
#[test]
fn a_script_stays_trusted_whatever_is_pinned() {
    let fixture = HostileFixture::new();
    let script = fixture.program("script", GOOD);
    let module = fixture.program("module", "");
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let rotate = |options: &[&str]| {
        let words = ["rotate-secret", "--secret-id", "db", "--rotation-env", &path];
        fixture.run(&[&words[..], options, &["--", "/bin/sh", &script]].concat())
    };
    let outcome = rotate(&["--rotation-pin", &module, "--rotation-pin", "auto"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    let query = ["--secret-id", "db", "--query", "Pins[].Path", "--output", "text"];
    let pins = fixture.done(&[&["rotation", "show"], &query[..]].concat());
    assert_eq!(pins, format!("{script}\t{module}"));
    fixture.program("script", &format!("{GOOD}# changed\n"));
    let told = fixture.again().stderr_text();
    assert!(told.contains("is not the file that was approved"), "{told}");

    let told = rotate(&["--rotation-pin", "none", "--rotation-pin", &module]);
    assert_eq!(told.code, 252, "{}", told.stderr_text());
    fs::set_permissions(&script, Permissions::from_mode(0o777)).unwrap();
    let outcome = rotate(&["--rotation-pin", "none"]);
    let told = outcome.stderr_text();
    assert!(outcome.code == 254 && told.contains("can be changed by others"), "{told}");
}

#[test]
fn approvals_that_cannot_be_read_are_found_out_first() {
    let fixture = HostileFixture::new();
    assert_eq!(fixture.rotate(GOOD).code, 0);
    fixture.done(&["create-secret", "--name", "other", "--secret-string", "x"]);
    let approvals = PathBuf::from(&fixture.sandbox.environment["XDG_STATE_HOME"]);
    let approvals = approvals.join("strongroom/rotators.json");
    fs::set_permissions(&approvals, Permissions::from_mode(0o644)).unwrap();
    let outcome = fixture.run(&["rotate-secret", "--secret-id", "other", "--", "/bin/true"]);
    assert_eq!(outcome.code, 253, "{}", outcome.stderr_text());
    let words = ["describe-secret", "--secret-id", "other", "--query", "RotationEnabled"];
    assert_eq!(fixture.done(&words), "null");
}

/// What a person looks at before approving it shows them all there is.
#[test]
fn nothing_hides_from_whoever_looks() {
    let fixture = HostileFixture::new();
    let words = ["--no-rotate-immediately", "--", "/bin/true", "a\u{1b}[2Kb\u{202e}c"];
    fixture.done(&[&["rotate-secret", "--secret-id", "db"], &words[..]].concat());
    for format in ["json", "text", "table", "yaml"] {
        let shown = fixture.done(&["rotation", "show", "--secret-id", "db", "--output", format]);
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{format}: {shown}");
        assert!(shown.contains("u{1b}[2Kb") && shown.contains("u{202e}c"), "{format}: {shown}");
    }
}

#[test]
fn a_directory_that_was_opened_meanwhile_ends_it() {
    let fixture = HostileFixture::new();
    let program = fixture.program(
        "place/rotate",
        &format!("{GOOD}[ $step != testSecret ] || chmod 777 \"${{0%/*}}\"\n"),
    );
    let outcome = fixture.rotate_by(&program, &[]);
    let told = outcome.stderr_text();
    assert!(outcome.code == 254 && told.contains("during finishSecret step"), "{told}");
    assert!(told.contains("can be changed by others"), "{told}");
    fixture.must_be_unchanged();
}

/// A program of somebody else's, and one that somebody else's arguments name. Only root can give a
/// file away, so only root can try this.
#[test]
fn what_belongs_to_others_is_not_run() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give a file to another user");
        return;
    }
    let fixture = HostileFixture::new();
    let program = fixture.program("rotate", GOOD);
    std::os::unix::fs::chown(&program, Some(65534), None).unwrap();
    fixture.must_refuse(&program, "AccessDeniedException", "belongs to");
}

/// A command has a longest length, and one just below it is run.
#[test]
fn long_commands_are_run_or_refused() {
    let fixture = HostileFixture::new();
    let script = format!("{GOOD}[ ${{#1}} = 3500 ] || exit 9\n");
    let program = fixture.program("rotate", &script);
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let words = ["rotate-secret", "--secret-id", "db", "--rotation-env", &path, "--", &program];
    let outcome = fixture.run(&[&words[..], &[&"x".repeat(4097)]].concat());
    let told = outcome.stderr_text();
    assert!(outcome.code != 0 && told.contains("4096"), "{told}");
    fixture.must_be_unchanged();
    assert_eq!(fixture.describe("RotationEnabled"), "None");
    let grants = fixture.grants();
    let mut words = words[..5].to_vec();
    words.extend(grants.iter().map(String::as_str));
    let long = "x".repeat(3500);
    words.extend(["--", &program, &long]);
    fixture.done(&words);
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
}

/// The interpreter's script is a different one in the second step.
#[test]
fn a_script_that_changes_meanwhile_is_not_run() {
    let fixture = HostileFixture::new();
    let script = fixture.program("script", &format!("{GOOD}echo : >>\"$0\"\n"));
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    let grants = fixture.grants();
    let mut words = vec!["rotate-secret", "--secret-id", "db", "--rotation-env", &path];
    words.extend(grants.iter().map(String::as_str));
    words.extend(["--", "/bin/sh", &script]);
    let outcome = fixture.run(&words);
    let told = outcome.stderr_text();
    assert!(outcome.code == 254 && told.contains("during setSecret step"), "{told}");
    assert!(told.contains("is not the file that was approved"), "{told}");
    assert_eq!(fixture.steps(), "createSecret");
    fixture.must_be_unchanged();
}
