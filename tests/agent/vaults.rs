//! The vault is changed under the agent: the answer is the right one or says why there is none, and
//! never an old one.

use std::fs;
use std::path::Path;

use super::{
    GET, Process, ask, done, get, keyfile, must_be_sound, run, through_agent, token, unlocked,
    value, value_through_agent, vault,
};
use crate::harness::Sandbox;

/// How reads may be logged, which decides how the agent looks at the vault.
const READS: [&str; 2] = ["at-once", "batched"];

/// Does something to an unlocked vault, both ways.
fn with_each(work: impl Fn(&Sandbox)) {
    for reads in READS {
        let sandbox = unlocked();
        done(&sandbox, &format!("unlock --audit-reads {reads}"));
        assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"), "{reads}");
        work(&sandbox);
    }
}

fn put(sandbox: &Sandbox, value: &str) {
    let keyfile = keyfile(sandbox);
    let put = format!("put-secret-value --secret-id app/db --secret-string {value}");
    done(sandbox, &format!("{put} --keyfile {keyfile}"));
}

/// Makes another vault, with its own key and a secret of the same name.
fn make_other(sandbox: &Sandbox, path: &Path) {
    let (path, keyfile) = (path.display(), sandbox.work().join("other-key"));
    let keyfile = keyfile.display();
    done(sandbox, &format!("init --keyfile-only --keyfile {keyfile} --vault {path}"));
    let create = "create-secret --name app/db --secret-string other";
    done(sandbox, &format!("{create} --vault {path} --keyfile {keyfile}"));
}

/// Gives the same file other bytes.
fn write_over(path: &Path, with: &Path) {
    fs::copy(with, path).unwrap();
}

#[test]
fn what_others_changed_is_seen_at_once() {
    with_each(|sandbox| {
        for number in 0..10 {
            let new = format!("hunter-{number}");
            put(sandbox, &new);
            assert_eq!(value_through_agent(sandbox), Some(new));
        }
        let keyfile = keyfile(sandbox);
        let delete = "delete-secret --secret-id app/db --force-delete-without-recovery";
        done(sandbox, &format!("{delete} --keyfile {keyfile}"));
        let outcome = through_agent(sandbox, GET);
        assert_eq!(outcome.code, 254);
        assert!(outcome.stderr_text().contains("ResourceNotFoundException"));
        must_be_sound(sandbox);
    });
}

#[test]
fn another_file_in_its_place_is_not_the_vault() {
    with_each(|sandbox| {
        let (token, other) = (token(sandbox), sandbox.work().join("other"));
        make_other(sandbox, &other);
        fs::rename(&other, vault(sandbox)).unwrap();
        must_be_locked(sandbox, &token, "another file is in its place");
        let other_key = sandbox.work().join("other-key");
        let read = done(sandbox, &format!("{GET} --keyfile {}", other_key.display()));
        assert_eq!(read, "other\n");
    });
}

/// The same file with other bytes: who writes over a vault that is in use does it harm, which is told.
#[test]
fn a_file_that_was_written_over_is_not_the_vault() {
    with_each(|sandbox| {
        let other = sandbox.work().join("other");
        make_other(sandbox, &other);
        // It may have been changed as often as ours, by which SQLite would tell them apart.
        write_over(&vault(sandbox), &other);
        let outcome = through_agent(sandbox, GET);
        let stderr = outcome.stderr_text();
        assert!(outcome.code == 255 && stderr.contains("(TamperError)"), "{stderr}");
        assert_eq!(outcome.stdout_text(), "");
    });
}

#[test]
fn an_older_copy_in_its_place_is_told() {
    with_each(|sandbox| {
        done(sandbox, "backup old");
        put(sandbox, "hunter3");
        assert_eq!(value_through_agent(sandbox).as_deref(), Some("hunter3"));
        write_over(&vault(sandbox), &sandbox.work().join("old"));
        let outcome = through_agent(sandbox, GET);
        let stderr = outcome.stderr_text();
        assert_eq!(outcome.stdout_text(), "");
        assert!(outcome.code == 255 && stderr.contains("RollbackError"), "{stderr}");
    });
}

#[test]
fn a_backup_that_is_restored_is_the_vault() {
    with_each(|sandbox| {
        let token = token(sandbox);
        done(sandbox, "backup old");
        put(sandbox, "hunter3");
        assert_eq!(value_through_agent(sandbox).as_deref(), Some("hunter3"));
        done(sandbox, "restore-backup old --accept-rollback");
        must_be_locked(sandbox, &token, "another file is in its place");
        assert_eq!(value(sandbox), "hunter2");
        sandbox.unlock();
        assert_eq!(value_through_agent(sandbox).as_deref(), Some("hunter2"));
        must_be_sound(sandbox);
    });
}

