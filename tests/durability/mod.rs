//! Whatever exited with 0 is there, whatever else happens: the program is killed, the disk fails or
//! is full, others write at the same time.
//!
//! Does not simulate a power cut: what has been written is there. That a commit is durable is shown
//! by the order of its writes and syncs, in `boundaries`.

mod boundaries;
mod crowd;
mod killed;
mod media;
mod memory;
mod peers;
mod reads;
mod strike;

use serde_json::Value;

use crate::harness::{Sandbox, done, run};

/// Whether to take minutes instead of seconds: with `SUITE_DURABILITY=long`.
fn is_long() -> bool {
    crate::harness::setting("SUITE_DURABILITY").is_some_and(|wanted| wanted == "long")
}

/// Runs a command line that must succeed, and returns the JSON it printed.
fn answer(sandbox: &Sandbox, line: &str) -> Value {
    serde_json::from_str(&done(sandbox, line)).unwrap()
}

/// What a browser exports: forty logins, which a vault has more than one page of.
fn export() -> String {
    let row = |row| format!("site {row},https://{row}.test,ada,hunter2-{row},\n");
    let rows: Vec<String> = (0..40).map(row).collect();
    "name,url,username,password,note\n".to_owned() + &rows.concat()
}

/// Requires that everything in the vault verifies.
fn must_be_sound(sandbox: &Sandbox, when: &str) {
    let outcome = run(sandbox, "check");
    let report = outcome.stdout_text() + &outcome.stderr_text();
    assert_eq!(outcome.code, 0, "{when}: {report}");
}

/// Returns the names of all secrets, sorted.
fn names(sandbox: &Sandbox) -> Vec<String> {
    let list = answer(sandbox, "list-secrets --include-planned-deletion --query SecretList[].Name");
    let mut names: Vec<String> =
        list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Returns the value of a secret; `None` if no secret has that name.
fn value(sandbox: &Sandbox, name: &str) -> Option<String> {
    let read = run(
        sandbox,
        &format!("get-secret-value --secret-id {name} --query SecretString --output text"),
    );
    let is_missing = read.stderr_text().contains("ResourceNotFoundException");
    assert!(read.code == 0 || is_missing, "{name}: {}", read.stderr_text());
    (read.code == 0).then(|| read.stdout_text().trim_end().to_owned())
}
