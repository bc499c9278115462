//! Where random bytes come from: the system call, and never a file. A directory with
//! files of zeros in the place of `/dev` once gave every vault the same keyfile.

use std::fs;

use crate::harness::Sandbox;
use crate::harness::process::{Outcome, tool};

/// Makes a vault under strace; `None` where that may not trace.
fn init(sandbox: &Sandbox, options: &[&str]) -> Option<Outcome> {
    let strace = tool("strace")?;
    let words = ["-qq", "-f", "-o", "trace"].iter().chain(options);
    let words =
        words.chain(&["strongroom", "init", "--keyfile-only"]).map(|word| (*word).to_owned());
    let outcome = sandbox.invocation(&strace.to_string_lossy(), &words.collect::<Vec<_>>()).run();
    let is_traced = sandbox.work().join("trace").metadata().is_ok_and(|trace| trace.len() > 0);
    if !is_traced {
        println!("skipped: strace may not trace here: {}", outcome.stderr_text());
    }
    is_traced.then_some(outcome)
}

fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::empty();
    for (name, file) in [("STRONGROOM_VAULT", "vault"), ("STRONGROOM_KEYFILE", "key")] {
        let path = sandbox.home().join(file).to_str().unwrap().to_owned();
        sandbox.environment.insert(name.to_owned(), path);
    }
    sandbox
}

#[test]
fn it_is_the_system_call() {
    let sandbox = sandbox();
    let Some(outcome) = init(&sandbox, &["-e", "trace=getrandom,open,openat,openat2"]) else {
        return;
    };
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    let trace = fs::read_to_string(sandbox.work().join("trace")).unwrap();
    // SQLite numbers its journals by what it reads from /dev/urandom; we use none of it.
    let before_sqlite = trace.split("-journal\"").next().unwrap();
    assert!(before_sqlite.contains("getrandom("), "{trace}");
    assert!(!before_sqlite.contains("/dev/") && !trace.contains("/dev/random"), "{trace}");
}

/// A static program once read `/dev/urandom` then, whatever that was.
#[test]
fn where_there_is_no_system_call_nothing_is_made() {
    let sandbox = sandbox();
    let options = ["-e", "trace=getrandom", "-e", "inject=getrandom:error=ENOSYS"];
    let Some(outcome) = init(&sandbox, &options) else { return };
    refused(&sandbox, &outcome, "the operating system gave no random bytes");
}

/// The kernel says that it filled the bytes, and did not.
#[test]
fn a_source_that_repeats_itself_is_refused() {
    let sandbox = sandbox();
    let options = ["-e", "trace=getrandom", "-e", "inject=getrandom:retval=16"];
    let Some(outcome) = init(&sandbox, &options) else { return };
    refused(&sandbox, &outcome, "the operating system's random bytes are not random");
}

fn refused(sandbox: &Sandbox, outcome: &Outcome, why: &str) {
    let said = outcome.stderr_text();
    assert_eq!(outcome.code, 255, "{said}");
    assert!(said.contains(&format!("(NoEntropy): {why}")), "{said}");
    assert!(!sandbox.home().join("key").exists() && !sandbox.home().join("vault").exists());
}
