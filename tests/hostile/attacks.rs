//! Programs that do harm, or would if they could.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{ALL, GOOD, HostileFixture, NEW, OLD};
use crate::harness::files::write;

/// Requires that a rotation fails in setSecret, soon, and says why.
fn must_fail(script: &str, options: &[&str], expected: &str) {
    let fixture = HostileFixture::new();
    let program =
        fixture.program("rotate", &format!("{GOOD}[ $step = setSecret ] || exit 0\n{script}\n"));
    let began = Instant::now();
    let outcome = fixture.rotate_by(&program, options);
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 254, "{script}: {told}");
    assert!(told.contains(&format!("during setSecret step: {expected}")), "{script}: {told}");
    assert!(began.elapsed() < Duration::from_secs(40), "{script} held us up");
    fixture.must_be_unchanged();
    fixture.must_be_tidy();
    assert_eq!(fixture.steps(), "createSecret setSecret");
}

#[test]
fn floods_are_stopped() {
    must_fail("cat /dev/zero", &[], "output limit");
    must_fail("yes >&2", &[], "output limit");
}

#[test]
fn what_hangs_is_killed() {
    let options = ["--rotation-timeout", "1s"];
    must_fail("while :; do sleep 1; done", &options, "timed out after 1 s");
    must_fail("trap '' TERM; while :; do sleep 1; done", &options, "timed out after 1 s");
    must_fail("kill -STOP $$", &options, "timed out after 1 s");
}

#[test]
fn ends_are_told_as_they_were() {
    must_fail("exit 75", &[], "exit status 75");
    must_fail("exit 78", &[], "exit status 78");
    must_fail("exit 127", &[], "exit status 127");
    must_fail("kill -9 $$", &[], "killed by signal 9");
}

/// A file that no system runs: its interpreter is missing.
#[test]
fn a_program_that_cannot_start_says_why() {
    let fixture = HostileFixture::new();
    let program = fixture.program("rotate", "");
    write(Path::new(&program), b"#!/nowhere/sh\n");
    let outcome = fixture.rotate_by(&program, &[]);
    let told = outcome.stderr_text();
    assert!(told.contains("createSecret step: it cannot be started: No such file"), "{told}");
}

#[test]
fn nothing_that_was_started_lives_on() {
    for (how, start) in [
        ("in the group", "sh -c 'trap \"\" TERM HUP; echo $$ >\"$HOME/pid\"; sleep 1000' &"),
        (
            "in a session of its own",
            "setsid setsid sh -c 'trap \"\" TERM HUP; echo $$ >\"$HOME/pid\"; sleep 1000' &",
        ),
        (
            "with nobody above it",
            "(setsid sh -c 'sh -c \"echo \\$\\$ >\\\"$HOME/pid\\\"; sleep 1000\" & exit' & exit)",
        ),
    ] {
        let fixture = HostileFixture::new();
        let outcome = fixture.rotate(&format!(
            "{GOOD}[ $step = setSecret ] || exit 0\n{start}\nuntil [ -s \"$HOME/pid\" ]; do \
             sleep 0.01; done\n"
        ));
        assert_eq!(outcome.code, 0, "{how}: {}", outcome.stderr_text());
        let pid = fixture.note("pid");
        assert!(!pid.is_empty() && !Path::new(&format!("/proc/{pid}")).exists(), "{how}: {pid}");
    }
}

#[test]
fn many_that_will_not_die_are_killed() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = setSecret ] || exit 0\nfor n in 1 2 3 4 5 6 7 8 9 10; do \
         (trap '' TERM INT HUP; echo x >>\"$HOME/up\"; sleep 1000) & done\n\
         until [ \"$(wc -l <\"$HOME/up\")\" -ge 10 ]; do sleep 0.01; done\n"
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    fixture.must_be_tidy();
}

