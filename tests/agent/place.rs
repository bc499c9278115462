//! The agent's directory and its socket, made beforehand by somebody else.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use rustix::process::{Signal, getuid};
use serde_json::json;

use super::{
    Over, Process, VERSION, ask, control, done, get, impersonated, place, run, socket,
    through_agent, token, token_files, unlocked, value, value_through_agent,
};
use crate::harness::Sandbox;
use crate::harness::files::{TempDir, make_dirs, names_in, write};
use crate::harness::process::{Invocation, tool};

/// Nobody could use it until its time is over.
#[test]
fn a_vault_whose_token_cannot_be_kept_is_locked_again() {
    let sandbox = unlocked();
    let agent = Process::of(&sandbox);
    let Some(name) = token_files(&sandbox).pop() else {
        return println!("skipped: the token is in a keyring");
    };
    done(&sandbox, "lock");
    agent.must_end();
    make_dirs(&place(&sandbox).join(name));
    for unlock in ["unlock", "unlock --foreground"] {
        let outcome = run(&sandbox, unlock);
        assert_ne!(outcome.code, 0, "{}", outcome.stdout_text());
        assert_eq!(done(&sandbox, "lock --all"), "{\n    \"Locked\": 0\n}\n");
    }
}

/// The other is left, by which it is locked.
#[test]
fn an_agent_whose_socket_was_removed_is_locked() {
    let sandbox = unlocked();
    let agent = Process::of(&sandbox);
    fs::remove_file(socket(&sandbox)).unwrap();
    assert_eq!(done(&sandbox, "lock --all"), "{\n    \"Locked\": 1\n}\n");
    agent.must_end();
    assert_eq!(token_files(&sandbox), [""; 0]);
}

#[test]
fn a_socket_that_was_removed_is_made_again_by_unlock() {
    let sandbox = unlocked();
    let lost = Process::of(&sandbox);
    fs::remove_file(socket(&sandbox)).unwrap();
    assert_eq!(value_through_agent(&sandbox), None);
    assert_eq!(value(&sandbox), "hunter2");
    fs::remove_file(control(&sandbox)).unwrap();
    // Nobody finds it any more: it holds its lock, and `unlock` says so instead of starting another.
    let outcome = run(&sandbox, "unlock");
    assert_eq!(outcome.code, 253);
    let stderr = outcome.stderr_text();
    let pid = lost.pid.as_raw_pid();
    let expected = format!("(AgentError): another agent runs, process {pid}, and is not heard");
    assert!(stderr.contains(&expected), "{stderr}");
    // Nor does `lock` say that all is locked.
    for lock in ["lock", "lock --all"] {
        let outcome = run(&sandbox, lock);
        assert_eq!(outcome.code, 253);
        assert!(outcome.stderr_text().contains(&expected), "{}", outcome.stderr_text());
    }
    lost.signal(Signal::TERM);
    lost.must_end();
    assert_eq!(done(&sandbox, "lock --all"), "{\n    \"Locked\": 0\n}\n");
    sandbox.unlock();
    assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"));
}

/// What a program of the same user learns that listens in the agent's place: what it is told, with the
/// vault's token, which is good as long as the vault is unlocked; and from `unlock` the vault's key.
/// Nobody but this user can be there.
#[test]
fn an_impostor_learns_what_it_is_told() {
    let sandbox = unlocked();
    let known = token(&sandbox);
    let (heard, outcome) = impersonated(&sandbox, None, || through_agent(&sandbox, super::GET));
    assert_eq!(heard.len(), 1);
    let mut members: Vec<&String> = heard[0].as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["do", "most", "op", "page", "params", "region", "token", "version"]);
    assert_eq!(heard[0]["token"], *known);
    assert_ne!(outcome.code, 0);

    // A lie is believed: it comes from this user.
    let mut lie = ask(&sandbox, get(&known, "app/db"));
    lie["ok"]["answer"]["SecretString"] = "lie".into();
    let (_, read) = impersonated(&sandbox, Some(&lie), || value(&sandbox));
    assert_eq!(read, "lie");
    // Nonsense is no answer.
    for nonsense in [json!(1), json!({}), json!({ "ok": 1, "refused": 2 }), json!({ "ok": 1 })] {
        let (_, outcome) = impersonated(&sandbox, Some(&nonsense), || run(&sandbox, super::GET));
        let stderr = outcome.stderr_text();
        let goes_on = outcome.code == 0 && outcome.stdout == b"hunter2\n";
        let is_told = outcome.code == 253 && stderr.contains("the agent's answer is not one");
        assert!(goes_on || is_told, "{nonsense}: {stderr}");
    }
    assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"));
}