#[test]
fn a_vault_that_was_rekeyed_is_locked() {
    with_each(|sandbox| {
        let token = token(sandbox);
        done(sandbox, &format!("rekey --keyfile {}", keyfile(sandbox)));
        must_be_locked(sandbox, &token, "it was given another key");
        assert_eq!(value(sandbox), "hunter2");
        sandbox.unlock();
        assert_eq!(value_through_agent(sandbox).as_deref(), Some("hunter2"));
        must_be_sound(sandbox);
    });
}

#[test]
fn slots_that_come_and_go_leave_it_unlocked() {
    with_each(|sandbox| {
        done(sandbox, "key-slot add --kind keyfile --new-keyfile second");
        assert_eq!(value_through_agent(sandbox).as_deref(), Some("hunter2"));
        done(sandbox, "key-slot remove --slot 0 --keyfile second");
        assert_eq!(value_through_agent(sandbox).as_deref(), Some("hunter2"));
        let outcome = run(sandbox, &format!("{GET} --keyfile {}", keyfile(sandbox)));
        assert_eq!(outcome.code, 253, "the slot is gone");
    });
}

#[test]
fn a_vault_that_was_moved_or_deleted_is_not_answered_for() {
    with_each(|sandbox| {
        let (path, away) = (vault(sandbox), sandbox.work().join("away"));
        fs::rename(&path, &away).unwrap();
        for command in
            [GET, "list-secrets", "put-secret-value --secret-id app/db --secret-string x"]
        {
            let outcome = through_agent(sandbox, command);
            assert_eq!(outcome.code, 253, "{command}: {}", outcome.stderr_text());
            assert!(outcome.stderr_text().contains("no vault"), "{}", outcome.stderr_text());
        }
        let there = format!("{GET} --vault {}", away.display());
        let elsewhere = through_agent(sandbox, &there);
        assert!(elsewhere.stderr_text().contains("(VaultLocked)"), "{}", elsewhere.stderr_text());
        assert_eq!(done(sandbox, &there), "hunter2\n");
        fs::rename(&away, &path).unwrap();
        assert_eq!(value(sandbox), "hunter2");
        fs::remove_file(&path).unwrap();
        assert_eq!(run(sandbox, GET).code, 253);
        assert_eq!(run(sandbox, "unlock").code, 253);
    });
}

/// The same as without an agent: an error where a write finds no room, and the vault is as it was.
#[test]
fn a_full_disk_is_told_and_reads_go_on() {
    for reads in READS {
        let sandbox = unlocked();
        done(&sandbox, "lock --all");
        let shell = |script: &str| {
            let words = ["-c".to_owned(), script.to_owned()];
            sandbox.invocation("bash", &words).run()
        };
        let started =
            shell(&format!("trap '' XFSZ; ulimit -f 40; strongroom unlock --audit-reads {reads}"));
        assert_eq!(started.code, 0, "{}", started.stderr_text());
        let agent = Process::of(&sandbox);
        let big = "x".repeat(60_000);
        crate::harness::files::write(&sandbox.work().join("big"), big.as_bytes());
        for _ in 0..3 {
            let put = "put-secret-value --secret-id app/db --secret-string file://big";
            let outcome = through_agent(&sandbox, put);
            let stderr = outcome.stderr_text();
            assert!(outcome.code == 255 && stderr.contains("(NoSpace)"), "{reads}: {stderr}");
            assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"), "{reads}");
        }
        assert_eq!(Process::of(&sandbox).pid, agent.pid);
        must_be_sound(&sandbox);
        // The log that cannot be written does not keep it from ending.
        done(&sandbox, "lock --all");
        agent.must_end();
        must_be_sound(&sandbox);
    }
}

/// Where nothing told the system to say so, it ends the agent instead; nothing is lost by that.
#[test]
fn an_agent_that_the_system_ends_loses_nothing() {
    let sandbox = unlocked();
    done(&sandbox, "lock --all");
    let words = ["-c".to_owned(), "ulimit -f 40; strongroom unlock; exit $?".to_owned()];
    assert_eq!(sandbox.invocation("bash", &words).run().code, 0);
    let agent = Process::of(&sandbox);
    crate::harness::files::write(&sandbox.work().join("big"), "x".repeat(60_000).as_bytes());
    let put = "put-secret-value --secret-id app/db --secret-string file://big";
    let outcome = run(&sandbox, put);
    agent.must_end();
    let stderr = outcome.stderr_text();
    assert_eq!(outcome.code, 253, "{stderr}");
    assert!(stderr.contains("what was asked for may have been done"), "{stderr}");
    assert_eq!(value(&sandbox), "hunter2");
    must_be_sound(&sandbox);
}

/// Requires that the agent says why it does not have the vault any more, and that it forgot it.
fn must_be_locked(sandbox: &Sandbox, token: &str, why: &str) {
    let answer = ask(sandbox, get(token, "app/db"));
    assert_eq!(answer["refused"]["kind"], "locked", "{answer}");
    assert!(answer["refused"]["message"].as_str().unwrap().contains(why), "{answer}");
    assert_eq!(value_through_agent(sandbox), None);
}