#[test]
fn streams_that_are_closed_or_kept_hold_nobody_up() {
    let fixture = HostileFixture::new();
    let began = Instant::now();
    let outcome = fixture.rotate(&format!(
        "exec <&-\n{GOOD}[ $step = createSecret ] || exec >&- 2>&-\nsetsid sleep 1000 &\n"
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert!(began.elapsed() < Duration::from_secs(30));
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
}

#[test]
fn no_secret_is_shown() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        r#"{GOOD}[ $step = setSecret ] || exit 0
old=$(value) new=$(value --version-stage AWSPENDING)
for value in "$old" "$new"; do
    echo "plain $value."
    echo "base64 $(printf %s "$value" | base64)."
    echo "inside $(printf '{{"a":"%s"}}' "$value" | base64 -w 10)."
    printf 'split '; printf %s "$value" | cut -c1-7 | tr -d '\n'; printf %s "$value" | cut -c8-
    printf '\033[31mred\n'
done >&2
echo "$old$new"
exit 1
"#
    ));
    let (told, printed) = (outcome.stderr_text(), outcome.stdout_text());
    assert_eq!(outcome.code, 254);
    assert_eq!(printed, "");
    for part in [OLD, NEW, "dGhlLW9sZC1wYXNz", "dGhlLW5ldy1wYXNz", "password", "\u{1b}"] {
        assert!(!told.contains(part), "{part}: {told}");
    }
    for part in ["rotation: plain [redacted].", "rotation: split [redacted]", "u{1b}[31mred"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // Nor is anything of it kept.
    let shown = fixture.done(&["rotation", "show", "--secret-id", "db"]);
    assert!(shown.contains("setSecret") && !shown.contains("plain"), "{shown}");
}

#[test]
fn there_is_no_terminal() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!("{GOOD}if (: </dev/tty) 2>/dev/null; then exit 9; fi\n"));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
}