#[test]
fn an_agent_of_another_version_is_told_of_and_passed_over() {
    let sandbox = unlocked();
    let other = json!({ "refused": { "kind": "version", "version": "9.9.9/1" } });
    let (_, outcome) = impersonated(&sandbox, Some(&other), || run(&sandbox, super::GET));
    assert_eq!((outcome.code, outcome.stdout_text().as_str()), (0, "hunter2\n"));
    let stderr = outcome.stderr_text();
    assert!(stderr.is_empty() || stderr.contains("9.9.9/1"), "{stderr}");
    let put = "put-secret-value --secret-id app/db --secret-string hunter3";
    let (_, outcome) = impersonated(&sandbox, Some(&other), || run(&sandbox, put));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(value(&sandbox), "hunter3");
    let (_, outcome) = impersonated(&sandbox, Some(&other), || run(&sandbox, "unlock"));
    assert_eq!(outcome.code, 253);
    let stderr = outcome.stderr_text();
    assert!(stderr.contains("(AgentError): the agent is of version 9.9.9/1"), "{stderr}");
}

/// What the programs are told to do about each other: that it locks and ends is for every version.
#[test]
fn every_version_ends_the_agent() {
    let sandbox = unlocked();
    let agent = Process::of(&sandbox);
    let status = json!({ "version": "9.9.9/1", "do": "status" });
    let refused = json!({ "refused": { "kind": "version", "version": VERSION } });
    assert_eq!(ask(&sandbox, status), refused);
    let lock = json!({ "version": "9.9.9/1", "do": "lock", "vault": null });
    assert_eq!(ask(&sandbox, lock), json!({ "ok": { "locked": 1 } }));
    agent.must_end();
}

/// Puts something where the directory is to be.
type Make = fn(&Path);

#[test]
fn a_directory_that_others_could_have_made_is_refused() {
    let make_file = |path: &Path| write(path, b"");
    let make_wide = |path: &Path| {
        make_dirs(path);
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    };
    let make_link = |path: &Path| {
        make_dirs(&path.with_file_name("elsewhere"));
        symlink("elsewhere", path).unwrap();
    };
    let make_foreign = |path: &Path| {
        make_dirs(path);
        chown(path, Some(1234), Some(1234)).unwrap();
    };
    let mut cases: Vec<(Make, &str)> = vec![
        (make_file, "is in the way"),
        (make_wide, "others may use the directory"),
        (make_link, "is in the way"),
    ];
    if getuid().is_root() {
        cases.push((make_foreign, "belongs to"));
    }
    for (make, expected) in cases {
        let sandbox = Sandbox::with_vault();
        done(&sandbox, "create-secret --name app/db --secret-string hunter2");
        let place = place(&sandbox);
        // Where all tests are run with an agent, one runs here.
        if socket(&sandbox).exists() {
            Process::of(&sandbox).kill();
        }
        fs::remove_dir_all(&place).unwrap_or_default();
        make(&place);
        let outcome = run(&sandbox, "unlock");
        let stderr = outcome.stderr_text();
        assert!(outcome.code != 0 && stderr.contains(expected), "{expected}: {stderr}");
        assert!(stderr.contains(place.to_str().unwrap()), "{stderr}");
        assert!(names_in(&place).is_empty(), "something was written there");
        assert_eq!(value(&sandbox), "hunter2");
    }
}

/// It is not asked: what belongs to another user is told nothing.
#[test]
fn the_socket_of_another_user_is_told_nothing() {
    if !getuid().is_root() {
        return println!("skipped: only root can be another user");
    }
    let Some(python) = tool("python3") else { return };
    let sandbox = unlocked();
    let apart = TempDir::below(&std::env::temp_dir());
    fs::set_permissions(apart.path(), Permissions::from_mode(0o777)).unwrap();
    let path = apart.path().join("s");
    let script = format!(
        "import os, socket\nos.setresuid(1234, 1234, 1234)\ns = socket.socket(socket.AF_UNIX)\n\
         s.bind({:?})\ns.listen()\nprint('ready', flush=True)\nheard = b''\n\
         while b'over' not in heard:\n    c, _ = s.accept()\n    heard += c.recv(65536)\n\
         print(heard, flush=True)\n",
        path.to_str().unwrap()
    );
    let foreign =
        Invocation { program: python, ..sandbox.invocation("python3", &["-c".to_owned(), script]) }
            .start();
    foreign.wait_for("ready").unwrap();
    let aside = socket(&sandbox).with_extension("aside");
    fs::rename(socket(&sandbox), &aside).unwrap();
    fs::rename(&path, socket(&sandbox)).unwrap();
    assert_eq!(value_through_agent(&sandbox), None);
    assert_eq!(value(&sandbox), "hunter2");
    drop(Over(&sandbox));
    let told = foreign.finish();
    assert_eq!(told.stdout_text(), "ready\nb'\\x00\\x00\\x00\\x04over'\n");
    fs::rename(&aside, socket(&sandbox)).unwrap();
}
