//! What a program may ask for, and how long.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::process::Signal;

use super::{Desk, words};
use crate::harness::files::files_below;
use crate::harness::{done, setting};

/// The session's keyring, where the agent's token is, is not the program's. Where this test runs there may
/// be no such keyring: a shell that `run` starts has one of its own.
#[test]
fn what_opens_the_vault_is_out_of_reach() {
    let desk = Desk::new();
    let script = "export STRONGROOM_KEYFILE=$0; strongroom unlock >/dev/null; unset STRONGROOM_KEYFILE; \
                  get='strongroom get app/key --no-input'; \
                  strongroom status --query Token --output text; $get >/dev/null && echo mine; \
                  for how in --no-redact --redact; do \
                  strongroom run $how --env A=app/key -- $get >/dev/null 2>&1 || echo out of reach; done; \
                  strongroom run --keep-credentials --env A=app/key -- $get >/dev/null && echo kept";
    let mut line = words(&["run", "--no-redact", "--env", "A=app/key", "--", "sh", "-c", script]);
    line.push(desk.0.environment["STRONGROOM_KEYFILE"].clone());
    let outcome = desk.0.invocation("strongroom", &line).run();
    let shown = outcome.stdout_text();
    if shown.starts_with("file") && setting("SUITE_STRICT").is_none() {
        return println!("skipped: there are no keyrings");
    }
    let expected = "session keyring\nmine\nout of reach\nout of reach\nkept\n";
    assert_eq!(shown, expected, "{}", outcome.stderr_text());
}

#[test]
fn a_grant_ends_with_its_program() {
    let desk = Desk::new();
    let script = "echo \"token $STRONGROOM_GRANT\"; strongroom get app/key >/dev/null && echo got; \
                  strongroom get other 2>/dev/null || echo refused";
    for is_unlocked in [false, true] {
        if is_unlocked {
            done(&desk.0, "unlock");
        }
        let outcome = desk.run(&["--allow", "app/*", "--read-only"], script).run();
        let shown = outcome.stdout_text();
        assert!(shown.ends_with("got\nrefused\n"), "{shown}{}", outcome.stderr_text());
        let token = shown.lines().next().unwrap().strip_prefix("token ").unwrap().to_owned();
        let mut after = desk.0.invocation("strongroom", &words(&["get", "app/key"]));
        let more = BTreeMap::from([("STRONGROOM_GRANT".to_owned(), token)]);
        after.environment.extend(more);
        assert_eq!(after.run().code, 253);
        let events = done(&desk.0, "list-events --query Events[].Via --output text");
        assert!(events.contains("/run-sh"), "{events}");
    }
    let runtime = Path::new(&desk.0.environment["XDG_RUNTIME_DIR"]);
    let left = files_below(runtime);
    assert!(
        left.iter().all(|file| !file.to_string_lossy().contains("strongroom-grant")),
        "{left:?}"
    );
}

/// A killed `run` left its grant behind for as long as the vault was unlocked, up to 30 days.
#[test]
fn a_grant_ends_with_a_run_that_is_killed() {
    let desk = Desk::new();
    done(&desk.0, "unlock");
    desk.shell("mkfifo fifo", None);
    let script = "echo \"token $STRONGROOM_GRANT\"; read x <fifo";
    let running = desk.run(&["--allow", "app/*"], script).start();
    running.wait_for("\n").unwrap();
    let printed = running.printed();
    let token = printed.trim().strip_prefix("token ").unwrap().to_owned();
    let read = || {
        let mut holder = desk.0.invocation("strongroom", &words(&["get", "app/key"]));
        holder.environment.insert("STRONGROOM_GRANT".to_owned(), token.clone());
        holder.run().code
    };
    assert_eq!(read(), 0);
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, 137);
    assert_eq!(read(), 253);
    assert_eq!(done(&desk.0, "grant list --query length(Grants)"), "0\n");
}