#[test]
fn a_program_sees_only_what_it_must() {
    let fixture = HostileFixture::new();
    let program = fixture.program(
        "rotate",
        &format!(
            "{GOOD}[ $step = setSecret ] || exit 0\nls /proc/self/fd >\"$HOME/open\"\n\
             env | cut -d= -f1 | sort >\"$HOME/variables\"\npwd >\"$HOME/place\"\n\
             umask >\"$HOME/mask\"\nulimit -c >\"$HOME/core\"\n\
             grep NoNewPrivs /proc/self/status >\"$HOME/privileges\"\n\
             tr '\\0' ' ' </proc/self/cmdline >\"$HOME/words\"\nls -ld \"$TMPDIR\" >\"$HOME/tmp\"\n"
        ),
    );
    let path = format!("PATH={}", fixture.sandbox.environment["PATH"]);
    // A descriptor that the shell left open; a variable that nobody asked for, and one that is.
    let script = "LD_PRELOAD= SSH_AUTH_SOCK=x WANTED=y; export LD_PRELOAD SSH_AUTH_SOCK WANTED; \
                  exec 5<\"$HOME/keyfile\"; exec \"$@\"";
    let words = ["-c", script, "sh", "strongroom", "rotate-secret", "--secret-id", "db"];
    let words = [&words[..], &["--rotation-env", &path, "--rotation-pass-env", "WANTED"]].concat();
    // What it starts reads what the kernel says of it.
    let words = words.into_iter().chain(["--rotation-grant", "read=/proc"]).map(str::to_owned);
    let words: Vec<_> = words.chain(fixture.grants()).chain(["--".to_owned(), program]).collect();
    let outcome = fixture.sandbox.invocation("sh", &words).run();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    // The fourth is the directory that ls reads.
    assert_eq!(fixture.note("open").split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    let variables = fixture.note("variables");
    let variables: Vec<&str> = variables.lines().filter(|name| *name != "_").collect();
    assert_eq!(
        variables,
        [
            "HOME",
            "LANG",
            "PATH",
            "PWD",
            "PYTHONPYCACHEPREFIX",
            "STRONGROOM_CLIENT_REQUEST_TOKEN",
            "STRONGROOM_ROTATION_PROTOCOL",
            "STRONGROOM_ROTATION_SOCKET",
            "STRONGROOM_ROTATION_TIMEOUT",
            "STRONGROOM_ROTATION_TOKEN",
            "STRONGROOM_SECRET_ID",
            "STRONGROOM_STEP",
            "TMPDIR",
            "TZ",
            "WANTED"
        ]
    );
    assert_eq!(fixture.note("place"), "/");
    assert_eq!(fixture.note("mask").trim_start_matches('0'), "77");
    assert_eq!(fixture.note("core"), "0");
    assert!(fixture.note("privileges").ends_with('1'), "{}", fixture.note("privileges"));
    assert!(fixture.note("tmp").starts_with("drwx------"));
    for secret in [OLD, NEW] {
        assert!(!fixture.note("words").contains(secret));
    }
}

#[test]
fn a_program_may_be_let_become_somebody_else() {
    let fixture = HostileFixture::new();
    let program = fixture
        .program("rotate", &format!("{GOOD}grep NoNewPrivs /proc/self/status >\"$HOME/is\"\n"));
    let outcome = fixture.rotate_by(&program, &["--rotation-grant", "new-privileges"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert!(fixture.note("is").ends_with('0'), "{}", fixture.note("is"));
}

/// Everything that is not the step's own business is refused, and leaves no trace.
#[test]
fn a_program_may_ask_for_nothing_else() {
    let fixture = HostileFixture::new();
    fixture.done(&["create-secret", "--name", "other", "--secret-string", "not-yours"]);
    let other = "00000000-0000-4000-8000-000000000000";
    let outcome = fixture.rotate(&format!(
        r#"{GOOD}[ $step = setSecret ] || exit 0
try() {{ strongroom "$@" >>"$HOME/got" 2>>"$HOME/told"; echo $? >>"$HOME/codes"; }}
try get-secret-value --secret-id other
try put-secret-value --secret-id "$id" --client-request-token {other} --secret-string x
try put-secret-value --secret-id "$id" --client-request-token "$token" --secret-string x \
    --version-stages AWSCURRENT
try update-secret-version-stage --secret-id "$id" --version-stage AWSCURRENT \
    --move-to-version-id "$token"
try delete-secret --secret-id "$id" --force-delete-without-recovery
try create-secret --name mine --secret-string x
try batch-get-secret-value --secret-id-list other
try tag-resource --secret-id other --tags Key=a,Value=b
try rotate-secret --secret-id "$id"
try status
try init
strongroom list-secrets --query 'SecretList[].Name' --output text >"$HOME/listed"
STRONGROOM_ROTATION_TOKEN=00000000-0000-4000-8000-000000000000 try get-secret-value --secret-id "$id"
exit 0
"#
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(fixture.note("got"), "");
    assert_eq!(fixture.note("listed"), "db");
    let codes = fixture.note("codes");
    let codes: Vec<&str> = codes.lines().collect();
    let refused = ["254"; 8].into_iter().chain(["253"; 3]).chain(["254"]);
    assert_eq!(codes, refused.collect::<Vec<_>>(), "{}", fixture.note("told"));
    let told = fixture.note("told");
    assert_eq!(told.matches("(AccessDeniedException)").count(), 9, "{told}");
    assert_eq!(told.matches("not available inside a rotation").count(), 3, "{told}");
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
    let names = ["list-secrets", "--query", "length(SecretList)", "--output", "text"];
    assert_eq!(fixture.done(&names), "2");
    let events = ["list-events", "--outcome", "AccessDeniedException", "--output", "text"];
    assert!(fixture.done(&events).contains("rotation:setSecret"));
}

#[test]
fn another_secret_is_read_only_where_that_was_allowed() {
    let fixture = HostileFixture::new();
    fixture.done(&["create-secret", "--name", "admin", "--secret-string", "of-the-admin"]);
    let program = fixture.program(
        "rotate",
        &format!(
            "{GOOD}[ $step = setSecret ] || exit 0\nid=admin value >\"$HOME/admin\" || exit 8\n"
        ),
    );
    let options = ["--rotation-allow-read", "admin"];
    let outcome = fixture.rotate_by(&program, &options);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(fixture.note("admin"), "of-the-admin");
}

/// A daemon keeps the token of its step, and finds nobody to show it to.
#[test]
fn a_step_s_token_dies_with_it() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        r#"{GOOD}case $step in
setSecret) printf '%s\n%s' "$STRONGROOM_ROTATION_SOCKET" "$STRONGROOM_ROTATION_TOKEN" >"$HOME/kept" ;;
testSecret)
    {{ read -r socket; read -r old || :; }} <"$HOME/kept"
    [ "$old" != "$STRONGROOM_ROTATION_TOKEN" ] && ! [ -e "$socket" ] || exit 7
    STRONGROOM_ROTATION_TOKEN=$old value 2>"$HOME/told" && exit 8
    exit 0 ;;
esac
"#
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert!(fixture.note("told").contains("AccessDeniedException"), "{}", fixture.note("told"));
}

/// The vault is not locked while a program runs: its owner writes to it meanwhile.
#[test]
fn the_owner_is_not_locked_out() {
    let fixture = HostileFixture::new();
    fixture.done(&["create-secret", "--name", "other", "--secret-string", "x"]);
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = setSecret ] || exit 0\n\
         owner put-secret-value --secret-id other --secret-string y >/dev/null || exit 7\n\
         owner rotate-secret --secret-id db 2>\"$HOME/told\" && exit 8\n\
         owner rotate-secret --secret-id other \
         --rotation-lambda-arn arn:local:builtin:random-password >/dev/null || exit 9\n"
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    let told = fixture.note("told");
    let busy = "A previous rotation isn't complete. That rotation will be reattempted.";
    assert!(told.contains("(InvalidRequestException)") && told.contains(busy), "{told}");
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
}

#[test]
fn a_value_that_the_owner_puts_ends_the_rotation() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}[ $step = setSecret ] || exit 0\n\
         owner put-secret-value --secret-id db --secret-string by-hand >/dev/null || exit 7\n"
    ));
    assert_eq!(outcome.code, 254, "{}", outcome.stderr_text());
    assert_eq!(fixture.value("AWSCURRENT"), "by-hand");
    assert_eq!(fixture.version("AWSPENDING"), "None");
    assert_eq!(fixture.steps(), "createSecret setSecret");
    let outcome = fixture.run(&["rotate-secret", "--secret-id", "db"]);
    assert_eq!(
        fixture.steps().split(' ').next(),
        Some("createSecret"),
        "{}",
        outcome.stderr_text()
    );
}

#[test]
fn its_own_directory_is_its_own_to_spoil() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}mkdir -p \"$TMPDIR/a/b\" && : >\"$TMPDIR/a/b/c\" && chmod 0 \"$TMPDIR/a\" \"$TMPDIR\"\n"
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(fixture.steps(), ALL);
    fixture.must_be_tidy();
}

/// It fills its own directory, removes it, and would remove the one it was started in.
#[test]
fn directories_that_are_filled_or_removed_do_not_matter() {
    let fixture = HostileFixture::new();
    let outcome = fixture.rotate(&format!(
        "{GOOD}rmdir \"$PWD\" 2>/dev/null && exit 8\nhead -c 8000000 /dev/zero >\"$TMPDIR/full\" || exit 7\n\
         rm -r \"$TMPDIR\" 2>/dev/null || :\n"
    ));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(fixture.steps(), ALL);
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
    fixture.must_be_tidy();
}

/// A value that JSON, a shell and a URL each write in another way.
#[test]
fn no_way_of_writing_a_value_shows_it() {
    let fixture = HostileFixture::new();
    let odd = "pass\"word\\with /odd&signs";
    fixture.done(&["put-secret-value", "--secret-id", "db", "--secret-string", odd]);
    let outcome = fixture.rotate(&format!(
        r#"{GOOD}[ $step = setSecret ] || exit 0
{{
    printf '%s\n' 'json pass\"word\\with /odd&signs.'
    printf '%s\n' 'percent pass%22word%5Cwith%20%2Fodd%26signs.'
    value | tr -d '\n' | od -An -v -tx1 | tr -d ' \n'
    printf 'pass"word'; printf '\\with /odd&signs\n'
}} >&2
exit 1
"#
    ));
    let told = outcome.stderr_text();
    assert_eq!(outcome.code, 254, "{told}");
    assert!(told.contains("json [redacted]."), "{told}");
    for part in ["pass", "signs", "70617373"] {
        assert!(!told.contains(part), "{part}: {told}");
    }
}
